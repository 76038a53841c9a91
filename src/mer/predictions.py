"""Predictions of test clips, from which every score is computed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mer.errors import MerError

KEYS = ["id", "repeat", "fold"]  # the first columns of a table


def _check_predictions(frame: pd.DataFrame, expected: list[str], numbers: list[str]) -> None:
    """Refuse a table of predictions with other columns, no row, a clip twice in a repeat, or no numbers."""
    if list(frame.columns) != expected:
        raise MerError(
            f"predictions must have the columns {expected}, not {list(frame)}; give these, in this order"
        )
    if frame.empty:
        raise MerError("predictions must have a row at least, and have none; predict a test clip")
    if len(twice := frame["id"][frame.duplicated(["id", "repeat"])]):
        raise MerError(
            f"predictions must have one row per clip and repeat, and {twice.iloc[0]!r} has several; remove "
            "all but one"
        )
    if not np.isfinite(frame[numbers].to_numpy(float)).all():
        raise MerError("predictions must be finite; the training diverged")


def _check_true_classes(frame: pd.DataFrame, classes: Sequence[str]) -> None:
    """Refuse a ``y_true`` that is no index into the classes."""
    numbers = pd.to_numeric(frame["y_true"], errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = ~np.isin(numbers, np.arange(len(classes)))
    if wrong.any():
        id_, number = frame[["id", "y_true"]].iloc[int(wrong.argmax())]
        raise MerError(
            f"y_true of predictions must be a whole number in 0 … {len(classes) - 1}, the place of the "
            f"class in {list(classes)}, and is {number} for {id_!r} ({int(wrong.sum())} such "
            "rows in all); number the classes in this order"
        )


@dataclass(frozen=True)
class Predictions:
    """Class probabilities of test clips, from which every score is computed.

    Attributes
    ----------
    frame : pd.DataFrame
        One row per test clip and repeat: ``id, repeat, fold, y_true`` (index into ``classes``)
        and the probabilities ``p_0 … p_{C-1}``, rounded to 1e-4.
    classes : tuple of str [length C]

    Raises
    ------
    MerError
        If the columns are others, there is no row, a clip stands twice in a repeat, a probability is not
        finite, or ``y_true`` is no whole number in 0 … C-1.
    """

    frame: pd.DataFrame
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = [*KEYS, "y_true", *self.prediction_columns]
        _check_predictions(self.frame, expected, self.prediction_columns)
        _check_true_classes(self.frame, self.classes)

    @property
    def prediction_columns(self) -> list[str]:
        """``p_0 … p_{C-1}``."""
        return [f"p_{c}" for c in range(len(self.classes))]

    @property
    def probabilities(self) -> np.ndarray:
        """[shape=(rows, C)], in 0..1."""
        return self.frame[self.prediction_columns].to_numpy(float)

    @property
    def y_true(self) -> np.ndarray:
        """Indices into ``classes`` [shape=(rows,)]."""
        return self.frame["y_true"].to_numpy(int)

    @property
    def y_pred(self) -> np.ndarray:
        """The most probable class, the first of equals [shape=(rows,)]."""
        return self.probabilities.argmax(axis=1)

    @property
    def keys(self) -> list[str]:
        """The columns that are the same for all segments of a clip."""
        return [*KEYS, "y_true"]


@dataclass(frozen=True)
class ValuePredictions:
    """Predicted values of test clips, from which every score is computed.

    Attributes
    ----------
    frame : pd.DataFrame
        One row per test clip and repeat: ``id, repeat, fold``, then per value ``y_<value>``, the
        annotation, then ``p_<value>``, the prediction, then ``constant_<value>``, the mean over the
        training clips of the fold; in the corpus' scale, predictions rounded to 1e-4.
    names : tuple of str [length k]
        The values: ``valence``, ``arousal``.
    scale : (float, float)
        The lowest and the highest value of the annotations.

    Raises
    ------
    MerError
        If the columns are others, there is no row, a clip stands twice in a repeat, or a value is not
        finite.
    """

    frame: pd.DataFrame
    names: tuple[str, ...]
    scale: tuple[float, float]

    def __post_init__(self) -> None:
        numbers = [f"{part}_{name}" for part in ("y", "p", "constant") for name in self.names]
        _check_predictions(self.frame, [*KEYS, *numbers], numbers)

    @property
    def prediction_columns(self) -> list[str]:
        """``p_<value>`` of every value."""
        return [f"p_{name}" for name in self.names]

    def part(self, part: str) -> np.ndarray:
        """The columns of the annotations ``y``, the predictions ``p`` or the ``constant`` predictor
        [shape=(rows, k)]."""
        return self.frame[[f"{part}_{name}" for name in self.names]].to_numpy(float)

    @property
    def of_constant(self) -> "ValuePredictions":
        """The predictions of the constant predictor for the same clips."""
        columns = {f"p_{name}": self.frame[f"constant_{name}"] for name in self.names}
        return replace(self, frame=self.frame.assign(**columns))

    @property
    def keys(self) -> list[str]:
        """The columns that are the same for all segments of a clip."""
        return [*KEYS, *(f"y_{name}" for name in self.names)]


AnyPredictions = Predictions | ValuePredictions
