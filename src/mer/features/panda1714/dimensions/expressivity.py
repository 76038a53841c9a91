"""Expressive techniques: silence; articulation, glissando, vibrato and tremolo of the notes."""

from mer.features.panda1714.notes.articulation import articulation
from mer.features.panda1714.notes.glissando import glissando
from mer.features.panda1714.notes.notes import Notes
from mer.features.panda1714.notes.oscillation import oscillation
from mer.features.panda1714.signal.cache import SignalCache
from mer.features.panda1714.stats import Series


def standard(cache: SignalCache) -> Series:
    """The share of frames with less than half the mean energy (see ``stats``).

    Feng, Zhuang, Pan. Popular music retrieval by detecting mood. SIGIR 2003: average silence ratio.
    """
    quiet = cache.energy < 0.5 * cache.energy.mean()
    return {"MIR Toolbox/Average Silence Ratio": float(quiet.mean())}


def novel(notes: Notes, seconds: float) -> dict[str, float]:
    """Techniques in the notes of a clip of ``seconds``, by published name without the channel."""
    return {**articulation(notes, seconds), **glissando(notes), **oscillation(notes)}
