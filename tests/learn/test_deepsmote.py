"""The autoencoder of whole spectrograms, and what is synthesised in the space of its codes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from conftest import profile_of
from mer.io.spectrograms import Mels
from mer.learn import deepsmote
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.reconstruction import train
from mer.learn.trainers import supervised
from mer.models import cnn
from mer.networks.autoencoder import Autoencoder, Scale, code_shape, codes
from mer.schema.augmentation import Synthesis
from mer.schema.training import TrainingConfig
from mer.targets.classes import Classes
from mer.types import Fold

CONFIG = TrainingConfig(
    optimizer="adam", lr=2e-3, batch_size=4, max_epochs=8, smoke_test_epochs=1, stop_accuracy=None
)
SYNTHESIS = Synthesis(method="smote", samples_per_class=3, k_neighbors=2, training=CONFIG)
PROFILE = profile_of()


@pytest.fixture
def mel(rng):
    """Two classes of 48 x 32: loud low bands, loud high bands."""
    maps = rng.normal(-40, 2, (12, 48, 32))
    maps[:6, :, :16] += 30
    maps[6:, :, 16:] += 30
    return torch.from_numpy(maps.astype(np.float16))


def test_the_published_size():
    network = Autoencoder()
    assert sum(p.numel() for p in network.parameters()) == 948_481
    assert code_shape((942, 128)) == (128, 59, 8)
    with torch.no_grad():
        assert network.encode(torch.zeros(1, 942, 128)).shape == (1, 128, 59, 8)
        assert network(torch.zeros(1, 942, 128)).shape == (1, 942, 128)


def test_transposed_convolutions_are_those_of_keras():
    """Full transposed convolution, one row and column less before, two behind."""
    layer = Autoencoder().up[1]
    nn.init.normal_(layer.bias)
    x = torch.randn(1, 128, 5, 4)
    full = functional.conv_transpose2d(x, layer.weight, layer.bias, stride=2)
    found = functional.pixel_shuffle(layer(x), 2)
    torch.testing.assert_close(found, full[..., 1:-2, 1:-2], rtol=1e-4, atol=1e-5)


def test_the_last_convolution_reads_blocks_of_its_maps():
    layer = Autoencoder().last
    nn.init.normal_(layer.bias)
    x = torch.randn(2, 16, 6, 8)
    full = functional.conv2d(x, layer.weight, layer.bias, padding=2)
    found = layer(functional.pixel_unshuffle(x, 2))
    torch.testing.assert_close(found, full[:, 0], rtol=1e-4, atol=1e-5)


def test_scaling_maps_each_clip_to_its_own_range_and_back_to_the_mean_one(mel):
    scale = Scale(mel)
    scaled = scale.transform(mel)
    assert scaled.dtype == torch.float16
    assert scaled.amax((1, 2)).float().numpy() == pytest.approx(1, abs=2e-3)
    assert scaled.amin((1, 2)).float().numpy() == pytest.approx(-1, abs=2e-3)
    back = scale.to_mean_range(torch.tensor([-1.0, 1.0]))
    assert back[0] == pytest.approx(mel.amin((1, 2)).float().mean().item(), abs=0.05)
    assert back[1] == pytest.approx(mel.amax((1, 2)).float().mean().item(), abs=0.05)


def test_a_silent_clip_can_be_scaled():
    assert torch.isfinite(Scale(torch.full((1, 4, 4), -80.0)).transform(torch.zeros(1, 4, 4))).all()


def test_training_lowers_the_error_and_codes_do_not_depend_on_the_batch(mel):
    scaled = Scale(mel).transform(mel)
    net, phase = train(scaled, CONFIG, "synthesis", position=0, seed=1)
    curve = phase.curve
    assert curve[-1, 0] < 0.7 * curve[0, 0]
    assert np.isnan(curve[:, 1]).all()
    together, alone = codes(net, scaled), codes(net, scaled[3:4])
    assert together.shape == (12, 128 * 3 * 2)
    assert together[3] == pytest.approx(alone[0], abs=1e-5)


def test_synthetic_clips_are_of_their_class(mel):
    y = torch.tensor([0] * 6 + [1] * 6)
    found, classes, _ = deepsmote.synthesise(mel, y, SYNTHESIS, PROFILE, seed=1)
    assert classes.tolist() == [0] * 3 + [1] * 3
    assert found.shape == (6, 48, 32)
    low, high = found[..., :16].float().mean((1, 2)), found[..., 16:].float().mean((1, 2))
    assert ((low > high) == (classes == 0)).all()
    assert found.float().mean() == pytest.approx(mel.float().mean(), abs=10)  # dB
    again = deepsmote.synthesise(mel, y, SYNTHESIS, PROFILE, seed=1)[0]
    assert torch.equal(found, again)


def test_a_fold_synthesises_from_its_training_clips_only(mel, monkeypatch):
    ids = tuple("abcdefghijkl")
    labels = {id_: i // 6 for i, id_ in enumerate(ids)}
    mels = Mels(ids, np.full(12, 48), mel.repeat(1, 2, 3).numpy())
    data = TrainingData(labels, Classes(("low", "high")), mel=mels, synthesis=SYNTHESIS)
    seen = []
    original = deepsmote.synthesise
    monkeypatch.setattr(
        deepsmote, "synthesise", lambda x, *rest, **k: seen.append(x) or original(x, *rest, **k)
    )
    fold = Fold(0, 0, ids[:4] + ids[6:10], (), ids[4:6] + ids[10:])
    params = cnn.Params(search="none", training=CONFIG.model_copy(update={"max_epochs": 1}))
    context = FoldContext(cnn, params, fold, 1, "described", PROFILE)
    found = supervised.fit_predict(context, data)
    assert torch.equal(seen[0], torch.from_numpy(mels.rows(fold.train)))
    assert [phase.label for phase in found.phases] == ["0_synthesis", "1_training"]
    assert found.phases[0].epochs == CONFIG.max_epochs
    plain = supervised.fit_predict(context, replace(data, synthesis=None))
    assert not np.array_equal(found.predicted, plain.predicted)


def test_weights_start_as_those_of_keras():
    """Glorot-uniform reaches its bound in layers as large as these, and biases are 0."""
    for layer in Autoencoder().modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            taps = layer.kernel_size[0] * layer.kernel_size[1]
            bound = (6 / (taps * (layer.in_channels + layer.out_channels))) ** 0.5
            assert 0.95 * bound < float(layer.weight.detach().abs().max()) <= bound
            assert not layer.bias.any()
