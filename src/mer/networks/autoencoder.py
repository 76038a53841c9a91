"""Louro et al.'s convolutional autoencoder of whole spectrograms, with the layers of their code.

The network has 948 481 parameters and encodes 942 x 128 as 128 maps of 59 x 8, that is 60 416 values
(docs/methods.md, "Louro's autoencoder").

The decoder computes maps of 2 t x 2 f in the form that ``functional.pixel_unshuffle`` gives them: four maps
of t x f, one per place in a block of 2 x 2 values. So its layers are convolutions 3 x 3, and a CPU computes
a training step in less than half the time that torch's transposed convolutions take.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mer.networks.layers import Conv2dSame, glorot_uniform

FILTERS = (16, 32, 64, 128)
SLOPE = 0.2
BATCH = 32  # spectrograms that are encoded or decoded together
# The 3 x 3 kernels hold the values (taps) of the 5 x 5 kernels. For each row of an output block: the tap of
# each of the three rows of input blocks around it; -1 for none. The columns are alike. In einsum below, a
# and b are the row and the column in an output block, c and d those in an input block, p and q the place in
# the 3 x 3 kernel, and t and s the tap.
UP_TAPS = ((3, 1, -1), (4, 2, 0))
SAME_TAPS = (((0, 2, 4), (1, 3, -1)), ((-1, 1, 3), (0, 2, 4)))


class Scale:
    """Min-max scaling of each spectrogram to -1..1 by its own range, and a map back to the mean range.

    Parameters
    ----------
    mel : Tensor [shape=(n, frames, mels)]
    """

    def __init__(self, mel: Tensor) -> None:
        low, high = mel.float().amin((1, 2)), mel.float().amax((1, 2))
        self.middle = ((low + high) / 2)[:, None, None]
        self.half = ((high - low) / 2).clamp(min=1e-6)[:, None, None]

    def transform(self, mel: Tensor) -> Tensor:
        """The spectrograms in -1..1, in their own type."""
        return ((mel - self.middle) / self.half).to(mel.dtype)

    def to_mean_range(self, scaled: Tensor) -> Tensor:
        """Map spectrograms from -1..1 to the mean range of those given to the constructor."""
        return scaled * self.half.mean() + self.middle.mean()


def _one_hot(taps: object) -> Tensor:
    """1 for the tap of each place, 0 for the others [shape=(..., 5)]."""
    return (torch.tensor(taps)[..., None] == torch.arange(5)).float()


class UpConv(nn.ConvTranspose2d):
    """Keras' ``Conv2DTranspose(5, strides=2, padding="same")``."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 5, stride=2)
        self.register_buffer("taps", _one_hot(UP_TAPS), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:  # type: ignore[override]
        """[shape=(n, c, t, f)] -> maps of 2 t x 2 f, unshuffled [shape=(n, 4 c', t, f)]."""
        kernel = torch.einsum("apt,bqs,iots->oabipq", self.taps, self.taps, self.weight)
        bias = self.bias.repeat_interleave(4)  # type: ignore[union-attr]
        return functional.conv2d(maps, kernel.flatten(0, 2), bias, padding=1)


class LastConv(nn.Conv2d):
    """Keras' ``Conv2D(1, 5, padding="same")``."""

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs, 1, 5)
        self.register_buffer("taps", _one_hot(SAME_TAPS), persistent=False)

    def forward(self, unshuffled: Tensor) -> Tensor:
        """Unshuffled maps of 2 t x 2 f [shape=(n, 4 c, t, f)] -> a map [shape=(n, 2 t, 2 f)]."""
        kernel = torch.einsum("acpt,bdqs,its->abicdpq", self.taps, self.taps, self.weight[0])
        bias = self.bias.repeat(4)  # type: ignore[union-attr]
        found = functional.conv2d(unshuffled, kernel.flatten(0, 1).flatten(1, 3), bias, padding=1)
        return functional.pixel_shuffle(found, 2)[:, 0]


class Autoencoder(nn.Module):
    """Convolutions 5 x 5 of stride 2 down to the code, as many transposed ones, leaky ReLU of 0.2."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(zip((1, *FILTERS), FILTERS, strict=False))
        self.down = nn.ModuleList([Conv2dSame(i, o, 5, stride=2) for i, o in pairs])
        wide = FILTERS[::-1]
        self.up = nn.ModuleList(
            [UpConv(i, o) for i, o in zip((wide[0], *wide), wide, strict=False)]
        )
        self.last = LastConv(wide[-1])
        glorot_uniform(self.modules())

    def encode(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> codes [shape=(n, 128, ceil(frames / 16), ceil(mels / 16))]."""
        maps = mel.unsqueeze(1)
        for layer in self.down:
            maps = functional.leaky_relu(layer(maps), SLOPE)
        return maps

    def decode(self, codes: Tensor, shape: tuple[int, int]) -> Tensor:
        """Codes -> spectrograms in -1..1 [shape=(n, frames, mels)], cropped to ``shape``."""
        first, *others = self.up
        unshuffled = functional.leaky_relu(first(codes), SLOPE)
        for layer in others:
            maps = functional.pixel_shuffle(unshuffled, 2)
            unshuffled = functional.leaky_relu(layer(maps), SLOPE)
        return self.last(unshuffled).tanh()[:, : shape[0], : shape[1]]

    def forward(self, mel: Tensor) -> Tensor:
        """Spectrograms in -1..1 -> their reconstructions [shape=(n, frames, mels)]."""
        return self.decode(self.encode(mel), (mel.shape[1], mel.shape[2]))


def code_shape(shape: tuple[int, int]) -> tuple[int, int, int]:
    """Maps, frames and mels of the code of a spectrogram of ``shape``, (frames, mels)."""
    factor = 2 ** len(FILTERS)
    return (FILTERS[-1], math.ceil(shape[0] / factor), math.ceil(shape[1] / factor))


@torch.no_grad()
def codes(network: Autoencoder, scaled: Tensor) -> np.ndarray:
    """The codes of spectrograms in -1..1, flattened [shape=(n, values), dtype=float32]."""
    network.eval()
    pieces = [network.encode(batch.float()).flatten(1) for batch in scaled.split(BATCH)]
    return torch.cat(pieces).cpu().numpy()
