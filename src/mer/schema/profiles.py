"""``profiles``."""

from typing import Annotated

from pydantic import Field, PositiveInt

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
    """

    folds: Annotated[int, Field(ge=2)] | None
    repeats: PositiveInt | None
    first: PositiveInt | None
    epochs: PositiveInt | None
    batch: PositiveInt | None
    short: bool
    precision: Precision

    @property
    def whole(self) -> bool:
        """Whether it leaves a protocol, and the recipes of networks, as they are."""
        cuts = (self.folds, self.repeats, self.first, self.epochs, self.batch, self.short)
        return not any(cuts)
