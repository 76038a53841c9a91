"""``profiles``."""

from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from mer.schema import Block
from mer.schema.training import Precision

WHOLE = "paper"  # the profile that runs a protocol in full


class Profile(Block):
    """``profiles.<key>``: how much of a protocol is run; null leaves its own number.

    Attributes
    ----------
    folds, repeats : of a cross-validation
    first : train on this many folds only, where a whole protocol is too dear
    epochs : of any training of a network, at most, where a whole recipe is too dear
    batch : examples per training step of a network
    short : whether networks train for their ``smoke_test_epochs`` only, an autoencoder of segments on the
        first of each clip
    precision : ``bfloat16`` trains convolutions and dense layers in it where the device computes in it
        (GPUs, processors with AVX512-BF16 or AMX), and in float32 elsewhere; answers are computed in
        float32, but for those on chunks (``mer.learn.trainers.random_chunks``)
    portable : networks compute with such instructions only that every x86-64 processor with AVX2 has, and
        a run gives the same bytes on all of them (``mer.runtime.portable``); slower, and in float32 only
    """

    folds: Annotated[int, Field(ge=2)] | None
    repeats: PositiveInt | None
    first: PositiveInt | None
    epochs: PositiveInt | None
    batch: PositiveInt | None
    short: bool
    precision: Precision
    portable: bool

    @model_validator(mode="after")
    def _portable_is_float32(self) -> Self:
        if self.portable and self.precision != "float32":
            raise ValueError(
                f"portable=true needs precision=float32, not {self.precision}: not every processor has it"
            )
        return self

    @property
    def whole(self) -> bool:
        """Whether it leaves a protocol, and the recipes of networks, as they are."""
        cuts = (self.folds, self.repeats, self.first, self.epochs, self.batch, self.short)
        return not any(cuts)
