"""Tables of two families side by side, as one more family."""

from pathlib import Path

from mer import artefacts
from mer.extraction import TABLE


def join(left: Path, right: Path, target: Path) -> None:
    """Write ``data/features/<join>/<dataset>``; absent where one of the two tables is.

    Parameters
    ----------
    left, right : Path
        ``data/features/<family>/<dataset>``; their columns keep their names.

    Raises
    ------
    MerError
        If one table was published and the other extracted, their clips differ, or a column stands
        in both.
    """
    for folder in (left, right):
        if reason := artefacts.absent(folder):
            artefacts.write_absent(target, f"{folder} is absent: {reason}")
            return
    first, second = (artefacts.read_features(folder / TABLE) for folder in (left, right))
    joined = first.beside(second)
    with artefacts.writing(target) as folder:
        artefacts.write_features(folder / TABLE, joined)
        counts = {"clips": len(joined.ids), "features": len(joined.names)}
        artefacts.write_manifest(folder, **counts, source=dict(joined.source))
