"""The CRNN's first block in one pass: outputs, gradients and statistics of the layers one by one."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from mer.networks import first_block, first_block_with_norms
from mer.networks.channel_groups import ConvNormPool
from mer.networks.first_block_with_norms import NormedConvolutions
from mer.networks.layers import batch_norm_2d

BIASES = "1.conv.bias", "2.conv.bias"  # removed by the batch norms: their gradients are rounding


@pytest.fixture
def network():
    """Blocks whose batch norms are not as they were initialised."""
    torch.manual_seed(0)
    blocks = ConvNormPool(1, 16, 2), ConvNormPool(16, 4, 3)
    network = NormedConvolutions(batch_norm_2d(1), *blocks)
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    return network.to(memory_format=torch.channels_last).train()


@pytest.fixture
def maps():
    return 10 * torch.randn(4, 1, 60, 48, generator=torch.Generator().manual_seed(1)) - 40


@pytest.fixture
def calls(monkeypatch):
    """One entry for each block that is computed in one pass."""
    calls, once = [], first_block.conv_pool_relu
    counted = lambda *given: calls.append(1) or once(*given)  # noqa: E731
    monkeypatch.setattr(first_block, "conv_pool_relu", counted)
    return calls


def test_the_products_of_taps_are_those_of_unfolded_maps():
    maps = torch.randn(3, 2, 20, 17, generator=torch.Generator().manual_seed(0))
    values = functional.unfold(maps, 3).double().transpose(0, 1).flatten(1)
    expected = values @ values.T / values.shape[1]
    torch.testing.assert_close(first_block.tap_products(maps, 3), expected, rtol=1e-5, atol=1e-6)


def test_a_step_is_that_of_the_layers_one_by_one(network, maps, calls):
    one_by_one = nn.Sequential(*copy.deepcopy(network))
    outputs = [each(maps) for each in (network, one_by_one)]
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)
    for out in outputs:
        out.square().mean().backward()
    assert calls == [1]
    for (name, ours), torchs in zip(network.named_parameters(), one_by_one.parameters()):
        size = 1.0 if name in BIASES else float(torchs.grad.norm())
        assert float((ours.grad - torchs.grad).norm()) < 1e-3 * size, name
    for (name, ours), torchs in zip(network.named_buffers(), one_by_one.buffers()):
        torch.testing.assert_close(ours, torchs, rtol=1e-4, atol=1e-5, msg=name)


def test_the_state_has_the_names_of_the_layers(network):
    assert list(network.state_dict()) == list(nn.Sequential(*network).state_dict())


def test_bfloat16_under_autocast(network, maps):
    with torch.autocast("cpu", torch.bfloat16):
        lower = network[:2](maps)
    assert lower.dtype == torch.bfloat16
    torch.testing.assert_close(lower, network[:2](maps).bfloat16())


def test_evaluation_and_other_shapes_are_left_to_torch(network, maps, calls):
    network(maps[:, :, :-1])
    with torch.no_grad():
        network(maps)
    network.eval()(maps)
    assert not calls


def test_a_pool_of_another_size_is_left_to_torch(maps, calls):
    NormedConvolutions(batch_norm_2d(1), ConvNormPool(1, 4, 3)).train()(maps)
    assert not calls
    assert not first_block_with_norms._one_pass(maps, ConvNormPool(1, 4, 3))


def test_an_odd_number_of_channels_is_left_to_torch(maps, calls):
    """The kernels compute two channels at once and would write beyond the last."""
    network = NormedConvolutions(batch_norm_2d(1), ConvNormPool(1, 7, 2)).train()
    assert network(maps).shape[1] == 7
    assert calls == []
