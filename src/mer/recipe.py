"""How a network is trained: the settings that Louro et al. give for each of theirs."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from mer.block import Block


class Recipe(Block):
    """Settings of one training.

    Attributes
    ----------
    optimizer : ``sgd`` without momentum, ``adam``, Keras' defaults otherwise, or ``rmsprop`` with
        SincNet's, alpha 0.95 and epsilon 1e-8
    lr : learning rate
    batch : examples per step; a profile may set its own
    epochs : at most
    short_epochs : at most, under a profile that is ``short``
    stop_accuracy : training ends after an epoch whose running training accuracy, dropout on, reaches
        it; null for never
    """

    optimizer: Literal["sgd", "adam", "rmsprop"]
    lr: PositiveFloat
    batch: PositiveInt
    epochs: PositiveInt
    short_epochs: PositiveInt
    stop_accuracy: Annotated[float, Field(gt=0, le=1)] | None
