"""Musical cues that express emotion, linear in valence and arousal.

Sources: Juslin & Laukka, Expression, perception, and induction of musical emotions (J. New Music
Research 33(3), 2004); Gabrielsson & Lindström, The role of structure in the musical expression of
emotions (Handbook of Music and Emotion, 2010); Eerola, Friberg & Bresin, Emotional expression in
music: contribution, linearity, and additivity of primary musical cues (Frontiers in Psychology 4:487,
2013), whose listeners added the cues up almost linearly, hence the form below. The papers give the
signs; weights and spreads are ours, tuned until a support vector machine on openSMILE's features
reached a macro-F1 of about 0.75 with 24 training clips: scores on a demo corpus say nothing else.
"""

from typing import NamedTuple

import numpy as np


class Cue(NamedTuple):
    """``base + valence * v + arousal * a + spread * N(0, 1)``, held within ``low..high``."""

    base: float
    valence: float
    arousal: float
    spread: float
    low: float
    high: float

    def draw(self, valence: float, arousal: float, rng: np.random.Generator) -> float:
        """One value for a piece at ``(valence, arousal)``, each in -1..1."""
        mean = self.base + self.valence * valence + self.arousal * arousal
        return float(np.clip(mean + self.spread * rng.standard_normal(), self.low, self.high))


CUES = {
    "tempo": Cue(100.0, 6.0, 36.0, 16.0, 50.0, 176.0),  # beats per minute
    "density": Cue(1.3, 0.1, 0.8, 0.3, 0.5, 3.0),  # melody notes per beat
    "mode": Cue(0.0, 1.0, 0.0, 0.35, -2.0, 2.0),  # major above 0, else minor
    "tension": Cue(0.1, -0.4, 0.2, 0.1, 0.0, 0.7),  # share of dissonant notes
    "register": Cue(64.0, 10.0, 2.0, 2.5, 48.0, 80.0),  # tonic of the melody, MIDI number
    "articulation": Cue(0.8, -0.05, -0.35, 0.12, 0.3, 1.1),  # sounding part of a note's time
    "level": Cue(-9.0, 0.0, 7.0, 2.5, -19.0, -1.0),  # peak, dB of full scale
    "rolloff": Cue(1.7, -0.5, -0.6, 0.2, 0.6, 3.0),  # partial k has amplitude k**-rolloff
    "attack": Cue(-1.7, 0.1, -0.7, 0.2, -2.7, -0.8),  # log10 of seconds
    "harshness": Cue(0.1, -0.7, 0.5, 0.15, 0.0, 1.0),  # distortion
    "percussion": Cue(0.1, -0.1, 0.7, 0.3, 0.0, 1.0),  # its part in the mix
    "noise": Cue(-34.0, 0.0, 0.0, 4.0, -45.0, -22.0),  # background, dB below the music
}


def draw(valence: float, arousal: float, rng: np.random.Generator) -> dict[str, float]:
    """The cues of one piece.

    Parameters
    ----------
    valence, arousal : float in -1..1

    Returns
    -------
    dict of str to float
        A value for each of ``CUES``, in its unit.
    """
    return {name: cue.draw(valence, arousal, rng) for name, cue in CUES.items()}
