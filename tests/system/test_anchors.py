"""Figures measured on 4QAED's published tables, without DVC; test_pipeline has the one of the paper."""

import pytest

from mer import config
from mer.datasets import qaed
from mer.learn.cross_validation import cross_validate
from mer.learn.data import TrainingData
from mer.metrics import summary
from mer.runtime import parallel
from mer.splits import split
from mer.targets import labels


def test_the_svm_keeps_its_score_where_no_artist_is_on_two_sides(root, real_data):
    corpus = real_data / "4qaed_tables"
    tracks, table = qaed.tracks(corpus), qaed.published(corpus)["top100"]
    params, profile = config.read("models.svm", "profiles.paper", path=root / "params.yaml")
    data = TrainingData(
        labels.encode(tracks, "quadrant"), labels.target_of("quadrant", tracks, None), table
    )
    folds = split(tracks, "grouped", seed=1)
    trained = cross_validate(
        "svm",
        params,
        data,
        folds,
        seed=1,
        fidelity="described",
        profile=profile,
        fold_map=parallel.parallel_map,
    )
    found = summary(trained.predictions, 1)
    assert (found["n_clips"], found["n_folds"]) == (900, 100)
    assert found["f1_macro"] == pytest.approx(0.7519, abs=0.005)
