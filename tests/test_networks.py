"""What the papers say of each network: shapes, parameters, steps; and how the loop behaves."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from mer import config, registry
from mer.device import device
from mer.errors import MerError
from mer.layers import MaxPoolSame, he_normal
from mer.learn import loop
from mer.learn.network import weights
from mer.recipe import Recipe

PAPER = (942, 128)
SMALL = (128, 128)
STEP = Recipe(optimizer="sgd", lr=0.01, batch=8, epochs=30, short_epochs=1, stop_accuracy=None)


def trainable(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def cnn(shape=SMALL):
    module = registry.get("models", "cnn")
    torch.manual_seed(0)
    return module.build(None, shape=shape, classes=4)


def hybrid(shape=SMALL, features=20):
    module = registry.get("models", "hybrid")
    torch.manual_seed(0)
    dnn, branch, fusion = module.build(None, shape=shape, features=features, classes=4)
    return dnn, branch, fusion(branch, dnn, 4)


@pytest.fixture
def batch():
    torch.manual_seed(1)
    y = torch.arange(8) % 4
    x = torch.randn(8, *SMALL) + y.float()[:, None, None]
    return x, y


def test_cnn_has_the_published_parameters():
    assert trainable(cnn(PAPER)) == 621_264


def test_hybrid_has_the_published_parameters():
    dnn, branch, fusion = hybrid(PAPER, features=1714)
    frozen = sum(p.numel() for p in dnn.hidden.parameters())
    assert frozen + trainable(dnn.logits) == 1_041_732
    assert trainable(branch) == 621_296
    assert trainable(fusion.classifier) == 101_504


def test_convolutions_have_the_published_shapes():
    shapes, maps = [], torch.zeros(1, 1, *PAPER)
    for layer in cnn(PAPER).convolutions:
        maps = layer(maps)
        if isinstance(layer, nn.Conv2d | MaxPoolSame):
            shapes.append(tuple(maps.shape[1:]))
    assert shapes == [
        (16, 938, 124),
        (16, 469, 62),
        (16, 465, 58),
        (16, 233, 29),
        (16, 229, 25),
        (16, 77, 13),
        (16, 73, 9),
        (16, 25, 5),
    ]
    assert maps.shape == (1, 2000)


@pytest.mark.parametrize("length", [8, 9, 10, 229, 73])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_same_pooling_pads_before_and_after(length, size):
    x = torch.randn(1, 1, length, 1)
    total = (-(-length // size) - 1) * size + size - length
    padded = nn.functional.pad(x, (0, 0, total // 2, total - total // 2), value=-torch.inf)
    expected = nn.functional.max_pool2d(padded, (size, 1))
    assert torch.equal(MaxPoolSame((size, 1))(x), expected)


def test_he_normal_has_its_variance_and_is_cut():
    layer = nn.Linear(400, 500)
    torch.manual_seed(0)
    he_normal([layer])
    assert layer.weight.std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert layer.weight.abs().max() <= 2 * (2 / 400) ** 0.5 / 0.8796
    assert not layer.bias.any()


@pytest.mark.parametrize("kind", ["cnn", "fusion"])
def test_a_step_lowers_the_loss_and_eight_clips_are_learnt(batch, kind):
    x, y = batch
    table = torch.nn.functional.one_hot(y, 20).float()
    network, inputs = (cnn(), [x]) if kind == "cnn" else (hybrid()[2], [x, table])
    curve = loop.fit(network, inputs, y, STEP, seed=1)
    assert curve[-1, 0] < curve[0, 0] / 2
    loop.settle(network, inputs)
    assert (loop.predict(network, inputs).argmax(1) == y.numpy()).all()


@pytest.mark.parametrize("size", [1, 7, 64])
def test_predictions_do_not_depend_on_the_batch(batch, size):
    x = torch.cat([batch[0]] * 9)
    network = cnn()
    expected = loop.predict(network, [x])
    assert loop.predict(network, [x], batch=size) == pytest.approx(expected, abs=1e-5)


def test_same_seed_same_training(batch):
    x, y = batch
    curves = [loop.fit(cnn(), [x], y, STEP, seed=seed) for seed in (1, 1, 2)]
    assert (curves[0] == curves[1]).all()
    assert (curves[0] != curves[2]).any()


def test_training_stops_at_the_accuracy(batch):
    x, y = batch
    stopping = STEP.model_copy(update={"stop_accuracy": 0.5})
    curve = loop.fit(cnn(), [x], y, stopping, seed=1)
    assert len(curve) < STEP.epochs
    assert curve[-1, 1] >= 0.5 > curve[:-1, 1].max(initial=0)


def test_settled_norms_have_the_statistics_of_the_examples(batch):
    x, y = batch
    network = cnn()
    loop.fit(network, [x], y, STEP.model_copy(update={"epochs": 1}), seed=1)
    first = network.convolutions[0]
    norm = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    pooled = torch.relu(network.convolutions[1](first(x.unsqueeze(1))))
    assert not torch.allclose(norm.running_mean, pooled.mean((0, 2, 3)), rtol=0.05)
    loop.settle(network, [x])
    assert torch.allclose(norm.running_mean, pooled.mean((0, 2, 3)), rtol=1e-4)


def test_the_frozen_branch_stays_as_it_was(batch):
    x, y = batch
    dnn, branch, fusion = hybrid()
    before = {k: v.clone() for k, v in dnn.hidden.state_dict().items()}
    moving = branch.hidden[1].weight.clone()
    table = torch.randn(8, 20)
    loop.fit(fusion, [x, table], y, STEP.model_copy(update={"epochs": 2}), seed=1)
    loop.settle(fusion, [x, table])
    assert all(torch.equal(v, before[k]) for k, v in dnn.hidden.state_dict().items())
    assert not torch.equal(branch.hidden[1].weight, moving)


def test_no_batch_of_one():
    assert [len(b) for b in loop._batches(torch.arange(17), 8)] == [8, 9]
    assert [len(b) for b in loop._batches(torch.arange(1), 8)] == [1]


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:99"])
def test_a_device_that_is_not_there_is_named(monkeypatch, name):
    monkeypatch.setenv("MER_DEVICE", name)
    with pytest.raises(MerError, match=f"MER_DEVICE.*{name}"):
        device()


def test_recipes_are_the_published(root):
    (params,) = config.read("models.hybrid", path=root / "params.yaml")
    found = {
        phase: (r.optimizer, r.lr, r.batch, r.epochs, r.stop_accuracy)
        for phase, r in ((p, getattr(params, p)) for p in ("pretraining", "fusion"))
    }
    assert found == {
        "pretraining": ("adam", 0.005, 120, 450, 0.9),
        "fusion": ("sgd", 0.01, 300, 100, 0.9),
    }
    (params,) = config.read("models.cnn", path=root / "params.yaml")
    assert (params.training.lr, params.training.batch, params.training.epochs) == (0.01, 150, 200)


def test_weights_come_back(tmp_path, batch):
    network, other = cnn(), cnn().to(memory_format=torch.channels_last)
    loop.fit(network, [batch[0]], batch[1], STEP.model_copy(update={"epochs": 1}), seed=1)
    arrays = {k.removeprefix("weights."): v for k, v in weights(network).items()}
    save_file(arrays, tmp_path / "w.safetensors")
    expected = loop.predict(network, [batch[0]])
    assert not np.allclose(loop.predict(other, [batch[0]]), expected, atol=1e-3)
    loaded = {k: torch.from_numpy(v) for k, v in load_file(tmp_path / "w.safetensors").items()}
    other.load_state_dict(loaded)
    assert np.array_equal(loop.predict(other, [batch[0]]), expected)
