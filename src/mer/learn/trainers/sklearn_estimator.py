"""Train a scikit-learn classifier on the training part of one fold, once per round."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.smote import oversample
from mer.learn.trainers._sklearn import probabilities

uses_device = False
predict_reads: tuple[str, ...] = ("table",)


def predict(fitted: FittedFold, material: TrainingData, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by an estimator that is fitted once more, as in its first round; see
    ``mer.learn.cross_validation``."""
    fold = replace(fitted.fold, val=(), test=tuple(ids))
    once = fitted.profile.model_copy(update={"repeats": 1})
    return fit_predict(replace(fitted, fold=fold, profile=once), material)["probabilities"][0]


def fit_predict(context: FoldContext, material: TrainingData) -> dict[str, np.ndarray]:
    """Fit on the fold's training clips and what is made of them; see ``mer.learn.cross_validation``.

    With ``fidelity: released`` the module's ``released`` is first applied to all rows. The columns
    that the classifier of the first round selects are returned by name.
    """
    module, fold = context.module, context.fold
    ids = (*fold.train, *fold.test)
    rows = material.table.rows(ids) if material.table else np.zeros((len(ids), 1))
    if not context.described:
        rows = module.released(rows, len(fold.train))
    known = len(fold.train)
    seen = len(ids) if material.rows and material.leak == "before_split" else known
    y = np.array([material.labels[i] for i in ids[:seen]])
    x, of_x = rows[:known], y[:known]
    if material.rows:
        new = oversample(rows[:seen], y, material.rows, np.random.default_rng(context.seed))
        x, of_x = np.concatenate([x, new[0]]), np.concatenate([of_x, new[1]])
    fitted = [
        module.build(context.params, seed=own, fidelity=context.fidelity).fit(x, of_x)
        for own in context.seeds
    ]
    answers = [probabilities(c, rows[known:], len(material.classes)) for c in fitted]
    found = {"probabilities": np.stack(answers)}
    if material.table and hasattr(fitted[0], "get_support"):
        names = np.array(material.table.names)[: rows.shape[1]][fitted[0].get_support()]
        found["selected"] = np.frombuffer("\n".join(names).encode(), np.uint8)
    return found
