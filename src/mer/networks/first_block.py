"""Convolution 5 x 5 of one channel, max pool 2 x 2 and ReLU in one pass, for training on a CPU.

The maps of the first convolution are the widest of Louro et al.'s CNN: 1.9 million values of a clip, which
torch writes or reads eight times in a step. ``mer.networks.first_block_kernels`` computes some rows of
pooled maps at a time, in the cache of the processor, and writes only the pooled maps. The gradient of the
weights is a sum over the values that the pool and ReLU let through, at most a quarter of the maps.
"""

import importlib.util
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mer.runtime.portable import limited

TAPS, POOL = 5, 2


def applies(maps: Tensor) -> bool:
    """Whether ``conv_pool_relu`` computes maps [shape=(n, 1, t, f)]: torch computes all others.

    It is for CPUs only. It needs Numba and even numbers of frames and bands, and gives the maps no
    gradient. Its sums round otherwise on another processor, so it is off under the limits of
    ``mer.runtime.portable``.
    """
    return (
        maps.device.type == "cpu"
        and not maps.requires_grad
        and all(n % POOL == 0 and n > TAPS for n in maps.shape[2:])
        and not limited()
        and importlib.util.find_spec("numba") is not None
    )


def conv_pool_relu(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``relu(max_pool2d(conv2d(maps, weight, bias), 2))``, computed in float32, rounded at the end.

    Parameters
    ----------
    maps : Tensor [shape=(n, 1, t, f), dtype=float32]
        Spectrograms that ``applies`` accepts.
    weight : Tensor [shape=(channels, 1, 5, 5)]
        The number of channels is even.
    bias : Tensor [shape=(channels,)]

    Returns
    -------
    Tensor [shape=(n, channels, (t - 4) / 2, (f - 4) / 2)]
        In bfloat16 under autocast, otherwise in float32; channels come last in memory.
    """
    lower = torch.is_autocast_enabled("cpu")
    pooled: Tensor = _ConvPoolReLU.apply(maps[:, 0], weight, bias, lower)
    return pooled


class _ConvPoolReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, lower: bool) -> Tensor:
        from mer.networks import first_block_kernels  # Numba takes a second to import

        n, frames, bands = maps.shape
        shape = n, (frames - TAPS + 1) // POOL, (bands - TAPS + 1) // POOL, len(weight)
        pooled = torch.empty(shape, dtype=torch.bfloat16 if lower else torch.float32)
        windows = torch.empty(shape, dtype=torch.uint8)
        maps, weight = maps.contiguous(), weight.detach()[:, 0].contiguous()
        tensors = maps, weight, bias.detach(), _bits(pooled), windows
        arrays = [tensor.numpy() for tensor in tensors]
        first_block_kernels.forward(_starts(frames, bands), *arrays)
        ctx.save_for_backward(maps, windows)
        return pooled.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        from mer.networks import first_block_kernels

        maps, windows = ctx.saved_tensors
        gradient = gradient.permute(0, 2, 3, 1).contiguous()
        channels, starts = gradient.shape[-1], _starts(*maps.shape[1:])
        sums = np.zeros((channels, TAPS, TAPS)), np.zeros(channels)
        arrays = [tensor.numpy() for tensor in (maps, _bits(gradient), windows)]
        first_block_kernels.backward(starts, *arrays, *sums)
        weight, bias = (torch.from_numpy(total).float() for total in sums)
        return None, weight[:, None], bias, None


def _bits(values: Tensor) -> Tensor:
    """Values of bfloat16 or float32 as integers of the same bits: NumPy has no bfloat16."""
    return values.view(torch.int16 if values.dtype == torch.bfloat16 else torch.int32)


def _starts(frames: int, bands: int) -> np.ndarray:
    """First value that a tap reads [shape=(4, 5, 5)], by value of a pool window and by tap."""
    value, tap, other_tap = np.ogrid[: POOL * POOL, :TAPS, :TAPS]
    frame, band = value // POOL + tap, value % POOL + other_tap
    rows, columns = (frames + 1) // POOL, (bands + 1) // POOL
    plane = frame % POOL * POOL + band % POOL
    return (plane * rows + frame // POOL) * columns + band // POOL
