"""What the trainers that fit an estimator of scikit-learn share."""

from typing import Any

import numpy as np
from scipy.special import softmax


def probabilities(classifier: Any, rows: np.ndarray, n_classes: int) -> np.ndarray:
    """[shape=(n, C)]; a classifier without them gets the softmax of its decision values."""
    if hasattr(classifier, "decision_function"):
        values = classifier.decision_function(rows)
        if values.ndim == 1:
            values = np.column_stack([-values, values])
        found = softmax(values, axis=1)
    else:
        found = classifier.predict_proba(rows)
    full = np.zeros((len(rows), n_classes))
    full[:, classifier.classes_] = found
    return full
