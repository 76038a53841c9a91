"""Diagnostics that leak on purpose, and only when asked to."""

import pytest

from mer.learn.hybrid import pretraining_clips
from mer.splits import split


def test_without_a_leak_pretraining_sees_the_training_clips(corpus):
    for fold in split(corpus, "cv10", seed=1, folds=5):
        assert pretraining_clips(fold, "none") == fold.train


def test_mismatched_folds_show_most_test_clips_to_the_pretraining(corpus):
    folds = split(corpus, "cv10", seed=1, folds=5)
    seen = [len(set(pretraining_clips(f, "mismatched_folds")) & set(f.test)) for f in folds]
    assert sum(seen) / len(corpus) == pytest.approx(0.8, abs=0.12)
    sizes = {len(pretraining_clips(f, "mismatched_folds")) for f in folds}
    assert max(sizes) - min(sizes) <= 1
