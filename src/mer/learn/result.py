"""The result of one training of a model on one fold, and its form on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np

WEIGHTS = "weights."  # prefix of the names of the weights among the arrays on disk


@dataclass(frozen=True)
class TrainingPhase:
    """One training within a fold: its learning curve and its duration.

    Attributes
    ----------
    name : str
        ``training``, ``pretraining``, ``fusion``, ``stage1``, …
    curve : np.ndarray [shape=(epochs, 2)]
        Mean loss and accuracy of each epoch; no rows where nothing was trained, only computed.
    seconds : float
        Duration, validation included.
    examples : int
        Examples of an epoch.
    position : int or None
        Place among the phases of the training, where their names do not say their order.
    """

    name: str
    curve: np.ndarray
    seconds: float
    examples: int
    position: int | None = None

    @property
    def label(self) -> str:
        """The name in ``curves.csv``: the position, where there is one, then the name."""
        return self.name if self.position is None else f"{self.position}_{self.name}"

    @property
    def epochs(self) -> int:
        """Number of passes over the examples."""
        return len(self.curve) or 1


@dataclass(frozen=True)
class Trial:
    """One trial of a hyperparameter search.

    Attributes
    ----------
    batch_size, optimizer, lr : the configuration that was tried
    objective : its value, higher is better
    chosen : whether the search chose it
    """

    batch_size: int
    optimizer: Literal["sgd", "adam"]
    lr: float
    objective: float
    chosen: bool


@dataclass(frozen=True)
class FoldResult:
    """The result of ``fit_predict``, one training; ``mer.io.checkpoints.checkpointed_map`` stores it.

    Attributes
    ----------
    predicted : np.ndarray [shape=(n, outputs)]
        Class probabilities or values of the test clips.
    segments : np.ndarray [shape=(n, segments, outputs)] or None
        The same of the segments of the test clips, where clips are cut into segments.
    phases : sequence of TrainingPhase
        The phases of the training, in the order in which they ran; none of an estimator.
    trials : sequence of Trial
        The trials of a hyperparameter search, where there was one.
    weights : mapping of str to np.ndarray
        Parameters and buffers of the network, by name, or the fitted state of the estimator
        (``mer.learn.estimator_arrays``), and what else ``Trainer.predict`` needs of the training clips.
    selected_columns : sequence of str
        Columns of the table that the estimator selects, where it selects any.
    """

    predicted: np.ndarray
    segments: np.ndarray | None = None
    phases: Sequence[TrainingPhase] = ()
    trials: Sequence[Trial] = ()
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)
    selected_columns: Sequence[str] = ()

    def to_arrays(self) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
        """The arrays under their names, curves as ``curve.<number>``, and the other facts."""
        arrays = {"predicted": self.predicted}
        if self.segments is not None:
            arrays["segments"] = self.segments
        arrays |= {f"curve.{number}": phase.curve for number, phase in enumerate(self.phases)}
        arrays |= {WEIGHTS + name: array for name, array in self.weights.items()}
        phases = [{k: v for k, v in vars(phase).items() if k != "curve"} for phase in self.phases]
        trials = [asdict(trial) for trial in self.trials]
        facts = {"phases": phases, "trials": trials, "columns": list(self.selected_columns)}
        return arrays, facts

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Self:
        """The result that ``to_arrays`` took apart."""
        phases = facts["phases"]
        return cls(
            arrays["predicted"],
            arrays.get("segments"),
            [TrainingPhase(curve=arrays[f"curve.{n}"], **f) for n, f in enumerate(phases)],
            [Trial(**trial) for trial in facts["trials"]],
            split_by_prefix(arrays, WEIGHTS)[0],
            facts["columns"],
        )


def split_by_prefix(
    arrays: Mapping[str, np.ndarray], prefix: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The arrays whose names begin with a prefix, named without it, and the others."""
    inside = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    return inside, {k: v for k, v in arrays.items() if not k.startswith(prefix)}
