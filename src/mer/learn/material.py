"""What a model may read, gathered from the artefacts of the selection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mer import labels
from mer.artefacts import absent, read_features, read_tracks
from mer.config import EVERY_COLUMN, Columns
from mer.copies import Copies
from mer.errors import MerError
from mer.learn.columns import best, catalogued
from mer.mel import Mels
from mer.selection import Selection
from mer.types import FeatureSet


@dataclass(frozen=True)
class Material:
    """Labels and inputs of one corpus; an input that the model does not read is None.

    Attributes
    ----------
    labels : mapping of str to int
        Clip id -> index into ``classes``.
    table : FeatureSet or None
    mel : Mels or None
    copies : Copies or None
        Augmented copies of every clip; a training takes those of its training clips only.
    columns : Columns
        How the table's columns are ranked.
    """

    labels: Mapping[str, int]
    classes: tuple[str, ...]
    table: FeatureSet | None = None
    mel: Mels | None = None
    copies: Copies | None = None
    columns: Columns = EVERY_COLUMN

    def ranked(self, train: Sequence[str]) -> "Material":
        """The same with the columns that a training on these clips chooses."""
        if self.table is None:
            return self
        return replace(self, table=best(self.table, self.labels, train, self.columns))


def _present(folder: Path, model: str) -> Path:
    if reason := absent(folder):
        raise MerError(f"model {model!r} reads {folder}, which is absent: {reason}")
    return folder


def gather(
    selection: Selection,
    reads: tuple[str, ...],
    uses_copies: str,
    columns: Columns = EVERY_COLUMN,
) -> Material:
    """Load what a model reads; arrays stay on disk, memory-mapped.

    Raises
    ------
    MerError
        If one of its inputs is absent; the message says why.
    """
    tracks, target, model = (
        read_tracks(selection.folder("index")),
        selection.target,
        selection.model,
    )
    table = mel = copies = None
    if "table" in reads:
        table = read_features(_present(selection.folder("features"), model) / "features.parquet")
        if columns.restricts:
            table = catalogued(table, selection.family, columns)
    if "spectrogram" in reads:
        mel = Mels.read(_present(selection.folder("mel"), model))
    if uses_copies != "no" and selection.augment != "none":
        copies = Copies.read(_present(selection.folder("augmented"), model))
    encoded, classes = labels.encode(tracks, target), labels.classes(target)
    return Material(encoded, classes, table, mel, copies, columns)
