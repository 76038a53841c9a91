"""The six statistics of the set."""

import numpy as np


def six(values: np.ndarray, name: str) -> dict[str, float]:
    """Mean, Std, Skewness, Kurtosis, Max and Min, as ``<name> (<statistic>)``.

    Kurtosis is that of Pearson (3 for a normal distribution), the deviation that of the population.
    What is undefined, as of no value or of the shape of a constant, is 0.

    Parameters
    ----------
    values : np.ndarray [shape=(n,)]
        May be empty.
    """
    values = np.asarray(values, float) if len(values) else np.zeros(1)
    mean, deviation = values.mean(), values.std()
    if deviation <= 1e-9 * abs(mean):
        deviation = 0.0
    scaled = (values - mean) / deviation if deviation else np.zeros(1)
    found = {
        "Mean": mean,
        "Std": deviation,
        "Skewness": (scaled**3).mean(),
        "Kurtosis": (scaled**4).mean(),
        "Max": values.max(),
        "Min": values.min(),
    }
    return {f"{name} ({statistic})": float(value) for statistic, value in found.items()}
