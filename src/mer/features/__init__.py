"""Families of features, handcrafted or learned, a folder each; ``mer.features`` extracts one of them."""

import importlib
import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that is also the function ``mer.inference.song_features.features``."""

    def __call__(
        self, family: str, audio: Any, sample_rate: int | None = None, **options: Any
    ) -> Any:
        """Features of whole songs, a row each: ``help(mer.inference.song_features.features)``."""
        songs = importlib.import_module("mer.inference.song_features")
        return songs.features(family, audio, sample_rate, **options)


sys.modules[__name__].__class__ = _Callable
