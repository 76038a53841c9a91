"""What the papers say of each network: shapes, parameters, steps; and how the loop behaves."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from conftest import ROOT
from mer import config, registry
from mer.errors import MerError
from mer.learn import forward, loop, trained_network
from mer.networks.layers import (
    GRU,
    Dropout,
    MaxPoolSame,
    batch_norm_1d,
    batch_norm_2d,
    he_normal,
)
from mer.runtime.device import device
from mer.schema.training import TrainingConfig
from mer.targets.classes import Classes
from mer.types import QUADRANTS

FOUR = Classes(QUADRANTS)
PAPER = (942, 128)
SMALL = (128, 96)
NETWORKS = {
    "cnn": ("cnn", {}),
    "cnn_gru": ("cnn_gru", {"sequence": "single"}),
    "cnn_gru_frames": ("cnn_gru", {"sequence": "frames"}),
    "crnn": ("crnn", {}),
}
STEP = TrainingConfig(
    optimizer="sgd", lr=0.01, batch_size=8, max_epochs=30, smoke_test_epochs=1, stop_accuracy=None
)


def trainable(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def build(name, shape=SMALL):
    """An untrained network of ``NETWORKS``, as params.yaml has it."""
    model, changes = NETWORKS[name]
    (params,) = config.read(f"models.{model}", path=ROOT / "params.yaml")
    torch.manual_seed(0)
    return registry.get("models", model).build(
        params.model_copy(update=changes), shape=shape, outputs=4
    )


def hybrid(shape=SMALL, features=20):
    module = registry.get("models", "hybrid")
    torch.manual_seed(0)
    dnn, branch, fusion = module.build(None, shape=shape, features=features, outputs=4)
    return dnn, branch, fusion(branch, dnn, 4)


@pytest.fixture
def batch():
    torch.manual_seed(1)
    y = torch.arange(8) % 4
    x = torch.randn(8, *SMALL) + y.float()[:, None, None]
    return x, y


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("cnn", 621_264),
        ("cnn_gru", 48_666_939),
        ("cnn_gru_frames", 144_699),  # 19 760 + 2 GRUs of 38 880 + 24 300 + 22 575 + 304
        ("crnn", 392_582),
    ],
)
def test_a_network_has_the_published_parameters(name, parameters):
    with torch.device("meta"):
        assert trainable(build(name, PAPER)) == parameters


def test_hybrid_has_the_published_parameters():
    dnn, branch, fusion = hybrid(PAPER, features=1714)
    frozen = sum(p.numel() for p in dnn.hidden.parameters())
    assert frozen + trainable(dnn.logits) == 1_041_732
    assert trainable(branch) == 621_296
    assert trainable(fusion.classifier) == 101_504


def shapes(name, kinds):
    """Shapes [c, t, f] that the layers of these kinds give."""
    found, convolutions = [], build(name, PAPER).convolutions.eval()
    for layer in convolutions.modules():
        if isinstance(layer, kinds):
            layer.register_forward_hook(lambda _, __, maps: found.append(tuple(maps.shape[1:])))
    convolutions(torch.zeros(1, 1, *PAPER))
    return found


def test_convolutions_of_the_cnn_have_the_published_shapes():
    assert shapes("cnn", (nn.Conv2d, MaxPoolSame, nn.Flatten)) == [
        (16, 938, 124),
        (16, 469, 62),
        (16, 465, 58),
        (16, 233, 29),
        (16, 229, 25),
        (16, 77, 13),
        (16, 73, 9),
        (16, 25, 5),
        (2000,),
    ]


def test_convolutions_of_the_crnn_have_the_published_shapes():
    assert shapes("crnn", (nn.Conv2d, nn.MaxPool2d)) == [
        (64, 942, 128),
        (64, 471, 64),
        (128, 471, 64),
        (128, 157, 21),
        (128, 157, 21),
        (128, 39, 5),
        (128, 39, 5),
        (128, 9, 1),
    ]


@pytest.mark.parametrize(("name", "sequence"), [("cnn_gru_frames", (25, 80)), ("crnn", (9, 128))])
def test_grus_read_a_step_per_frame_of_the_maps(name, sequence):
    """The steps are in the order of time, each with all that belongs to its frame."""
    network, read = build(name, PAPER).eval(), []
    network.recurrent.register_forward_pre_hook(lambda _, given: read.append(given[0][0]))
    x = torch.randn(1, *PAPER)
    later = x.clone()
    later[:, PAPER[0] * 2 // 3 :] += 5
    with torch.no_grad():
        network(x), network(later)
    assert read[0].shape == sequence
    changed = (read[0] != read[1]).any(1)
    assert changed.tolist() == sorted(changed.tolist())
    assert 0.5 < 1 - changed.float().mean().item() < 0.7


@pytest.mark.parametrize("name", ["cnn", "crnn"])
def test_a_spectrogram_that_is_too_small_is_refused(name):
    with pytest.raises(MerError, match=r"48 frames x 40 mels are too small.*choose a view"):
        build(name, (48, 40))


@pytest.mark.parametrize("length", [8, 9, 10, 229, 73])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_same_pooling_pads_before_and_after(length, size):
    x = torch.randn(1, 1, length, 1)
    total = (-(-length // size) - 1) * size + size - length
    padded = nn.functional.pad(x, (0, 0, total // 2, total - total // 2), value=-torch.inf)
    expected = nn.functional.max_pool2d(padded, (size, 1))
    assert torch.equal(MaxPoolSame((size, 1))(x), expected)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(p):
    torch.manual_seed(0)
    dropped = Dropout(p)(torch.ones(1_000_003))
    assert (dropped == 0).float().mean().item() == pytest.approx(p, abs=2e-3)
    assert dropped.double().mean().item() == pytest.approx(1, abs=5e-3)
    (kept,) = dropped[dropped != 0].unique().tolist()
    assert kept * (1 - round(p * 2**16) / 2**16) == pytest.approx(1, abs=1e-6)


def test_dropout_decides_on_each_value_by_itself():
    """Four neighbours share a random word; rows of maps and channels must not share a fate."""
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(100_000, 8)) != 0).double()
    assert kept.mean(0).numpy() == pytest.approx(0.5, abs=0.01)
    assert torch.corrcoef(kept.T).numpy() == pytest.approx(np.eye(8), abs=0.015)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_dropout_keeps_the_layout_and_hands_the_gradient_through_its_mask(layout):
    x = torch.randn(3, 5, 7, 2).to(memory_format=layout).requires_grad_()
    y = Dropout(0.3)(x)
    assert y.stride() == x.stride()
    y.sum().backward()
    assert torch.equal(y, x * x.grad)
    assert set(x.grad.unique().tolist()) == {0, np.float32(2**16 / (2**16 - round(0.3 * 2**16)))}


def test_dropout_takes_a_slice():
    sequence = torch.ones(6, 4, 32)
    assert Dropout(0.5)(sequence[:, -1]).shape == (6, 32)
    assert (sequence == 1).all()


def test_dropout_repeats_its_draws_and_rests_in_evaluation():
    layer, x = Dropout(0.5), torch.randn(4, 33)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(layer(x))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(layer.eval()(x), x)


def test_he_normal_has_its_variance_and_is_cut():
    layer = nn.Linear(400, 500)
    torch.manual_seed(0)
    he_normal([layer])
    assert layer.weight.std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert layer.weight.abs().max() <= 2 * (2 / 400) ** 0.5 / 0.8796
    assert not layer.bias.any()


def keras_gru(x, kernel, recurrent, biases):
    """Keras' GRU with ``reset_after``, gates z, r, h; the states of each step."""
    units = recurrent.shape[0]
    state, states = np.zeros(units), []
    for step in x:
        given = np.split(step @ kernel + biases[0], 3)
        kept = np.split(state @ recurrent + biases[1], 3)
        z, r = (1 / (1 + np.exp(-(a + b))) for a, b in zip(given[:2], kept[:2], strict=True))
        state = z * state + (1 - z) * np.tanh(given[2] + r * kept[2])
        states.append(state)
    return np.array(states)


def test_gru_has_the_equations_of_keras(rng):
    """torch orders its gates r, z, n."""
    kernel, recurrent = rng.standard_normal((3, 12)), rng.standard_normal((4, 12))
    biases, x = rng.standard_normal((2, 12)), rng.standard_normal((6, 3))
    gru, order = GRU(3, 4, layers=1), np.r_[4:8, 0:4, 8:12]
    given = [kernel.T[order], recurrent.T[order], *biases[:, order]]
    for parameter, values in zip(gru.parameters(), given, strict=True):
        parameter.data = torch.from_numpy(values).float()
    with torch.no_grad():
        states = gru(torch.from_numpy(x).float()[None])[0].numpy()
    assert states == pytest.approx(keras_gru(x, kernel, recurrent, biases), abs=1e-5)


def test_gru_starts_as_that_of_keras():
    torch.manual_seed(0)
    first = dict(GRU(300, 100, layers=2).named_parameters())
    assert first["weight_ih_l0"].std().item() == pytest.approx((2 / 600) ** 0.5, rel=0.02)
    for layer in (0, 1):
        recurrent = first[f"weight_hh_l{layer}"]
        assert torch.allclose(recurrent.T @ recurrent, torch.eye(100), atol=1e-5)
        assert not first[f"bias_ih_l{layer}"].any()
        assert not first[f"bias_hh_l{layer}"].any()


def test_gru_stays_in_single_precision():
    with torch.autocast("cpu", torch.bfloat16):
        assert (
            GRU(3, 4, layers=1)(torch.zeros(1, 2, 3, dtype=torch.bfloat16)).dtype == torch.float32
        )


LEARNING = STEP.model_copy(update={"optimizer": "adam", "lr": 0.005, "max_epochs": 24})


@pytest.mark.parametrize("name", [*NETWORKS, "fusion"])
def test_a_step_lowers_the_loss_and_eight_clips_are_learnt(batch, name):
    x, y = batch
    table = torch.nn.functional.one_hot(y, 20).float()
    network, inputs = (hybrid()[2], [x, table]) if name == "fusion" else (build(name), [x])
    curve = loop.fit(network, inputs, y, LEARNING, seed=1, objective=FOUR)
    assert curve[-1, 0] < curve[0, 0] / 2
    trained_network.update_bn(network, inputs)
    assert (trained_network.predict(network, inputs, FOUR).argmax(1) == y.numpy()).all()


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_do_not_depend_on_the_batch(batch, name, size, monkeypatch):
    x = torch.cat([batch[0]] * 2)
    network = build(name)
    expected = trained_network.predict(network, [x], FOUR)
    monkeypatch.setattr(trained_network, "EVALUATION_BATCH", size)
    assert trained_network.predict(network, [x], FOUR) == pytest.approx(expected, abs=1e-5)


def test_same_seed_same_training(batch):
    x, y = batch
    two = STEP.model_copy(update={"max_epochs": 2})
    curves = [loop.fit(build("cnn"), [x], y, two, seed=seed, objective=FOUR) for seed in (1, 1, 2)]
    assert (curves[0] == curves[1]).all()
    assert (curves[0] != curves[2]).any()


def test_training_stops_at_the_accuracy(batch):
    x, y = batch
    stopping = STEP.model_copy(update={"stop_accuracy": 0.5})
    curve = loop.fit(build("cnn"), [x], y, stopping, seed=1, objective=FOUR)
    assert len(curve) < STEP.max_epochs
    assert curve[-1, 1] >= 0.5 > curve[:-1, 1].max(initial=0)


def test_settled_norms_have_the_statistics_of_the_examples(batch):
    x, y = batch
    network = build("cnn")
    loop.fit(network, [x], y, STEP.model_copy(update={"max_epochs": 1}), seed=1, objective=FOUR)
    first = network.convolutions[0]
    norm = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    pooled = torch.relu(network.convolutions[1](first(x.unsqueeze(1))))
    assert not torch.allclose(norm.running_mean, pooled.mean((0, 2, 3)), rtol=0.05)
    trained_network.update_bn(network, [x])
    assert torch.allclose(norm.running_mean, pooled.mean((0, 2, 3)), rtol=1e-4)


def test_settled_norms_do_not_depend_on_the_order_of_the_examples():
    """Two kinds of examples, one behind the other: batches of one kind would have no variance."""
    x = torch.cat([torch.randn(60, 5) - 8, torch.randn(10, 5) + 8])
    network = nn.Sequential(nn.BatchNorm1d(5))
    trained_network.update_bn(network, [x])
    assert torch.allclose(network[0].running_mean, x.mean(0), atol=0.3)
    assert torch.allclose(network[0].running_var, x.var(0), rtol=0.1)


def test_norms_without_weights_are_settled_and_frozen_ones_are_not():
    x = torch.randn(70, 5) + 3
    network = nn.Sequential(nn.BatchNorm1d(5, affine=False), nn.BatchNorm1d(5))
    network[1].requires_grad_(requires_grad=False)
    trained_network.update_bn(network, [x])
    assert torch.allclose(network[0].running_mean, x.mean(0), atol=0.01)
    assert torch.equal(network[1].running_mean, torch.zeros(5))


def test_settled_norms_keep_their_momentum(batch):
    network = build("cnn")
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    trained_network.update_bn(network, [batch[0]])
    assert [norm.momentum for norm in norms] == before
    assert None not in before


@pytest.mark.parametrize("name", NETWORKS)
def test_a_new_network_is_in_training_mode(name):
    assert all(module.training for module in build(name).modules())


def test_the_frozen_branch_stays_as_it_was(batch):
    x, y = batch
    dnn, branch, fusion = hybrid()
    before = {k: v.clone() for k, v in dnn.hidden.state_dict().items()}
    moving = branch.hidden[1].weight.clone()
    table = torch.randn(8, 20)
    loop.fit(
        fusion, [x, table], y, STEP.model_copy(update={"max_epochs": 2}), seed=1, objective=FOUR
    )
    trained_network.update_bn(fusion, [x, table])
    assert all(torch.equal(v, before[k]) for k, v in dnn.hidden.state_dict().items())
    assert not torch.equal(branch.hidden[1].weight, moving)


def test_dropout_of_the_frozen_branch_is_on_in_training_and_off_in_evaluation():
    """Keras' ``trainable = False`` does not switch dropout off."""
    dnn, _, fusion = hybrid()
    table = torch.randn(8, 20)
    fusion.train()
    assert not torch.equal(dnn.hidden(table), dnn.hidden(table))
    fusion.eval()
    assert torch.equal(dnn.hidden(table), dnn.hidden(table))


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
        phase: (r.optimizer, r.lr, r.batch_size, r.max_epochs, r.stop_accuracy)
        for phase, r in ((p, getattr(params, p)) for p in ("pretraining", "fusion"))
    }
    assert found == {
        "pretraining": ("adam", 0.005, 120, 450, 0.9),
        "fusion": ("sgd", 0.01, 300, 100, 0.9),
    }


@pytest.mark.parametrize("name", ["cnn", "cnn_gru", "crnn"])
def test_recipes_of_the_networks_are_the_published(name):
    (params,) = config.read(f"models.{name}", path=ROOT / "params.yaml")
    published = {
        "optimizer": "sgd",
        "lr": 0.01,
        "batch_size": 150,
        "max_epochs": 200,
        "stop_accuracy": 0.9,
    }
    assert params.training.model_dump(include={*published}) == published


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_come_back(tmp_path, batch, name):
    network, other = build(name), build(name).to(memory_format=torch.channels_last)
    loop.fit(
        network,
        [batch[0]],
        batch[1],
        LEARNING.model_copy(update={"max_epochs": 1}),
        seed=1,
        objective=FOUR,
    )
    save_file(trained_network.weights(network), tmp_path / "w.safetensors")
    expected = trained_network.predict(network, [batch[0]], FOUR)
    assert not np.allclose(trained_network.predict(other, [batch[0]], FOUR), expected, atol=1e-3)
    loaded = {k: torch.from_numpy(v) for k, v in load_file(tmp_path / "w.safetensors").items()}
    other.load_state_dict(loaded)
    assert np.array_equal(trained_network.predict(other, [batch[0]], FOUR), expected)


def test_a_training_in_bfloat16_ends_where_one_in_float32_does(batch, monkeypatch):
    """Wherever bfloat16 is computed; answers are always those of a float32 network."""
    monkeypatch.setattr(forward, "computes_in_bfloat16", lambda _: True)
    x, y = batch
    curves, answers, kinds = [], [], []
    for precision in ("float32", "bfloat16"):
        network = build("cnn")
        network.logits.register_forward_hook(lambda *given: kinds.append(given[2].dtype))
        training_config = LEARNING.model_copy(update={"precision": precision})
        curves.append(loop.fit(network, [x], y, training_config, seed=1, objective=FOUR))
        kinds.append(precision)
        trained_network.update_bn(network, [x])
        answers.append(trained_network.predict(network, [x], FOUR))
    trained = kinds[kinds.index("float32") + 1 : kinds.index("bfloat16")]
    assert torch.bfloat16 in trained
    assert kinds[-1] == torch.float32
    assert curves[0][-1, 0] == pytest.approx(curves[1][-1, 0], abs=0.1)  # the loss
    assert (answers[0].argmax(1) == y.numpy()).all()
    assert (answers[1].argmax(1) == y.numpy()).all()


@pytest.mark.parametrize("build", [batch_norm_1d, batch_norm_2d])
def test_batch_normalization_is_keras(build):
    """Keras' momentum of 0.99 is the share of the old statistics, torch's that of the new."""
    norm = build(3)
    assert (norm.eps, norm.momentum) == (1e-3, 0.01)
