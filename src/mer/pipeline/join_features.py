"""The stage ``join_features``: feature concatenation, the columns of two families in one table."""

from dataclasses import replace
from pathlib import Path

from mer.errors import MerError
from mer.io import artefacts
from mer.io.feature_tables import read_features, write_features
from mer.io.files import writing
from mer.pipeline.features import TABLE
from mer.types import FeatureTable


def _distinct(table: FeatureTable, other: FeatureTable, family: str) -> FeatureTable:
    taken = set(other.names)
    names = tuple(f"{family}.{name}" if name in taken else name for name in table.names)
    return replace(table, names=names)


def joined_columns(left: FeatureTable, right: FeatureTable, family: str) -> FeatureTable:
    """The columns of two tables of the same clips; ``family`` is that of ``right``.

    Raises
    ------
    MerError
        If one table was published and the other extracted, and both have a column of the same name: it
        would be in the joined table twice, in two scales. Also if their clips differ.
    """
    shared = sorted({*left.names} & {*right.names})
    if shared and left.source.get("source") != right.source.get("source"):
        raise MerError(
            f"{family!r} must not be joined to {left.source.get('family')!r}: one is published, the other "
            f"extracted anew, and both have the column {shared[0]!r}; join families of other features"
        )
    return left.concat_columns(_distinct(right, left, family))


def join(left: Path, right: Path, target: Path) -> None:
    """Write ``data/features/<join>/<dataset>``; it is absent if one of the two tables is.

    Parameters
    ----------
    left, right : Path
        ``data/features/<family>/<dataset>``. Columns keep their names, except columns of ``right`` whose
        name is also in ``left``: these become ``<right family>.<name>``, because two programs may compute
        features of the same name differently.

    Raises
    ------
    MerError
        See ``joined_columns``.
    """
    for folder in (left, right):
        if reason := artefacts.absent(folder):
            artefacts.write_absent(target, f"{folder} is absent: {reason}")
            return
    first, second = (read_features(folder / TABLE) for folder in (left, right))
    joined = joined_columns(first, second, right.parent.name)
    with writing(target) as folder:
        write_features(folder / TABLE, joined)
        counts = {"clips": len(joined.ids), "features": len(joined.names)}
        artefacts.write_manifest(folder, **counts, source=dict(joined.source))
