"""mer.pipeline.crossed_corpora: a network that is trained further never saw the recordings of its test."""

import pytest

from mer.errors import MerError
from mer.io.files import write_json
from mer.pipeline import crossed_corpora
from mer.types import Fold

FOLDS = [Fold(0, 0, ("a", "b"), ("c",), ("d",)), Fold(0, 1, ("c", "d"), (), ("a", "b"))]
DIGESTS = {"a": ["file a", "samples a"], "b": ["file b"], "c": ["file c"], "d": ["file d"]}


@pytest.fixture
def parent(tmp_path):
    (tmp_path / "parent").mkdir()
    write_json(tmp_path / "parent" / crossed_corpora.TRAINED_ON, ["file x", "samples y"])
    return tmp_path / "parent"


def test_a_network_has_seen_the_training_and_validation_clips_of_its_fold_and_those_of_its_parent(
    parent,
):
    own = ["file a", "file b", "file c", "samples a"]
    assert crossed_corpora.known_digests(FOLDS[0], DIGESTS, None) == own
    seen = crossed_corpora.known_digests(FOLDS[0], DIGESTS, parent)
    assert seen == sorted([*own, "file x", "samples y"])


def test_a_clip_without_a_file_is_known_by_nobody():
    assert crossed_corpora.known_digests(FOLDS[0], {}, None) == []


@pytest.mark.parametrize("digest", ["file x", "samples y"])
def test_a_test_clip_that_the_parent_was_trained_on_is_refused(parent, digest):
    crossed_corpora.check_parent(parent, FOLDS, DIGESTS)
    with pytest.raises(
        MerError,
        match="must be new to the network of the parent 'parent', which was trained on the recording of "
        "'b'; remove the clip, or go on from another run",
    ):
        crossed_corpora.check_parent(parent, FOLDS, {**DIGESTS, "b": ["other", digest]})


def test_a_parent_without_the_list_of_its_recordings_is_to_be_made_again(parent):
    (parent / crossed_corpora.TRAINED_ON).unlink()
    with pytest.raises(MerError, match=r"trained_on\.json must be a JSON file .*; run `dvc repro`"):
        crossed_corpora.check_parent(parent, FOLDS, DIGESTS)
