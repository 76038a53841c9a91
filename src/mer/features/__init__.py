"""Families of handcrafted features, a folder each; called, ``mer.features(…)`` extracts one of files."""

import importlib
import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that is also the function ``mer.inference.library.features``."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return importlib.import_module("mer.inference.library").features(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
