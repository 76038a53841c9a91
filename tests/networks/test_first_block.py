"""Convolution, pool and ReLU in one pass: the values and the gradients of torch."""

import importlib.util

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from mer.networks import first_block
from mer.networks.first_block import applies, conv_pool_relu
from mer.networks.layers import LouroConvolutions, louro_convolutions
from mer.runtime import portable

SHAPES = [(2, 942, 128), (3, 20, 34), (1, 6, 6), (2, 8, 4200), (1, 2000, 6)]


def by_torch(maps, weight, bias):
    return functional.max_pool2d(functional.conv2d(maps, weight, bias), 2).relu()


def integers(*shape, seed):
    """Small integers, of which sums are exact in any order, and many are equal."""
    values = torch.randint(-2, 3, shape, generator=torch.Generator().manual_seed(seed))
    return values.float()


def gradients(function, maps, weight, bias):
    """Outputs, and the gradients of weight and bias for a random gradient of the outputs."""
    weight, bias = weight.clone().requires_grad_(), bias.clone().requires_grad_()
    outputs = function(maps, weight, bias)
    outputs.backward(integers(*outputs.shape, seed=3).to(outputs.dtype))
    return outputs.detach(), weight.grad, bias.grad


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("channels", "inputs", "size"), [(2, 1, 5), (16, 1, 5), (4, 2, 3)])
def test_exact_values_and_gradients(shape, channels, inputs, size):
    n, frames, bands = shape
    maps = integers(n, inputs, frames, bands, seed=0)
    given = maps, integers(channels, inputs, size, size, seed=1), integers(channels, seed=2)
    for ours, torchs in zip(gradients(conv_pool_relu, *given), gradients(by_torch, *given)):
        assert torch.equal(ours, torchs)


def test_real_values_are_close_to_those_in_double_precision():
    torch.manual_seed(0)
    given = torch.randn(2, 1, 100, 64), torch.randn(16, 1, 5, 5), torch.randn(16)
    ours = conv_pool_relu(*given)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    exact = by_torch(*(values.double() for values in given))
    torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=1e-5)


def test_bfloat16_under_autocast():
    torch.manual_seed(0)
    given = torch.randn(2, 1, 100, 64), torch.randn(16, 1, 5, 5), torch.randn(16)
    exact, *_ = gradients(conv_pool_relu, *given)
    with torch.autocast("cpu", torch.bfloat16):
        rounded, *lower = gradients(conv_pool_relu, *given)
    assert torch.equal(rounded, exact.bfloat16())
    for ours, full in zip(lower, gradients(conv_pool_relu, *given)[1:]):
        assert torch.equal(ours, full)  # the gradient, of integers, is the same in bfloat16


def test_nan_stays():
    maps, weight, bias = torch.zeros(1, 1, 16, 16), torch.ones(2, 1, 5, 5), torch.zeros(2)
    maps[0, 0, 7, 8] = torch.nan
    assert torch.equal(
        conv_pool_relu(maps, weight, bias).isnan(), by_torch(maps, weight, bias).isnan()
    )


def test_the_same_bytes_twice_and_in_any_batch():
    torch.manual_seed(0)
    maps, weight, bias = torch.randn(3, 1, 60, 40), torch.randn(4, 1, 5, 5), torch.randn(4)
    first = gradients(conv_pool_relu, maps, weight, bias)
    again = gradients(conv_pool_relu, maps, weight, bias)
    assert all(map(torch.equal, first, again))
    assert torch.equal(first[0][1:2], conv_pool_relu(maps[1:2], weight, bias))


@pytest.mark.parametrize("shape", [(2, 1, 941, 128), (2, 1, 942, 127), (2, 1, 4, 8)])
def test_other_shapes_are_left_to_torch(shape):
    assert not applies(torch.zeros(shape), 5)


def test_where_it_applies(monkeypatch):
    maps = torch.zeros(2, 1, 942, 128)
    assert applies(maps, 5)
    assert not applies(maps.clone().requires_grad_(), 5)
    with monkeypatch.context() as context:
        for name, value in portable.LIMITS.items():
            context.setenv(name, value)
        assert not applies(maps, 5)
    monkeypatch.setattr(importlib.util, "find_spec", {}.get)
    assert not applies(maps, 5)


def test_convolutions_are_those_of_the_layers_one_by_one(monkeypatch):
    convolutions = louro_convolutions(last_norm=True, dropout=0.3).train()
    convolutions.to(memory_format=torch.channels_last)  # dropout follows the memory layout
    assert isinstance(convolutions, LouroConvolutions)
    maps = torch.randn(4, 1, 150, 128, generator=torch.Generator().manual_seed(0))

    def step(network: nn.Module):
        torch.manual_seed(1)
        network.zero_grad()
        outputs = network(maps)
        outputs.square().mean().backward()
        return [outputs.detach(), *(p.grad.clone() for p in network.parameters())]

    calls = []
    once = first_block.conv_pool_relu
    monkeypatch.setattr(
        first_block, "conv_pool_relu", lambda *given: calls.append(1) or once(*given)
    )
    ours, torchs = step(convolutions), step(nn.Sequential(*convolutions))
    assert calls == [1]
    for a, b in zip(ours, torchs):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * float(b.abs().max()))
    convolutions.eval()(maps)
    assert calls == [1]
