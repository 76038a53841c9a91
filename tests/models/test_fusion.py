"""mer.models.fusion: the families of a joined table."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from mer import config
from mer.learn.estimator_arrays import restored, to_arrays
from mer.models import fusion

FAMILIES = ("left",) * 4 + ("right",) * 400
OPTIONS = {"families": FAMILIES, "seed": 1, "fidelity": "described", "predicts": "classes"}
WAYS = ("features", "mean", "stack")


@pytest.fixture
def params(root):
    (block,) = config.read("models.fusion", path=root / "params.yaml")
    return lambda **changes: block.model_copy(update=changes)


@pytest.fixture
def clips(rng):
    """Rows whose four columns of ``left`` tell the class, and whose 400 of ``right`` tell nothing."""
    y = np.arange(160) % 4
    rows = rng.standard_normal((160, 404))
    rows[np.arange(160), y] += 3
    return rows, y


def accuracy(params, clips, **options):
    rows, y = clips
    fitted = fusion.build(params, **{**OPTIONS, **options}).fit(rows[:80], y[:80])
    return (fitted.predict(rows[80:]) == y[80:]).mean()


@pytest.mark.parametrize("combine", WAYS)
def test_a_narrow_family_weighs_as_much_as_a_wide_one(params, clips, combine):
    chosen = params(combine=combine)
    assert accuracy(chosen, clips) > accuracy(chosen, clips, families=("both",) * 404) + 0.1


def test_every_family_has_the_same_share_in_the_distances():
    factors = fusion.Weigher(FAMILIES, 0.25).fit(np.ones((1, 404))).factors_
    shares = [
        sum(f**2 for f, own in zip(factors, FAMILIES) if own == side) for side in set(FAMILIES)
    ]
    assert shares == pytest.approx([0.25 * 404 / 2] * 2)


@pytest.mark.parametrize("combine", ["mean", "stack"])
def test_probabilities_are_calibrated_on_clips_that_the_machines_were_not_trained_on(
    params, clips, rng, combine
):
    """Else machines that fit permuted labels by heart would seem to know them."""
    rows, y = clips
    found = fusion.build(params(combine=combine), **OPTIONS).fit(rows, rng.permutation(y))
    assert found.predict_proba(rows).max(axis=1).mean() < 0.5


def test_a_stack_learns_which_family_tells(params, clips):
    fitted = fusion.build(params(combine="stack"), **OPTIONS).fit(*clips)
    left, right = np.abs(fitted.final_estimator_[-1].coef_).reshape(4, 2, 4).sum(axis=(0, 2))
    assert left > 3 * right


@pytest.mark.parametrize("combine", WAYS)
def test_what_a_search_has_chosen_comes_back_from_arrays(params, clips, combine):
    rows, y = clips
    chosen = params(combine=combine, search="grid", gamma=9.0, c=1e-6, folds=2)
    fitted = fusion.build(chosen, **OPTIONS).fit(rows, y)
    back = restored(fusion.build(chosen, **OPTIONS), load(save(to_arrays(fitted))))
    answer = "decision_function" if combine == "features" else "predict_proba"
    assert np.array_equal(getattr(back, answer)(rows), getattr(fitted, answer)(rows))
    assert (back.predict(rows) == y).mean() > 0.8


@pytest.mark.parametrize("combine", WAYS)
def test_a_class_of_a_single_training_clip_is_no_obstacle(params, clips, combine):
    rows, y = clips
    few = [*range(12), 12 + 1, 12 + 2, 12 + 4, 12 + 5]
    kept = [n for n in few if y[n] != 3 or n == 3]
    fitted = fusion.build(params(combine=combine), **OPTIONS).fit(rows[kept], y[kept])
    assert (fitted.predict(rows[100:]) == y[100:]).mean() > 0.3
