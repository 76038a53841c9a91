"""The interface of targets: all that a training and its scores need to know of what is predicted."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pandas as pd

from mer.predictions import AnyPredictions

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["classes", "values"]
Label = int | tuple[float, ...]  # an index into the classes, or the values in the corpus' scale


class Target(ABC):
    """A target: what a system predicts of a clip.

    Attributes
    ----------
    names : tuple of str
        The classes, or the values; a network has one output for each.
    kind : str
        ``classes`` or ``values``, as in ``mer.contracts.interfaces.Model.predicts``.
    monitor : str
        The validation figure that early stopping follows: ``accuracy`` or ``loss``.
    """

    names: tuple[str, ...]
    kind: ClassVar[Kind]
    monitor: ClassVar[Literal["loss", "accuracy"]]

    @property
    def outputs(self) -> int:
        """The number of outputs of a network."""
        return len(self.names)

    @abstractmethod
    def text(self, label: Label) -> str:
        """A label as a user reads it."""

    @abstractmethod
    def array(self, labels: Sequence[Label]) -> np.ndarray:
        """Labels as a model is trained on them [shape=(n,) or (n, outputs)]."""

    @abstractmethod
    def strata(self, labels: Mapping[str, Label]) -> Mapping[str, int]:
        """Clip id -> stratum; a random validation part takes the same share of each."""

    @abstractmethod
    def loss(self, outputs: "Tensor", wanted: "Tensor") -> "Tensor":
        """Mean loss of a network's outputs, as a tensor without dimensions.

        Parameters
        ----------
        outputs : Tensor [shape=(n, outputs)]
            Logits.
        wanted : Tensor [shape=(n,) or (n, outputs)]
            Labels in the form of ``array``: class indices, or values in 0..1.
        """

    @abstractmethod
    def hits(self, outputs: "Tensor", wanted: "Tensor") -> "Tensor | float":
        """Number of correct outputs, from arguments as those of ``loss``; NaN for values, which have no
        accuracy."""

    @abstractmethod
    def decode(self, outputs: "Tensor") -> "Tensor":
        """Predictions from a network's outputs, both [shape=(n, outputs)]: class probabilities, or values
        in the corpus' scale."""

    @abstractmethod
    def estimate(self, estimator: Any, rows: np.ndarray) -> np.ndarray:
        """Predictions of a scikit-learn estimator, as those of ``decode`` [shape=(n, outputs)]."""

    @abstractmethod
    def quality(self, found: np.ndarray, labels: Sequence[Label]) -> float:
        """The figure that a hyperparameter search maximises, of predictions [shape=(n, outputs)]."""

    @abstractmethod
    def columns(
        self, found: np.ndarray, labels: Sequence[Label], train: Sequence[Label]
    ) -> dict[str, Any]:
        """The columns of the table of predictions, from predictions and labels of test clips and labels of
        training clips."""

    @abstractmethod
    def answers(self, found: np.ndarray) -> pd.DataFrame:
        """Predictions [shape=(n, outputs)] as a user reads them."""

    @abstractmethod
    def predictions(self, frame: pd.DataFrame) -> AnyPredictions:
        """The table of predictions with its type."""
