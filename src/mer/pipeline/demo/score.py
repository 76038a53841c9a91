"""A short piece as a list of notes: melody, chords, bass and drums in 4/4."""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
PROGRESSIONS = {
    MAJOR: ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 0, 4)),
    MINOR: ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 4), (0, 3, 5, 6)),
}
BEATS = 4
STEPS = np.array([0.25, 0.5, 1.0, 2.0])  # beats
RANGE = (-3, 9)  # of the melody, in scale degrees from the tonic
JITTER = 0.008  # seconds; players are not machines


class Note(NamedTuple):
    """One note.

    Attributes
    ----------
    voice : str
        ``melody``, ``chord``, ``bass``, or a drum: ``kick``, ``snare``, ``hat``.
    start, seconds : float
    pitch : int
        MIDI number; 0 for a drum.
    strength : float in 0..1
    """

    voice: str
    start: float
    seconds: float
    pitch: int
    strength: float


def _pitch(tonic: int, scale: tuple[int, ...], degree: int) -> int:
    octave, step = divmod(degree, len(scale))
    return tonic + 12 * octave + scale[step]


def _rhythm(density: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Onsets and lengths that fill a bar, in beats, about ``density`` of them in each beat."""
    likely = np.exp(-2 * np.abs(np.log2(STEPS * density)))
    onsets = [0.0]
    while onsets[-1] < BEATS:
        onsets.append(onsets[-1] + float(rng.choice(STEPS, p=likely / likely.sum())))
    onsets[-1] = float(BEATS)
    return [(a, b - a) for a, b in pairwise(onsets)]


def _melody(
    cues: Mapping[str, float], progression: tuple[int, ...], bars: int, rng: np.random.Generator
) -> Iterator[tuple[float, float, int, bool]]:
    """A walk through the scale, its rhythm in the form AABA; a bar begins on a tone of its chord.

    Yields onset and length in beats, degree, and whether it is dissonant.
    """
    rhythms = [_rhythm(cues["density"], rng) for _ in range(2)]
    degree = 0
    for bar in range(bars):
        for onset, length in rhythms[bar % 4 == 2]:
            degree = int(np.clip(degree + rng.integers(-2, 3), *RANGE))
            if onset == 0:
                degree = progression[bar % 4] + int(rng.choice([-3, 0, 2]))
            yield bar * BEATS + onset, length, degree, rng.random() < cues["tension"]


def _accompaniment(
    cues: Mapping[str, float], progression: tuple[int, ...], bars: int, rng: np.random.Generator
) -> Iterator[tuple[str, float, float, int, bool]]:
    """Chords and bass: voice, onset and length in beats, degree, whether dissonant.

    The denser the melody, the more strokes in a bar.
    """
    strokes = 1 if cues["density"] < 1 else 2 if cues["density"] < 1.8 else 4
    length = BEATS / strokes
    for bar in range(bars):
        root = progression[bar % 4]
        for onset in bar * BEATS + length * np.arange(strokes):
            yield "bass", onset, length, root - 14, False
            for degree in (root - 7, root - 5, root - 3):
                yield "chord", onset, length, degree, rng.random() < cues["tension"] / 2


def _drums(bars: int) -> Iterator[tuple[str, float]]:
    """Drum and onset in beats: kick on one and three, snare on two and four, eighths on the hat."""
    for beat in range(bars * BEATS):
        yield ("snare" if beat % 2 else "kick"), beat
        yield from (("hat", beat), ("hat", beat + 0.5))


def compose(cues: Mapping[str, float], seconds: float, rng: np.random.Generator) -> list[Note]:
    """The notes of a piece, which goes on until ``seconds`` or a little longer.

    Parameters
    ----------
    cues : mapping of str to float
        As ``mer.pipeline.demo.cues.draw`` returns them.
    seconds : float
    """
    scale = MAJOR if cues["mode"] > 0 else MINOR
    progression = PROGRESSIONS[scale][rng.integers(len(PROGRESSIONS[scale]))]
    tonic, beat = round(cues["register"]), 60 / cues["tempo"]
    bars = math.ceil(seconds / beat / BEATS)
    plan = [("melody", *event) for event in _melody(cues, progression, bars, rng)]
    plan += _accompaniment(cues, progression, bars, rng)
    notes = [
        Note(
            voice,
            onset * beat,
            length * beat * cues["articulation"],
            _pitch(tonic, scale, degree) + dissonant,
            rng.uniform(0.6, 1.0),
        )
        for voice, onset, length, degree, dissonant in plan
    ]
    if cues["percussion"] > 0:
        power = cues["percussion"]
        notes += [Note(drum, onset * beat, 0.2, 0, power) for drum, onset in _drums(bars)]
    return [n._replace(start=max(0.0, n.start + JITTER * rng.standard_normal())) for n in notes]
