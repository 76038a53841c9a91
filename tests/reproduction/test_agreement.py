"""mer.reproduction.feature_agreement: rank correlations of extracted with published columns."""

import json

import numpy as np
import pytest

from mer.errors import MerError
from mer.features._panda_catalogue import catalogue
from mer.io import artefacts
from mer.io.feature_tables import write_features
from mer.reproduction.feature_agreement import compare, correlations
from mer.types import FeatureTable

NAMES = tuple(list(catalogue())[:3])
IDS = tuple("abcdefgh")


def table(values, ids=IDS, source="extracted"):
    return FeatureTable(ids, NAMES, np.asarray(values, float), {"source": source})


@pytest.fixture
def both(rng):
    ours = rng.standard_normal((8, 3))
    theirs = np.column_stack([np.exp(ours[:, 0]), -ours[:, 1], np.ones(8)])
    return table(ours), table(theirs, source="published")


def test_a_rising_map_correlates_1_a_falling_one_minus_1_a_constant_0(both):
    found = correlations(*both)
    assert found["spearman"].tolist() == [1, -1, 0]
    assert found["column"].tolist() == list(NAMES)
    assert found["grade"].tolist() == [catalogue()[name].grade for name in NAMES]


def test_medians_and_zeros_of_both_sides_are_given(both):
    ours, theirs = both
    halved = theirs.values.copy()
    halved[:4, 0] = 0
    found = correlations(ours, table(halved, source="published")).iloc[0]
    assert (found["ours_zeros"], found["published_zeros"]) == (0, 0.5)
    assert found["published_median"] == pytest.approx(np.median(halved[4:, 0]), abs=1e-4)
    assert found["ours_median"] == pytest.approx(np.median(ours.values[:, 0]), abs=1e-4)


def test_clips_are_joined_by_id(both):
    ours, theirs = both
    turned = table(theirs.values[::-1], IDS[::-1], "published")
    assert correlations(ours, turned).equals(correlations(ours, theirs))


def test_too_few_common_clips_are_refused(both):
    ours, theirs = both
    few = table(theirs.values[:2], IDS[:2], "published")
    with pytest.raises(MerError, match=r"at least 3 clips .* not 2 and 3"):
        correlations(ours, few)


def test_medians_by_grade_and_every_column_are_written(both, tmp_path):
    folders = [tmp_path / "ours/x", tmp_path / "theirs/x"]
    for folder, features in zip(folders, both, strict=True):
        folder.mkdir(parents=True)
        write_features(folder / "features.parquet", features)
        artefacts.write_manifest(folder)
    compare(*folders, tmp_path / "found.json", tmp_path / "plot.csv")
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["n_clips"], found["median"]) == (8, 0)
    assert found["column"] == dict(zip(NAMES, [1, -1, 0], strict=True))
    assert list(found["worst"]) == [NAMES[1], NAMES[2], NAMES[0]]
    assert found["worst"][NAMES[2]]["published_median"] == 1
    assert sum(group["n_columns"] for group in found["grade"].values()) == 3
    lines = (tmp_path / "plot.csv").read_text().splitlines()
    assert lines[1].startswith(f"{NAMES[1]},")


def test_the_clips_that_both_tables_have_are_counted(both, tmp_path):
    ours, theirs = both
    folders = [tmp_path / "ours/x", tmp_path / "theirs/x"]
    for folder, features in zip(folders, (ours, table(theirs.values[2:], IDS[2:])), strict=True):
        folder.mkdir(parents=True)
        write_features(folder / "features.parquet", features)
        artefacts.write_manifest(folder)
    compare(*folders, tmp_path / "found.json", tmp_path / "plot.csv")
    assert json.loads((tmp_path / "found.json").read_text())["n_clips"] == 6


def test_an_absent_table_is_named(both, tmp_path):
    for name in ("ours", "theirs"):
        artefacts.write_absent(tmp_path / name, "no audio")
    with pytest.raises(MerError, match="no audio"):
        compare(tmp_path / "ours", tmp_path / "theirs", tmp_path / "f.json", tmp_path / "p.csv")
