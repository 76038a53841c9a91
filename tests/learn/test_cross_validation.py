"""What a fold must have for a training."""

import pytest

from conftest import profile_of
from mer import parallel
from mer.errors import MerError
from mer.learn.cross_validation import cross_validate
from mer.learn.data import TrainingData
from mer.targets.classes import Classes
from mer.types import QUADRANTS, Fold


def test_training_clips_of_one_class_are_refused_with_the_remedy():
    data = TrainingData({"a": 2, "b": 2, "c": 0}, Classes(QUADRANTS))
    with pytest.raises(MerError, match=r"not of Q3 alone; label songs of other classes, or take"):
        cross_validate(
            "svm",
            None,
            data,
            [Fold(0, 0, ("a", "b"), (), ("c",))],
            seed=1,
            fidelity="described",
            profile=profile_of(),
            fold_map=parallel.parallel_map,
        )
