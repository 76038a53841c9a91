"""Expressive techniques."""

from mer.features.panda1714.bank import Bank
from mer.features.panda1714.stats import Series


def standard(bank: Bank) -> Series:
    """The share of frames with less than half the mean energy (see ``stats``).

    Feng, Zhuang, Pan. Popular music retrieval by detecting mood. SIGIR 2003: average silence ratio.
    """
    quiet = bank.energy < 0.5 * bank.energy.mean()
    return {"MIR Toolbox/Average Silence Ratio": float(quiet.mean())}
