"""A target of classes, such as the quadrants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mer.errors import MerError
from mer.predictions import Predictions
from mer.targets.target import Label, Target

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Classes(Target):
    """A target of classes: one logit per class, trained with cross-entropy."""

    names: tuple[str, ...]
    kind = "classes"
    monitor = "accuracy"

    def text(self, label: Label) -> str:
        """The name of a class."""
        return self.names[label]  # type: ignore[index]

    def array(self, labels: Sequence[Label]) -> np.ndarray:
        """Class indices [shape=(n,)]."""
        return np.array(labels)

    def strata(self, labels: Mapping[str, Label]) -> Mapping[str, int]:
        """The classes themselves."""
        return labels  # type: ignore[return-value]

    def loss(self, outputs: "Tensor", wanted: "Tensor") -> "Tensor":
        """Cross-entropy of logits against class indices."""
        from torch.nn import functional  # which stages without networks do not load

        return functional.cross_entropy(outputs, wanted)

    def hits(self, outputs: "Tensor", wanted: "Tensor") -> "Tensor":
        """Number of examples whose largest logit is that of their class."""
        return (outputs.argmax(1) == wanted).sum()

    def decode(self, outputs: "Tensor") -> "Tensor":
        """Class probabilities: the softmax of the logits."""
        return outputs.softmax(1)

    def estimate(self, estimator: Any, rows: np.ndarray) -> np.ndarray:
        """Class probabilities; a class that the classifier has not seen has 0.

        A classifier with a ``decision_function`` gets the softmax of its decision values. Of two classes
        there is one value: the log odds where the classifier has probabilities, as a logistic regression;
        else, as of a support vector machine, the value of the second class, whose negative is that of the
        first.
        """
        from scipy.special import softmax

        if hasattr(estimator, "decision_function"):
            values = estimator.decision_function(rows)
            if values.ndim == 1:
                is_log_odds = hasattr(estimator, "predict_proba")
                values = np.column_stack(
                    [np.zeros_like(values) if is_log_odds else -values, values]
                )
            found = softmax(values, axis=1)
        else:
            found = np.asarray(estimator.predict_proba(rows), float)
        wanted = (len(rows), len(estimator.classes_))
        if found.shape != wanted or not np.allclose(found.sum(1), 1, atol=1e-3):
            raise MerError(
                f"models: the estimator must predict probabilities of shape {wanted}, a row per clip that "
                f"sums to 1 and a column per class of classes_, not {found.shape} with sums of "
                f"{found.sum(-1).min():g} to {found.sum(-1).max():g}; correct its predict_proba"
            )
        full = np.zeros((len(rows), self.outputs))
        full[:, estimator.classes_] = found
        return full

    def quality(self, found: np.ndarray, labels: Sequence[Label]) -> float:
        """Weighted F1 of the most probable classes; -1, below all others, if a prediction is not finite."""
        from sklearn.metrics import f1_score

        if not np.isfinite(found).all():
            return -1.0
        return f1_score(labels, found.argmax(1), average="weighted", zero_division=0)

    def columns(
        self, found: np.ndarray, labels: Sequence[Label], _train: Sequence[Label]
    ) -> dict[str, Any]:
        """``y_true``, the class index, and the probabilities ``p_0 … p_{C-1}``."""
        return {"y_true": labels, **{f"p_{c}": p for c, p in enumerate(found.T)}}

    def answers(self, found: np.ndarray) -> pd.DataFrame:
        """``class``, the most probable one, and ``p_<class>`` of every class."""
        table = pd.DataFrame(found, columns=[f"p_{name}" for name in self.names])
        table.insert(0, "class", np.array(self.names)[found.argmax(1)])
        return table

    def predictions(self, frame: pd.DataFrame) -> Predictions:
        """Class probabilities."""
        return Predictions(frame, self.names)
