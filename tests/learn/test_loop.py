"""The training loop beyond classification: other objectives, and validation that ends it."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from mer.errors import MerError
from mer.learn import loop
from mer.models import crnn_mtat
from mer.schema.training import TrainingConfig
from mer.targets.classes import Classes

CONFIG = TrainingConfig(
    optimizer="sgd", lr=0.5, batch_size=4, max_epochs=30, smoke_test_epochs=1, stop_accuracy=None
)
SQUARES = loop.Objective(
    lambda found, wanted: functional.mse_loss(found[:, 0], wanted),
    lambda found, wanted: (found[:, 0].round() == wanted).sum(),
)


@pytest.fixture
def line():
    torch.manual_seed(0)
    network, x = nn.Linear(1, 1), torch.linspace(-1, 1, 16)[:, None]
    return network, x, 2 * x[:, 0]


def test_any_objective_can_be_lowered(line):
    network, x, y = line
    curve = loop.fit(network, [x], y, CONFIG, seed=1, objective=SQUARES)
    assert curve[-1, 0] < 1e-4 < curve[0, 0]
    assert network.weight.item() == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_validation_ends_a_training_and_keeps_its_best_weights(line, monitor):
    """Validation that wants y = 1.5 x is best on the way from 0 to y = 2 x."""
    network, x, y = line
    nn.init.zeros_(network.weight)
    nn.init.zeros_(network.bias)
    slow = CONFIG.model_copy(update={"lr": 0.05, "max_epochs": 200})
    within = loop.Objective(
        SQUARES.loss, lambda found, wanted: ((found[:, 0] - wanted).abs() < 0.2).sum()
    )
    early_stopping = loop.EarlyStopping([x], 1.5 * x[:, 0], monitor, patience=3)
    curve = loop.fit(network, [x], y, slow, seed=1, objective=within, early_stopping=early_stopping)
    assert len(curve) < 200
    assert network.weight.item() == pytest.approx(1.5, abs=0.2)


def test_without_improvement_a_training_ends_after_its_patience(line):
    network, x, y = line
    still = CONFIG.model_copy(update={"lr": 1e-12})
    curve = loop.fit(
        network,
        [x],
        y,
        still,
        seed=1,
        objective=SQUARES,
        early_stopping=loop.EarlyStopping([x], y, "accuracy", 4),
    )
    assert len(curve) == 5
    assert np.ptp(curve[:, 0]) < 1e-4


def test_a_network_trains_on_as_before_after_each_validation(line):
    """Validation without dropout, and with the running statistics of batch norms, is all that differs."""
    network, x, y = line
    modes = []
    network.register_forward_hook(
        lambda *_: modes.append((torch.is_grad_enabled(), network.training))
    )
    three = CONFIG.model_copy(update={"max_epochs": 3})
    stopping = loop.EarlyStopping([x], y, "loss", 3)
    loop.fit(network, [x], y, three, seed=1, objective=SQUARES, early_stopping=stopping)
    assert modes == ([(True, True)] * 4 + [(False, False)]) * 3


def test_each_epoch_takes_all_examples_in_an_order_of_its_own_that_the_seed_gives(line):
    network, x, y = line
    seen = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    two = CONFIG.model_copy(update={"max_epochs": 2})
    for seed in (1, 1, 2):
        loop.fit(network, [x], y, two, seed=seed, objective=SQUARES)
    orders = torch.cat(seen).reshape(3, 2, len(x))
    assert torch.equal(orders.sort().values, x[:, 0].expand_as(orders))
    assert torch.equal(orders[0], orders[1])
    different = [*orders[0], *orders[2], x[:, 0]]
    assert len({tuple(order.tolist()) for order in different}) == 5


def test_each_example_of_an_epoch_counts_alike_in_a_short_last_batch_too(line):
    network, x, _ = line
    wanted = torch.tensor([0.0, 0.0, 0.0, 0.0, 9.0])
    batches = torch.arange(5).split(4)
    assert [len(batch) for batch in batches] == [4, 1]
    loss, accuracy = loop.run_epoch(network, [x], wanted, batches, SQUARES, None)
    found = network(x[:5])[:, 0].detach()
    assert loss == pytest.approx((found - wanted).square().sum().item() / 5)
    assert accuracy == pytest.approx((found.round() == wanted).sum().item() / 5)


def test_rmsprop_is_that_of_pandrea(line):
    rmsprop = CONFIG.model_copy(update={"optimizer": "rmsprop"})
    (group,) = loop.optimizer_of(line[0], rmsprop).param_groups
    assert (group["alpha"], group["eps"], group["momentum"]) == (0.95, 1e-8, 0)


def test_adam_has_the_epsilon_of_keras(line):
    adam = CONFIG.model_copy(update={"optimizer": "adam"})
    assert loop.optimizer_of(line[0], adam).param_groups[0]["eps"] == 1e-7


def test_the_epoch_that_reaches_the_accuracy_is_validated_before_the_training_ends(line):
    network, x, y = line
    easy = CONFIG.model_copy(update={"stop_accuracy": 0.0})
    stopping = loop.EarlyStopping([x], y, "loss", 3)
    before = network.weight.item()
    curve = loop.fit(network, [x], y, easy, seed=1, objective=SQUARES, early_stopping=stopping)
    assert len(curve) == 1
    assert network.weight.item() != before


def test_a_training_that_diverges_is_said_in_a_sentence(line):
    network, x, y = line
    wild = CONFIG.model_copy(update={"lr": 1e30, "max_epochs": 4})
    early_stopping = loop.EarlyStopping([x], y * torch.nan, "loss", 2)
    with pytest.raises(MerError, match=r"validation loss must be a number.*lower its lr"):
        loop.fit(network, [x], y, wild, seed=1, objective=SQUARES, early_stopping=early_stopping)


def test_a_training_that_diverges_ends(line, caplog):
    network, x, y = line
    longer = CONFIG.model_copy(update={"max_epochs": 9})
    curve = loop.fit(network, [x], y * torch.nan, longer, seed=1, objective=SQUARES)
    assert len(curve) == 1
    assert "the loss of epoch 1 is NaN" in caplog.text


def test_outputs_of_another_shape_than_the_target_reads_are_refused(line):
    network, x, _ = line
    y = torch.zeros(len(x), dtype=torch.long)
    with pytest.raises(
        MerError, match=r"logits of shape \(4, 3\), a row per .*, not \(4, 1\); corr"
    ):
        loop.fit(network, [x], y, CONFIG, seed=1, objective=Classes(("a", "b", "c")))


@pytest.mark.parametrize(("last", "warns"), [(nn.Softmax(dim=1), True), (nn.Identity(), False)])
def test_a_network_that_ends_in_a_softmax_is_warned_of(line, caplog, last, warns):
    _, x, _ = line
    network = nn.Sequential(nn.Linear(1, 3), last)
    y = torch.zeros(len(x), dtype=torch.long)
    loop._say_softmax.cache_clear()
    loop.fit(network, [x], y, CONFIG, seed=1, objective=Classes(("a", "b", "c")))
    assert ("should return logits, and returns probabilities" in caplog.text) == warns


@pytest.mark.parametrize("part", ["network", "head"])
def test_a_network_that_ends_in_a_softmax_on_purpose_is_not_warned_of(caplog, part):
    """With ``tune: head`` the head alone is trained, on the codes of the backbone."""
    network = crnn_mtat.Network(4, released=True)
    trained, shape = (network, (942, 128)) if part == "network" else (network.head, (32,))
    x, y = torch.rand(4, *shape), torch.arange(4)
    loop._say_softmax.cache_clear()
    loop.fit(trained, [x], y, CONFIG, seed=1, objective=Classes(("a", "b", "c", "d")))
    assert "should return logits" not in caplog.text


def test_an_error_of_a_network_names_the_shapes_and_the_error(line):
    _, x, y = line
    message = (
        r"forward of the network must take float32 of shape \(4, 1\), and raises RuntimeError: mat1"
    )
    with pytest.raises(MerError, match=message):
        loop.fit(nn.Linear(2, 1), [x], y, CONFIG, seed=1, objective=SQUARES)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] Cannot allocate memory")]
)
def test_a_lack_of_memory_is_not_the_models_fault(line, error):
    network, x, y = line

    def lacking(*_given):
        raise error

    network.register_forward_hook(lacking)
    with pytest.raises(type(error)):
        loop.fit(network, [x], y, CONFIG, seed=1, objective=SQUARES)


def test_a_network_returns_one_tensor(line):
    network, x, y = line
    network.register_forward_hook(lambda *given: (given[-1], None))
    with pytest.raises(MerError, match=r"forward of the network must return one tensor, not tuple"):
        loop.fit(network, [x], y, CONFIG, seed=1, objective=SQUARES)


def test_the_duration_of_a_training_is_that_of_its_call(monkeypatch):
    ticks = iter([100.0, 102.5])
    monkeypatch.setattr(loop.time, "perf_counter", lambda: next(ticks))
    phase = loop.timed("classifier", 7, lambda: np.zeros((3, 2)))
    assert (phase.name, phase.seconds, phase.epochs, phase.examples) == ("classifier", 2.5, 3, 7)


def test_on_a_gpu_only_whole_batches_are_compiled(monkeypatch, line):
    """torch compiles anew for each size of a batch, and gives up after eight sizes."""
    compiled, sizes = [], []

    def compile_(network, **_):
        def call(x):
            sizes.append(len(x))
            return network(x)

        compiled.append(network)
        return call

    monkeypatch.setattr(torch, "compile", compile_)
    monkeypatch.setattr(loop, "autocast", lambda *_: lambda network: network)
    network = nn.Linear(1, 1)
    called = loop.training_forward(network, CONFIG, torch.device("cuda"))
    whole = torch.zeros(CONFIG.batch_size, 1)
    for batch in (whole, whole[:-1], whole):
        assert torch.equal(called(batch), network(batch))
    assert compiled == [network]
    assert sizes == [len(whole)] * 2
