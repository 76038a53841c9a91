"""How a network is trained: the settings that Louro et al. give for each of theirs."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from mer.schema import Block

Precision = Literal["float32", "bfloat16"]


class TrainingConfig(Block):
    """Settings of one training.

    Attributes
    ----------
    optimizer : ``sgd`` without momentum, ``adam``, Keras' defaults otherwise, or ``rmsprop`` with
        SincNet's, alpha 0.95 and epsilon 1e-8
    lr : learning rate
    batch_size : examples per step; a profile may set its own
    max_epochs : at most
    smoke_test_epochs : at most, under a profile that is ``short``
    stop_accuracy : training ends after an epoch whose running training accuracy, dropout on, reaches
        it; null for never
    precision : of convolutions and dense layers in training; a profile sets its own
    """

    optimizer: Literal["sgd", "adam", "rmsprop"]
    lr: PositiveFloat
    batch_size: PositiveInt
    max_epochs: PositiveInt
    smoke_test_epochs: PositiveInt
    stop_accuracy: Annotated[float, Field(gt=0, le=1)] | None
    precision: Precision = "float32"


class Tuning(Block):
    """A search for the best config.

    Attributes
    ----------
    trials : how many are tried
    smoke_test_trials : the same, under a profile that is ``short``
    batch_size, optimizer, lr : candidates for these three; a profile may set its own batch
    storage : URL of a database that keeps the trials, as SQLAlchemy writes it; null for a file in
        .mer/studies. On a database machines may share a search, whose trials then depend on their order
    """

    trials: PositiveInt
    smoke_test_trials: PositiveInt
    batch_size: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    optimizer: Annotated[tuple[Literal["sgd", "adam"], ...], Field(min_length=1)]
    lr: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]
    storage: str | None
