"""Every score, computed from predictions.

Conventions: scores of classes lie in 0..1. Scores of values are Lin's concordance correlation (``ccc``),
the root-mean-square error in the corpus' scale (``rmse``), the coefficient of determination (``r2``) and
Pearson's correlation (``pearson``); ``r2`` of equal annotations and correlations with a constant are 0. A
score of a repeated cross-validation is the mean over all its test folds, as Louro et al. and most of the
field report it; ``f1_macro_sd``, or ``ccc_sd``, is the standard deviation over these folds. The restarts of
a fold (trainings from other seeds) count as repeats: with a single split, the standard deviation is over
seeds alone. Macro-F1 of a fold is the mean over the classes that occur among its true or its predicted
ones, as scikit-learn has it; F1 of a class is the mean over folds where it occurs.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from mer.errors import MerError
from mer.predictions import AnyPredictions, Predictions, ValuePredictions
from mer.targets import class_scores, value_scores
from mer.types import clip_of

BOOTSTRAP_DRAWS = 2000
LEVEL = 0.95
DIGITS = 4
TEST_SHA256 = "test_sha256"  # key of ``fold_digests`` among the scores of folds
ROUNDING = 1e-12  # of a difference of scores, relative to the largest score
BOUNDS = {
    "accuracy": (0, 1),
    "ccc": (-1, 1),
    "f1": (0, 1),
    "pearson": (-1, 1),
    "precision": (0, 1),
    "r2": (-np.inf, 1),
    "recall": (0, 1),
    "rmse": (0, np.inf),
}  # lowest and highest value of each score; a new one needs an entry
HEADLINE = {"classes": "f1_macro", "values": "ccc"}

Scores = Callable[[np.ndarray], dict[str, np.ndarray]]


def _terms(predictions: AnyPredictions) -> tuple[np.ndarray, Scores]:
    """The sufficient statistics of each prediction [shape=(rows, ...)], and the function that computes
    scores, each [shape=(n,)], from sums of these statistics [shape=(n, ...)]."""
    if isinstance(predictions, ValuePredictions):
        low, high = predictions.scale
        scores = partial(value_scores.scores, names=predictions.names, span=high - low)
        return value_scores.terms(predictions), scores
    return class_scores.terms(predictions), partial(
        class_scores.scores, classes=predictions.classes
    )


def _sums(terms: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """The sum of the terms of each group [shape=(count, ...)]."""
    sums = np.zeros((count, *terms.shape[1:]))
    np.add.at(sums, group, terms)
    return sums


def _fold_sums(predictions: AnyPredictions, terms: np.ndarray) -> np.ndarray:
    """The sum of the terms of every test fold, by repeat, then fold [shape=(folds, ...)]."""
    folds = predictions.frame.groupby(["repeat", "fold"], sort=True)
    return _sums(terms, folds.ngroup().to_numpy(), folds.ngroups)


def fold_confusions(predictions: Predictions) -> np.ndarray:
    """Confusion counts of every test fold, by repeat, then fold [shape=(folds, C, C), dtype=int]."""
    return _fold_sums(predictions, class_scores.terms(predictions)).astype(int)


def fold_scores(predictions: AnyPredictions) -> dict[str, np.ndarray]:
    """Every score of every test fold, by repeat, then fold: name -> [shape=(folds,)].

    F1 of a class is NaN for folds where it does not occur; a class that occurs in no fold has no score.
    """
    terms, scores = _terms(predictions)
    found = scores(_fold_sums(predictions, terms))
    return {name: values for name, values in found.items() if not np.isnan(values).all()}


def fold_digests(predictions: AnyPredictions) -> list[str]:
    """A digest of the ids that each test fold predicts, by repeat, then fold: the first 12 digits of the
    SHA-256 of the sorted ids. Scores of folds with the same digest can be paired."""
    folds = predictions.frame.groupby(["repeat", "fold"], sort=True)["id"]
    texts = (json.dumps(sorted(ids)) for _, ids in folds)
    return [hashlib.sha256(text.encode()).hexdigest()[:12] for text in texts]


def clips_of(predictions: AnyPredictions) -> list[str]:
    """The ids of the predicted clips, sorted; the clips of predicted segments in a segmented corpus."""
    return sorted({clip_of(id_) for id_ in predictions.frame["id"]})


def bootstrap_weights(count: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of ``count`` units is in each bootstrap sample [shape=(samples, count)]."""
    return rng.multinomial(count, np.full(count, 1 / count), BOOTSTRAP_DRAWS)


def bootstrap_scores(predictions: AnyPredictions, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Every score of every repeat, over all its folds, on bootstrap samples of clips.

    Parameters
    ----------
    weights : np.ndarray [shape=(samples, clips)]
        How often each of ``clips_of(predictions)``, with all its segments, is in each sample.

    Returns
    -------
    dict of str to np.ndarray [shape=(repeats, samples)]
    """
    terms, scores = _terms(predictions)
    clips, row = np.unique([clip_of(id_) for id_ in predictions.frame["id"]], return_inverse=True)
    repeats, repeat = np.unique(predictions.frame["repeat"], return_inverse=True)
    samples = []
    for r in range(len(repeats)):
        sums = _sums(terms[repeat == r], row[repeat == r], len(clips))
        drawn = weights @ sums.reshape(len(clips), -1)
        with np.errstate(invalid="ignore"):  # NaN of a sample without a clip of this repeat
            samples.append(scores(drawn.reshape(-1, *sums.shape[1:])))
    return {name: np.stack([found[name] for found in samples]) for name in samples[0]}


def percentiles(values: np.ndarray) -> tuple[float, float]:
    """The bounds that hold the middle 95 % of the values; NaN is left out."""
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


def intervals(predictions: AnyPredictions, seed: int) -> dict[str, tuple[float, float]]:
    """95 % percentile bootstrap intervals of every score, with the clip as the unit.

    Each bootstrap sample has as many clips as the predictions, drawn with replacement; a clip brings its
    segments and its predictions in all repeats. A score is computed per repeat over all its folds, because
    the sample of a single fold may lack a class, and averaged over the repeats, each weighted by its folds,
    which the last of a run that was ended may lack. The interval is re-centred: the score of all clips,
    computed in the same way, is subtracted from its bounds, and the mean over the folds, which is reported,
    is added. It shows how much the score varies with the clips, not with the training.

    Parameters
    ----------
    seed : int
        Of the bootstrap samples.

    Returns
    -------
    dict of str to (low, high)
        By the name of the score.
    """
    count = len(clips_of(predictions))
    sampled = bootstrap_scores(predictions, bootstrap_weights(count, np.random.default_rng(seed)))
    unweighted = bootstrap_scores(predictions, np.ones((1, count)))
    folds = predictions.frame.groupby("repeat")["fold"].nunique().to_numpy()
    found = {}
    for name, by_fold in fold_scores(predictions).items():
        shift = np.nanmean(by_fold) - _mean_of_repeats(unweighted[name], folds)
        bounds = percentiles(_mean_of_repeats(sampled[name], folds) + shift)
        low, high = np.clip(bounds, *limits(name))
        found[name] = float(low), float(high)
    return found


def limits(name: str) -> tuple[float, float]:
    """The lowest and the highest value that a score can have; infinite where it is not known."""
    return next((BOUNDS[part] for part in name.split("_") if part in BOUNDS), (-np.inf, np.inf))


def _mean_of_repeats(scores: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The mean over the repeats that have a score [shape=(repeats, samples) -> (samples,)], a repeat
    weighted by its number of folds; NaN where none has a score."""
    there = ~np.isnan(scores)
    sums = (folds[:, None] * np.where(there, scores, 0)).sum(0)
    total = (folds[:, None] * there).sum(0)
    return np.divide(sums, total, out=np.full(len(sums), np.nan), where=total > 0)


def _deviation(values: np.ndarray) -> float:
    """Standard deviation over the folds that have a score; 0 for a single one."""
    values = values[~np.isnan(values)]
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(value), DIGITS) for name, value in figures.items()}


def headline(predictions: AnyPredictions) -> str:
    """The score that a run is judged by: ``f1_macro`` of classes, ``ccc`` of values."""
    return HEADLINE["values" if isinstance(predictions, ValuePredictions) else "classes"]


def averages(predictions: AnyPredictions) -> dict[str, float]:
    """Scores as means over the test folds, to 4 digits, the headline and its deviation first."""
    scores, first = fold_scores(predictions), headline(predictions)
    means = {name: float(np.nanmean(values)) for name, values in scores.items()}
    own = {first: means.pop(first), f"{first}_sd": _deviation(scores[first])}
    return _rounded({**own, **means})


def always_high(predictions: Predictions) -> dict[str, float]:
    """``high_accuracy`` and ``high_f1`` of a classifier that always predicts ``high``, to compare with
    He & Ferguson's scores, which have no constant predictor; empty if the target has no class ``high``."""
    if predictions.classes[-1] != "high":
        return {}
    counts = fold_confusions(predictions)
    share = counts[:, -1].sum(-1) / counts.sum((1, 2))
    return {"high_accuracy": share.mean(), "high_f1": (2 * share / (1 + share)).mean()}


def _constant(predictions: AnyPredictions) -> dict[str, float]:
    """The scores of constant predictions.

    Of classes, ``constant_accuracy``: the highest accuracy that a constant class can have. Of values,
    ``constant_<score>``: the scores of predicting the mean over the training clips of each fold.
    """
    if isinstance(predictions, ValuePredictions):
        constant = fold_scores(predictions.of_constant)
        return _rounded({f"constant_{name}": v.mean() for name, v in constant.items()})
    counts = class_scores.of_constant(fold_confusions(predictions))
    accuracy = class_scores.scores(counts, predictions.classes)["accuracy"].mean()
    return _rounded({"constant_accuracy": float(accuracy), **always_high(predictions)})


def summary(predictions: AnyPredictions, seed: int) -> dict[str, float | int]:
    """The figures of ``metrics/run.json`` that are computed from the predictions, to 4 digits.

    ``n_clips`` counts clips; of a segmented corpus, ``n_segments`` counts what was scored. The figures of
    values include the deviation and the interval of every score: no single one stands for all.

    Parameters
    ----------
    seed : int
        Of the bootstrap samples of the intervals.
    """
    low, high = intervals(predictions, seed)[headline(predictions)]
    n_clips, scored = len(clips_of(predictions)), int(predictions.frame["id"].nunique())
    return {
        "n_clips": n_clips,
        **({"n_segments": scored} if scored != n_clips else {}),
        "n_folds": len(predictions.frame[["repeat", "fold"]].drop_duplicates()),
        **averages(predictions),
        **_rounded({"ci_low": low, "ci_high": high}),
        **(spread(predictions, seed) if isinstance(predictions, ValuePredictions) else {}),
        **_constant(predictions),
    }


def spread(predictions: AnyPredictions, seed: int) -> dict[str, float]:
    """For every score, ``<score>_sd`` over the test folds and the bounds ``<score>_low, <score>_high`` of
    its 95 % interval over clips, to 4 digits."""
    figures = {f"{n}_sd": _deviation(values) for n, values in fold_scores(predictions).items()}
    for name, (low, high) in intervals(predictions, seed).items():
        figures |= {f"{name}_low": low, f"{name}_high": high}
    return _rounded(figures)


def _check_lengths(ours: Sequence[float], theirs: Sequence[float], restarts: int) -> None:
    """Refuse scores that cannot be paired, or not be divided by restarts."""
    if len(ours) != len(theirs):
        raise MerError(
            f"both systems must have as many scores each, and ours has {len(ours)}, theirs "
            f"{len(theirs)}; give the scores of the same folds"
        )
    if restarts < 1 or len(ours) % restarts:
        raise MerError(
            f"restarts must be 1 at least and divide the number of scores, and {restarts} does not fit "
            f"{len(ours)} scores; give a score of every fold and restart"
        )


def _differences(
    ours: Sequence[float], theirs: Sequence[float], restarts: int
) -> np.ndarray | None:
    """The difference of two systems' scores per fold, averaged over restarts [shape=(folds,)]; None if
    there is only one, or all are equal but for the rounding of floats."""
    _check_lengths(ours, theirs, restarts)
    differences = np.subtract(ours, theirs).reshape(restarts, -1).mean(0)
    if len(differences) < 2 or np.ptp(differences) <= ROUNDING * np.abs([ours, theirs]).max():
        return None
    return differences


def paired_t_test(
    ours: Sequence[float], theirs: Sequence[float], restarts: int = 1
) -> float | None:
    """Two-sided p of Student's paired t-test on scores of the same folds, as papers use it.

    The test assumes independent folds, which folds of a cross-validation are not: see
    ``corrected_t_test``.

    Parameters
    ----------
    ours, theirs : sequence of float [length restarts * folds]
        Scores of two systems by restart, then by fold; the restarts of a fold are averaged.
    restarts : int
        Number of trainings per fold.

    Returns
    -------
    float in 0..1, or None if all differences are equal or there is only one

    Raises
    ------
    MerError
        If the two have different lengths, or a length that is no multiple of ``restarts``.
    """
    differences = _differences(ours, theirs, restarts)
    if differences is None:
        return None
    return float(ttest_1samp(differences, 0).pvalue)


def p_text(p: float) -> str:
    """A p value for readers: ``0.0213``, or ``< 0.0001``."""
    smallest = 10**-DIGITS
    return f"{p:.{DIGITS}f}" if p >= smallest else f"< {smallest:.{DIGITS}f}"


def corrected_t_test(
    ours: Sequence[float], theirs: Sequence[float], test_per_train: float, restarts: int = 1
) -> float | None:
    """Two-sided p of the corrected resampled t-test on paired scores of the same folds.

    Training sets of a repeated cross-validation overlap, so the variance of the mean difference of J folds
    is not 1/J of the variance of the differences but (1/J + n_test / n_train) of it (Nadeau & Bengio,
    "Inference for the Generalization Error", Machine Learning 52, 2003, section 3).

    Parameters
    ----------
    ours, theirs : sequence of float [length restarts * folds]
        Scores of two systems by restart, then by fold; the restarts of a fold, which share its
        training set, are averaged.
    test_per_train : float
        Number of test clips of a fold, divided by the number of all its other clips.
    restarts : int
        Number of trainings per fold.

    Returns
    -------
    float in 0..1, or None if all differences are equal or there is only one

    Raises
    ------
    MerError
        If the two have different lengths, or a length that is no multiple of ``restarts``.
    """
    differences = _differences(ours, theirs, restarts)
    if differences is None:
        return None
    count = len(differences)
    t = differences.mean() / np.sqrt((1 / count + test_per_train) * differences.var(ddof=1))
    return float(2 * student.sf(abs(t), df=count - 1))
