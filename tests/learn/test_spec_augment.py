"""SpecAugment's masks: where they are, when they are drawn, and who sees them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import ROOT, profile_of
from mer import config, registry
from mer.errors import MerError
from mer.io.spectrograms import Mels
from mer.learn import loop, trained_network
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.spec_augment import SpecAugment
from mer.learn.trainers import supervised
from mer.schema.training import TrainingConfig
from mer.targets.classes import Classes
from mer.types import Fold

SHAPE = (96, 64)
STEP = TrainingConfig(
    optimizer="sgd", lr=0.01, batch_size=4, max_epochs=2, smoke_test_epochs=2, stop_accuracy=None
)
WHOLE = profile_of()


@pytest.fixture(scope="module")
def masks():
    """Those of params.yaml: 2 of less than 64 frames, 2 of less than 8 bands."""
    (policy,) = config.read("policies.spec_augment", path=ROOT / "params.yaml")
    return policy.spec_augment


@pytest.fixture
def mel(rng):
    return torch.from_numpy(rng.normal(-40, 10, (500, *SHAPE)).astype(np.float16))


def looked_at(masked):
    """All examples, and which of their values are hidden."""
    everything = torch.arange(len(masked))
    seen = masked[everything]
    return seen, seen != masked.mel.float()


def test_whole_frames_and_whole_bands_are_hidden(mel, masks):
    torch.manual_seed(0)
    _, hidden = looked_at(SpecAugment(mel, masks))
    frames, bands = hidden.all(2), hidden.all(1)
    assert torch.equal(hidden, frames[:, :, None] | bands[:, None, :])
    for lines, most in ((frames, 64), (bands, 8)):
        runs = (torch.nn.functional.pad(lines.int(), (1, 0)).diff(dim=1) == 1).sum(1)
        assert runs.max() == masks.n_masks == 2
        assert lines.sum(1).max() <= 2 * (most - 1)
        assert lines.any(0)[:-1].all()  # each place is hidden once


def test_masks_as_long_as_a_spectrogram_are_refused(masks):
    with pytest.raises(MerError, match=r"43 frames x 64 mels, not up to 64 x 8; lower them"):
        SpecAugment(torch.zeros(5, 43, 64), masks)


def test_the_mean_of_each_band_is_shown_instead(mel, masks):
    mel = mel + torch.arange(SHAPE[1])
    masked = SpecAugment(mel, masks)
    seen, hidden = looked_at(masked)
    expected = mel.float().mean((0, 1)).expand_as(seen)
    assert torch.allclose(seen[hidden], expected[hidden], atol=0.01)


def test_stripes_are_others_at_every_look_and_the_same_for_a_seed(mel, masks):
    masked = SpecAugment(mel, masks)
    found = []
    for _ in range(2):
        torch.manual_seed(7)
        found.append([looked_at(masked)[1] for _ in range(2)])
    assert not torch.equal(*found[0])
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


@pytest.fixture
def data(rng, masks):
    """16 spectrograms of two classes."""
    ids = tuple(f"c{i:02d}" for i in range(16))
    values = rng.normal(-40, 10, (16, *SHAPE))
    values[1::2] += 10
    mels = Mels(ids, np.full(16, SHAPE[0]), values.astype(np.float16))
    labels = {id_: number % 2 for number, id_ in enumerate(ids)}
    return TrainingData(labels, Classes(("low", "high")), mel=mels, spec_augment=masks)


def trained(data, monkeypatch):
    """What a training of the CNN leaves, and all that the network was shown, in order."""
    seen = []

    def forward(called, inputs, rows):
        batch = [x[rows].float() for x in inputs]
        seen.append((called.training, batch[0]))
        return called(*batch).float()

    for module in (loop, trained_network):
        monkeypatch.setattr(module, "forward", forward)
    (params,) = config.read("models.cnn", path=ROOT / "params.yaml")
    ids = data.mel.ids
    context = FoldContext(
        registry.get("models", "cnn"),
        params.model_copy(update={"training": STEP}),
        Fold(0, 0, ids[:12], (), ids[12:]),
        seed=1,
        fidelity="described",
        profile=WHOLE,
    )
    return supervised.fit_predict(context, data), seen


def is_among(example, data):
    return any((example.numpy() == mel).all() for mel in data.mel.values)


def test_only_the_training_sees_stripes(data, monkeypatch):
    """Neither the batch norms' final statistics nor predictions are taken from masked spectrograms."""
    data = replace(data, spec_augment=data.spec_augment.model_copy(update={"n_masks": 8}))
    _, seen = trained(data, monkeypatch)
    steps = 2 * 3
    assert [training for training, _ in seen[:steps]] == [True] * steps
    assert not any(is_among(example, data) for _, batch in seen[:steps] for example in batch)
    assert len(seen) > steps + 1
    assert all(is_among(example, data) for _, batch in seen[steps:] for example in batch)


def test_a_training_is_the_same_for_a_seed_and_another_without_stripes(data, monkeypatch):
    first, again, without = (
        trained(m, monkeypatch)[0].to_arrays()[0]
        for m in (data, data, replace(data, spec_augment=None))
    )
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["curve.0"], without["curve.0"])
