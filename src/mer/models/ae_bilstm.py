"""He & Ferguson's model: an autoencoder of segments, then a BiLSTM over the codes of a clip (2022).

The policy ``masked`` masks the segments that the autoencoder reads; with another policy they stay whole.
With ``fidelity: released`` the test clips decide when a training ends, a likely reading of the paper
(docs/methods.md, "He and Ferguson's evaluation").
"""

from typing import Annotated

import torch
from pydantic import Field, PositiveInt
from torch import nn

from mer.networks.segments import Head, MaskedAutoencoder, Penalty, Recurrent, code_values
from mer.networks.spans import check_lengths
from mer.schema import Block
from mer.schema.augmentation import Masking
from mer.schema.training import TrainingConfig

trainer = "two_stage"
reads: tuple[str, ...] = ("spectrogram",)
augments = "no"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")


class Params(Block):
    """``models.ae_bilstm``.

    Attributes
    ----------
    filters : filters of the convolutions of the encoder
    penalty : ``activity`` or ``decay``, see ``mer.networks.segments.MaskedAutoencoder``
    head, units : recurrent layer of the classifier, and its units per direction
    patience : epochs without an improvement of the validation after which a training ends
    validation : share of the training clips that is held out for validation
    restarts : classifiers per fold, from other seeds; each counts as a repeat of the fold
    autoencoder, classifier : configurations of their trainings
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    penalty: Penalty
    head: Head
    units: PositiveInt
    patience: PositiveInt
    validation: Annotated[float, Field(gt=0, lt=1)]
    restarts: PositiveInt
    autoencoder: TrainingConfig
    classifier: TrainingConfig


def autoencoder(
    params: Params, *, shape: tuple[int, int], masking: Masking | None
) -> MaskedAutoencoder:
    """An untrained autoencoder of segments of ``shape``, (frames, mels).

    Raises
    ------
    MerError
        If the pools do not divide the shape, or a mask can be as long as a segment.
    """
    code_values(params.filters, shape)
    if masking:
        check_lengths(masking, shape, "segments")
    return MaskedAutoencoder(params.filters, params.penalty, masking)


def layers(params: Params, shape: tuple[int, int]) -> dict[str, tuple[int, int, int]]:
    """Frames, mels and maps after each layer of the autoencoder: ``input, conv_1, pool_1, conv_2, …``.

    The up-sampling layers are missing, because ``UpConv`` computes them together with a convolution.
    """
    network, shapes = autoencoder(params, shape=shape, masking=None), []
    convolutions = [*network.encoder.convolutions, network.narrow, *network.up]
    for layer in convolutions:
        layer.register_forward_hook(
            lambda _, given, maps: shapes.append((given[0].shape, maps.shape))
        )
    with torch.no_grad():
        network.eval()(torch.zeros(1, *shape))
    sizes = {"input": shapes[0][0]} | {f"conv_{n}": maps for n, (_, maps) in enumerate(shapes, 1)}
    sizes |= {f"pool_{n}": shapes[n][0] for n in range(1, len(params.filters) + 1)}
    return {name: (frames, mels, maps) for name, (_, maps, frames, mels) in sizes.items()}


def build(params: Params, *, shape: tuple[int, int], outputs: int) -> nn.Module:
    """An untrained classifier of sequences of codes, of segments of ``shape``, (frames, mels)."""
    return Recurrent(params.head, code_values(params.filters, shape), params.units, outputs)
