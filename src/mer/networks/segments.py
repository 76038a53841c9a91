"""He & Ferguson's networks: a masked convolutional autoencoder of segments, classifiers of their sequence.

Sizes are those of Table 2 of "Music Emotion Recognition based on Segment-level Two-stage Learning" (2022)
for segments of 216 frames x 128 mels; what the paper leaves open is settled in methods D.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from mer.errors import MerError
from mer.networks.layers import Dropout, glorot_uniform, keras_recurrent
from mer.networks.spans import span
from mer.schema.augmentation import Masking

Head = Literal["bilstm", "lstm", "gru"]
Penalty = Literal["activity", "decay"]

PENALTY = 0.001
PIECE = 8  # segments whose first maps, 14 MB each, are held at once
HEADS: dict[str, tuple[type[nn.LSTM] | type[nn.GRU], bool]] = {
    "bilstm": (nn.LSTM, True),
    "lstm": (nn.LSTM, False),
    "gru": (nn.GRU, False),
}
# Which taps of a 3-tap kernel fall on the two pixels that an even and an odd pixel of a doubled image see.
TAPS = (((1.0, 0.0, 0.0), (0.0, 1.0, 1.0)), ((1.0, 1.0, 0.0), (0.0, 0.0, 1.0)))


def masked(mel: Tensor, masking: Masking) -> Tensor:
    """Segments with one span of bands and one of frames filled (He & Ferguson, 3.1.1).

    Parameters
    ----------
    mel : Tensor [shape=(n, frames, mels)]
    masking : Masking
        The fill ``mean`` is that of each segment, before it is masked.

    Returns
    -------
    Tensor [shape=(n, frames, mels)]
        Other spans at each call, from torch's generator.
    """
    frames = span(mel.shape[1], masking.time_mask_param, mel)[:, :, None]
    bands = span(mel.shape[2], masking.freq_mask_param, mel)[:, None, :]
    fill = mel.mean((1, 2), keepdim=True) if masking.mask_value == "mean" else mel.new_zeros(())
    return torch.where(frames | bands, fill, mel)


class Encoder(nn.Module):
    """Per number of filters: convolution 3 x 3 same, pool 2 x 2, ReLU.

    Behind the pool ReLU costs less and gives the same. Segments go through in pieces, and a training
    computes the maps of a piece again rather than keep them: those of a batch of 64 would take gigabytes.
    """

    def __init__(self, filters: Sequence[int]) -> None:
        super().__init__()
        pairs = zip((1, *filters), filters, strict=False)
        self.convolutions = nn.ModuleList([nn.Conv2d(i, o, 3, padding=1) for i, o in pairs])
        glorot_uniform(self.modules())

    def _piece(self, mel: Tensor, measured: bool) -> tuple[Tensor, Tensor]:
        maps, activity = mel.unsqueeze(1), mel.new_zeros(())
        for number, convolution in enumerate(self.convolutions):
            maps = convolution(maps)
            if measured and number == 0:
                activity = torch.linalg.vector_norm(maps.relu(), dtype=torch.float32).square()
            maps = functional.max_pool2d(maps, 2).relu()
        return maps, activity

    def forward(self, mel: Tensor, measured: bool = False) -> tuple[Tensor, Tensor]:
        """Segments [shape=(n, frames, mels)], frames and mels multiples of 2 ** layers.

        Returns
        -------
        codes : Tensor [shape=(n, filters, frames / 2 ** layers, mels / 2 ** layers)]
        activity : Tensor [shape=()]
            Where ``measured``, the mean over segments of the sum of the first layer's squared outputs,
            ReLU applied; else 0.
        """
        if mel.device.type == "cuda":  # which has the room, and no time for many small steps
            whole, squares = self._piece(mel, measured)
            return whole, squares / len(mel)
        pieces = [
            checkpoint(self._piece, piece, measured, use_reentrant=False, preserve_rng_state=False)
            for piece in mel.split(PIECE)
        ]
        codes, activity = zip(*pieces, strict=True)
        return torch.cat(codes), torch.stack(activity).sum() / len(mel)


class UpConv(nn.Conv2d):
    """Nearest up-sampling 2 x 2, then a convolution 3 x 3 same, without the larger image between them.

    A pixel of the doubled image sees only 2 x 2 of the small one, thus a kernel 2 x 2 per parity of its
    row and column, whose weights are sums of the 3 x 3.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)
        self.register_buffer("taps", torch.tensor(TAPS), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """[shape=(n, c, t, f)] -> [shape=(n, c', 2 t, 2 f)]."""
        time, bands = maps.shape[2:]
        kernel = torch.einsum("aph,bqw,oihw->aboipq", self.taps, self.taps, self.weight)
        padded = functional.pad(maps, (1, 1, 1, 1))
        found = functional.conv2d(padded, kernel.flatten(0, 2)).unflatten(1, (2, 2, -1))
        rows = [
            torch.stack([found[:, a, b, :, a : a + time, b : b + bands] for b in (0, 1)], -1)
            for a in (0, 1)
        ]
        return torch.stack(rows, 3).flatten(4).flatten(2, 3) + self.bias[:, None, None]  # type: ignore[index]


class MaskedAutoencoder(nn.Module):
    """Returns segments whole that it saw with spans masked; 196 289 parameters, 93 536 of the encoder.

    Maps for 216 x 128 and filters 128, 64, 32: 108 x 64, 54 x 32, 27 x 16, which are 13 824 values, and
    back. ReLU also stands behind the last convolution, for log10(1 + S) is not negative.

    Parameters
    ----------
    filters : sequence of int
        Of the encoder's convolutions; the decoder's are the same backwards.
    penalty : str
        What "L2 regularizer applies a penalty to the output of the first CNN layer" means: ``activity``,
        on the sum of its squared outputs, or ``decay``, on that of its squared weights.
    masking : Masking or None
        Masks are drawn anew at each call while training, and not at all otherwise.

    Attributes
    ----------
    regularization : Tensor [shape=()]
        What the last call adds to the loss; 0 when not training.
    """

    def __init__(self, filters: Sequence[int], penalty: Penalty, masking: Masking | None) -> None:
        super().__init__()
        self.encoder, self.penalty, self.masking = Encoder(filters), penalty, masking
        wide = filters[::-1]
        pairs = zip(wide, (*wide[1:], 1), strict=True)
        self.narrow = nn.Conv2d(wide[0], wide[0], 3, padding=1)
        self.up = nn.ModuleList([UpConv(i, o) for i, o in pairs])
        self.regularization = torch.zeros(())
        glorot_uniform(self.modules())

    def forward(self, mel: Tensor) -> Tensor:
        """Segments and what is made of them [shape=(n, frames, mels)]."""
        seen = masked(mel, self.masking) if self.training and self.masking else mel
        measured = self.training and self.penalty == "activity"
        maps, penalized = self.encoder(seen, measured)
        if self.training and self.penalty == "decay":
            penalized = self.encoder.convolutions[0].weight.square().sum()  # type: ignore[operator]
        self.regularization = PENALTY * penalized
        maps = functional.relu(self.narrow(maps))
        for layer in self.up:
            maps = functional.relu(layer(maps))
        return maps[:, 0]


class Recurrent(nn.Module):
    """A recurrent layer over a clip's segments, dropout 0.5, one logit per class.

    With 512 units per direction of codes of 13 824 values: 58 728 448 parameters of the ``bilstm`` and
    2050 of the logits. Keras has 58 724 352, for torch's gates have two bias vectors, of which one is
    added to the other.

    Parameters
    ----------
    head : str
        ``bilstm``, ``lstm`` or ``gru``.
    features, units, classes : int
        Values of a segment; units per direction.
    """

    def __init__(self, head: Head, features: int, units: int, classes: int) -> None:
        super().__init__()
        kind, both = HEADS[head]
        self.recurrent = kind(features, units, batch_first=True, bidirectional=both)
        self.dropout = Dropout(0.5)
        self.logits = nn.Linear(units * (1 + both), classes)
        keras_recurrent(self.recurrent)
        glorot_uniform([self.logits])

    def forward(self, sequence: Tensor) -> Tensor:
        """[shape=(n, segments, features)] -> logits [shape=(n, classes)], from the last states."""
        with torch.autocast(sequence.device.type, enabled=False):
            _, state = self.recurrent(sequence.float())
        last = state[0] if isinstance(state, tuple) else state
        return self.logits(self.dropout(last.transpose(0, 1).flatten(1)))


class Joint(nn.Module):
    """Encoder and recurrent classifier, trained together."""

    def __init__(
        self, filters: Sequence[int], head: Head, units: int, shape: tuple[int, int], classes: int
    ) -> None:
        super().__init__()
        self.encoder = Encoder(filters)
        self.classifier = Recurrent(head, code_values(filters, shape), units, classes)

    def forward(self, mel: Tensor) -> Tensor:
        """Clips in segments [shape=(n, segments, frames, mels)] -> logits [shape=(n, classes)]."""
        codes, _ = self.encoder(mel.flatten(0, 1))
        return self.classifier(codes.flatten(1).unflatten(0, mel.shape[:2]))


def code_values(filters: Sequence[int], shape: tuple[int, int]) -> int:
    """Values of the code of a segment of this (frames, mels).

    Raises
    ------
    MerError
        If the pools do not divide it: the decoder could not give the segment back.
    """
    factor = 2 ** len(filters)
    if any(size % factor for size in shape):
        raise MerError(
            f"segments must have frames and mels that are multiples of {factor}, not "
            f"{shape[0]} x {shape[1]}; choose a view such as pmemo_1s or 4qaed_3s"
        )
    return filters[-1] * (shape[0] // factor) * (shape[1] // factor)
