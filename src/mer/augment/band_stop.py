"""Remove one band of frequencies with a Butterworth filter.

The second half of Louro et al.'s row "TFM" (methods A10): audiomentations' ``BandStopFilter`` with a
centre of 200 to 4000 Hz, uniform in mel, a bandwidth of 0.5 to 1.99 times the centre, and an order of 2
to 4, thus 12 to 24 dB per octave. The phase is not kept.
"""

from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt

from mer.augment._random import ascending, replay, uniform_mel
from mer.schema import Block

Bandwidth = Annotated[float, Field(gt=0, lt=2)]  # 2 would begin at 0 Hz
DB_PER_OCTAVE = 6


class Params(Block):
    """Ranges, each a least and a greatest value.

    Attributes
    ----------
    hertz : centre of the band
    bandwidth : as a multiple of the centre
    order : of the filter; each adds 6 dB per octave
    """

    hertz: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(ascending)]
    bandwidth: Annotated[tuple[Bandwidth, Bandwidth], AfterValidator(ascending)]
    order: Annotated[tuple[PositiveInt, PositiveInt], AfterValidator(ascending)]


def draw(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``hertz``, ``bandwidth`` as a multiple of it, and ``order``."""
    return {
        "hertz": uniform_mel(rng, params.hertz),
        "bandwidth": float(rng.uniform(*params.bandwidth)),
        "order": int(rng.integers(*params.order, endpoint=True)),
    }


def apply(x: np.ndarray, rate: int, hertz: float, bandwidth: float, order: int) -> np.ndarray:
    """``x`` without the band ``hertz`` * (1 ± ``bandwidth`` / 2), whose edges are 3 dB down.

    An upper edge above the Nyquist frequency is clipped to it; a band that lies above it altogether
    takes nothing away.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    rate : int
        Hz.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    from audiomentations import BandStopFilter  # two seconds that no other stage should pay

    if hertz * (1 - bandwidth / 2) >= rate / 2:
        return x.copy()
    drawn = {"center_freq": hertz, "bandwidth": hertz * bandwidth, "rolloff": DB_PER_OCTAVE * order}
    return replay(BandStopFilter(zero_phase=False), x, rate, **drawn)
