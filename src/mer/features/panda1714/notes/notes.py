"""Notes of the predominant melody: the note-based features are computed from them.

After Paiva, Mendes & Cardoso. Melody Detection in Polyphonic Musical Signals. Computer Music Journal
30(4), 2006, in a shorter form of our own. The least duration of a note and the widest step inside one are
those that came closest to the note counts and columns published for 60 clips of 4QAED; there are still more
notes here than there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import median_filter

from mer.features.panda1714.notes.melodia import STEP, Pitch, predominant
from mer.features.panda1714.notes.states import runs

C0 = 16.35  # Hz; pitch in cents is relative to it, so that C4 is 4800
CYCLE = 29  # frames (170 ms): one cycle of a slow vibrato
STEADY = 21  # frames (0.12 s) on one semitone that make a note
SAME_NOTE = 0.6  # semitones between steady parts that belong to one note
JUMP = 0.7  # semitones from a frame to the next that no voice glides: another note
DIP = 0.12  # salience, relative to the median around, below which a note has ended


@dataclass(frozen=True)
class Note:
    """One note.

    Attributes
    ----------
    start, end : float
        Seconds.
    f0 : np.ndarray [shape=(frames,)]
        Fundamental frequency in Hz, a frame every ``melodia.STEP`` seconds.
    salience : np.ndarray [shape=(frames,)]
        Salience of the fundamental frequency in each frame.
    """

    start: float
    end: float
    f0: np.ndarray
    salience: np.ndarray

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start

    @cached_property
    def cents(self) -> np.ndarray:
        """Pitch in cents above C0 [shape=(frames,)]."""
        return 1200 * np.log2(self.f0 / C0)

    @cached_property
    def midi_frames(self) -> np.ndarray:
        """MIDI number of each frame [shape=(frames,), dtype=int]."""
        return np.rint(_semitones(self.f0)).astype(int)

    @cached_property
    def midi(self) -> int:
        """The most frequent MIDI number; the lowest in a tie."""
        return int(np.bincount(self.midi_frames).argmax())

    @cached_property
    def pitch(self) -> float:
        """Median pitch in cents above C0."""
        return float(np.median(self.cents))

    @cached_property
    def intensity(self) -> float:
        """Median salience."""
        return float(np.median(self.salience))


@dataclass(frozen=True)
class Notes:
    """The notes of a clip in temporal order, and their attributes [shape=(n,)]."""

    notes: tuple[Note, ...]

    def __len__(self) -> int:
        return len(self.notes)

    def __iter__(self) -> Iterator[Note]:
        return iter(self.notes)

    def _each(self, attribute: str) -> np.ndarray:
        return np.array([getattr(note, attribute) for note in self.notes], float)

    @cached_property
    def start(self) -> np.ndarray:
        """Seconds."""
        return self._each("start")

    @cached_property
    def end(self) -> np.ndarray:
        """Seconds."""
        return self._each("end")

    @cached_property
    def duration(self) -> np.ndarray:
        """Seconds."""
        return self._each("duration")

    @cached_property
    def midi(self) -> np.ndarray:
        """MIDI numbers."""
        return self._each("midi")

    @cached_property
    def intensity(self) -> np.ndarray:
        """Median saliences."""
        return self._each("intensity")


def transcribe(samples: np.ndarray, sample_rate: int) -> Notes:
    """The notes of one channel.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=float32]
        Mono.
    sample_rate : int
        22050 Hz.

    Returns
    -------
    Notes
        Their level changes the salience only.
    """
    return segment(predominant(samples, sample_rate), len(samples) / sample_rate)


def segment(pitch: Pitch, seconds: float) -> Notes:
    """Cut the predominant pitch into notes.

    Voiced stretches end where the salience dips. In each, a note is at least 0.12 s on one semitone of
    the pitch without its vibrato; frames between two notes are the transition at the start of the
    second.
    """
    notes = []
    for begin, stop in _stretches(pitch):
        edges = begin + _boundaries(_semitones(pitch.f0[begin:stop]))
        times = np.clip((edges - 0.5) * STEP, 0, seconds)
        for i, j, start, end in zip(edges[:-1], edges[1:], times[:-1], times[1:]):
            notes.append(Note(start, end, pitch.f0[i:j], pitch.salience[i:j]))
    return Notes(tuple(notes))


def _semitones(f0: np.ndarray) -> np.ndarray:
    return 69 + 12 * np.log2(f0 / 440)


def _stretches(pitch: Pitch) -> np.ndarray:
    """Begin and stop of what sounds without a jump of pitch [shape=(n, 2)]."""
    labels = np.where(pitch.f0 > 0, 1, 0)
    for begin, stop in runs(labels):
        stretch = pitch.salience[begin:stop]
        labels[begin:stop] *= stretch >= DIP * np.median(stretch)
    with np.errstate(divide="ignore", invalid="ignore"):
        jumps = np.abs(np.diff(_semitones(pitch.f0), prepend=0)) > JUMP
    labels *= 1 + np.cumsum(jumps)
    pairs = runs(labels)
    return pairs[labels[pairs[:, 0]] > 0]


def _boundaries(semitones: np.ndarray) -> np.ndarray:
    """First frames of the notes of a stretch, and its end; nothing where no part is steady."""
    level = np.rint(median_filter(semitones, CYCLE, mode="nearest"))
    parts = _joined(runs(level), semitones)
    steady = _joined([part for part in parts if part[1] - part[0] >= STEADY], semitones)
    if not steady:
        return np.zeros(0, int)
    return np.array([0, *(stop for _, stop in steady[:-1]), len(semitones)])


def _joined(parts: Iterable[Sequence[int]], semitones: np.ndarray) -> list[tuple[int, int]]:
    """The parts, neighbours of one pitch as one."""
    joined: list[tuple[int, int]] = []
    for begin, stop in parts:
        before = np.median(semitones[slice(*joined[-1])]) if joined else np.inf
        if abs(np.median(semitones[begin:stop]) - before) < SAME_NOTE:
            begin = joined.pop()[0]
        joined.append((begin, stop))
    return joined
