"""A block of the CRNN in groups of channels: the same training step, in less memory."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from mer.learn import loop
from mer.models import crnn
from mer.networks import channel_groups, first_block
from mer.networks.channel_groups import ConvNormPool
from mer.schema.training import TrainingConfig

SHAPE = (128, 96)
BATCH = 150  # of models.crnn
STEP = TrainingConfig(
    optimizer="sgd", lr=0.01, batch_size=4, max_epochs=1, smoke_test_epochs=1, precision="float32"
)


@pytest.fixture
def small_groups(monkeypatch):
    """Groups of 16 channels, however small the maps are."""
    monkeypatch.setattr(channel_groups, "GROUP_VALUES", 1)


def block():
    torch.manual_seed(0)
    return ConvNormPool(3, 48, 2).train()


def trained(examples):
    """A CRNN after the steps of one epoch, and the loss of the epoch."""
    torch.manual_seed(0)
    network = crnn.Network((32,) * 4, SHAPE, outputs=4)
    x = torch.randn(examples, *SHAPE, generator=torch.Generator().manual_seed(1))
    objective = loop.Objective(functional.cross_entropy)
    curve = loop.fit(network, [x], torch.arange(examples) % 4, STEP, seed=1, objective=objective)
    return network.state_dict(), curve[0, 0]


def gradients(network, maps):
    """The outputs, and the gradients of the input and of the parameters."""
    maps = maps.clone().requires_grad_()
    outputs = network(maps)
    wanted = [maps, *network.parameters()]
    return outputs.detach(), *torch.autograd.grad(outputs.square().sum(), wanted)


def test_groups_give_the_same_outputs_statistics_and_gradients(monkeypatch):
    whole, maps = block(), torch.randn(4, 3, 32, 24)
    parted = copy.deepcopy(whole)
    expected = gradients(whole, maps)
    monkeypatch.setattr(channel_groups, "GROUP_VALUES", 1)
    outputs, of_maps, *of_parameters = gradients(parted, maps)
    assert torch.equal(outputs, expected[0])
    torch.testing.assert_close(of_maps, expected[1])
    torch.testing.assert_close(of_parameters, list(expected[2:]))
    for name, buffer in whole.named_buffers():
        assert torch.equal(parted.get_buffer(name), buffer), name


def test_two_steps_of_the_crnn_in_groups_are_the_same(monkeypatch):
    monkeypatch.setattr(first_block, "applies", lambda *_: False)  # the first block in groups, too
    weights, loss = trained(examples=8)
    monkeypatch.setattr(channel_groups, "GROUP_VALUES", 1)
    calls = []
    group = ConvNormPool.group
    monkeypatch.setattr(
        ConvNormPool, "group", lambda *given, **named: calls.append(0) or group(*given, **named)
    )
    in_groups, loss_in_groups = trained(examples=8)
    assert len(calls) == 2 * 2 * 4 * 2  # steps, passes, blocks, groups of 16 channels
    assert loss_in_groups == pytest.approx(loss, abs=1e-6)
    torch.testing.assert_close(in_groups, weights, rtol=1e-4, atol=1e-5)
    assert in_groups["convolutions.1.norm.num_batches_tracked"] == 2


def test_groups_compute_in_the_precision_of_autocast(small_groups):
    network, maps = block(), torch.randn(4, 3, 32, 24)
    seen = []
    network.pool.register_forward_pre_hook(lambda _, given: seen.append(given[0].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network(maps)
    outputs.float().sum().backward()
    assert seen == [torch.bfloat16] * 6  # 3 groups in both passes
    assert network.conv.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("train", [True, False])
def test_without_gradients_a_block_is_computed_whole(small_groups, monkeypatch, train):
    monkeypatch.delattr(ConvNormPool, "group")
    with torch.no_grad():
        block().train(train)(torch.randn(4, 3, 32, 24))


@pytest.mark.parametrize(
    ("examples", "channels"), [(16, 64), (32, 32), (50, 32), (75, 16), (BATCH, 16)]
)
def test_a_group_has_as_many_channels_as_fit(examples, channels):
    maps = torch.zeros(examples, 1, 942, 128, device="meta")
    assert min(ConvNormPool(1, 64, 2)._group_size(maps), 64) == channels


def peak(step):
    """The most bytes that a step has allocated at a time."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = profiler.profiler.kineto_results.events()
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    return torch.tensor([nbytes for _, nbytes in changes]).cumsum(0).max().item()


def test_a_batch_of_the_crnn_allocates_less_than_eight_gigabytes(monkeypatch):
    """Two examples stand for 150; maps and groups grow with the batch. Float32, which takes the most."""
    monkeypatch.setattr(channel_groups, "GROUP_VALUES", channel_groups.GROUP_VALUES * 2 // BATCH)
    network = crnn.Network((64, 128, 128, 128), (942, 128), outputs=4).train()
    network.to(memory_format=torch.channels_last)
    x = torch.randn(2, 942, 128)
    assert peak(lambda: network(x).sum().backward()) * BATCH / 2 < 8e9


def test_a_block_is_a_convolution_a_norm_a_pool_and_relu():
    """In the order of the paper's code, where ReLU stands before the pool."""
    network, maps = block(), torch.randn(4, 3, 32, 24)
    with torch.no_grad():
        expected = nn.MaxPool2d(2)(network.norm(network.conv(maps)).relu())
        assert torch.allclose(network(maps), expected, atol=1e-6)
