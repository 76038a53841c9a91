"""Linear prediction: cepstra (LPCC) and line spectral pairs (LSP).

Markel & Gray. Linear Prediction of Speech, 1976. Itakura. Line spectrum representation of linear
predictor coefficients of speech signals. JASA 57, 1975.
"""

import numpy as np

GRID = 512  # angles between which a root is looked for


def autocorrelation(frames: np.ndarray, order: int) -> np.ndarray:
    """Lags 0..order of each frame [shape=(n, order + 1)]."""
    size = frames.shape[1]
    lags = [
        np.einsum("ij,ij->i", frames[:, : size - lag], frames[:, lag:]) for lag in range(order + 1)
    ]
    return np.array(lags, float).T


def levinson(correlation: np.ndarray) -> np.ndarray:
    """Prediction error filters by the Levinson-Durbin recursion, for all frames at once.

    Parameters
    ----------
    correlation : np.ndarray [shape=(n, order + 1)]
        Autocorrelation at the lags 0 to order; that at lag 0 is positive.

    Returns
    -------
    np.ndarray [shape=(n, order + 1)]
        1, a_1 … a_order of A(z) = 1 + sum a_k z^-k.
    """
    filters = np.zeros_like(correlation)
    filters[:, 0], error = 1, correlation[:, 0].copy()
    for order in range(1, correlation.shape[1]):
        reach = np.einsum("ij,ij->i", filters[:, :order], correlation[:, order:0:-1])
        reflection = -reach / error
        filters[:, 1 : order + 1] += reflection[:, None] * filters[:, order - 1 :: -1]
        error *= 1 - reflection**2
    return filters


def predictor(correlation: np.ndarray) -> np.ndarray:
    """Prediction error filters of frames, some of which may be silent [shape=(n, order + 1)].

    White noise at -90 dB of the power of a frame keeps the recursion stable; silence gives 1, 0 … 0.
    """
    regularized = correlation.copy()
    regularized[:, 0] = (correlation[:, 0] + 1e-12) * (1 + 1e-9)
    return levinson(regularized)


def cepstra(predictors: np.ndarray, count: int) -> np.ndarray:
    """Cepstral coefficients 1..count of 1/A(z) [shape=(count, n)]."""
    found = np.zeros((count + 1, len(predictors)))
    for n in range(1, count + 1):
        earlier = sum(k / n * found[k] * predictors[:, n - k] for k in range(1, n))
        found[n] = -predictors[:, n] - earlier
    return found[1:]


def line_spectrum(predictors: np.ndarray) -> np.ndarray:
    """Line spectral frequencies in radians, rising [shape=(order, n)], for an even order.

    They are the angles in 0..pi at which the symmetric and the antisymmetric part of A(z), real
    functions of the angle, change sign; frames whose roots lie too close for the grid are solved.
    """
    order = predictors.shape[1] - 1
    padded = np.pad(predictors, ((0, 0), (0, 1)))
    angles = np.linspace(0, np.pi, GRID + 1)
    turns = np.multiply.outer((order + 1) / 2 - np.arange(order + 2), angles)
    pair = []
    for mirrored, wave in ((padded + padded[:, ::-1], np.cos), (padded - padded[:, ::-1], np.sin)):
        pair.append(_crossings(mirrored, wave(turns), angles, order // 2))
    return np.sort(np.hstack(pair), axis=1).T


def _crossings(
    polynomials: np.ndarray, waves: np.ndarray, angles: np.ndarray, count: int
) -> np.ndarray:
    """The ``count`` angles inside 0..pi where ``polynomials @ waves`` is zero [shape=(n, count)]."""
    curve = (polynomials @ waves)[:, 1:-1]
    changes = np.signbit(curve[:, 1:]) != np.signbit(curve[:, :-1])
    found = np.empty((len(polynomials), count))
    whole = changes.sum(axis=1) == count
    rows, columns = np.nonzero(changes & whole[:, None])
    before, after = curve[rows, columns], curve[rows, columns + 1]
    place = angles[columns + 1] + (angles[1] - angles[0]) * before / (before - after)
    found[whole] = place.reshape(-1, count)
    for row in np.flatnonzero(~whole):
        found[row] = _roots(polynomials[row])
    return found


def _roots(polynomial: np.ndarray) -> np.ndarray:
    """The angles of the roots in the upper half plane, without those at 1 and -1 [shape=(count,)]."""
    angles = np.sort(np.abs(np.angle(np.roots(polynomial))))
    paired = angles[1:] if polynomial[-1] < 0 else angles[:-1]
    return paired[::2]
