"""Notes to samples: wavetables with an envelope, noise for drums, distortion, background."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter

from mer.pipeline.demo.score import Note

PARTIALS = 24
TABLE = 4096  # points of one period
SINES = np.sin(2 * np.pi * np.outer(np.arange(1, PARTIALS + 1), np.arange(TABLE) / TABLE))
VOLUMES = {"melody": 1.0, "chord": 0.3, "bass": 0.7, "kick": 1.2, "snare": 0.6, "hat": 0.25}


class Instrument(NamedTuple):
    """The sound of an artist, whatever the emotion.

    Attributes
    ----------
    colour : np.ndarray [shape=(24,)]
        Factor of each partial's amplitude.
    decay : float
        Fall of a held note, in nepers per second.
    vibrato : float
        Depth, as a fraction of the frequency.
    vibrato_hz : float
    """

    colour: np.ndarray
    decay: float
    vibrato: float
    vibrato_hz: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Instrument":
        """A random instrument; half of them have a vibrato."""
        colour = np.exp(0.3 * rng.standard_normal(PARTIALS))
        depth = rng.choice([0.0, 0.006]) * rng.uniform(0.5, 1.0)
        return cls(colour, rng.uniform(0.3, 2.0), depth, rng.uniform(4.5, 6.5))


def _tone(
    cues: Mapping[str, float], instrument: Instrument, sample_rate: int
) -> Callable[[int, int], np.ndarray]:
    """A function of pitch (MIDI) and length (samples) that returns a note, remembered."""
    amplitudes = instrument.colour * np.arange(1, PARTIALS + 1) ** -cues["rolloff"]
    tables = np.cumsum(amplitudes[:, None] * SINES, axis=0) / np.linalg.norm(amplitudes)
    attack, release = 10 ** cues["attack"], 0.2 * cues["articulation"]

    @cache
    def tone(pitch: int, length: int) -> np.ndarray:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        time = np.arange(length + int(release * sample_rate)) / sample_rate
        phase = hertz * time
        if instrument.vibrato:
            angle = 2 * np.pi * instrument.vibrato_hz
            phase += hertz * instrument.vibrato / angle * np.sin(angle * time)
        table = tables[np.clip(int(0.45 * sample_rate / hertz), 1, PARTIALS) - 1]
        held = np.minimum(time / attack, 1) * np.exp(-instrument.decay * time)
        fade = np.clip((time[-1] - time) / release, 0, 1)
        return table[(phase * TABLE).astype(np.int64) % TABLE] * held * fade

    return tone


def _drums(sample_rate: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One stroke of each drum [shape=(0.2 s,)]."""
    time = np.arange(int(0.2 * sample_rate)) / sample_rate
    noise = rng.standard_normal(len(time))
    return {
        "kick": np.sin(2 * np.pi * (50 * time - 4 * np.exp(-30 * time))) * np.exp(-18 * time),
        "snare": noise * np.exp(-25 * time),
        "hat": np.diff(noise, prepend=0.0) * np.exp(-60 * time),
    }


def _background(size: int, rng: np.random.Generator) -> np.ndarray:
    """Low-passed noise of unit power [shape=(size,)]."""
    noise = lfilter([1.0], [1.0, -0.9], rng.standard_normal(size))
    return noise / noise.std()


def perform(
    notes: Sequence[Note],
    cues: Mapping[str, float],
    instrument: Instrument,
    *,
    seconds: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Play the notes.

    Returns
    -------
    np.ndarray [shape=(seconds * sample_rate,), dtype=float32]
        Its peak is ``cues["level"]`` dB of full scale.
    """
    size = round(seconds * sample_rate)
    tone, drums = _tone(cues, instrument, sample_rate), _drums(sample_rate, rng)
    mix = np.zeros(size)
    for note in notes:
        drum = drums.get(note.voice)
        sound = tone(note.pitch, int(note.seconds * sample_rate)) if drum is None else drum
        start = int(note.start * sample_rate)
        part = mix[start : start + len(sound)]
        part += note.strength * VOLUMES[note.voice] * sound[: len(part)]
    drive = 8 ** cues["harshness"] / 4
    mix = np.tanh(drive * mix / mix.std())
    mix += mix.std() * 10 ** (cues["noise"] / 20) * _background(size, rng)
    return (mix * (10 ** (cues["level"] / 20) / np.abs(mix).max())).astype(np.float32)
