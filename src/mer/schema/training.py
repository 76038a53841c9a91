"""The sections of a model's training: its configuration, and the search for a better one."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from mer.schema import Block

Precision = Literal["float32", "bfloat16"]


class TrainingConfig(Block):
    """The configuration of one training of a network.

    Attributes
    ----------
    optimizer : ``sgd`` without momentum, ``adam`` with Keras' defaults, or ``rmsprop`` with alpha 0.95 and
        epsilon 1e-8, as in SincNet's code
    lr : learning rate
    batch_size : examples per step; a profile may set another
    max_epochs : limit of epochs
    smoke_test_epochs : limit of epochs under a profile with ``smoke_test``
    stop_accuracy : training accuracy of an epoch, with dropout, at which training ends; null for never, as
        always under the trainer ``random_chunks``
    precision : precision of convolutions and dense layers in training; null for that of the profile. A
        portable profile computes in float32 whatever this says
    update_bn : whether batch norms end with the statistics of the training examples, in place of running
        averages; never under the fidelity ``released``, nor under the trainers ``two_stage`` and
        ``segment_sequence``
    """

    optimizer: Literal["sgd", "adam", "rmsprop"]
    lr: PositiveFloat
    batch_size: PositiveInt
    max_epochs: PositiveInt
    smoke_test_epochs: PositiveInt = 1
    stop_accuracy: Annotated[float, Field(gt=0, le=1)] | None = None
    precision: Precision | None = None
    update_bn: bool = True


class Tuning(Block):
    """A search for the best batch size, optimizer and learning rate of a training.

    Attributes
    ----------
    trials : number of configurations that are tried
    smoke_test_trials : the number under a profile with ``smoke_test``
    batch_size, optimizer, lr : candidates; a profile may set another batch size
    storage : URL of a database for the trials, in SQLAlchemy's form; null for a file in .mer/studies. On
        a database several machines can share a search, whose trials then depend on their order
    """

    trials: PositiveInt
    smoke_test_trials: PositiveInt
    batch_size: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    optimizer: Annotated[tuple[Literal["sgd", "adam"], ...], Field(min_length=1)]
    lr: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]
    storage: str | None


class Searched(Block):
    """The part of a network's block that searches for the configuration of its training.

    Attributes
    ----------
    training : the configuration, and with a search the values that stay
    search : ``grid`` tries every combination of the candidates, ``bayes`` as many as ``tuning.trials``, by
        the score of the fold's validation part, or of a fifth of its training clips where it has none
    tuning : the candidates
    """

    training: TrainingConfig
    search: Literal["none", "grid", "bayes"]
    tuning: Tuning = Tuning(
        trials=10,
        smoke_test_trials=2,
        batch_size=(50, 150),
        optimizer=("sgd", "adam"),
        lr=(0.0001, 0.001, 0.01),
        storage=None,
    )
