"""mer.features.panda1714, novel columns: every value of six notes, worked out by hand."""

from itertools import pairwise
from math import sqrt

import numpy as np
import pandas as pd
import pytest

from mer.features.panda1714.dimensions import dynamics, expressivity, melody, rhythm
from mer.features.panda1714.notes.contour import contour
from mer.features.panda1714.notes.glissando import approach, widest
from mer.features.panda1714.notes.melodia import STEP
from mer.features.panda1714.notes.note_stats import six
from mer.features.panda1714.notes.notes import Note, Notes
from mer.features.panda1714.notes.oscillation import RATES, WINDOW, fit
from mer.features.panda1714.notes.states import around_mean

SECONDS = 10.0
STATISTICS = ("Mean", "Max", "Min", "Std", "Kurtosis", "Skewness")
FLAT = [1.0] * 10
GROWING = [0.75] * 5 + [1.25] * 5
FADING = [3.5] * 5 + [2.5] * 5
LITTLE = [5.5] * 5 + [4.5] * 5  # 18 % less is no decrescendo
DIMENSIONS = (melody, rhythm, dynamics, expressivity)


def note(start: float, end: float, midi: float, salience: list[float] = FLAT) -> Note:
    return Note(start, end, np.full(10, hertz(midi)), np.array(salience))


def hertz(midi: np.ndarray | float) -> np.ndarray:
    return 440 * 2 ** ((np.asarray(midi, float) - 69) / 12)


def glide(*midi: float) -> Note:
    return Note(0.0, len(midi) * STEP, hertz(midi), np.ones(len(midi)))


# MIDI up, up, stable, down, down; seconds 0.5 0.2 0.2 1.0 0.25 0.4; intensity 1 2 4 3 3 5.
SIX = Notes(
    (
        note(0.0, 0.5, 60, GROWING),
        note(0.5, 0.7, 64, [2.0] * 10),
        note(1.0, 1.2, 66, [4.0] * 10),
        note(1.5, 2.5, 66, FADING),
        note(2.5, 2.75, 57, [3.0] * 10),
        note(4.0, 4.4, 55, LITTLE),
    )
)


def novel(notes: Notes) -> dict[str, float]:
    return {k: x for part in DIMENSIONS for k, x in part.novel(notes, SECONDS).items()}


def one(x: float) -> tuple:
    return x, x, x, 0, 0, 0


def two(x: float, y: float) -> tuple:
    return (x + y) / 2, max(x, y), min(x, y), abs(x - y) / sqrt(2), 1, 0


def stats(name: str, values: tuple) -> dict[str, float]:
    return {f"{name} ({what})": x for what, x in zip(STATISTICS, values, strict=True)}


def per_second(name: str, labels: tuple, count: dict) -> dict[str, float]:
    pairs = [(a, b) for a in labels for b in labels if a != b]
    return {f"{name} {a} -> {b} (Per Sec)": count.get((a, b), 0) / SECONDS for a, b in pairs}


def check(prefix: str, expected: dict[str, float]) -> None:
    """Every column of a prefix has the expected value, and there is no other."""
    found = {k: x for k, x in novel(SIX).items() if k.startswith(prefix)}
    assert found == pytest.approx(expected, abs=1e-9)


def test_melody_states():
    p = "STATES_MELODY-"
    up, same, down = "Transition to Higher", "Stable Sequence (Same Note)", "Transition to Lower"
    sequences = f"{p}Duration of"
    check(
        p,
        {
            f"{p}{up} Notes (%)": 0.4,
            f"{p}{same} (%)": 0.2,
            f"{p}{down} Notes (%)": 0.4,
            f"{p}{up} Notes (% of total duration)": 0.7 / 2.15,
            f"{p}{same} (% of total duration)": 0.2 / 2.15,
            f"{p}{down} Notes (% of total duration)": 1.25 / 2.15,
            **stats(f"{sequences} Notes Followed by a Higher Note", two(0.5, 0.2)),
            **stats(f"{sequences} Notes Followed by a Similar Note", one(0.2)),
            **stats(f"{sequences} Notes Followed by a Lower Note", two(1.0, 0.25)),
            f"{p}Transitions to Different Note (Per Sec)": 0.4,
            f"{p}Transitions to Different Note (Per Note)": 4 / 6,
            **per_second(
                f"{p}State Transitions",
                ("Going Up", "Stable", "Going Down"),
                {("Going Up", "Stable"): 1, ("Stable", "Going Down"): 1},
            ),
            f"{p}Longest Sequence of Increasing Notes": 2,
            f"{p}Longest Sequence of Similar Notes": 1,
            f"{p}Longest Sequence of Decreasing Notes": 2,
            **stats(f"{sequences} Increasing Sequences in Notes", one(3)),
            **stats(f"{sequences} Stable Sequences in Notes", one(2)),
            **stats(f"{sequences} Decreasing Sequences in Notes", one(3)),
            **stats(f"{sequences} Increasing Sequences in Seconds", one(0.9)),
            **stats(f"{sequences} Stable Sequences in Seconds", one(1.2)),
            **stats(f"{sequences} Decreasing Sequences in Seconds", one(1.65)),
        },
    )


def test_melody_pitches():
    registers = {k: x for k, x in novel(SIX).items() if k.startswith("MELODY-RD-")}
    spread = (sqrt(1002 / 45), 40011 / 167**2, -520 / 167**1.5)
    pitches = stats("MELODY-MIDI Notes", (368 / 6, 66, 55, *spread))
    steps = (3.4, 9, 0, sqrt(11.8), 224.9792 / 9.44**2, 26.208 / 9.44**1.5)
    check(
        "MELODY-",
        {
            **registers,
            **{k: x for k, x in pitches.items() if not k.endswith(("(Max)", "(Min)"))},
            "MELODY-Highest Note": 66,
            "MELODY-Lowest Note": 55,
            "MELODY-MIDI Notes Range": 11,
            "MELODY-MIDI Note Space Length": 5,
            "MELODY-Chroma Note Space Length": 5,
            **stats("MELODY-Notes Smoothness", steps),
        },
    )


def test_chroma_counts_octaves_once():
    found = novel(Notes((note(0, 1, 48), note(1, 2, 60), note(2, 3, 61))))
    assert found["MELODY-MIDI Note Space Length"] == 3
    assert found["MELODY-Chroma Note Space Length"] == 2


def test_registers():
    shares = {
        "Soprano (C4-C6)": (4 / 6, 1.9 / 2.55),
        "Mezzo-soprano (A3-A5)": (5 / 6, 2.15 / 2.55),
        "Contralto (F3-E5)": (1, 1),
        "Tenor (B2-A4)": (1, 1),
        "Baritone (G2-F4)": (4 / 6, 1.35 / 2.55),
        "Bass (E2-E4)": (4 / 6, 1.35 / 2.55),
    }
    notes = {f"MELODY-RD-{voice}": share for voice, (share, _) in shares.items()}
    check(
        "MELODY-RD-",
        notes | {f"MELODY-RD-{voice} Duration (%)": share for voice, (_, share) in shares.items()},
    )


@pytest.mark.parametrize(
    ("voice", "lowest", "highest"),
    [
        ("Soprano (C4-C6)", 60, 84),
        ("Mezzo-soprano (A3-A5)", 57, 81),
        ("Contralto (F3-E5)", 53, 76),
        ("Tenor (B2-A4)", 47, 69),
        ("Baritone (G2-F4)", 43, 65),
        ("Bass (E2-E4)", 40, 64),
    ],
)
def test_registers_hold_their_limits(voice, lowest, highest):
    def inside(midi):
        return novel(Notes((note(0, 1, midi),)))[f"MELODY-RD-{voice}"]

    assert [inside(m) for m in (lowest - 1, lowest, highest, highest + 1)] == [0, 1, 1, 0]


def test_note_durations():
    p, states = "RHYTHM-", ("Short", "Medium", "Long")
    kurtosis, skewness = 0.019234765625 / 0.078125**2, 0.0270625 / 0.078125**1.5
    whole = stats(f"{p}Note Duration", (0.425, 1.0, 0.2, sqrt(0.09375), kurtosis, skewness))
    changes = {k: x for k, x in novel(SIX).items() if k.startswith("RHYTHM-CHANGES-")}
    check(
        p,
        {
            **whole,
            **changes,
            f"{p}Short Notes (%)": 3 / 6,
            f"{p}Medium Notes (%)": 2 / 6,
            f"{p}Long Notes (%)": 1 / 6,
            f"{p}Short Notes Duration (%)": 0.65 / 2.55,
            f"{p}Medium Notes Duration (%)": 0.9 / 2.55,
            f"{p}Long Notes Duration (%)": 1.0 / 2.55,
            **stats(
                f"{p}Short Notes Duration", (0.65 / 3, 0.25, 0.2, sqrt(1 / 1200), 1.5, 1 / sqrt(2))
            ),
            **stats(f"{p}Medium Notes Duration", two(0.5, 0.4)),
            **stats(f"{p}Long Notes Duration", one(1.0)),
            f"{p}Transitions to Different State (Per Sec)": 0.4,
            f"{p}Transitions to Different State (Per Note)": 4 / 6,
            **per_second(
                f"{p}State Transitions",
                states,
                dict.fromkeys(pairwise(("Medium", "Short", "Long", "Short", "Medium")), 1),
            ),
            f"{p}Longest Sequence of Short Notes": 2,
            f"{p}Longest Sequence of Medium Notes": 1,
            f"{p}Longest Sequence of Long Notes": 1,
        },
    )


def test_changes_of_duration():
    p, states = "RHYTHM-CHANGES-", ("Decreasing", "Similar", "Increasing")
    name = f"{p}{{}} Duration Notes Transitions"
    once = [
        ("Decreasing", "Similar"),
        ("Similar", "Increasing"),
        ("Increasing", "Decreasing"),
        ("Decreasing", "Increasing"),
    ]
    expected = {
        f"{p}Transitions to Different State (Per Sec)": 0.4,
        f"{p}Transitions to Different State (Per Note)": 4 / 6,
        **per_second(f"{p}State Transitions", states, dict.fromkeys(once, 1)),
    }
    values = ((0.4, 1.5, two(0.5, 1.0)), (0.2, 0.2, one(0.2)), (0.4, 0.45, two(0.2, 0.25)))
    for state, (share, duration, lengths) in zip(states, values):
        expected |= {
            f"{name.format(state)} (%)": share,
            f"{name.format(state)} Duration (%)": duration / 2.15,
            **stats(f"{name.format(state)} Duration", lengths),
            f"{p}Longest Sequence of {state} Duration Notes Transitions": 1,
        }
    check(p, expected)


@pytest.mark.parametrize(
    ("following", "state"),
    [(0.115, "Similar"), (0.125, "Increasing"), (0.075, "Decreasing"), (0.085, "Similar")],
)
def test_a_change_of_duration_is_a_tenth_and_20_ms(following, state):
    found = novel(Notes((note(0, 0.1, 60), note(1, 1 + following, 60))))
    assert found[f"RHYTHM-CHANGES-{state} Duration Notes Transitions (%)"] == 1


def test_dynamics():
    p = "DYNAMICS-"
    expected = {
        **stats(f"{p}Notes Intensity", (3, 5, 1, sqrt(2), 2.04, 0)),
        f"{p}Low Intensity Notes Duration (%)": 0.7 / 2.55,
        f"{p}Medium Intensity Notes Duration (%)": 1.25 / 2.55,
        f"{p}Long Intensity Notes Duration (%)": 0.6 / 2.55,
        **stats(f"{p}Low Intensity Notes Duration", two(0.5, 0.2)),
        **stats(f"{p}Medium Intensity Notes Duration", two(1.0, 0.25)),
        **stats(f"{p}High Intensity Notes Duration", two(0.2, 0.4)),
        f"{p}Transitions to Different Intensity State (Per Sec)": 0.3,
        f"{p}Transitions to Different Intensity State (Per Note)": 3 / 6,
        **per_second(
            f"{p}Intensity State Transitions",
            ("Low", "Medium", "High"),
            {("Low", "High"): 1, ("High", "Medium"): 1, ("Medium", "High"): 1},
        ),
    }
    for state, longest in (("Low", 2), ("Medium", 2), ("High", 1)):
        expected[f"{p}{state} Intensity Notes (%)"] = 1 / 3
        expected[f"{p}Longest Sequence of {state} Intensity Notes"] = longest
    lengths = {"Crescendo": (two(3, 2), two(0.9, 0.65)), "Decrescendo": (one(2), one(1.2))}
    for label, (in_notes, in_seconds) in lengths.items():
        number = {"Crescendo": 2, "Decrescendo": 1}[label]
        expected |= {
            f"{p}{label} Notes (Per Note)": 1 / 6,
            f"{p}{label} Notes (Per Sec)": 0.1,
            f"{p}Number of {label} Sequences (Per Note)": number / 6,
            f"{p}Number of {label} Sequences (Per Sec)": number / 10,
            **stats(f"{p}Length of {label} Sequences in Notes", in_notes),
            **stats(f"{p}Length of {label} Sequences in Secs", in_seconds),
        }
    check(p, expected)


def test_articulation():
    p, states = "EXPRESSIVE_TECHNIQUES-ART-", ("Staccato", "Legato", "Other")
    expected = {
        f"{p}Transitions to Different Articulation State (Per Sec)": 0.3,
        f"{p}Transitions to Different Articulation State (Per State)": 3 / 5,
        **per_second(
            f"{p}State Transitions",
            states,
            {("Legato", "Staccato"): 1, ("Staccato", "Legato"): 1, ("Legato", "Other"): 1},
        ),
        **stats(f"{p}Type of Staccato", one(0.6)),
    }
    values = ((0.4, 0.4, one(0.2), 2), (0.4, 1.5, two(0.5, 1.0), 1), (0.2, 0.25, one(0.25), 1))
    for state, (share, duration, lengths, longest) in zip(states, values):
        expected |= {
            f"{p}{state} Transitions (%)": share,
            f"{p}{state} Notes Duration (%)": duration / 2.15,
            **stats(f"{p}{state} Notes Duration", lengths),
            f"{p}Longest Sequence of {state} Notes": longest,
        }
    check(p, expected)


@pytest.mark.parametrize(
    ("notes", "unlike"),
    [((), ()), (SIX.notes[:1], ("Mean", "Max", "Min", "Shortest", "Longest"))],
)
def test_what_is_undefined_is_zero(notes, unlike):
    found = novel(Notes(notes))
    assert found.keys() == novel(SIX).keys()
    assert np.isfinite(list(found.values())).all()
    spread = [x for k, x in found.items() if k.endswith(("(Std)", "(Kurtosis)", "(Skewness)"))]
    assert not any(spread)
    assert any(found.values()) == bool(unlike)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (0, 0, 0, 0, 0, 0)),
        ([7], one(7)),
        ([1, 2], two(1, 2)),
        ([0.1, 0.7 - 0.6], one(0.1)),
        ([0, 0, 0, 4], (1, 4, 0, 2, 7 / 3, 2 / sqrt(3))),
    ],
)
def test_six_statistics(values, expected):
    assert tuple(six(values).values()) == pytest.approx(expected, abs=1e-9)


def test_equal_values_are_medium():
    assert list(around_mean(np.array([0.3, 0.1 + 0.2, 0.3]))) == [1, 1, 1]


def test_contour_finds_the_polynomial():
    x = np.linspace(0, 1, 9)
    found = contour(1 + 2 * x + 3 * x**2, "c", "c RMSE")
    for degree in (2, 5):
        named = f"c - Polynomial of degree {degree} (coefficient {{}})"
        coefficients = [found[named.format(i)] for i in range(degree + 1)]
        assert coefficients == pytest.approx([1, 2, 3, 0, 0, 0][: degree + 1], abs=1e-6)
    assert found["c RMSE"] == pytest.approx(0, abs=1e-9)


def test_contour_residual():
    found = contour(np.array([1.0, -1] * 50), "c", "c RMSE")
    assert 0.9 < found["c RMSE"] <= 1
    assert len(found) == 1 + sum(range(2, 9))


def test_glissando_ends_before_the_overall_number():
    found = approach(glide(60, 61, 62, 63, 64, 64, 64, 64))
    assert (found.length, found.rise) == pytest.approx((4 * STEP, 300), abs=1e-9)
    assert approach(glide(64, 64, 64, 63)) is None


def test_any_glissando_has_150_cents():
    steady = [60.0] * 20
    fall = widest(glide(*steady, *np.linspace(60, 56, 35), *[56.0] * 20))
    assert fall.rise == pytest.approx(-400, abs=40)
    assert fall.length == pytest.approx(35 * STEP, abs=10 * STEP)
    assert widest(glide(*steady, *np.linspace(60, 61, 20), *[61.0] * 20)) is None


def test_fit_finds_rate_and_amplitude():
    time = np.arange(WINDOW) * STEP
    waves = [30 * np.sin(2 * np.pi * rate * time + rate) + 200 * time for rate in (5.5, 7.0)]
    rates, extents, explained = fit(np.array(waves))
    assert rates == pytest.approx([5.5, 7.0], abs=0.051)
    assert extents == pytest.approx([30, 30], rel=0.01)
    assert explained.min() > 0.999
    assert RATES[-1] == pytest.approx(10)


def test_a_line_does_not_swing():
    assert not fit(np.linspace(0, 300, WINDOW)[None])[2].any()


def test_names_are_the_published_ones(real_data):
    catalogue = pd.read_csv(real_data / "4qaed_tables" / "catalogue_1714.csv")
    others = catalogue.family.isin(["TEXTURE", "VAT", "FRACTAL"])
    published = set(catalogue.name[(catalogue.set == "novel") & ~others])
    assert len(published) == 404
    assert published <= novel(SIX).keys()
