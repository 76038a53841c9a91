import csv

import numpy as np
import pytest

from mer import labels
from mer.errors import MerError
from mer.types import QUADRANTS, Track

ONE_EACH = [Track(f"clip {q}", q) for q in QUADRANTS]


@pytest.fixture(scope="module")
def pmemo(real_data):
    """Valence and arousal of PMEmo's 767 labelled songs."""
    with (real_data / "pmemo" / "static_annotations.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return np.array(
        [[float(row[f"{axis}(mean)"]) for row in rows] for axis in ("Valence", "Arousal")]
    )


@pytest.mark.parametrize(
    ("valence", "arousal", "expected"),
    [
        (1, 1, "Q1"),
        (-1, 1, "Q2"),
        (-1, -1, "Q3"),
        (1, -1, "Q4"),
        (0, 0, "Q3"),
        (1, 0, "Q4"),
        (0, 1, "Q2"),
    ],
)
def test_quadrants_run_counter_clockwise_and_high_is_above(valence, arousal, expected):
    assert labels.quadrant(valence, arousal, (0.0, 0.0)) == expected


def test_each_axis_has_its_own_threshold():
    assert labels.quadrant(0.5, 0.5, (0.6, 0.4)) == "Q2"


@pytest.mark.parametrize(
    ("target", "expected"),
    [("quadrant", [0, 1, 2, 3]), ("valence", [1, 0, 0, 1]), ("arousal", [1, 1, 0, 0])],
)
def test_classes_follow_from_the_quadrant(target, expected):
    assert labels.encode(ONE_EACH, target) == dict(zip([t.id for t in ONE_EACH], expected))


@pytest.mark.parametrize(
    ("target", "expected"),
    [("quadrant", QUADRANTS), ("valence", ("low", "high")), ("arousal", ("low", "high"))],
)
def test_classes_are_named(target, expected):
    assert labels.classes(target) == expected


@pytest.mark.parametrize("ask", [labels.classes, lambda target: labels.encode(ONE_EACH, target)])
def test_unknown_target_is_refused_with_the_choices(ask):
    with pytest.raises(MerError, match="one of quadrant, valence, arousal, not 'dominance'"):
        ask("dominance")


def test_midpoint_of_two_heaps():
    valence, arousal = [0.0, 0.2, 0.8, 1.0, 0.9], [0.1, 0.1, 0.7, 0.7, 0.7]
    assert labels.midpoints(valence, arousal) == pytest.approx(((0.1 + 0.9) / 2, (0.1 + 0.7) / 2))


def test_midpoint_moves_with_the_scale(rng):
    valence, arousal = rng.normal(size=(2, 200))
    v, a = labels.midpoints(valence, arousal)
    assert labels.midpoints(valence * 10 + 3, arousal * 10 - 2) == pytest.approx(
        (v * 10 + 3, a * 10 - 2)
    )


def test_midpoint_does_not_depend_on_the_order(rng):
    points = rng.normal(size=(200, 2))
    assert labels.midpoints(*points.T) == labels.midpoints(*rng.permutation(points).T)


@pytest.mark.parametrize("seed", [0, 11, 19, 48, 61])
def test_midpoint_is_of_the_best_two_clusters(seed):
    """No parting by any line is tighter: all partings of eleven points are tried."""
    points = np.random.default_rng(seed).normal(size=(11, 2))
    codes = (np.arange(1, 2**10)[:, None] >> np.arange(11)) & 1 == 1
    centres = np.array([[points[~code].mean(0), points[code].mean(0)] for code in codes])
    distances = (
        np.square(points[None, :, None] - centres[:, None]).sum(axis=3).min(axis=2).sum(axis=1)
    )
    best = centres[distances.argmin()].mean(axis=0)
    assert labels.midpoints(*points.T) == pytest.approx(tuple(best))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_midpoint_needs_two_different_points(n):
    with pytest.raises(
        MerError, match=f"two different points to tell low from high, not {min(n, 1)}"
    ):
        labels.midpoints([0.5] * n, [0.5] * n)


def test_midpoints_of_pmemo_are_he_and_fergusons(pmemo):
    thresholds = labels.midpoints(*pmemo)
    assert np.round(thresholds, 3).tolist() == [0.567, 0.587]
    assert (thresholds < pmemo.T).sum(axis=0).tolist() == [467, 473]
