import csv

import numpy as np
import pytest

from mer.errors import MerError
from mer.targets import labels
from mer.targets.classes import Classes
from mer.targets.values import Values
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
    assert labels.target_of(target, ONE_EACH, None) == Classes(expected)


def test_unknown_target_is_refused_with_the_choices():
    with pytest.raises(MerError, match=r"one of quadrant, valence, arousal, .*, not 'dominance'"):
        labels.target_of("dominance", ONE_EACH, None)


LABELLED = [
    Track("a", "Q1", valence=2.0, arousal=9.0, label="waltz"),
    Track("b", "Q4", valence=8.0, arousal=1.0, label="Tango"),
    Track("c", "Q4", valence=5.0, arousal=5.0, label="waltz"),
]


def test_labels_are_classes_by_name():
    assert labels.target_of("label", LABELLED, None) == Classes(("Tango", "waltz"))
    assert labels.encode(LABELLED, "label") == {"a": 1, "b": 0, "c": 1}


@pytest.mark.parametrize(
    ("target", "names", "encoded"),
    [
        ("valence_value", ("valence",), [(2.0,), (8.0,), (5.0,)]),
        ("arousal_value", ("arousal",), [(9.0,), (1.0,), (5.0,)]),
        ("valence_arousal", ("valence", "arousal"), [(2.0, 9.0), (8.0, 1.0), (5.0, 5.0)]),
    ],
)
def test_values_stay_in_the_scale_of_the_corpus(target, names, encoded):
    assert labels.target_of(target, LABELLED, [1, 9]) == Values(names, (1.0, 9.0))
    assert labels.encode(LABELLED, target) == dict(zip("abc", encoded, strict=True))


@pytest.mark.parametrize("target", ["label", "valence_value", "valence_arousal", "quadrant"])
def test_a_clip_without_a_label_of_the_kind_is_named(target):
    tracks = [*LABELLED, Track("bare", "")]
    with pytest.raises(MerError, match=f"target='{target}' needs .* 1 clips have none, .* 'bare'"):
        labels.encode(tracks, target)


def test_values_need_a_range():
    with pytest.raises(MerError, match=r"set `range` of the corpus in params/corpora\.yaml"):
        labels.target_of("arousal_value", LABELLED, None)


@pytest.mark.parametrize("name", ["Macro", "TANGO", "macro_sd", "Weighted_low"])
def test_a_class_whose_score_would_have_the_name_of_another_is_refused(name):
    tracks = [*LABELLED, Track("d", "Q1", label=name)]
    with pytest.raises(MerError, match=f"the class .*{name[1:]}' must not be macro"):
        labels.target_of("label", tracks, None)


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
