"""The first convolution of a network, max pool 2 x 2 and ReLU in one pass, for training on a CPU.

The maps of the first convolution are the widest of Louro et al.'s CNN: 1.9 million values of a clip, which
torch writes or reads eight times in a step. ``mer.networks.first_block_kernels`` computes some rows of
pooled maps at a time, in the cache of the processor, and writes only the pooled maps. The gradient of the
weights is a sum over the values that the pool and ReLU let through, at most a quarter of the maps.
"""

import importlib.util
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mer.runtime.portable import instructions_are_limited

POOL = 2
GROUP = 5  # taps that the kernels compute at once


def applies(maps: Tensor, size: int, padding: int = 0) -> bool:
    """Whether ``conv_pool_relu`` computes a convolution size x size of maps; torch computes all others.

    It is for training on a CPU. It needs Numba and whole pool windows, and gives the maps no gradient. Its
    sums round otherwise on another processor, so it is off under the limits of ``mer.runtime.portable``.

    Parameters
    ----------
    maps : Tensor [shape=(n, inputs, t, f)]
    size : int
        Taps of the convolution over time, and over frequency.
    padding : int
        Zeros that will stand on each side of the maps.
    """
    lengths = [n + 2 * padding - size + 1 for n in maps.shape[2:]]  # of the convolved maps
    return (
        maps.device.type == "cpu"
        and torch.is_grad_enabled()
        and not maps.requires_grad
        and all(n > 0 and n % POOL == 0 for n in lengths)
        and not instructions_are_limited()
        and importlib.util.find_spec("numba") is not None
    )


def tap_products(maps: Tensor, size: int) -> Tensor:
    """Second-moment matrix of the patches that a convolution reads: the mean of x_i x_j over all positions.

    Parameters
    ----------
    maps : Tensor [shape=(n, inputs, t, f), dtype=float32]
    size : int
        Taps of the convolution over time, and over frequency.

    Returns
    -------
    Tensor [shape=(taps, taps), dtype=float64]
        Taps in the order of the weights: by input, then over time, then over frequency.
    """
    from mer.networks import first_block_kernels

    n, inputs, frames, bands = maps.shape
    products = np.zeros((inputs * size**2, inputs * size**2))
    first_block_kernels.add_products(maps.contiguous().numpy(), size, products)
    below = torch.from_numpy(products) / (n * (frames - size + 1) * (bands - size + 1))
    return below + below.tril(-1).T


def conv_pool_relu(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``relu(max_pool2d(conv2d(maps, weight, bias), 2))``, computed in float32, rounded at the end.

    Parameters
    ----------
    maps : Tensor [shape=(n, inputs, t, f), dtype=float32]
        Maps that ``applies`` accepts.
    weight : Tensor [shape=(channels, inputs, size, size)]
        The number of channels is even.
    bias : Tensor [shape=(channels,)]

    Returns
    -------
    Tensor [shape=(n, channels, (t - size + 1) / 2, (f - size + 1) / 2)]
        In bfloat16 under autocast, otherwise in float32; channels come last in memory.
    """
    lower = torch.is_autocast_enabled("cpu")
    pooled: Tensor = _ConvPoolReLU.apply(maps, weight, bias, lower)
    return pooled


class _ConvPoolReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, lower: bool) -> Tensor:
        from mer.networks import first_block_kernels  # Numba takes a second to import

        n, _, frames, bands = maps.shape
        channels, _, size, _ = weight.shape
        shape = n, (frames - size + 1) // POOL, (bands - size + 1) // POOL, channels
        pooled = torch.empty(shape, dtype=torch.bfloat16 if lower else torch.float32)
        windows = torch.empty(shape, dtype=torch.uint8)
        maps = maps.contiguous()
        tensors = maps, _in_groups(weight.detach()), bias.detach(), _bits(pooled), windows
        arrays = [tensor.numpy() for tensor in tensors]
        ctx.starts, ctx.shape = _starts(maps.shape, size), weight.shape
        first_block_kernels.forward(ctx.starts, *arrays)
        ctx.save_for_backward(maps, windows)
        return pooled.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        from mer.networks import first_block_kernels

        maps, windows = ctx.saved_tensors
        gradient = gradient.permute(0, 2, 3, 1).contiguous()
        weight = _in_groups(torch.zeros(ctx.shape, dtype=torch.float64))
        bias = torch.zeros(len(weight), dtype=torch.float64)
        tensors = maps, _bits(gradient), windows, weight, bias
        arrays = [tensor.numpy() for tensor in tensors]
        first_block_kernels.backward(ctx.starts, *arrays)
        taps = math.prod(ctx.shape[1:])
        weight = weight.flatten(1)[:, :taps].reshape(ctx.shape)
        return None, weight.float(), bias.float(), None


def _in_groups(weight: Tensor) -> Tensor:
    """[shape=(channels, inputs, size, size)] -> [shape=(channels, groups, 5)], filled up with zeros."""
    taps = weight.flatten(1)
    return functional.pad(taps, (0, -taps.shape[1] % GROUP)).unflatten(1, (-1, GROUP))


def _bits(values: Tensor) -> Tensor:
    """Values of bfloat16 or float32 as integers of the same bits: NumPy has no bfloat16."""
    return values.view(torch.int16 if values.dtype == torch.bfloat16 else torch.int32)


def _starts(shape: torch.Size, size: int) -> np.ndarray:
    """First value that a tap reads [shape=(4, groups, 5)], by value of a pool window and by tap."""
    _, inputs, frames, bands = shape
    value, channel, tap, other_tap = np.ogrid[: POOL * POOL, :inputs, :size, :size]
    frame, band = value // POOL + tap, value % POOL + other_tap
    plane = (channel * POOL + frame % POOL) * POOL + band % POOL
    height, width = (frames + 1) // POOL, (bands + 1) // POOL
    starts = (plane * height + frame // POOL) * width + band // POOL
    return _in_groups(torch.from_numpy(starts)).contiguous().numpy()
