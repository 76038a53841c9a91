"""The inputs of networks: standardised features, and examples of clips in one segment."""

import numpy as np
import pytest
import torch

from mer.io.spectrograms import AugmentedMels, Mels
from mer.learn import tensors
from mer.learn.data import TrainingData
from mer.learn.waveforms import SegmentedWaveforms
from mer.targets.classes import Classes
from mer.types import FeatureTable

CPU = torch.device("cpu")
TARGET = Classes(("low", "high"))


def test_features_are_standardised_by_the_known_clips_and_a_constant_one_is_0(rng):
    """The deviation of 90 times 0.3 is 6e-17, by which any other value would be enormous."""
    values = np.column_stack([rng.normal(5, 2, 91), np.full(91, 0.3)])
    values[-1, 1] = 0.4
    ids = tuple(f"c{number:02d}" for number in range(91))
    data = TrainingData({}, TARGET, FeatureTable(ids, ("a", "b"), values))
    known = tensors.standardization(data, ids[:-1])
    assert values[:-1, 1].std() > 0
    found = tensors.features(data, known, ids, CPU).numpy()
    assert found[:-1, 0].mean() == pytest.approx(0, abs=1e-6)
    assert found[:-1, 0].std() == pytest.approx(1)
    assert (found[:, 1] == 0).all()


def test_a_single_segment_per_clip_is_an_example(rng):
    ids, labels, frames = ("a", "b"), {"a": 0, "b": 1}, np.full(2, 8)
    values = rng.normal(size=(2, 2, 1, 8, 4)).astype(np.float16)
    mels, copies = (
        Mels(ids, frames, values[:, 0]),
        AugmentedMels(ids, frames, values[:, 1:], ("x",)),
    )
    data = TrainingData(labels, TARGET, mel=mels, augmented=copies)
    found = tensors.examples(data, ("b",), CPU, augmented=True)
    assert np.array_equal(found, values[1, :, 0])
    heard = TrainingData(
        labels, TARGET, segmented_waveforms=SegmentedWaveforms(ids, values[:, 0, :, 0])
    )
    assert tensors.examples(heard, ids, CPU, augmented=False).shape == (2, 4)


def test_each_augmented_version_has_the_label_of_its_clip(rng):
    ids, labels, frames = ("a", "b"), {"a": 0, "b": 1}, np.full(2, 8)
    of_clip = np.array([1.0, 2.0]).reshape(2, 1, 1, 1)
    mels = Mels(ids, frames, np.broadcast_to(of_clip, (2, 1, 8, 4)).astype(np.float16))
    versions = np.broadcast_to(of_clip[:, None], (2, 3, 1, 8, 4)).astype(np.float16)
    data = TrainingData(
        labels, TARGET, mel=mels, augmented=AugmentedMels(ids, frames, versions, ("x", "y", "z"))
    )
    found = tensors.examples(data, ids, CPU, augmented=True)[:, 0, 0]
    wanted = tensors.targets(data, ids, CPU, augmented=True)
    assert len(found) == 8
    assert torch.equal(found.float(), wanted.float() + 1)
