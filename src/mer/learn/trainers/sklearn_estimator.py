"""Fit a scikit-learn estimator on the training part of one fold."""

import inspect
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mer.errors import MerError
from mer.learn import attributes, validation
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.hyperparameter_search import LogUniform, best_of, optimize, study_name
from mer.learn.result import FoldResult
from mer.learn.smote import oversample

if TYPE_CHECKING:
    from mer.contracts.interfaces import EstimatorModel, ReleasedEstimatorModel, SearchedModel

SMOKE_TEST_TRIALS = 2

log = logging.getLogger("mer")

uses_device = False


def predict(
    fitted: "FittedFold[EstimatorModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips by the fitted estimator [shape=(len(ids), outputs)]."""
    rows = data.table.rows(ids) if data.table else np.zeros((len(ids), 1))
    return data.target.estimate(_restored(fitted, data), rows)


def _restored(fitted: "FittedFold[EstimatorModel]", data: TrainingData) -> Any:
    """The fitted estimator, from its weights."""
    if hasattr(fitted.model, "restore"):
        return fitted.model.restore(fitted.params, attributes.read(fitted.weights))
    from mer.learn.estimator_arrays import restored  # which imports scikit-learn

    return restored(_unfitted(fitted, data, fitted.seed), fitted.weights)


def _unfitted(context: "FoldContext[EstimatorModel]", data: TrainingData, seed: int) -> Any:
    """The estimator as the model builds it, with the families of the columns where the model reads them."""
    options: dict[str, Any] = {
        "seed": seed,
        "fidelity": context.fidelity,
        "predicts": data.target.kind,
    }
    if data.table and "families" in context.model.reads:
        options["families"] = data.table.families
    estimator = context.model.build(context.params, **options)
    if inspect.isclass(estimator) or not hasattr(estimator, "fit"):
        found = f"the class {estimator.__name__}" if inspect.isclass(estimator) else estimator
        raise MerError(
            f"models: build of {cast(Any, context.model).__file__} must return a scikit-learn estimator, "
            f"not {found!r}; correct it"
        )
    return estimator


def _require_probabilities(estimator: Any, context: "FoldContext[EstimatorModel]") -> None:
    """Refuse a fitted estimator that does not say how probable each class is."""
    probable = hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")
    if not (probable and hasattr(estimator, "classes_")):
        raise MerError(
            f"models: build of {cast(Any, context.model).__file__} must return a classifier, which has "
            "classes_ and predict_proba or decision_function once it is fitted, and "
            f"{type(estimator).__name__} lacks one; take another"
        )


def _rows(context: "FoldContext[EstimatorModel]", data: TrainingData) -> np.ndarray:
    """Rows of the training clips, then of the test clips; a column of zeros where there is no table."""
    ids = (*context.fold.train, *context.fold.test)
    rows = data.table.rows(ids) if data.table else np.zeros((len(ids), 1))
    if context.described:
        return rows
    model = cast("ReleasedEstimatorModel", context.model)
    return model.released(rows, len(context.fold.train))


def _training_set(
    context: "FoldContext[EstimatorModel]", data: TrainingData, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels of the training clips, and of the synthetic rows.

    With the leak ``before_split`` synthetic rows are made from the test clips, too.
    """
    ids, n_train = (*context.fold.train, *context.fold.test), len(context.fold.train)
    n_seen = len(ids) if data.oversampling and data.leak == "before_split" else n_train
    y = data.targets_of(ids[:n_seen])
    if not data.oversampling:
        return rows[:n_train], y
    rng = np.random.default_rng(context.seed)
    new_rows, new_y = oversample(rows[:n_seen], y, data.oversampling, rng)
    return np.concatenate([rows[:n_train], new_rows]), np.concatenate([y[:n_train], new_y])


def _sources(context: "FoldContext[EstimatorModel]", data: TrainingData) -> dict[str, np.ndarray]:
    """``sources``, the member of a merged corpus that each training row comes from, if the model reads it.

    Empty in a corpus that is not merged, and with synthetic rows, which come from no member.
    """
    if "sources" not in context.model.reads or data.sources is None or data.oversampling:
        return {}
    return {"sources": np.array([data.sources[id_] for id_ in context.fold.train])}


def _selected_columns(estimator: Any, data: TrainingData, width: int) -> tuple[str, ...]:
    """Names of the columns that an estimator selects among the first ``width`` of the table."""
    if data.table is None or not hasattr(estimator, "get_support"):
        return ()
    return tuple(np.array(data.table.names)[:width][estimator.get_support()].tolist())


def _searched(
    context: "FoldContext[EstimatorModel]", data: TrainingData, x: np.ndarray, y: np.ndarray
) -> Any:
    """The parameters that Bayesian optimisation chooses by a cross-validation of the training rows.

    It maximises macro-F1, or minimises the squared error of values.
    """
    from sklearn.model_selection import cross_val_score

    from mer.inner_folds import SCORING, InnerFolds

    params, kind = context.params, data.target.kind
    inner = InnerFolds(params.folds, context.seed)
    if groups := validation.groups(data, context.fold):
        inner = inner.keeping(x, groups)

    def objective(choice: dict[str, Any]) -> float:
        chosen = params.model_copy(update={**choice, "search": "none"})
        estimator = _unfitted(replace(context, params=chosen), data, context.seed)
        return cross_val_score(estimator, x, y, cv=inner, scoring=SCORING[kind]).mean()

    limits = cast("SearchedModel", context.model).SPACE
    smoke_test = context.profile.smoke_test
    trials = optimize(
        {name: LogUniform(*pair) for name, pair in limits.items()},
        objective,
        trials=min(params.trials, SMOKE_TEST_TRIALS) if smoke_test else params.trials,
        name=study_name(context, [kind, groups], [x, y]),
        seed=context.seed,
    )
    return params.model_copy(update={**best_of(trials).params, "search": "none"})


def _keep_groups(estimator: Any, x: np.ndarray, groups: Sequence[str] | None) -> None:
    """Let every inner cross-validation of an estimator keep the rows of a group on one side."""
    if groups is None:
        return
    from mer.inner_folds import InnerFolds

    for name, value in estimator.get_params().items():
        if isinstance(value, InnerFolds):
            estimator.set_params(**{name: value.keeping(x, groups)})


def _require_score(estimator: Any) -> None:
    """Raise a ``MerError`` if a grid search has found no score for any candidate."""
    for found in (estimator, *getattr(estimator, "estimators_", ())):
        if np.isnan(getattr(found, "best_score_", 0.0)):
            raise MerError(
                "a search must have a score for some candidate, and has none: an inner training part has "
                "clips of one class only; label more clips of the rarest class, or set `search` of the "
                "model to none"
            )


def _weights(
    context: "FoldContext[EstimatorModel]",
    data: TrainingData,
    estimator: Any,
    rows: np.ndarray,
    found: np.ndarray,
) -> Mapping[str, np.ndarray]:
    """The arrays that restore a fitted estimator; none, and a warning, if it would not predict the same.

    ``mer.learn.estimator_arrays`` restores what is numbers and text, not every object of every estimator.
    """
    from mer.learn.estimator_arrays import restored, to_arrays  # which imports scikit-learn

    try:
        arrays = to_arrays(estimator)
        again = restored(_unfitted(context, data, context.restart_seed), arrays)
        if np.allclose(data.target.estimate(again, rows), found):
            return arrays
    except (
        AttributeError,
        IndexError,
        KeyError,
        MerError,
        NotImplementedError,
        TypeError,
        ValueError,
    ) as error:
        log.debug("an estimator cannot be restored", exc_info=error)
    log.warning(
        "the fitted estimator cannot be stored as arrays: the run has its scores, and no weights for "
        "`mer predict`"
    )
    return {}


def fit_predict(context: "FoldContext[EstimatorModel]", data: TrainingData) -> FoldResult:
    """Fit on the training clips and their synthetic rows, and predict the test clips."""
    rows, n_train = _rows(context, data), len(context.fold.train)
    x, y = _training_set(context, data, rows)
    if getattr(context.params, "search", "none") == "bayes":
        context = replace(context, params=_searched(context, data, x, y))
    estimator = _unfitted(context, data, context.restart_seed)
    _keep_groups(estimator, x, validation.groups(data, context.fold))
    estimator.fit(x, y, **_sources(context, data))
    _require_score(estimator)
    if data.target.kind == "classes":
        _require_probabilities(estimator, context)
    found = data.target.estimate(estimator, rows[n_train:])
    selected = _selected_columns(estimator, data, rows.shape[1])
    test = rows[n_train:]
    weights = _weights(context, data, estimator, test, found) if context.keeps_weights else {}
    return FoldResult(found, selected_columns=selected, weights=weights)
