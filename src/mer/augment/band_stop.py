"""Remove one band of frequencies with a Butterworth filter.

This is the second transform of Louro et al.'s row "Baseline + TFM" (docs/methods.md):
audiomentations' ``BandStopFilter`` with a centre frequency of 200 to 4000 Hz, uniform in mel, a bandwidth
of 0.5 to 1.99 times the centre frequency, and an order of 2 to 4, which is 12 to 24 dB per octave. The
filter changes the phase.
"""

from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt

from mer.augment._random import ascending, replay, uniform_mel
from mer.schema import Block

BandwidthFraction = Annotated[float, Field(gt=0, lt=2)]  # 2 would begin at 0 Hz
DB_PER_OCTAVE = 6


class Params(Block):
    """Ranges, each a minimum and a maximum.

    Attributes
    ----------
    center_freq : centre of the band in Hz
    bandwidth_fraction : bandwidth as a multiple of the centre frequency
    order : order of the filter; each order adds 6 dB per octave
    """

    center_freq: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(ascending)]
    bandwidth_fraction: Annotated[
        tuple[BandwidthFraction, BandwidthFraction], AfterValidator(ascending)
    ]
    order: Annotated[tuple[PositiveInt, PositiveInt], AfterValidator(ascending)]


def sample_parameters(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``center_freq`` in Hz, ``bandwidth_fraction`` and ``order``."""
    return {
        "center_freq": uniform_mel(rng, params.center_freq),
        "bandwidth_fraction": float(rng.uniform(*params.bandwidth_fraction)),
        "order": int(rng.integers(*params.order, endpoint=True)),
    }


def apply(
    x: np.ndarray, sample_rate: int, center_freq: float, bandwidth_fraction: float, order: int
) -> np.ndarray:
    """``x`` without the band ``center_freq`` * (1 ± ``bandwidth_fraction`` / 2), -3 dB at its edges.

    An upper edge above the Nyquist frequency is clipped to it. A band that lies wholly above the Nyquist
    frequency leaves ``x`` unchanged.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    sample_rate : int
        Hz.
    center_freq : float
        Centre of the band in Hz.
    bandwidth_fraction : float
        Bandwidth as a multiple of the centre frequency, in 0..2, both excluded.
    order : int
        Order of the filter; each order adds 6 dB per octave.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    from audiomentations import BandStopFilter  # the import takes two seconds

    if center_freq * (1 - bandwidth_fraction / 2) >= sample_rate / 2:
        return x.copy()
    return replay(
        BandStopFilter(zero_phase=False),
        x,
        sample_rate,
        center_freq=center_freq,
        bandwidth=center_freq * bandwidth_fraction,
        rolloff=DB_PER_OCTAVE * order,
    )
