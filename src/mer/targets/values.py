"""A target of one or two values, such as valence and arousal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mer.predictions import ValuePredictions
from mer.targets.target import Label, Target

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Values(Target):
    """A target of values: one output per value, whose sigmoid spans the scale, trained with the MSE.

    Models are trained on values scaled to 0..1. The prediction of an estimator is clipped to the scale.

    Attributes
    ----------
    scale : (float, float)
        The lowest and the highest value of the corpus' annotations (key ``range`` of the corpus).
    """

    names: tuple[str, ...]
    scale: tuple[float, float]
    kind = "values"
    monitor = "loss"

    @property
    def _span(self) -> float:
        return self.scale[1] - self.scale[0]

    def text(self, label: Label) -> str:
        """The names and the values."""
        return " ".join(f"{name}={value:g}" for name, value in zip(self.names, label))  # type: ignore[arg-type]

    def array(self, labels: Sequence[Label]) -> np.ndarray:
        """Values in 0..1 [shape=(n, outputs), dtype=float32]."""
        values = np.array(labels, float).reshape(-1, self.outputs)
        return ((values - self.scale[0]) / self._span).astype(np.float32)

    def strata(self, labels: Mapping[str, Label]) -> Mapping[str, int]:
        """One stratum: the validation part is a random share of all clips."""
        return dict.fromkeys(labels, 0)

    def loss(self, outputs: "Tensor", wanted: "Tensor") -> "Tensor":
        """Mean squared error of the sigmoid of the outputs against values in 0..1."""
        return (outputs.sigmoid() - wanted).square().mean()

    def hits(self, _outputs: "Tensor", _wanted: "Tensor") -> float:
        """NaN, because values have no accuracy; so ``stop_accuracy`` never ends a training."""
        return float("nan")

    def decode(self, outputs: "Tensor") -> "Tensor":
        """Values in the corpus' scale."""
        return outputs.sigmoid() * self._span + self.scale[0]

    def estimate(self, estimator: Any, rows: np.ndarray) -> np.ndarray:
        """Values in the corpus' scale."""
        found = np.asarray(estimator.predict(rows), float).reshape(len(rows), self.outputs)
        return found.clip(0, 1) * self._span + self.scale[0]

    def quality(self, found: np.ndarray, labels: Sequence[Label]) -> float:
        """The negative mean squared error of values in 0..1; -1, the lowest, where it is not a number."""
        error = np.square(self.array(found.tolist()) - self.array(labels)).mean()
        return -float(np.nan_to_num(error, nan=1.0))

    def columns(
        self, found: np.ndarray, labels: Sequence[Label], train: Sequence[Label]
    ) -> dict[str, Any]:
        """``y_<value>``, the annotation, ``p_<value>``, the prediction, and ``constant_<value>``, the mean
        over the training clips."""
        wanted = np.array(labels, float).reshape(-1, self.outputs)
        constant = np.array(train, float).reshape(-1, self.outputs).mean(0)
        parts = {"y": wanted, "p": found, "constant": np.broadcast_to(constant, wanted.shape)}
        return {
            f"{part}_{name}": values[:, place]
            for part, values in parts.items()
            for place, name in enumerate(self.names)
        }

    def answers(self, found: np.ndarray) -> pd.DataFrame:
        """A column per value."""
        return pd.DataFrame(found, columns=list(self.names))

    def predictions(self, frame: pd.DataFrame) -> ValuePredictions:
        """Predicted values."""
        return ValuePredictions(frame, self.names, self.scale)
