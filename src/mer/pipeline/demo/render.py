"""Demo corpora: pieces rendered with NumPy, whose cues depend on their place in Russell's plane.

Q1 (happy) tends to be fast, major, staccato, bright, high and loud; Q2 (tense) fast, minor,
dissonant, loud and harsh, with sharp attacks; Q3 (sad) slow, minor, legato, soft, dark and low; Q4
(calm) slow, major, legato, soft and mellow. ``mer.pipeline.demo.cues`` has the sources.
Every cue has a spread and every artist an instrument, so that classes overlap. Such a corpus proves
that a pipeline runs; nothing can be learned from it about music.
"""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from mer import registry
from mer.errors import MerError
from mer.io.files import writing
from mer.pipeline.demo.cues import draw
from mer.pipeline.demo.score import compose
from mer.pipeline.demo.synth import Instrument, perform
from mer.runtime import parallel
from mer.seeds import generator
from mer.types import EMOTIONS, QUADRANTS, SIGNS, Clip, Track

CLIPS_PER_ARTIST = 3
FIRST = ("Amber", "Brass", "Cobalt", "Distant", "Eleventh", "Feral", "Glass", "Hollow")
LAST = ("Almanac", "Birches", "Comets", "Dunes", "Embassy", "Ferry", "Gardens", "Harbour")
MOST = len(FIRST) * len(LAST) * CLIPS_PER_ARTIST // len(QUADRANTS)


def _artist(position: int, count: int) -> str:
    """The artist of the track at ``position`` of ``count``: three in a row share one.

    Rows are shifted by one and wrap around, so that some artists have songs in two quadrants.
    """
    number = (position + 1) // CLIPS_PER_ARTIST % math.ceil(count / CLIPS_PER_ARTIST)
    return f"{FIRST[number % len(FIRST)]} {LAST[number // len(FIRST)]}"


def _track(id_: str, quadrant: str, artist: str) -> Track:
    """A track anywhere in its quadrant but close to the axes."""
    distances = generator(0, "demo", id_, "affect").uniform(0.3, 0.9, size=2)
    valence, arousal = (round(float(s * d), 2) for s, d in zip(SIGNS[quadrant], distances))
    return Track(
        id_, quadrant, valence=valence, arousal=arousal, artist=artist, label=EMOTIONS[quadrant]
    )


def tracks(per_quadrant: int) -> list[Track]:
    """The songs of a demo corpus, sorted by id: ``demo_q1_00``, ``demo_q1_01``, ...

    About three share an artist, and some artists have songs in two quadrants. Valence and arousal
    lie in -1..1. The paths are left to the layout that writes the corpus.

    Parameters
    ----------
    per_quadrant : int in 1..48

    Raises
    ------
    MerError
        If there are none or too many songs.
    """
    if not 1 <= per_quadrant <= MOST:
        raise MerError(
            f"a demo corpus must have 1 to {MOST} songs per quadrant, not {per_quadrant}"
        )
    named = [(f"demo_{q.lower()}_{i:02d}", q) for q in QUADRANTS for i in range(per_quadrant)]
    return [_track(*name, _artist(i, len(named))) for i, name in enumerate(named)]


def song(track: Track, *, seed: int, seconds: float, sample_rate: int) -> Clip:
    """Render one song; it depends on nothing but these arguments.

    Parameters
    ----------
    track : Track
        Its id, artist, valence and arousal decide how it sounds.
    seed : int
        ``demos.<key>.seed``.
    seconds : float
    sample_rate : int
        Sampling rate in Hz.

    Returns
    -------
    Clip
        ``seconds`` long, its peak between 0.1 and 0.9.
    """
    if track.valence is None or track.arousal is None:
        raise MerError(f"{track.id} must have valence and arousal to be rendered, not None")
    rng = generator(seed, "demo", track.id)
    instrument = Instrument.draw(generator(seed, "demo", track.artist))
    cues = draw(track.valence, track.arousal, rng)
    notes = compose(cues, seconds, rng)
    samples = perform(notes, cues, instrument, seconds=seconds, sample_rate=sample_rate, rng=rng)
    return Clip(track.id, samples, sample_rate)


def songs(
    seed: int, seconds: float, sample_rate: int, per_quadrant: int
) -> Iterator[tuple[Track, Clip]]:
    """The songs of a demo corpus one after the other; parameters as in ``tracks`` and ``song``."""
    for track in tracks(per_quadrant):
        yield track, song(track, seed=seed, seconds=seconds, sample_rate=sample_rate)


def render(
    layout: str,
    target: Path,
    *,
    seed: int,
    seconds: float,
    sample_rate: int,
    counts: Mapping[str, int] | int | None,
    release: str | None = None,
) -> None:
    """Write a demo corpus as if it had been published, in place of what stood at ``target``.

    Parameters
    ----------
    layout : str
        A module of ``mer.datasets``; the ``write`` of the writer of that name decides on files and tables.
    target : Path
        ``data/raw/<key>``.
    counts : mapping of str to int, or int
        ``corpora.<key>.counts``: songs per quadrant, the same number for all four; or songs in all.
    release : str or None
        ``demos.<key>.release``: which archive to write, where the layout has several.

    Raises
    ------
    MerError
        If the counts differ or are missing.
    """
    numbers = {counts.get(q, 0) for q in QUADRANTS} if isinstance(counts, Mapping) else set()
    if isinstance(counts, int) and counts % len(QUADRANTS) == 0:
        numbers = {counts // len(QUADRANTS)}
    if len(numbers) != 1:
        raise MerError(
            f"counts of a demo corpus must be equal for {QUADRANTS}, or a multiple of four, not {counts}; "
            f"correct corpora.{target.name}.counts in params/corpora.yaml"
        )
    listed = tracks(numbers.pop())
    play = partial(song, seed=seed, seconds=seconds, sample_rate=sample_rate)
    clips = parallel.parallel_map(play, listed, label="render")
    with writing(target) as root:
        chosen = {"release": release} if release else {}
        registry.get("pipeline.demo.writers", layout).write(
            root, list(zip(listed, clips)), **chosen
        )
