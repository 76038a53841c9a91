"""A convolutional block whose widest maps are never in memory as a whole.

Convolution, batch norm and pool compute each output channel by itself, from all examples. So a block can be
computed in groups of output channels, one after another, with the statistics of the whole batch. Only the
pooled maps are kept; the backward pass computes the maps of each group again (gradient checkpointing: Chen
et al., "Training Deep Nets with Sublinear Memory Cost", 2016).
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mer.networks.layers import MOMENTUM, batch_norm_2d

GROUP_VALUES = 2**27  # of the maps before the pool: 256 MiB in bfloat16, 512 MiB in float32
LANES = 16  # channels that a vector instruction computes at once


class ConvNormPool(nn.Module):
    """Convolution 3 x 3 same, batch norm, max pool and ReLU.

    ReLU follows the pool, where it costs less and gives the same values. On a CPU, a training step whose
    maps have more than ``GROUP_VALUES`` values computes them in groups of channels. In float32 the outputs
    and the running statistics are the same bit for bit; the gradient of the input is a sum over channels,
    which is added up in another order.
    """

    def __init__(self, inputs: int, outputs: int, pool: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding="same")
        self.norm = batch_norm_2d(outputs)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, maps: Tensor) -> Tensor:
        """[shape=(n, inputs, t, f)] -> [shape=(n, outputs, t // pool, f // pool)]."""
        size = self._group_size(maps)
        trains = self.training and torch.is_grad_enabled()
        if not trains or maps.device.type != "cpu" or size >= self.conv.out_channels:
            return self.pool(self.norm(self.conv(maps))).relu_()
        self.norm.num_batches_tracked.add_(1)  # type: ignore[union-attr]
        pooled: Tensor = _InGroups.apply(
            self, size, maps, *self.conv.parameters(), *self.norm.parameters()
        )
        return pooled

    def _group_size(self, maps: Tensor) -> int:
        """Channels per group: about equal, and a multiple of ``LANES``."""
        channels = self.conv.out_channels
        groups = math.ceil(maps[:, 0].numel() * channels / GROUP_VALUES)
        return math.ceil(channels / groups / LANES) * LANES

    def group(
        self, maps: Tensor, channels: slice, parameters: Sequence[Tensor], momentum: float
    ) -> Tensor:
        """The outputs of some channels, of which ``parameters`` holds those of convolution and batch norm.

        A momentum of 0 leaves the running statistics as they are.
        """
        weight, bias, norm_weight, norm_bias = parameters
        maps = functional.conv2d(maps, weight, bias, padding="same")
        maps = functional.batch_norm(
            maps,
            self.norm.running_mean[channels],  # type: ignore[index]
            self.norm.running_var[channels],  # type: ignore[index]
            norm_weight,
            norm_bias,
            training=True,
            momentum=momentum,
            eps=self.norm.eps,
        )
        return self.pool(maps).relu_()


class _InGroups(torch.autograd.Function):
    """The outputs of a block in training, a group of channels at a time in both passes."""

    @staticmethod
    def forward(
        ctx: Any, block: ConvNormPool, size: int, maps: Tensor, *parameters: Tensor
    ) -> Tensor:
        ctx.block, ctx.size = block, size
        ctx.precision = torch.get_autocast_dtype("cpu"), torch.is_autocast_enabled("cpu")
        ctx.save_for_backward(maps, *parameters)
        groups = _groups(parameters, size)
        return torch.cat([block.group(maps, *group, MOMENTUM) for group in groups], 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, *parameters = ctx.saved_tensors
        dtype, enabled = ctx.precision
        of_maps, of_parameters = torch.zeros_like(maps), []
        for channels, part in _groups(parameters, ctx.size):
            inputs = [tensor.detach().requires_grad_() for tensor in (maps, *part)]
            with torch.enable_grad(), torch.autocast("cpu", dtype, enabled):
                pooled = ctx.block.group(inputs[0], channels, inputs[1:], momentum=0.0)
            of_group = torch.autograd.grad(pooled, inputs, gradient[:, channels])
            of_maps += of_group[0]
            of_parameters.append(of_group[1:])
        return None, None, of_maps, *map(torch.cat, zip(*of_parameters, strict=True))


def _groups(parameters: Sequence[Tensor], size: int) -> Iterator[tuple[slice, list[Tensor]]]:
    """The channels of each group, and their part of every parameter."""
    for start in range(0, len(parameters[0]), size):
        channels = slice(start, start + size)
        yield channels, [parameter[channels] for parameter in parameters]
