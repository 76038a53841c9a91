"""Scores, their deviations and intervals, and tests of differences."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from mer.errors import MerError
from mer.metrics import (
    bootstrap_scores,
    corrected_t_test,
    fold_confusions,
    fold_digests,
    fold_scores,
    intervals,
    limits,
    paired_t_test,
    spread,
    summary,
)
from mer.predictions import Predictions, ValuePredictions
from mer.types import QUADRANTS


def predictions(rng, classes=QUADRANTS, clips=60, repeats=3, folds=5, skill=1.0):
    c = len(classes)
    rows = []
    for repeat in range(repeats):
        for i in range(clips):
            y = i % c
            p = rng.random(c)
            p[y] += skill
            rows.append([f"t{i:02d}", repeat, i % folds, y, *(p / p.sum()).round(4)])
    columns = ["id", "repeat", "fold", "y_true", *(f"p_{k}" for k in range(c))]
    return Predictions(pd.DataFrame(rows, columns=columns), classes)


def per_fold(found, score):
    frame = found.frame.assign(y_pred=found.y_pred)
    return [
        score(rows["y_true"].to_numpy(), rows["y_pred"].to_numpy())
        for _, rows in frame.groupby(["repeat", "fold"])
    ]


def averaged(name, average):
    def score(true, predicted):
        return getattr(reference, name)(true, predicted, average=average, zero_division=0)

    return score


@pytest.mark.parametrize("classes", [QUADRANTS, ("low", "high")], ids=["quadrant", "binary"])
@pytest.mark.parametrize(
    ("ours", "score"),
    [
        ("accuracy", reference.accuracy_score),
        ("f1_macro", averaged("f1_score", "macro")),
        ("f1_micro", averaged("f1_score", "micro")),
        ("f1_weighted", averaged("f1_score", "weighted")),
        ("precision_weighted", averaged("precision_score", "weighted")),
        ("recall_weighted", averaged("recall_score", "weighted")),
    ],
)
def test_score_is_the_mean_of_scikit_learns_over_folds(rng, classes, ours, score):
    found = predictions(rng, classes)
    assert summary(found, 1)[ours] == pytest.approx(np.mean(per_fold(found, score)), abs=1e-4)


def test_sd_and_class_scores_are_scikit_learns(rng):
    found = predictions(rng)
    figures = summary(found, 1)
    macro = per_fold(found, averaged("f1_score", "macro"))
    classes = per_fold(found, averaged("f1_score", None))
    assert figures["f1_macro_sd"] == pytest.approx(np.std(macro, ddof=1), abs=1e-4)
    ours = [figures[f"f1_{c.lower()}"] for c in QUADRANTS]
    assert ours == pytest.approx(np.mean(classes, axis=0), abs=1e-4)


def test_binary_target_has_low_and_high(rng):
    assert {"f1_low", "f1_high"} <= set(summary(predictions(rng, ("low", "high")), 1))


def test_always_high_is_scored_as_scikit_learn_does(rng):
    found = predictions(rng, ("low", "high"), clips=31)
    figures = summary(found, 1)
    accuracy = per_fold(found, lambda true, _: true.mean())
    f1 = per_fold(found, lambda true, _: reference.f1_score(true, np.ones_like(true)))
    assert figures["high_accuracy"] == pytest.approx(np.mean(accuracy), abs=1e-4)
    assert figures["high_f1"] == pytest.approx(np.mean(f1), abs=1e-4)
    assert "high_f1" not in summary(predictions(rng), 1)


def test_confusions_of_folds_are_scikit_learns(rng):
    found = predictions(rng)
    labels = range(4)
    expected = per_fold(found, lambda *pair: reference.confusion_matrix(*pair, labels=labels))
    assert (fold_confusions(found) == np.stack(expected)).all()


def test_folds_are_counted_apart(rng):
    counts = fold_confusions(predictions(rng, repeats=2, folds=5))
    assert counts.shape == (10, 4, 4)
    assert counts.sum() == 120


def test_scores_of_folds_stand_by_repeat_and_fold_whatever_the_order_of_the_rows(rng):
    found = predictions(rng, skill=0.3)
    shuffled = found.frame.sample(frac=1, random_state=0, ignore_index=True)
    ours, theirs = (fold_scores(p)["f1_macro"] for p in (replace(found, frame=shuffled), found))
    assert ours.tolist() == theirs.tolist()


def test_perfect_predictions_have_no_spread(rng):
    figures = summary(predictions(rng, skill=9.0), 1)
    assert figures["f1_macro"] == figures["ci_low"] == figures["ci_high"] == 1
    assert figures["f1_macro_sd"] == 0


def answered(true, predicted, folds):
    """One-hot predictions of clips that are in the given folds."""
    facts = {"id": [f"t{i}" for i in range(len(true))], "repeat": 0, "fold": folds, "y_true": true}
    columns = {f"p_{c}": np.equal(predicted, c).astype(float) for c in range(len(QUADRANTS))}
    return Predictions(pd.DataFrame({**facts, **columns}), QUADRANTS)


CLIPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30
)


@settings(max_examples=50, deadline=None)
@given(CLIPS)
def test_a_system_without_an_error_scores_one_whatever_classes_the_folds_have(clips):
    true, _, folds = zip(*clips)
    figures = summary(answered(true, true, folds), 1) | spread(answered(true, true, folds), 1)
    for name, value in figures.items():
        if name.endswith("_sd"):
            assert value == 0
        elif name.startswith(("f1", "accuracy", "precision", "recall", "ci")):
            assert value == 1, name
    assert ("f1_q4" in figures) == (3 in true)


@settings(max_examples=50, deadline=None)
@given(CLIPS)
def test_macro_f1_is_scikit_learns_whatever_classes_the_folds_have(clips):
    found = answered(*zip(*clips))
    expected = np.mean(per_fold(found, averaged("f1_score", "macro")))
    assert summary(found, 1)["f1_macro"] == pytest.approx(expected, abs=1e-4)


def test_constant_row_is_the_most_frequent_class(rng):
    found = predictions(rng, clips=10, repeats=1, folds=1)
    assert summary(found, 1)["constant_accuracy"] == 0.3


def test_constant_accuracy_is_the_best_mean_over_folds_of_a_constant_answer():
    """One fold of 40 clips of Q1, ten folds of two clips of Q2."""
    true = [0] * 40 + [1] * 20
    found = answered(true, true, [0] * 40 + [1 + n // 2 for n in range(20)])
    constants = []
    for answer in range(4):
        folds = found.frame.groupby("fold")["y_true"]
        constants.append(
            np.mean([reference.accuracy_score(y, np.full(len(y), answer)) for _, y in folds])
        )
    assert summary(found, 1)["constant_accuracy"] == pytest.approx(max(constants), abs=1e-4)


@pytest.mark.filterwarnings("error")
def test_a_last_repeat_of_two_clips_has_an_interval_without_a_warning():
    """A tenth of the samples has none of them."""
    whole = answered([n % 4 for n in range(40)], [n % 3 for n in range(40)], [0] * 40).frame
    last = whole.iloc[[0, 5]].assign(repeat=1)
    found = Predictions(pd.concat([whole, last], ignore_index=True), QUADRANTS)
    low, high = intervals(found, 1)["f1_macro"]
    assert 0 < low < high < 1


def test_interval_covers_the_score_and_narrows_with_clips(rng):
    few, many = predictions(rng, clips=60, skill=0.5), predictions(rng, clips=600, skill=0.5)
    widths = []
    for found in (few, many):
        low, high = intervals(found, 1)["f1_macro"]
        assert low < summary(found, 1)["f1_macro"] < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_interval_lies_about_the_reported_mean_of_a_constant_answer(rng):
    """Each fold's constant is the class that its training part has most of: pooled, it scores higher."""
    found = predictions(rng, clips=100, repeats=1)
    constant = found.frame["fold"].to_numpy() % 4
    answers = {f"p_{c}": (constant == c).astype(float) for c in range(4)}
    found = Predictions(found.frame.assign(**answers), found.classes)
    bounds, means = intervals(found, 1), summary(found, 1)
    pooled = reference.f1_score(found.y_true, constant, average="macro")
    assert pooled > 1.5 * means["f1_macro"]
    for name, (low, high) in bounds.items():
        assert 0 <= low <= means[name] <= high < means[name] + 0.2


def test_interval_width_agrees_with_the_normal_approximation(rng):
    found = predictions(rng, ("low", "high"), clips=400, repeats=1, folds=1, skill=0.3)
    accuracy = summary(found, 1)["accuracy"]
    low, high = intervals(found, 1)["f1_macro"]
    assert high - low == pytest.approx(
        2 * 1.96 * np.sqrt(accuracy * (1 - accuracy) / 400), rel=0.15
    )


def test_every_score_has_a_deviation_over_folds_and_an_interval(rng):
    found = predictions(rng, skill=0.3)
    figures, means = spread(found, 1), summary(found, 1)
    weighted = per_fold(found, averaged("precision_score", "weighted"))
    assert figures["precision_weighted_sd"] == pytest.approx(np.std(weighted, ddof=1), abs=1e-4)
    for name in ("f1_macro", "f1_weighted", "precision_weighted", "recall_weighted", "accuracy"):
        assert figures[f"{name}_low"] < means[name] < figures[f"{name}_high"]
    assert (means["ci_low"], means["ci_high"]) == (
        figures["f1_macro_low"],
        figures["f1_macro_high"],
    )


def test_accuracys_interval_is_the_binomial_one(rng):
    found = predictions(rng, ("low", "high"), clips=400, repeats=1, folds=1, skill=0.3)
    accuracy, (low, high) = summary(found, 1)["accuracy"], intervals(found, 1)["accuracy"]
    expected = 2 * 1.96 * np.sqrt(accuracy * (1 - accuracy) / 400)
    assert high - low == pytest.approx(expected, rel=0.08)


def test_parts_of_a_clip_are_drawn_together(rng):
    """Four parts with one answer tell no more than their clip does."""
    clips = predictions(rng, clips=60, repeats=1, folds=1, skill=0.3)
    parts = pd.concat([clips.frame.assign(id=clips.frame["id"] + f"#{k}") for k in range(4)])
    parts = Predictions(parts.reset_index(drop=True), clips.classes)
    bounds = [list(intervals(found, 1).values()) for found in (parts, clips)]
    assert np.allclose(*bounds)


@pytest.mark.parametrize("draw", [predictions, lambda rng, **more: valued(rng, **more)])
def test_a_single_fold_of_a_second_repeat_hardly_widens_the_interval(rng, draw):
    whole = draw(rng, clips=300, repeats=2, folds=10)
    frame = whole.frame
    first, ended = (
        replace(whole, frame=frame[kept].reset_index(drop=True))
        for kept in (frame["repeat"] == 0, (frame["repeat"] == 0) | (frame["fold"] == 0))
    )
    score = "f1_macro" if "y_true" in frame else "ccc"
    widths = [np.ptp(intervals(found, 1)[score]) for found in (first, ended)]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


def test_a_sample_without_a_prediction_has_no_score(rng):
    found = valued(rng, clips=4, repeats=1, folds=2)
    for scores in bootstrap_scores(found, np.zeros((1, 4))).values():
        assert np.isnan(scores).all()


def test_folds_of_the_same_clips_have_the_same_digest(rng):
    found = predictions(rng, repeats=2, folds=3)
    digests = fold_digests(found)
    assert digests[:3] == digests[3:]
    assert len({*digests}) == 3
    shuffled = replace(found, frame=found.frame[::-1].reset_index(drop=True))
    assert fold_digests(shuffled) == digests


def test_same_seed_same_interval(rng):
    found = predictions(rng)
    assert intervals(found, 1) == intervals(found, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(p_0=np.nan), "must be finite"),
        (lambda f: f.drop(columns="p_3"), "must have the columns"),
        (lambda f: pd.concat([f, f[:1]]), r"one row per clip .* has several; remove"),
        (lambda f: f[:0], "must have a row at least"),
    ],
)
def test_bad_predictions_are_refused(rng, change, message):
    found = predictions(rng)
    with pytest.raises(MerError, match=message):
        Predictions(change(found.frame), found.classes)


def valued(rng, names=("valence", "arousal"), clips=60, repeats=2, folds=5, noise=1.0, bias=0.3):
    """Predictions on a scale of 1 to 9, off by noise and a bias."""
    wanted = rng.uniform(2, 7, (clips, len(names)))
    frames = []
    for repeat in range(repeats):
        found = wanted + bias + rng.normal(0, noise, wanted.shape)
        fold = np.arange(clips) % folds
        constant = np.stack([wanted[fold != f].mean(0) for f in range(folds)])[fold]
        parts = {"y": wanted, "p": found.round(4), "constant": constant}
        columns = {f"{k}_{n}": v[:, i] for k, v in parts.items() for i, n in enumerate(names)}
        facts = {"id": [f"t{i:02d}" for i in range(clips)], "repeat": repeat, "fold": fold}
        frames.append(pd.DataFrame({**facts, **columns}))
    return ValuePredictions(pd.concat(frames, ignore_index=True), names, (1.0, 9.0))


def concordance(true, predicted):
    """Lin's formula as it is written."""
    covariance = np.mean((true - true.mean()) * (predicted - predicted.mean()))
    return 2 * covariance / (true.var() + predicted.var() + (true.mean() - predicted.mean()) ** 2)


OF_VALUES = {
    "rmse": reference.root_mean_squared_error,
    "r2": reference.r2_score,
    "pearson": lambda true, predicted: np.corrcoef(true, predicted)[0, 1],
    "ccc": concordance,
}


@pytest.mark.parametrize("score", OF_VALUES)
def test_a_score_of_values_is_the_mean_over_folds_of_the_formula(rng, score):
    found = valued(rng)
    figures = summary(found, 1)
    by_value = {
        name: np.mean(
            [
                OF_VALUES[score](rows[f"y_{name}"].to_numpy(), rows[f"p_{name}"].to_numpy())
                for _, rows in found.frame.groupby(["repeat", "fold"])
            ]
        )
        for name in found.names
    }
    for name, expected in by_value.items():
        assert figures[f"{score}_{name}"] == pytest.approx(expected, abs=1e-4)
    assert figures[score] == pytest.approx(np.mean(list(by_value.values())), abs=1e-4)
    assert figures[f"{score}_low"] < figures[score] < figures[f"{score}_high"]


def test_the_constant_predictor_is_the_training_mean(rng):
    found = valued(rng, ("valence",))
    figures = summary(found, 1)
    folds = [rows for _, rows in found.frame.groupby(["repeat", "fold"])]
    for score in ("rmse", "r2"):
        expected = [OF_VALUES[score](rows["y_valence"], rows["constant_valence"]) for rows in folds]
        assert figures[f"constant_{score}"] == pytest.approx(np.mean(expected), abs=1e-4)
    assert figures["constant_ccc"] == figures["constant_pearson"] == 0
    assert figures["constant_r2"] <= 0


def test_the_headline_of_values_is_the_concordance_with_its_interval(rng):
    figures = summary(valued(rng), 1)
    assert (figures["ci_low"], figures["ci_high"]) == (figures["ccc_low"], figures["ccc_high"])
    assert figures["ccc_sd"] > 0


def test_values_without_variance_score_zero_and_perfect_ones_one(rng):
    found = valued(rng, ("valence",))
    flat = replace(found, frame=found.frame.assign(y_valence=4.0))
    assert summary(flat, 1)["r2"] == summary(flat, 1)["ccc"] == summary(flat, 1)["pearson"] == 0
    perfect = replace(found, frame=found.frame.assign(p_valence=found.frame["y_valence"]))
    figures = summary(perfect, 1)
    assert [figures[name] for name in OF_VALUES] == [0, 1, 1, 1]
    assert figures["ccc_high"] == 1


def test_the_interval_of_the_error_has_the_width_of_its_standard_error(rng):
    found = valued(rng, ("valence",), clips=500, repeats=1, folds=2, bias=0)
    low, high = intervals(found, 1)["rmse"]
    errors = np.square(found.part("y") - found.part("p"))
    standard = errors.std() / (2 * np.sqrt(errors.mean()) * np.sqrt(500))
    assert high - low == pytest.approx(2 * 1.96 * standard, rel=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(p_valence=np.inf), "must be finite"),
        (lambda f: f.drop(columns="constant_valence"), "must have the columns"),
        (lambda f: pd.concat([f, f[:1]]), r"one row per clip .* has several; remove"),
        (lambda f: f[:0], "must have a row at least"),
    ],
)
def test_bad_predictions_of_values_are_refused(rng, change, message):
    found = valued(rng, ("valence",))
    with pytest.raises(MerError, match=message):
        replace(found, frame=change(found.frame))


def test_restarts_of_a_fold_are_averaged_before_students_test(rng):
    ours, theirs = rng.random((2, 5, 10))
    expected = stats.ttest_rel(ours.mean(0), theirs.mean(0)).pvalue
    assert paired_t_test(ours.ravel(), theirs.ravel(), 5) == pytest.approx(expected)
    assert paired_t_test(ours[0, :1], theirs[0, :1]) is None


def test_restarts_of_a_fold_are_averaged_before_the_corrected_test_too(rng):
    """Without test clips it is Student's; a fold trained again with the same score adds nothing."""
    ours, theirs = rng.random((2, 5, 10))
    expected = paired_t_test(ours.ravel(), theirs.ravel(), 5)
    assert corrected_t_test(ours.ravel(), theirs.ravel(), 0, 5) == pytest.approx(expected)
    again = [np.tile(scores[0], 3) for scores in (ours, theirs)]
    once = corrected_t_test(ours[0], theirs[0], 1 / 9)
    assert corrected_t_test(*again, 1 / 9, 3) == pytest.approx(once)


def test_corrected_t_test_by_hand():
    """Differences 1, 2, 3, 4: mean 2.5, variance 5/3; t = 2.5 / sqrt((1/4 + 1/3) 5/3) = 2.5354."""
    p = corrected_t_test([1.0, 2.0, 3.0, 4.0], [0.0] * 4, 1 / 3)
    assert p == pytest.approx(2 * stats.t.sf(2.5 / np.sqrt(35 / 36), 3))
    assert p == pytest.approx(0.0849, abs=2e-4)


def test_uncorrected_it_is_the_paired_t_test(rng):
    ours, theirs = rng.random((2, 10))
    assert corrected_t_test(ours, theirs, 0.0) == pytest.approx(
        stats.ttest_rel(ours, theirs).pvalue
    )


def test_the_correction_makes_it_more_cautious(rng):
    ours, theirs = rng.random((2, 100)) + np.array([[0.2], [0.0]])
    assert corrected_t_test(ours, theirs, 1 / 9) > stats.ttest_rel(ours, theirs).pvalue


@pytest.mark.parametrize("folds", [[0.5], [0.5, 0.6]], ids=["one fold", "equal differences"])
def test_no_test_without_a_variance(folds):
    assert corrected_t_test(folds, [f - 0.1 for f in folds], 0.1) is None


def corrected(ours, theirs, restarts=1):
    return corrected_t_test(ours, theirs, 1 / 9, restarts)


@pytest.mark.parametrize("test", [paired_t_test, corrected])
@pytest.mark.parametrize(
    ("ours", "theirs", "restarts", "message"),
    [
        ([0.5, 0.6], [0.6], 1, r"as many scores each, and ours has 2, theirs 1; give"),
        ([0.5, 0.6, 0.7], [0.4, 0.4, 0.4], 2, r"restarts must .*, and 2 does not fit 3 scores"),
        ([0.5, 0.6], [0.4, 0.4], 0, r"restarts must .*, and 0 does not fit 2 scores"),
    ],
)
def test_scores_that_are_not_of_the_same_folds_are_refused(test, ours, theirs, restarts, message):
    with pytest.raises(MerError, match=message):
        test(ours, theirs, restarts)


@pytest.mark.parametrize("test", [paired_t_test, corrected])
def test_differences_are_equal_only_where_rounding_tells_them_apart(test):
    theirs = np.array([0.4, 0.5, 0.6])
    assert test([0.5, 0.6, 0.7], theirs) is None  # 0.6 - 0.5 is not 0.5 - 0.4 in floats
    assert test(1e6 * theirs + 0.1, 1e6 * theirs) is None
    assert test(theirs, theirs) is test([0.0, 0.0], [0.0, 0.0]) is None
    steps = np.array([3e-5, 1e-4, 5e-5])
    assert test(theirs + steps, theirs) == pytest.approx(test(theirs + 1000 * steps, theirs))
    assert test(1e-6 * steps, 0 * steps) == pytest.approx(test(steps, 0 * steps))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("f1_macro", (0, 1)),
        ("f1_r2", (0, 1)),
        ("clip_accuracy", (0, 1)),
        ("ccc_valence", (-1, 1)),
        ("r2", (-np.inf, 1)),
        ("rmse_arousal", (0, np.inf)),
        ("kappa", (-np.inf, np.inf)),
    ],
)
def test_the_limits_of_a_score_are_those_of_its_kind(name, expected):
    assert limits(name) == expected
