"""Corpus layouts, a module each: ``tracks(root)`` reads what lies on the disk."""

from pathlib import Path
from typing import Any

from mer.types import FeatureTable


def published(layout: Any, root: Path) -> dict[str, FeatureTable]:
    """The tables of features that come with a corpus, by family; empty if its layout has none."""
    found: dict[str, FeatureTable] = layout.published(root) if hasattr(layout, "published") else {}
    return found
