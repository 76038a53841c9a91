"""What a model may read, gathered from the artefacts of the selection."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mer import labels, registry
from mer.errors import AbsentError, MerError
from mer.io import pretrained
from mer.io.artefacts import absent, read_features, read_tracks
from mer.io.spectrograms import Copies, Mels
from mer.learn.feature_selection import best, catalogued
from mer.learn.waveforms import SegmentedWaveforms, Waveforms
from mer.schema.augmentation import Masking, Noise, Policy, Smote, Stripes, Synthesis
from mer.schema.feature_selection import EVERY_COLUMN, Columns
from mer.selection import DATA, Selection
from mer.types import FeatureSet


@dataclass(frozen=True)
class TrainingData:
    """Labels and inputs of one corpus; an input that the model does not read is None.

    Attributes
    ----------
    labels : mapping of str to int
        Clip id -> index into ``classes``.
    table : FeatureSet or None
    mel : Mels or None
    copies : Copies or None
        Augmented copies of every clip; a training takes those of its training clips only.
    waves : SegmentedWaveforms or None
    signals : Waveforms or None
        Whole clips, of a model that draws its own chunks.
    initial : mapping of str to np.ndarray, or None
        Weights to start from.
    synthesis : Synthesis or None
        How a training makes new spectrograms of its clips.
    rows : Noise, Smote or None
        How it makes new rows of the table.
    masking : Masking or None
        What it hides of each segment from an autoencoder.
    stripes : Stripes or None
        What it hides of each spectrogram from a network.
    leak : str
        Of the policy.
    columns : Columns
        How the table's columns are ranked.
    weights : mapping of str to np.ndarray, or None
        What a user brings, by ``mer.io.pretrained.load``.
    """

    labels: Mapping[str, int]
    classes: tuple[str, ...]
    table: FeatureSet | None = None
    mel: Mels | None = None
    copies: Copies | None = None
    waves: SegmentedWaveforms | None = None
    signals: Waveforms | None = None
    initial: Mapping[str, np.ndarray] | None = None
    synthesis: Synthesis | None = None
    rows: Noise | Smote | None = None
    masking: Masking | None = None
    stripes: Stripes | None = None
    leak: str = "none"
    columns: Columns = EVERY_COLUMN
    weights: Mapping[str, np.ndarray] | None = None

    def ranked(self, train: Sequence[str]) -> "TrainingData":
        """The same with the columns that a training on these clips chooses."""
        if self.table is None:
            return self
        return replace(self, table=best(self.table, self.labels, train, self.columns))

    @property
    def augmented(self) -> bool:
        """Whether a training sees more than its clips."""
        parts = (self.copies, self.synthesis, self.rows, self.masking, self.stripes)
        return any(part is not None for part in parts)

    @property
    def segments(self) -> int:
        """Segments of every clip; 1 where clips stay whole."""
        if self.waves is not None:
            return self.waves.values.shape[1]
        whole = self.mel is None or self.mel.values.ndim == 3
        return 1 if whole else self.mel.values.shape[1]  # type: ignore[union-attr]


def prefix_ids(name: str, ids: Sequence[str]) -> tuple[str, ...]:
    """The ids of clips of another corpus: ``<name>/<id>``."""
    return tuple(f"{name}/{id_}" for id_ in ids)


def _labels(material: TrainingData, name: str) -> dict[str, int]:
    return dict(zip(prefix_ids(name, list(material.labels)), material.labels.values(), strict=True))


def _table(source: FeatureSet, target: FeatureSet, name: str) -> FeatureSet:
    """The rows of ``target`` behind those of ``source``, which have the same columns."""
    values = np.concatenate([source.values, target.values])
    return replace(target, ids=(*prefix_ids(name, source.ids), *target.ids), values=values)


def concat_corpora(source: TrainingData, target: TrainingData, name: str) -> TrainingData:
    """Both corpora as one, to train on the first and test on the second.

    Parameters
    ----------
    name : str
        Put before the ids of ``source``, with a slash.

    Raises
    ------
    MerError
        If the model reads something else than a table or whole waveforms.
    """
    both = replace(target, labels={**_labels(source, name), **target.labels})
    if source.table and target.table and source.table.names == target.table.names:
        return replace(both, table=_table(source.table, target.table, name))
    if source.signals and target.signals:
        return replace(
            both,
            signals=Waveforms(
                (*prefix_ids(name, source.signals.ids), *target.signals.ids),
                np.concatenate([source.signals.values, target.signals.values]),
                np.concatenate([source.signals.lengths, target.signals.lengths]),
            ),
        )
    raise MerError(
        "training on one corpus and testing on another needs a model of a table with the same columns "
        "in both, or of whole waveforms"
    )


def concat_songs(known: TrainingData, songs: TrainingData, name: str) -> TrainingData:
    """Labelled clips of a corpus, and clips without labels, in one.

    Of the songs' inputs, those that are there of the corpus' clips too get these beside them: what a
    trainer's ``answer`` looks at of the training clips.

    Parameters
    ----------
    name : str
        Put before the ids of ``known``, with a slash.

    Raises
    ------
    MerError
        If the tables have different columns.
    """
    both = replace(songs, labels=_labels(known, name), rows=known.rows)
    if known.table and songs.table:
        if known.table.names != songs.table.names:
            raise MerError(
                f"the table of {name!r} must have the columns of params.yaml, and has others; run "
                "`dvc repro`"
            )
        both = replace(both, table=_table(known.table, songs.table, name))
    if known.mel and songs.mel:
        ids = (*prefix_ids(name, known.mel.ids), *songs.mel.ids)
        frames = np.concatenate([known.mel.frames, songs.mel.frames])
        values = np.concatenate([known.mel.values, songs.mel.values])
        both = replace(both, mel=Mels(ids, frames, values))
    return both


def _present(folder: Path, model: str) -> Path:
    if reason := absent(folder):
        raise AbsentError(f"model {model!r} reads {folder}, which is absent: {reason}")
    return folder


def read(
    selection: Selection,
    params: Any,
    columns: Columns,
    reads: Collection[str],
    data: Path = DATA,
) -> TrainingData:
    """Inputs of clips of which nothing else is known: the material has no labels.

    Parameters
    ----------
    params, columns : see ``gather``
    reads : collection of str
        Which inputs, in the words of a model's ``reads``.
    data : Path
        The folder that holds the artefacts.
    """
    model = selection.model
    table = mel = waves = signals = None
    if "table" in reads:
        folder = _present(selection.folder("features", data), model)
        table = read_features(folder / "features.parquet")
        if columns.restricts:
            table = catalogued(table, selection.family, columns)
    if "spectrogram" in reads:
        mel = Mels.read(_present(selection.folder("mel", data), model))
    if "waveform" in reads:
        standard = _present(selection.folder("standard", data), model)
        if params.waveform.segment_samples:
            waves = SegmentedWaveforms.of(standard, params.waveform)
        else:
            signals = Waveforms.of(standard, params.waveform)
    weights = pretrained.load(params.weights) if "weights" in reads else None
    classes = labels.classes(selection.target)
    return TrainingData(
        {}, classes, table, mel, None, waves, signals, columns=columns, weights=weights
    )


def gather(
    selection: Selection,
    params: Any,
    policy: Policy,
    columns: Columns = EVERY_COLUMN,
    reads: Collection[str] | None = None,
) -> TrainingData:
    """Load what the model reads; arrays stay on disk, memory-mapped, but for waveforms.

    Parameters
    ----------
    params : the model's ``Params``
        Of a model that reads the waveform, ``params.waveform`` says in what form; of one that reads
        weights, ``params.weights`` says which.
    policy : Policy
        The selected one, for what it synthesises.
    reads : collection of str or None
        Only these of the model's inputs.

    Raises
    ------
    AbsentError
        If one of its inputs is absent; the message says why.
    MerError
        If weights that a user brings are missing or others.
    """
    module, tracks = registry.get("models", selection.model), read_tracks(selection.folder("index"))
    shown = module.trainer == "supervised" and "spectrogram" in module.reads
    copies = None
    if module.augments != "no" and policy.versions:
        copies = Copies.read(_present(selection.folder("augmented"), selection.model))
    return replace(
        read(selection, params, columns, module.reads if reads is None else reads),
        labels=labels.encode(tracks, selection.target),
        copies=copies,
        synthesis=policy.synthesis if module.augments != "no" else None,
        rows=policy.oversampling if module.trainer == "sklearn_estimator" else None,
        masking=policy.masking if module.trainer == "two_stage" else None,
        stripes=policy.spec_augment if shown else None,
        leak=policy.leak,
    )
