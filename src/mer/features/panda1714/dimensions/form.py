"""Musical form: self-similarity and novelty."""

import numpy as np

from mer.features.panda1714.signal import similarity
from mer.features.panda1714.signal.cache import SignalCache
from mer.features.panda1714.stats import Series


def standard(cache: SignalCache) -> Series:
    """The series of the standard set (see ``stats``)."""
    return {
        "MIR Toolbox/Similarity Matrix": cache.similarity.ravel(),
        "MIR Toolbox/TEST-Adjacent Frames Similarity": np.diagonal(cache.similarity, 1),
        "MIR Toolbox/Novelty": similarity.novelty(cache.similarity),
    }
