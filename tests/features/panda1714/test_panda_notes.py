"""mer.features.panda1714: notes and expressive techniques of sounds whose answer is known."""

from typing import NamedTuple

import numpy as np
import pytest

from mer.errors import MerError
from mer.features.panda1714.dimensions import dynamics, expressivity, melody, rhythm
from mer.features.panda1714.notes.melodia import RATE, Pitch, predominant
from mer.features.panda1714.notes.notes import Notes, segment, transcribe

TECHNIQUE = "EXPRESSIVE_TECHNIQUES-"
TUNE = (0, 2, 4, 5, 4, 7, 5, 4, 2, -1, 0, -3, -5, -3, 0, 4, 2)  # semitones from C4


class Tone(NamedTuple):
    """A note of six harmonics; vibrato (Hz, cents), tremolo (Hz, depth), a glide up (cents, s)."""

    start: float
    duration: float
    midi: int
    vibrato: tuple[float, float] = (0, 0)
    tremolo: tuple[float, float] = (0, 0)
    glide: tuple[float, float] = (0, 1)
    peak: float = 0.2


def play(tones: list[Tone]) -> np.ndarray:
    """The tones and a soft one after them.

    MELODIA leaves out what is 1.4 standard deviations less salient than the mean, one of a handful of
    equal notes too: this takes its place.
    """
    end = tones[-1].start + tones[-1].duration
    sound = np.zeros(round((end + 0.5) * RATE))
    for tone in [*tones, Tone(end + 0.2, 0.2, 60, peak=0.1)]:
        time = np.arange(round(tone.duration * RATE)) / RATE
        cents = tone.vibrato[1] * np.sin(2 * np.pi * tone.vibrato[0] * time)
        cents = cents - tone.glide[0] * np.clip(1 - time / tone.glide[1], 0, 1)
        phase = np.cumsum(440 * 2 ** ((tone.midi - 69) / 12 + cents / 1200)) * 2 * np.pi / RATE
        wave = sum(np.sin(h * phase) / h for h in range(1, 7))
        wave *= 1 + tone.tremolo[1] * np.sin(2 * np.pi * tone.tremolo[0] * time)
        begin = round(tone.start * RATE)
        edges = np.clip(np.minimum(time, tone.duration - time) / 0.005, 0, 1)
        sound[begin : begin + len(wave)] += tone.peak * wave * edges
    return sound.astype(np.float32)


def tune(sounding: float, pause: float, notes: int = 6, every: int = 1, **how) -> list[Tone]:
    """The first notes of the tune; every so many are played in a way of their own."""
    return [
        Tone(0.2 + i * (sounding + pause), sounding, 60 + step, **(how if i % every == 0 else {}))
        for i, step in zip(range(notes), TUNE * 2)
    ]


def novel(notes: Notes, seconds: float) -> dict[str, float]:
    parts = (melody, rhythm, dynamics, expressivity)
    return {k: x for part in parts for k, x in part.novel(notes, seconds).items()}


def columns(samples: np.ndarray) -> dict[str, float]:
    return novel(transcribe(samples, RATE), len(samples) / RATE)


def expressed(tones: list[Tone]) -> dict[str, float]:
    found = columns(play(tones))
    return {k.removeprefix(TECHNIQUE): x for k, x in found.items() if k.startswith(TECHNIQUE)}


def test_34_notes_are_found():
    draw, start, tones = np.random.default_rng(1), 0.1, []
    for step in TUNE * 2:
        tones.append(Tone(start, draw.choice([0.2, 0.3, 0.4]), 60 + step))
        start += tones[-1].duration + draw.choice([0.0, 0.05, 0.1])
    found = {(note.midi, note.start) for note in transcribe(play(tones), RATE)}
    hits = [
        any(midi == tone.midi and abs(start - tone.start) <= 0.05 for midi, start in found)
        for tone in tones
    ]
    assert len(tones) == 34
    assert sum(hits) / 34 >= 0.95
    assert sum(hits) / len(found) >= 0.95


def test_durations():
    notes = transcribe(play(tune(1.0, 0.3, notes=4)), RATE)
    assert notes.duration == pytest.approx(np.ones(4), abs=0.015)
    assert notes.midi == pytest.approx([60, 62, 64, 65])


@pytest.mark.parametrize(("rate", "cents"), [(6, 50), (5.5, 30), (7, 80)])
def test_vibrato(rate, cents):
    found = expressed(tune(1.0, 0.2, notes=4, vibrato=(rate, cents)))
    assert found["Vibrato to Non Vibrato Notes Ratio"] == pytest.approx(1, abs=0.05)
    assert found["Vibrato Coverage"] == pytest.approx(1, abs=0.05)
    assert found["Vibrato Rate (Weighted Mean)"] == pytest.approx(rate, abs=0.15)
    assert found["Vibrato Extent (Weighted Mean)"] == pytest.approx(cents, rel=0.1)
    assert found["Vibrato Base Freq (Min)"] == pytest.approx(4800, abs=15)


@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_plain_notes_have_no_technique(pause):
    found = expressed(tune(0.8, pause, notes=5))
    for name in ("Vibrato", "Tremolo", "Glissando", "ALT-Glissando"):
        kind = name.removeprefix("ALT-")
        assert found[f"{name} to Non {kind} Notes Ratio"] <= 0.05


@pytest.mark.parametrize(("rate", "depth"), [(5, 0.333), (6.5, 0.176)])
def test_tremolo(rate, depth):
    found = expressed(tune(1.0, 0.2, notes=4, tremolo=(rate, depth)))
    assert found["Tremolo to Non Tremolo Notes Ratio"] == 1
    assert found["Tremolo Rate (Weighted Mean)"] == pytest.approx(rate, abs=0.2)
    assert found["Tremolo Extent (Weighted Mean)"] == pytest.approx(depth, rel=0.1)


@pytest.mark.parametrize(
    ("state", "sounding", "pause"),
    [("Staccato", 0.2, 0.2), ("Legato", 0.4, 0.0), ("Other", 0.8, 0.1)],
)
def test_articulation(state, sounding, pause):
    found = expressed(tune(sounding, pause, notes=9))
    assert found[f"ART-{state} Transitions (%)"] >= 0.9


def test_glissando():
    found = expressed(tune(0.7, 0.2, notes=6, every=2, glide=(400, 0.2)))
    assert found["Glissando to Non Glissando Notes Ratio"] == pytest.approx(0.5)
    assert found["Glissando Direction (Up)"] == 1
    assert found["Glissando Extent (Mean)"] == pytest.approx(350, rel=0.25)
    assert found["Glissando Length (Mean)"] == pytest.approx(0.175, rel=0.25)
    assert found["ALT-Glissando Extent (Mean)"] == pytest.approx(400, rel=0.25)
    assert found["ALT-Glissando Length (Mean)"] == pytest.approx(0.2, rel=0.25)


def test_level_changes_the_intensity_alone():
    sound = play(tune(0.5, 0.1, vibrato=(6, 40)))
    loud, soft = columns(sound), columns(sound * np.float32(10**-0.5))
    louder = [k for k in loud if soft[k] != pytest.approx(loud[k], rel=1e-4, abs=1e-4)]
    assert louder
    absolute = ("DYNAMICS-Notes Intensity", "INTENSITY_CONTOURS-", f"{TECHNIQUE}Tremolo Salience")
    assert [k for k in louder if not k.startswith(absolute)] == []
    name = "DYNAMICS-Notes Intensity (Mean)"
    assert soft[name] == pytest.approx(loud[name] * 10**-0.5, rel=1e-4)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(RATE),
        np.random.default_rng(0).normal(0, 0.1, RATE),
        np.eye(1, 2 * RATE, RATE)[0],
        play([Tone(0.0, 0.1, 60)])[: round(0.3 * RATE)],
        np.zeros(0),
    ],
    ids=["silence", "noise", "click", "0.3 s", "nothing"],
)
def test_any_sound_gives_finite_values(samples):
    found = columns(samples.astype(np.float32))
    assert np.isfinite(list(found.values())).all()


def test_another_rate_is_refused():
    with pytest.raises(MerError, match="22050 Hz, not 44100"):
        predominant(np.zeros(44100, np.float32), 44100)


def test_notes_end_at_jumps_dips_and_silence():
    f0 = np.repeat([0.0, 440, 880, 440, 440, 440, 0], 40)
    salience = np.where(f0 > 0, 1.0, 0.0)
    salience[170:190] = 0.05  # a dip in the fourth part
    notes = segment(Pitch(f0, salience), 10.0)
    assert list(notes.midi) == [69, 81, 69, 69]
    frames = np.cumsum([40, 40, 40, 50, 20, 50])
    starts = [frames[0], frames[1], frames[2], frames[4]]
    assert notes.start == pytest.approx((np.array(starts) - 0.5) * 128 / RATE)


def test_short_blips_are_no_notes():
    f0 = np.zeros(100)
    f0[50:60] = 440
    assert len(segment(Pitch(f0, f0 / 440), 10.0)) == 0


def test_same_bytes_twice():
    sound = play(tune(0.3, 0.1))
    assert columns(sound) == columns(sound)
