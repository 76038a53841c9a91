"""The section ``profiles``: how much of a protocol is run."""

from typing import Annotated, Any, Self

from pydantic import Field, PositiveInt, model_validator

from mer.schema import Block
from mer.schema.training import Precision

WHOLE = "paper"  # the profile that runs a protocol in full


class Profile(Block):
    """``profiles.<key>``: how much of a protocol is run; null keeps the number of the protocol or training.

    Attributes
    ----------
    folds, repeats : number of folds and repeats of a cross-validation; the repeats limit the restarts of a
        model, too
    max_folds : limit of the folds to train on, where a whole protocol is too expensive
    max_epochs : limit of the epochs of every training of a network, where a whole training is too expensive
    batch_size : examples per training step of a network
    smoke_test : networks train for their ``smoke_test_epochs`` only, and an autoencoder of segments on the
        first segment of each clip
    precision : ``bfloat16`` trains convolutions and dense layers in bfloat16 where the device computes in
        it (GPUs, processors with AVX512-BF16 or AMX), and in float32 elsewhere; predictions are computed in
        float32, except those on chunks (``mer.learn.trainers.random_chunks``)
    portable : networks use only instructions that every x86-64 processor with AVX2 has, so that a run gives
        the same bytes on all of them (``mer.runtime.portable``); slower, and in float32 only
    """

    folds: Annotated[int, Field(ge=2)] | None
    repeats: PositiveInt | None
    max_folds: PositiveInt | None = None
    max_epochs: PositiveInt | None = None
    batch_size: PositiveInt | None
    smoke_test: bool
    precision: Precision
    portable: bool = False

    @model_validator(mode="after")
    def _portable_is_float32(self) -> Self:
        if self.portable and self.precision != "float32":
            raise ValueError(
                f"portable=true needs precision=float32, not {self.precision}: not every processor has it"
            )
        return self

    @property
    def whole(self) -> bool:
        """Whether protocols and trainings run in full."""
        limits = (self.folds, self.repeats, self.max_folds, self.max_epochs, self.batch_size)
        return not any(limits) and not self.smoke_test

    def restarts(self, params: Any) -> int:
        """How often each fold is trained: ``params.restarts`` of a model, at most ``repeats``, or once."""
        count = getattr(params, "restarts", 1)
        return min(count, self.repeats or count)
