"""He & Ferguson's model: an autoencoder of segments, then a BiLSTM over a clip's codes (2022).

Its masks are the policy ``masked``; with another policy the autoencoder sees whole segments. With
``fidelity: released`` the test clips end the trainings, as the paper reads (methods D5).
"""

from typing import Annotated

import torch
from pydantic import Field, PositiveInt
from torch import nn

from mer.errors import MerError
from mer.networks.segments import Head, MaskedAutoencoder, Penalty, Recurrent, code_values
from mer.schema import Block
from mer.schema.augmentation import Masking
from mer.schema.training import TrainingConfig

trainer = "two_stage"
reads: tuple[str, ...] = ("spectrogram",)
augments = "no"
fidelities: tuple[str, ...] = ("described", "released")


class Params(Block):
    """``models.ae_bilstm``.

    Attributes
    ----------
    filters : of the encoder's convolutions
    penalty : ``activity`` or ``decay``, see ``MaskedAutoencoder``
    head, units : recurrent layer of the classifier, units per direction
    patience : epochs without a better validation after which either training ends
    validation : share of the training clips that validates
    restarts : classifiers per fold, of other seeds; each counts as a repeat of the fold
    autoencoder, classifier : how they are trained
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
    """An untrained autoencoder of segments of this (frames, mels).

    Raises
    ------
    MerError
        If the pools do not divide them, or the masks may be as long as they are.
    """
    code_values(params.filters, shape)
    if masking and (masking.time_mask_param > shape[0] or masking.freq_mask_param > shape[1]):
        raise MerError(
            f"masks must be shorter than the segments of {shape[0]} frames x {shape[1]} mels, not "
            f"up to {masking.time_mask_param} x {masking.freq_mask_param}; lower them in the policy"
        )
    return MaskedAutoencoder(params.filters, params.penalty, masking)


def layers(params: Params, shape: tuple[int, int]) -> dict[str, tuple[int, int, int]]:
    """Frames, mels and maps that each layer of the autoencoder gives: ``conv_1, pool_1, conv_2, …``.

    The up-sampling layers have no maps of their own: see ``UpConv``.
    """
    network, found = autoencoder(params, shape=shape, masking=None), []
    convolutions = [*network.encoder.convolutions, network.narrow, *network.up]
    for layer in convolutions:
        layer.register_forward_hook(
            lambda _, given, maps: found.append((given[0].shape, maps.shape))
        )
    with torch.no_grad():
        network.eval()(torch.zeros(1, *shape))
    named = {f"conv_{n}": maps for n, (_, maps) in enumerate(found, 1)}
    named |= {f"pool_{n}": found[n][0] for n in range(1, len(params.filters) + 1)}
    return {name: (frames, mels, maps) for name, (_, maps, frames, mels) in named.items()}


def build(params: Params, *, shape: tuple[int, int], classes: int) -> nn.Module:
    """An untrained classifier of the codes of segments of this (frames, mels)."""
    return Recurrent(params.head, code_values(params.filters, shape), params.units, classes)
