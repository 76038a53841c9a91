"""He & Ferguson's networks: a masked convolutional autoencoder of segments, classifiers of their sequence.

The sizes are those of Table 2 of "Music Emotion Recognition based on Segment-level Two-stage Learning"
(2022) for segments of 216 frames x 128 mels; docs/methods.md, "He and Ferguson's autoencoder", has what the
paper does not state. The file reads in the order of the data: masks, encoder, autoencoder, classifiers.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from mer.errors import MerError
from mer.networks.layers import Dropout, glorot_uniform, keras_recurrent
from mer.networks.spans import random_spans
from mer.schema.augmentation import Masking

Head = Literal["bilstm", "lstm", "gru"]
Penalty = Literal["activity", "decay"]

PENALTY = 0.001
PIECE = 8  # segments encoded at once: the first maps of each take 14 MB
HEADS: dict[str, tuple[type[nn.LSTM] | type[nn.GRU], bool]] = {
    "bilstm": (nn.LSTM, True),
    "lstm": (nn.LSTM, False),
    "gru": (nn.GRU, False),
}
# The taps of a 3-tap kernel on each of the two pixels under an even, and an odd, up-sampled pixel.
TAPS = (((1.0, 0.0, 0.0), (0.0, 1.0, 1.0)), ((1.0, 1.0, 0.0), (0.0, 0.0, 1.0)))


def masked(mel: Tensor, masking: Masking) -> Tensor:
    """Segments with one random span of bands and one of frames masked (He & Ferguson, section 3.1.1).

    Parameters
    ----------
    mel : Tensor [shape=(n, frames, mels)]
    masking : Masking
        The value ``mean`` is the mean of each segment before it is masked.

    Returns
    -------
    Tensor [shape=(n, frames, mels)]
        The spans differ at each call, from torch's generator.
    """
    frames = random_spans(mel.shape[1], masking.time_mask_param, mel)[:, :, None]
    bands = random_spans(mel.shape[2], masking.freq_mask_param, mel)[:, None, :]
    fill = mel.mean((1, 2), keepdim=True) if masking.mask_value == "mean" else mel.new_zeros(())
    return torch.where(frames | bands, fill, mel)


class Encoder(nn.Module):
    """A convolution 3 x 3 same, a pool 2 x 2 and ReLU for each number of filters.

    ReLU follows the pool, where it costs less and gives the same values. Segments are encoded in pieces,
    with gradient checkpointing: the maps of a batch of 64 would take gigabytes.
    """

    def __init__(self, filters: Sequence[int]) -> None:
        super().__init__()
        pairs = zip((1, *filters), filters, strict=False)
        self.convolutions = nn.ModuleList([nn.Conv2d(i, o, 3, padding=1) for i, o in pairs])
        glorot_uniform(self.modules())

    def _encode(self, mel: Tensor, with_activity: bool) -> tuple[Tensor, Tensor]:
        maps, activity = mel.unsqueeze(1), mel.new_zeros(())
        for number, convolution in enumerate(self.convolutions):
            maps = convolution(maps)
            if with_activity and number == 0:
                activity = torch.linalg.vector_norm(maps.relu(), dtype=torch.float32).square()
            maps = functional.max_pool2d(maps, 2).relu()
        return maps, activity

    def forward(self, mel: Tensor, with_activity: bool = False) -> tuple[Tensor, Tensor]:
        """Encode segments [shape=(n, frames, mels)]; frames and mels are multiples of 2 ** layers.

        Returns
        -------
        codes : Tensor [shape=(n, filters, frames / 2 ** layers, mels / 2 ** layers)]
        activity : Tensor [shape=()]
            With ``with_activity``, the sum of the squared outputs of the first layer after ReLU, as a mean
            over segments; else 0.
        """
        if mel.device.type == "cuda":  # which has the memory, and runs many small steps slowly
            whole, squares = self._encode(mel, with_activity)
            return whole, squares / len(mel)
        pieces = [
            checkpoint(
                self._encode, piece, with_activity, use_reentrant=False, preserve_rng_state=False
            )
            for piece in mel.split(PIECE)
        ]
        codes, activity = zip(*pieces, strict=True)
        return torch.cat(codes), torch.stack(activity).sum() / len(mel)


class UpConv(nn.Conv2d):
    """Nearest up-sampling 2 x 2 and a convolution 3 x 3 same, without the up-sampled image in memory.

    Under a pixel of the up-sampled image lie only 2 x 2 pixels of the small one. So a kernel 2 x 2 for each
    parity of its row and column suffices, whose weights are sums of those of the 3 x 3.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)
        self.register_buffer("taps", torch.tensor(TAPS), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """[shape=(n, c, t, f)] -> [shape=(n, c', 2 t, 2 f)]."""
        time, bands = maps.shape[2:]
        kernel = torch.einsum("aph,bqw,oihw->aboipq", self.taps, self.taps, self.weight)
        padded = functional.pad(maps, (1, 1, 1, 1))
        parities = functional.conv2d(padded, kernel.flatten(0, 2)).unflatten(1, (2, 2, -1))
        rows = [
            torch.stack([parities[:, a, b, :, a : a + time, b : b + bands] for b in (0, 1)], -1)
            for a in (0, 1)
        ]
        return torch.stack(rows, 3).flatten(4).flatten(2, 3) + self.bias[:, None, None]  # type: ignore[index]


class MaskedAutoencoder(nn.Module):
    """An autoencoder that restores masked segments; 196 289 parameters, 93 536 of them in the encoder.

    The maps of 216 x 128 with filters 128, 64 and 32 are 108 x 64, 54 x 32 and 27 x 16, that is 13 824
    values; the decoder reverses them. ReLU follows the last convolution too, because log10(1 + S) is not
    negative.

    Parameters
    ----------
    filters : sequence of int
        Filters of the encoder's convolutions; the decoder has the same in reverse order.
    penalty : str
        The reading of "L2 regularizer applies a penalty to the output of the first CNN layer": ``activity``
        penalises the sum of its squared outputs, ``decay`` the sum of its squared weights.
    masking : Masking or None
        New random masks at each call in training mode; no masks in evaluation mode.

    Attributes
    ----------
    regularization : Tensor [shape=()]
        The penalty of the last call, to be added to the loss; 0 in evaluation mode.
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
        """Segments -> their reconstructions [shape=(n, frames, mels)]."""
        inputs = masked(mel, self.masking) if self.training and self.masking else mel
        with_activity = self.training and self.penalty == "activity"
        maps, penalized = self.encoder(inputs, with_activity)
        if self.training and self.penalty == "decay":
            penalized = self.encoder.convolutions[0].weight.square().sum()  # type: ignore[operator]
        self.regularization = PENALTY * penalized
        maps = functional.relu(self.narrow(maps))
        for layer in self.up:
            maps = functional.relu(layer(maps))
        return maps[:, 0]


class Recurrent(nn.Module):
    """A recurrent layer over the segments of a clip, dropout 0.5, one logit per output.

    With 512 units per direction and codes of 13 824 values the ``bilstm`` has 58 728 448 parameters and the
    logits have 2050. Keras' BiLSTM has 58 724 352, because torch's gates have a second bias vector.

    Parameters
    ----------
    head : str
        ``bilstm``, ``lstm`` or ``gru``.
    features, units, outputs : int
        Values of a segment; units per direction; logits.
    """

    def __init__(self, head: Head, features: int, units: int, outputs: int) -> None:
        super().__init__()
        kind, both = HEADS[head]
        self.recurrent = kind(features, units, batch_first=True, bidirectional=both)
        self.dropout = Dropout(0.5)
        self.logits = nn.Linear(units * (1 + both), outputs)
        keras_recurrent(self.recurrent)
        glorot_uniform([self.logits])

    def forward(self, sequence: Tensor) -> Tensor:
        """[shape=(n, segments, features)] -> logits [shape=(n, outputs)], from the last states."""
        with torch.autocast(sequence.device.type, enabled=False):
            _, state = self.recurrent(sequence.float())
        last = state[0] if isinstance(state, tuple) else state
        return self.logits(self.dropout(last.transpose(0, 1).flatten(1)))


class Joint(nn.Module):
    """The encoder and the recurrent classifier, trained together."""

    def __init__(
        self, filters: Sequence[int], head: Head, units: int, shape: tuple[int, int], outputs: int
    ) -> None:
        super().__init__()
        self.encoder = Encoder(filters)
        self.classifier = Recurrent(head, code_values(filters, shape), units, outputs)

    def forward(self, mel: Tensor) -> Tensor:
        """Clips in segments [shape=(n, segments, frames, mels)] -> logits [shape=(n, outputs)]."""
        codes, _ = self.encoder(mel.flatten(0, 1))
        return self.classifier(codes.flatten(1).unflatten(0, mel.shape[:2]))


def code_values(filters: Sequence[int], shape: tuple[int, int]) -> int:
    """The number of values of the code of a segment of ``shape``, (frames, mels).

    Raises
    ------
    MerError
        If the pools do not divide the shape: the decoder could not restore the segment.
    """
    factor = 2 ** len(filters)
    if any(size % factor for size in shape):
        raise MerError(
            f"segments must have frames and mels that are multiples of {factor}, not "
            f"{shape[0]} x {shape[1]}; choose a view such as pmemo_1s or 4qaed_3s"
        )
    return filters[-1] * (shape[0] // factor) * (shape[1] // factor)
