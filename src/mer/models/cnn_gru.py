"""Louro et al.'s baseline with two GRUs after its convolutions (row "Baseline with GRU").

The paper gives no sizes. In the authors' code the 2000 values of the last maps form a sequence of a single
step, so the GRUs have no earlier step to remember: 48 666 939 trainable parameters at 942 x 128. With
``sequence: frames`` the 25 frames of these maps are 25 steps of 80 values, as the paper's
"time-domain-specific features" suggest: 144 699 parameters (docs/methods.md, "Louro's CNN with GRU").
"""

from typing import Literal

from torch import Tensor, nn

from mer.networks.layers import GRU, Dropout, glorot_uniform, louro_convolutions, map_shape
from mer.schema.training import Searched

trainer = "supervised"
reads: tuple[str, ...] = ("spectrogram",)
augments = "training"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")


class Params(Searched):
    """``models.cnn_gru``.

    Attributes
    ----------
    sequence : the steps that the GRUs read: all values of the last maps in a ``single`` step, or their
        ``frames`` one by one
    """

    sequence: Literal["single", "frames"]


class Network(nn.Module):
    """Convolutions, two GRUs as wide as a step, dense layers of 300 and 75, one logit per output."""

    def __init__(
        self, shape: tuple[int, int], outputs: int, sequence: Literal["single", "frames"]
    ) -> None:
        super().__init__()
        self.convolutions = louro_convolutions(last_norm=False, dropout=0.4)
        self.maps = map_shape(self.convolutions[:-2], shape)
        self.sequence = sequence
        channels, frames, bands = self.maps
        units = channels * bands * (frames if sequence == "single" else 1)
        self.recurrent = GRU(units, units, layers=2)
        self.head = nn.Sequential(
            Dropout(0.5),
            nn.Linear(units, 300),
            nn.ReLU(),
            nn.Linear(300, 75),
            nn.ReLU(),
            nn.Linear(75, outputs),
        )
        glorot_uniform(self.head)

    def steps(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> the sequence that the GRUs read [shape=(n, steps, values)]."""
        flat = self.convolutions(mel.unsqueeze(1))
        if self.sequence == "single":
            return flat.unsqueeze(1)
        return flat.unflatten(1, self.maps).transpose(1, 2).flatten(2)

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> logits [shape=(n, outputs)]."""
        return self.head(self.recurrent(self.steps(mel))[:, -1])


def build(params: Params, *, shape: tuple[int, int], outputs: int) -> nn.Module:
    """An untrained network for spectrograms of ``shape``, (frames, mels)."""
    return Network(shape, outputs, params.sequence)
