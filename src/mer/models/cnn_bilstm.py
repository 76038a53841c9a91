"""He & Ferguson's baseline: the encoder of their autoencoder and the BiLSTM, trained together (2022).

The paper gives neither the learning rate nor the batch size; both are those of the classifier of
``ae_bilstm`` (docs/methods.md, "He and Ferguson's classifier").
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
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")


class Params(Block):
    """``models.cnn_bilstm``; its keys have the meanings that they have in ``models.ae_bilstm``."""

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    head: Head
    units: PositiveInt
    patience: PositiveInt
    validation: Annotated[float, Field(gt=0, lt=1)]
    restarts: PositiveInt
    training: TrainingConfig


def build(params: Params, *, shape: tuple[int, int], outputs: int) -> nn.Module:
    """An untrained network for sequences of segments of ``shape``, (frames, mels)."""
    return Joint(params.filters, params.head, params.units, shape, outputs)
