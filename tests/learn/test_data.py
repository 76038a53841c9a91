"""What a training gets: the parts of a policy that its model applies, and the strata of its clips."""

from dataclasses import replace

import numpy as np
import pytest

from mer.errors import AbsentError
from mer.io import artefacts
from mer.learn import data
from mer.learn.data import TrainingData
from mer.schema.augmentation import Masking, Noise, Policy, SpectrogramMasks, Synthesis
from mer.selection import Selection
from mer.targets.classes import Classes
from mer.types import QUADRANTS, FeatureTable, Track

TRACKS = [Track(f"clip {n}", q) for n, q in enumerate(QUADRANTS * 2)]
BARE = TrainingData({"a": 0}, Classes(QUADRANTS))
PARTS = ("augmented", "synthesis", "oversampling", "masking", "spec_augment")
POLICY = Policy.model_construct(
    versions={"louder": ()},
    synthesis=Synthesis.model_construct(),
    oversampling=Noise.model_construct(),
    masking=Masking.model_construct(),
    spec_augment=SpectrogramMasks.model_construct(),
    leak="before_split",
)


@pytest.fixture
def gathered(monkeypatch):
    """The data of a model under a policy with all parts; the artefacts are not on disk."""
    monkeypatch.setattr(data, "read", lambda *_: BARE)
    monkeypatch.setattr(data, "_present", lambda folder, _: folder)
    monkeypatch.setattr(data.AugmentedMels, "read", lambda folder: folder)

    def of(model, tracks=TRACKS, target="quadrant", policy=POLICY):
        monkeypatch.setattr(data, "read_tracks", lambda _: tracks)
        monkeypatch.setattr(data, "_groups", lambda *_: {})
        chosen = Selection(model, "songs", target, "mel", "f", "all", "cv10", "described", "p", 1)
        return data.gather(chosen, None, policy)

    return of


@pytest.mark.parametrize(
    ("model", "applied"),
    [
        ("cnn", {"augmented", "synthesis", "spec_augment"}),
        ("hybrid", {"augmented"}),
        ("svm", {"oversampling"}),
        ("ae_bilstm", {"masking"}),
        ("sample_cnn", set()),
    ],
)
def test_a_training_gets_the_parts_of_the_policy_that_its_model_applies(gathered, model, applied):
    found = gathered(model)
    assert {part for part in PARTS if getattr(found, part) is not None} == applied
    assert found.is_augmented is bool(applied)
    assert found.leak == "before_split"


def test_a_policy_without_a_part_augments_nothing(gathered):
    assert not gathered("cnn", policy=Policy()).is_augmented


@pytest.mark.parametrize("part", PARTS)
def test_each_part_alone_augments_a_training(part):
    assert replace(BARE, **{part: object()}).is_augmented


def test_every_target_of_a_corpus_takes_its_validation_part_by_quadrant(gathered):
    quadrants = {track.id: QUADRANTS.index(track.quadrant) for track in TRACKS}
    assert gathered("cnn").strata == gathered("cnn", target="arousal").strata == quadrants


def test_a_corpus_that_lacks_a_quadrant_takes_its_validation_part_by_class(gathered):
    labelled = [replace(track, label="waltz") for track in TRACKS]
    some = [replace(labelled[0], quadrant="", label="tango"), *labelled[1:]]
    assert gathered("cnn", some, "label").strata == {t.id: int(t is not some[0]) for t in some}


def test_the_clips_of_a_merged_corpus_know_their_member(gathered):
    merged = [replace(track, source="one") for track in TRACKS]
    assert gathered("mlp", merged).sources == {track.id: "one" for track in TRACKS}
    assert gathered("mlp").sources is None


def test_columns_are_selected_where_some_are_named():
    whole = replace(BARE, table=FeatureTable(("a",), ("x", "y", "z"), np.array([[1.0, 2.0, 3.0]])))
    assert whole.with_columns(["z", "x"]).table.names == ("z", "x")
    assert whole.with_columns(None) is whole
    assert BARE.with_columns(["z"]) is BARE


def test_an_absent_input_is_refused_with_its_reason(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    chosen = Selection("cnn", "songs", "quadrant", "m", "f", "none", "cv10", "described", "p", 1)
    artefacts.write_absent(chosen.folder("mel"), "no audio")
    with pytest.raises(AbsentError, match=r"'cnn' reads .*songs, which is absent: no audio"):
        data.read(chosen, None, data.EVERY_COLUMN, ("spectrogram",))
