"""Louro et al.'s convolutional autoencoder of whole spectrograms, with the layers of their code.

The network has 948 481 parameters and encodes 942 x 128 as 128 maps of 59 x 8, that is 60 416 values
(docs/methods.md, "Louro's autoencoder").
"""

import math

from torch import Tensor, nn
from torch.nn import functional

from mer.networks.layers import Conv2dSame, glorot_uniform

FILTERS = (16, 32, 64, 128)
SLOPE = 0.2


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


def _up(inputs: int, outputs: int) -> nn.Module:
    """Keras' ``Conv2DTranspose(5, strides=2, padding="same")`` with one row and column too many."""
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=1)


class Autoencoder(nn.Module):
    """Convolutions 5 x 5 of stride 2 down to the code, as many transposed ones, leaky ReLU of 0.2."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(zip((1, *FILTERS), FILTERS, strict=False))
        self.down = nn.ModuleList([Conv2dSame(i, o, 5, stride=2) for i, o in pairs])
        wide = FILTERS[::-1]
        self.up = nn.ModuleList([_up(i, o) for i, o in zip((wide[0], *wide), wide, strict=False)])
        self.last = Conv2dSame(wide[-1], 1, 5)
        glorot_uniform(self.modules())

    def encode(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> codes [shape=(n, 128, ceil(frames / 16), ceil(mels / 16))]."""
        maps = mel.unsqueeze(1)
        for layer in self.down:
            maps = functional.leaky_relu(layer(maps), SLOPE)
        return maps

    def decode(self, codes: Tensor, shape: tuple[int, int]) -> Tensor:
        """Codes -> spectrograms in -1..1 [shape=(n, frames, mels)], cropped to ``shape``."""
        for layer in self.up:
            codes = functional.leaky_relu(layer(codes)[..., :-1, :-1], SLOPE)
        return self.last(codes).tanh()[:, 0, : shape[0], : shape[1]]

    def forward(self, mel: Tensor) -> Tensor:
        """Spectrograms in -1..1 -> their reconstructions [shape=(n, frames, mels)]."""
        return self.decode(self.encode(mel), (mel.shape[1], mel.shape[2]))


def code_shape(shape: tuple[int, int]) -> tuple[int, int, int]:
    """Maps, frames and mels of the code of a spectrogram of ``shape``, (frames, mels)."""
    factor = 2 ** len(FILTERS)
    return (FILTERS[-1], math.ceil(shape[0] / factor), math.ceil(shape[1] / factor))
