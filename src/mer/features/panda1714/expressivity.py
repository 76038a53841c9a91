"""Expressive techniques: articulation, glissando, vibrato and tremolo of the notes."""

from mer.features.panda1714.articulation import articulation
from mer.features.panda1714.glissando import glissando
from mer.features.panda1714.notes import Notes
from mer.features.panda1714.oscillation import oscillation


def novel(notes: Notes, seconds: float) -> dict[str, float]:
    """Techniques in the notes of a clip of ``seconds``, by published name without the channel."""
    return {**articulation(notes, seconds), **glissando(notes), **oscillation(notes)}
