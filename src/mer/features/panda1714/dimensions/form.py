"""Musical form: self-similarity and novelty."""

import numpy as np

from mer.features.panda1714.signal import similarity
from mer.features.panda1714.signal.bank import Bank
from mer.features.panda1714.stats import Series


def standard(bank: Bank) -> Series:
    """The series of the standard set (see ``stats``)."""
    return {
        "MIR Toolbox/Similarity Matrix": bank.similarity.ravel(),
        "MIR Toolbox/TEST-Adjacent Frames Similarity": np.diagonal(bank.similarity, 1),
        "MIR Toolbox/Novelty": similarity.novelty(bank.similarity),
    }
