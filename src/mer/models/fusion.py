"""Fusion of the families of a joined table by support vector machines.

``features``: one machine, in whose kernel every family weighs the same, whatever the number of its columns.
``mean`` and ``stack``: a machine for each family. Logistic regression turns decision values into
probabilities (Platt. Probabilistic Outputs for Support Vector Machines. Advances in Large Margin
Classifiers, 2000). It is fitted to the values of training clips that a machine was not trained on, by an
inner cross-validation. ``mean`` averages the probabilities of the machines. ``stack`` fits one regression
to the decision values of all machines (Wolpert. Stacked Generalization. Neural Networks 5, 1992).
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveFloat
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from mer.inner_folds import SCORING, InnerFolds
from mer.models import _rows
from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ("table", "families")
augments = "no"
predicts: tuple[str, ...] = ("classes",)
fidelities: tuple[str, ...] = ("described",)

ITERATIONS = 2000
LARGEST = 10.0  # decision value

Member = tuple[str, ClassifierMixin]
Grid = Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]


class Params(Block):
    """``models.fusion``.

    Attributes
    ----------
    combine : ``features``, ``mean`` or ``stack``
    c, gamma, limit, search, grid_c, grid_gamma : of every machine, as those of ``models.svm``
    folds : folds of the inner cross-validations: of ``mean`` and ``stack``, and of a search
    """

    combine: Literal["features", "mean", "stack"]
    c: PositiveFloat
    gamma: PositiveFloat
    limit: PositiveFloat | None
    folds: Annotated[int, Field(ge=2)]
    search: Literal["none", "grid"]
    grid_c: Grid = (1.0, 4.0, 16.0)
    grid_gamma: Grid = (2.0**-11, 2.0**-9, 2.0**-7)


class Weigher(TransformerMixin, BaseEstimator):
    """Scales the columns so that every family has the same share in the squared distances of rows.

    They are also multiplied by ``gamma``, so that the kernel coefficient after it is 1.
    """

    def __init__(self, families: Sequence[str], gamma: float) -> None:
        self.families, self.gamma = families, gamma

    def fit(self, x: np.ndarray, y: np.ndarray | None = None) -> "Weigher":  # noqa: ARG002
        """Find the factor of each column."""
        widths = Counter(self.families)
        of_each = np.array([widths[family] for family in self.families])
        self.factors_ = np.sqrt(self.gamma * x.shape[1] / len(widths) / of_each)
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        """The scaled rows [shape=(n, d)]."""
        return x * self.factors_


def _take(rows: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """Some columns of the rows."""
    return rows[:, columns]


def _machine(params: Params, seed: int, families: Sequence[str], family: str | None) -> Member:
    """A support vector machine on the columns of a family, or with None on all columns.

    Its kernel is a function of whole matrices, which takes a tenth of the time of libsvm's own.
    """
    columns = [n for n, own in enumerate(families) if family in (None, own)]
    steps = {
        "columns": FunctionTransformer(_take, kw_args={"columns": columns}),
        **_rows.steps(params.limit),
        "weigher": Weigher([families[n] for n in columns], params.gamma),
        "svm": SVC(C=params.c, kernel=partial(rbf_kernel, gamma=1.0)),
    }
    machine = Pipeline(list(steps.items()))
    if params.search == "none":
        return str(family), machine
    grid = {"svm__C": list(params.grid_c), "weigher__gamma": list(params.grid_gamma)}
    inner = InnerFolds(params.folds, seed)
    return str(family), GridSearchCV(machine, grid, scoring=SCORING["classes"], cv=inner)


def _stacked(machines: Sequence[Member], params: Params, seed: int) -> StackingClassifier:
    """Machines whose decision values one logistic regression turns into probabilities.

    The values are clipped: scikit-learn gives the lowest of all numbers to a class that is in none of the
    clips which a machine was trained on.
    """
    limits = {"a_min": -LARGEST, "a_max": LARGEST}
    regression = {
        "clip": FunctionTransformer(np.clip, kw_args=limits),
        "regression": LogisticRegression(max_iter=ITERATIONS),
    }
    return StackingClassifier(
        list(machines),
        Pipeline(list(regression.items())),
        cv=InnerFolds(params.folds, seed),
        stack_method="decision_function",
    )


def build(
    params: Params, *, families: Sequence[str], seed: int, fidelity: str, predicts: str
) -> ClassifierMixin:
    """An unfitted classifier of rows [shape=(n, d)]."""
    if params.combine == "features":
        return _machine(params, seed, families, None)[1]
    machines = [_machine(params, seed, families, family) for family in dict.fromkeys(families)]
    if params.combine == "stack":
        return _stacked(machines, params, seed)
    calibrated = [(machine[0], _stacked([machine], params, seed)) for machine in machines]
    return VotingClassifier(calibrated, voting="soft")
