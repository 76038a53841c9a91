"""The first block of the CRNN in one pass, for training on a CPU.

The block has a batch norm on either side of its convolution. Once its statistics are known, a batch norm is
linear, and the statistics of a convolution follow from the means and the products of the values that its
taps read. So both norms and the convolution are one convolution, of which ``mer.networks.first_block``
computes only the pooled maps. Its gradients are those of the block, since autograd differentiates how its
weights follow from those of the block.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mer.networks import first_block
from mer.networks.channel_groups import ConvNormPool
from mer.networks.layers import MOMENTUM


class NormedConvolutions(nn.Sequential):
    """A batch norm of one channel, then blocks of convolution, norm, pool and ReLU.

    A training step on a CPU computes the batch norm and the first block in one pass, where their shapes
    allow. It differs from the layers one by one by the rounding only.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """[shape=(n, 1, t, f)] -> the maps of the last block."""
        norm, first, *others = self
        assert isinstance(norm, nn.BatchNorm2d)
        assert isinstance(first, ConvNormPool)
        if not self.training or not _one_pass(maps, first):
            return super().forward(maps)
        maps = _norm_conv_norm_pool(maps, norm, first)
        for block in others:
            maps = block(maps)
        return maps


def _one_pass(maps: Tensor, block: ConvNormPool) -> bool:
    """Whether the block can be computed in one pass; the kernels compute two channels at once."""
    size, even = block.conv.kernel_size[0], block.conv.out_channels % 2 == 0
    pairs = block.pool.kernel_size == first_block.POOL
    return even and pairs and first_block.applies(maps, size, size // 2)


def _norm_conv_norm_pool(maps: Tensor, norm: nn.BatchNorm2d, block: ConvNormPool) -> Tensor:
    """``block(norm(maps))``: the convolution reads standardized maps and, for the shift, a map of ones."""
    (norm_weight, norm_bias), (conv_weight, conv_bias) = norm.parameters(), block.conv.parameters()
    standard = functional.batch_norm(
        maps, norm.running_mean, norm.running_var, training=True, momentum=MOMENTUM, eps=norm.eps
    )
    inputs = torch.cat([standard, torch.ones_like(standard)], 1)
    inputs = functional.pad(inputs, [conv_weight.shape[-1] // 2] * 4)  # as padding "same" does
    weight = torch.cat([conv_weight * norm_weight, conv_weight * norm_bias], 1)
    mean, variance = _statistics(inputs, weight)
    mean = mean + conv_bias
    _track(norm)
    unbiased = variance * (1 + 1 / (standard.numel() - 1))
    _track(block.norm, running_mean=mean, running_var=unbiased)
    scale = block.norm.weight / (variance + block.norm.eps).sqrt()
    weight, bias = weight * scale[:, None, None, None], (conv_bias - mean) * scale + block.norm.bias
    return first_block.conv_pool_relu(inputs, weight, bias)


def _statistics(inputs: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of the maps of a convolution [shape=(channels,)], without computing the maps.

    The middle tap of the last input, the map of ones, reads 1 everywhere.
    """
    size = weight.shape[-1]
    products = first_block.tap_products(inputs, size)
    means = products[size**2 + size**2 // 2]
    taps = weight.flatten(1).double()
    covariance = products - means.outer(means)
    return (taps @ means).float(), ((taps @ covariance) * taps).sum(1).float()


@torch.no_grad()
def _track(norm: nn.BatchNorm2d, **statistics: Tensor) -> None:
    """Move the running statistics of a batch norm towards those of a batch."""
    for name, value in statistics.items():
        norm.get_buffer(name).lerp_(value, MOMENTUM)
    norm.get_buffer("num_batches_tracked").add_(1)
