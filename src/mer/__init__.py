"""Music emotion recognition: corpora, features, models and scores.

``mer.load()`` returns a ``mer.Predictor``, which predicts the emotion of songs. ``mer.features`` extracts
features of songs, ``mer.datasets`` reads the layouts of corpora, ``mer.splits`` makes the folds of every
protocol, and ``mer.metrics`` scores predictions. All of them raise ``mer.MerError``.
"""

import importlib
import os
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mer import datasets as datasets
    from mer import metrics as metrics
    from mer import splits as splits
    from mer.errors import MerError as MerError
    from mer.inference.predictor import Predictor as Predictor
    from mer.inference.predictor import load as load
    from mer.inference.song_features import features as features

PARENT_PID = os.getppid()  # read first: the imports below take seconds, in which the parent may end

_MODULE_OF_NAME = {
    "load": "mer.inference.predictor",
    "Predictor": "mer.inference.predictor",
    "MerError": "mer.errors",
}
_MODULES = ("datasets", "features", "metrics", "splits")
__all__ = ["MerError", "Predictor", "datasets", "features", "load", "metrics", "splits"]


def __getattr__(name: str) -> Any:
    """The public names, imported at their first use, for each takes a second or more."""
    if name in _MODULE_OF_NAME:
        return getattr(importlib.import_module(_MODULE_OF_NAME[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"mer.{name}")
    if name == "__version__":
        return metadata.version("mer")
    raise AttributeError(f"module 'mer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
