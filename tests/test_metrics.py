import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from mer.errors import MerError
from mer.metrics import confusion, fold_confusions, intervals, spread, summary
from mer.types import QUADRANTS, Predictions


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


def test_confusion_is_scikit_learns(rng):
    true, predicted = rng.integers(4, size=(2, 100))
    assert (confusion(true, predicted, 4) == reference.confusion_matrix(true, predicted)).all()


def test_folds_are_counted_apart(rng):
    counts = fold_confusions(predictions(rng, repeats=2, folds=5))
    assert counts.shape == (10, 4, 4)
    assert counts.sum() == 120


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


def test_same_seed_same_interval(rng):
    found = predictions(rng)
    assert intervals(found, 1) == intervals(found, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(p_0=np.nan), "must be finite"),
        (lambda f: f.drop(columns="p_3"), "must have the columns"),
        (lambda f: pd.concat([f, f[:1]]), "one row per clip and repeat"),
    ],
)
def test_bad_predictions_are_refused(rng, change, message):
    found = predictions(rng)
    with pytest.raises(MerError, match=message):
        Predictions(change(found.frame), found.classes)
