"""He & Ferguson's baseline: the encoder of their autoencoder and its BiLSTM, trained together (2022).

Neither learning rate nor batch are given; they are those of the classifier of ``ae_bilstm``.
"""

from typing import Annotated

from pydantic import Field, PositiveInt
from torch import nn

from mer.networks.segments import Head, Joint
from mer.schema import Block
from mer.schema.training import TrainingConfig

trainer = "segment_sequence"
reads: tuple[str, ...] = ("spectrogram",)
augments = "no"
fidelities: tuple[str, ...] = ("described", "released")


class Params(Block):
    """``models.cnn_bilstm``; the keys are those of ``models.ae_bilstm``."""

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    head: Head
    units: PositiveInt
    patience: PositiveInt
    validation: Annotated[float, Field(gt=0, lt=1)]
    restarts: PositiveInt
    training: TrainingConfig


def build(params: Params, *, shape: tuple[int, int], classes: int) -> nn.Module:
    """An untrained network for clips whose segments have this (frames, mels)."""
    return Joint(params.filters, params.head, params.units, shape, classes)
