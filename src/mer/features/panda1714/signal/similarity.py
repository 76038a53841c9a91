"""Self-similarity: beat spectrum and novelty.

Foote, Cooper. Media segmentation using self-similarity decomposition. SPIE 2003.
"""

import numpy as np
from scipy.signal.windows import gaussian

from mer.features.panda1714.signal.spectra import ratio

KERNEL = 64  # frames


def matrix(features: np.ndarray) -> np.ndarray:
    """Cosine of every pair of frames, -1..1 [shape=(n, n)], from features [shape=(n, d)]."""
    unit = ratio(features, np.linalg.norm(features, axis=1, keepdims=True))
    return unit @ unit.T


def beat_spectrum(similarity: np.ndarray, lags: int) -> np.ndarray:
    """Mean similarity at each lag from 1 frame on [shape=(at most lags,)]."""
    last = min(lags, len(similarity) - 1)
    return np.array([np.diagonal(similarity, lag).mean() for lag in range(1, last + 1)])


def novelty(similarity: np.ndarray) -> np.ndarray:
    """Correlation with a checkerboard under a Gaussian along the diagonal, max 1 [shape=(n,)]."""
    half = KERNEL // 2
    taper = gaussian(KERNEL, KERNEL / 5) * np.repeat([-1, 1], half)
    padded = np.pad(similarity, half)
    blocks = np.lib.stride_tricks.sliding_window_view(padded, (KERNEL, KERNEL))
    along = blocks[np.arange(len(similarity)), np.arange(len(similarity))]
    found = np.maximum(np.einsum("nij,i,j->n", along, taper, taper, optimize=True), 0)
    return ratio(found, found.max())
