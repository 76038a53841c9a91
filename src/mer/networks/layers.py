"""Layers of the networks, with Keras' conventions where the papers' code uses Keras."""

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mer.errors import MerError
from mer.networks import first_block

EPSILON, MOMENTUM = 1e-3, 0.01  # Keras' BatchNormalization: eps 1e-3, momentum 0.99
TRUNCATION = 0.87962566103423978  # standard deviation of a unit normal truncated at two deviations


def batch_norm_1d(features: int) -> nn.BatchNorm1d:
    """Batch normalization of vectors [shape=(n, features)]."""
    return nn.BatchNorm1d(features, eps=EPSILON, momentum=MOMENTUM)


def batch_norm_2d(channels: int) -> nn.BatchNorm2d:
    """Batch normalization of maps [shape=(n, channels, t, f)]."""
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)


class MaxPoolSame(nn.Module):
    """Keras' ``MaxPooling2D(padding="same")``, which pads on both sides.

    ``floor(total / 2)`` is padded before, the rest after; torch's ``ceil_mode`` alone pads only after.

    Parameters
    ----------
    size : (int, int)
        Window and stride over time and frequency.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, maps: Tensor) -> Tensor:
        """[shape=(n, c, t, f)] -> [shape=(n, c, ceil(t / size_t), ceil(f / size_f))]."""
        before = [
            max(math.ceil(n / s) * s - n, 0) // 2
            for n, s in zip(maps.shape[2:], self.size, strict=True)
        ]
        return functional.max_pool2d(maps, self.size, padding=before, ceil_mode=True)


class Conv2dSame(nn.Conv2d):
    """Keras' ``Conv2D(padding="same")``, which pads an odd total by one more after than before.

    With a stride of 2 and an even size, torch's ``padding=size // 2`` pads as much before as after.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """[shape=(n, c, t, f)] -> [shape=(n, c', ceil(t / stride), ceil(f / stride))]."""
        total = [
            max((math.ceil(n / s) - 1) * s + k - n, 0)
            for n, s, k in zip(maps.shape[2:], self.stride, self.kernel_size, strict=True)
        ]
        time, bands = ((t // 2, t - t // 2) for t in total)
        return super().forward(functional.pad(maps, (*bands, *time)))


class Dropout(nn.Dropout):
    """``nn.Dropout``, three times as fast on a CPU: 16 bits of a random word decide on a value.

    The dropped share is rounded to 1/65536, and the kept values are scaled for that share, by a factor that
    is rounded to the type of the values, as ``nn.Dropout`` rounds its own.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Values of any shape; in evaluation and on a GPU the same as ``nn.Dropout``."""
        if not self.training or values.device.type != "cpu":
            return super().forward(values)
        dropped = round(self.p * 2**16)
        words = torch.empty(math.ceil(values.numel() / 4), dtype=torch.int64).random_(
            -(2**63), None
        )
        kept = words.view(torch.int16)[: values.numel()].ge_(dropped - 2**15)
        mask = torch.empty_like(values)  # with the memory layout of the values
        mask.copy_(kept.as_strided(mask.size(), mask.stride()))
        return values * mask.mul_(2**16 / (2**16 - dropped))


def he_normal(modules: Iterable[nn.Module]) -> None:
    """Initialise weights as Keras' ``he_normal``: truncated normal of variance 2 / fan_in, biases 0."""
    for module in modules:
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            deviation = math.sqrt(2 / fan_in) / TRUNCATION
            nn.init.trunc_normal_(module.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
            nn.init.zeros_(cast(Tensor, module.bias))


def glorot_uniform(modules: Iterable[nn.Module]) -> None:
    """Initialise weights as Keras' default: uniform of variance 2 / (fan_in + fan_out), biases 0."""
    for module in modules:
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(cast(Tensor, module.bias))


TAPS = 5  # of Louro's convolutions


class LouroConvolutions(nn.Sequential):
    """Layers of which the first three, convolution, pool and ReLU, are one pass in training on a CPU."""

    def forward(self, maps: Tensor) -> Tensor:
        """[shape=(n, 1, t, f)] -> the values of the last layer."""
        if not self.training or not first_block.applies(maps, TAPS):
            return super().forward(maps)
        convolution, _pool, _relu, *layers = self
        maps = first_block.conv_pool_relu(maps, *convolution.parameters())
        for layer in layers:
            maps = layer(maps)
        return maps


def louro_convolutions(last_norm: bool, dropout: float) -> LouroConvolutions:
    """The four convolutions of Louro et al.'s baseline, as in their code (docs/methods.md, "Louro's CNN").

    Each block is a convolution 5 x 5 valid with 16 filters, ReLU, pool, batch norm and dropout 0.1; the
    last maps are flattened. The maps of 942 x 128 are 469 x 62, 233 x 29, 77 x 13 and 25 x 5, that is 2000
    values. ReLU follows the pool, where it costs less and gives the same values.

    Parameters
    ----------
    last_norm : bool
        Whether the fourth pool is followed by a batch norm, as in the Hybrid's pre-training.
    dropout : float
        Dropout of the flattened maps.
    """
    layers: list[nn.Module] = []
    for block, pool in enumerate([(2, 2), (2, 2), (3, 2), (3, 2)]):
        layers += [
            nn.Conv2d(16 if block else 1, 16, TAPS),
            MaxPoolSame(pool),
            nn.ReLU(inplace=True),
        ]
        if block < 3:
            layers += [batch_norm_2d(16), Dropout(0.1)]
    if last_norm:
        layers.append(batch_norm_2d(16))
    he_normal(layers)
    return LouroConvolutions(*layers, nn.Flatten(), Dropout(dropout))


def map_shape(convolutions: nn.Module, shape: tuple[int, int]) -> torch.Size:
    """The shape of the maps of one spectrogram of ``shape``, (frames, mels), after the convolutions.

    Raises
    ------
    MerError
        If the spectrogram is too small for the convolutions.
    """
    trains = convolutions.training
    try:
        with torch.no_grad():
            return convolutions.eval()(torch.zeros(1, 1, *shape)).shape[1:]
    except RuntimeError as error:
        frames, mels = shape
        raise MerError(
            f"spectrograms of {frames} frames x {mels} mels are too small for this model's "
            "convolutions; choose a view with more of them"
        ) from error
    finally:
        convolutions.train(trains)


def flattened_size(convolutions: nn.Module, shape: tuple[int, int]) -> int:
    """The number of values of the maps of a spectrogram of ``shape``, (frames, mels)."""
    return map_shape(convolutions, shape).numel()


def keras_recurrent(layer: nn.RNNBase) -> None:
    """Initialise a recurrent layer as Keras: input weights glorot-uniform, recurrent weights orthogonal.

    Biases are 0, those of the forget gates of an LSTM 1.
    """
    for name, weights in layer.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(weights)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(weights)
        else:
            nn.init.zeros_(weights)
            if isinstance(layer, nn.LSTM) and name.startswith("bias_ih"):
                nn.init.ones_(weights[layer.hidden_size : 2 * layer.hidden_size])


class GRU(nn.GRU):
    """Keras' GRU with ``reset_after``: equations and biases are torch's, the initial weights Keras'.

    The layer computes in float32 under autocast too, where torch would take float16 in place of bfloat16.

    Parameters
    ----------
    features, units, layers : int
        Values per step of the input and of the output; number of stacked layers.
    """

    def __init__(self, features: int, units: int, layers: int) -> None:
        super().__init__(features, units, layers, batch_first=True)
        keras_recurrent(self)

    def forward(self, sequence: Tensor) -> Tensor:  # type: ignore[override]
        """[shape=(n, steps, features)] -> states of the last layer [shape=(n, steps, units)]."""
        with torch.autocast(sequence.device.type, enabled=False):
            return super().forward(sequence.float())[0]
