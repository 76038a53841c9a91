"""Class probabilities of scikit-learn classifiers."""

from typing import Any

import numpy as np
from scipy.special import softmax


def probabilities(classifier: Any, rows: np.ndarray, n_classes: int) -> np.ndarray:
    """Class probabilities [shape=(n, C)]; a class that the classifier has not seen has 0.

    A classifier with a ``decision_function`` gets the softmax of its decision values.
    """
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
