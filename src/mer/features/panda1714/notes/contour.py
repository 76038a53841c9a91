"""Polynomials through the course of a value over the notes.

Neither abscissa nor scale are published; ours is the index of the note on 0..1.
"""

import numpy as np

DEGREES = range(1, 8)


def contour(values: np.ndarray, name: str, residual: str) -> dict[str, float]:
    """Least-squares polynomials of degree 1 to 7.

    Parameters
    ----------
    values : np.ndarray [shape=(n,)]
    name : str
        Name of the coefficients: ``<name> - Polynomial of degree 2 (coefficient 0)`` is the constant.
    residual : str
        Name of the root mean square error at degree 7.

    Returns
    -------
    dict
        0 where there are too few notes to determine a polynomial.
    """
    found, x = {residual: 0.0}, np.linspace(0, 1, len(values))
    for degree in DEGREES:
        fitted = np.zeros(degree + 1)
        if len(values) > degree:
            fitted = np.polyfit(x, values, degree)
            found[residual] = float(np.sqrt(np.mean((np.polyval(fitted, x) - values) ** 2)))
        for power, coefficient in enumerate(fitted[::-1]):
            label = f"{name} - Polynomial of degree {degree} (coefficient {power})"
            found[label] = float(coefficient)
    return found if len(values) > max(DEGREES) else found | {residual: 0.0}
