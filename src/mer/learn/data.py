"""The data that a model is trained on, gathered from the artefacts of the selection."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mer import registry
from mer.contracts.trainers import applied_parts
from mer.errors import AbsentError, MerError
from mer.io import pretrained
from mer.io.artefacts import MANIFEST, absent
from mer.io.feature_tables import read_features
from mer.io.files import read_json
from mer.io.recordings import with_one_artist
from mer.io.spectrograms import AugmentedMels, Mels
from mer.io.standard import quarantined
from mer.io.tracks import read_digests, read_tracks
from mer.learn.feature_selection import best_columns, catalogued_columns
from mer.learn.waveforms import SegmentedWaveforms, Waveforms
from mer.schema.augmentation import Masking, Noise, Policy, Smote, SpectrogramMasks, Synthesis
from mer.schema.feature_selection import EVERY_COLUMN, Columns
from mer.selection import Selection
from mer.targets import labels
from mer.targets.target import Label, Target
from mer.types import QUADRANTS, FeatureTable, Fold, Track, groups


@dataclass(frozen=True)
class TrainingData:
    """Labels and inputs of a corpus; an input that the model does not read is None.

    Attributes
    ----------
    labels : mapping of str to int, or to tuple of float
        Clip id -> index into the classes of the target, or its values.
    target : Target
    table : FeatureTable or None
        Table of features.
    mel : Mels or None
        Mel spectrograms.
    augmented : AugmentedMels or None
        Augmented versions of all clips; a training uses those of its training clips only.
    segmented_waveforms : SegmentedWaveforms or None
        Waveforms in segments of equal length.
    waveforms : Waveforms or None
        Whole waveforms, from which the model takes random chunks.
    initial_weights : mapping of str to np.ndarray, or None
        Weights of a trained network that the training starts from.
    synthesis : Synthesis or None
        Parameters of the synthetic spectrograms that a training adds.
    oversampling : Noise, Smote or None
        Parameters of the synthetic rows that a training adds to the table.
    masking : Masking or None
        Masks of the segments that an autoencoder reads.
    spec_augment : SpectrogramMasks or None
        Masks of the spectrograms that a network reads.
    leak : str
        The ``leak`` of the augmentation policy.
    columns : Columns
        How the columns of the table are ranked.
    pretrained : mapping of str to np.ndarray, or None
        Pretrained weights, see ``mer.io.pretrained.load``.
    quadrants : mapping of str to int, or None
        Clip id -> quadrant, whatever the target is.
    groups : mapping of str to str, or None
        Clip id -> artist or source song; see ``mer.types.groups``.
    sources : mapping of str to str, or None
        Clip id -> the member that it comes from, of a merged corpus.
    """

    labels: Mapping[str, Label]
    target: Target
    table: FeatureTable | None = None
    mel: Mels | None = None
    augmented: AugmentedMels | None = None
    segmented_waveforms: SegmentedWaveforms | None = None
    waveforms: Waveforms | None = None
    initial_weights: Mapping[str, np.ndarray] | None = None
    synthesis: Synthesis | None = None
    oversampling: Noise | Smote | None = None
    masking: Masking | None = None
    spec_augment: SpectrogramMasks | None = None
    leak: str = "none"
    columns: Columns = EVERY_COLUMN
    pretrained: Mapping[str, np.ndarray] | None = None
    quadrants: Mapping[str, int] | None = None
    groups: Mapping[str, str] | None = None
    sources: Mapping[str, str] | None = None

    def narrowed(self, family: str, columns: Columns) -> "TrainingData":
        """The same data with the columns of the table that ``columns`` leaves; a training ranks them.

        Raises
        ------
        MerError
            If the catalogue of the family has no such column.
        """
        table = self.table
        if table is not None and columns.restrictions:
            table = catalogued_columns(table, family, columns)
        return replace(self, table=table, columns=columns)

    def with_ranked_columns(self, fold: Fold) -> "TrainingData":
        """The same data with the columns of the table that rank best on the training clips of a fold.

        With the leak ``before_split`` of ``columns`` the ranking sees the test clips, too.
        """
        if self.table is None:
            return self
        seen = (*fold.train, *fold.test) if self.columns.leaks else fold.train
        return replace(self, table=best_columns(self.table, self.labels, seen, self.columns))

    def targets_of(self, ids: Sequence[str]) -> np.ndarray:
        """The labels of clips as a model is trained on them; see ``Target.array``."""
        return self.target.array([self.labels[i] for i in ids])

    def with_columns(self, names: Sequence[str] | None) -> "TrainingData":
        """The same data with these columns of the table; None keeps all of them."""
        if self.table is None or names is None:
            return self
        return replace(self, table=self.table.select_columns(names))

    @property
    def strata(self) -> Mapping[str, int]:
        """Clip id -> stratum; a random validation part takes the same share of each.

        The strata are the quadrants where they are known, so that every target of a corpus validates on the
        same clips and shares what is trained without labels.
        """
        return self.quadrants or self.target.strata(self.labels)

    @property
    def is_augmented(self) -> bool:
        """Whether a training uses anything besides the training clips themselves."""
        parts = (
            *(self.augmented, self.synthesis, self.oversampling),
            *(self.masking, self.spec_augment),
        )
        return any(part is not None for part in parts)

    @property
    def segments_per_clip(self) -> int:
        """Segments of every clip; 1 where clips stay whole."""
        if self.segmented_waveforms is not None:
            return self.segmented_waveforms.values.shape[1]
        whole = self.mel is None or self.mel.values.ndim == 3
        return 1 if whole else self.mel.values.shape[1]  # type: ignore[union-attr]


def prefix_ids(name: str, ids: Sequence[str]) -> tuple[str, ...]:
    """The ids of the clips of another corpus: ``<name>/<id>``."""
    return tuple(f"{name}/{id_}" for id_ in ids)


def _prefixed(name: str, by_id: Mapping[str, Any]) -> dict[str, Any]:
    return dict(zip(prefix_ids(name, list(by_id)), by_id.values(), strict=True))


def _concat_rows(trained_on: FeatureTable, tested_on: FeatureTable, name: str) -> FeatureTable:
    """The rows of ``trained_on``, with prefixed ids, then of ``tested_on``; the columns are the same."""
    values = np.concatenate([trained_on.values, tested_on.values])
    return replace(
        tested_on, ids=(*prefix_ids(name, trained_on.ids), *tested_on.ids), values=values
    )


def concat_corpora(trained_on: TrainingData, tested_on: TrainingData, name: str) -> TrainingData:
    """The data of two corpora in one, to train on the first and test on the second.

    Parameters
    ----------
    name : str
        Prefix of the ids of ``trained_on``.

    Raises
    ------
    MerError
        If the target is not the same in both, as where the classes or the range of values differ, or the
        model reads an input other than a table or whole waveforms.
    """
    if trained_on.target != tested_on.target:
        raise MerError(
            "the target must be the same in the corpora of training and test, and is "
            f"{trained_on.target} in {name!r} and {tested_on.target} in the other; choose another target, "
            "or another corpus"
        )
    both = replace(
        tested_on,
        labels={**_prefixed(name, trained_on.labels), **tested_on.labels},
        groups={**_prefixed(name, trained_on.groups or {}), **(tested_on.groups or {})} or None,
        quadrants=None,
        sources=_prefixed(name, trained_on.sources or {}) or None,
    )
    if trained_on.table and tested_on.table and trained_on.table.names == tested_on.table.names:
        return replace(both, table=_concat_rows(trained_on.table, tested_on.table, name))
    if trained_on.waveforms and tested_on.waveforms:
        return replace(
            both,
            waveforms=Waveforms(
                (*prefix_ids(name, trained_on.waveforms.ids), *tested_on.waveforms.ids),
                np.concatenate([trained_on.waveforms.values, tested_on.waveforms.values]),
                np.concatenate([trained_on.waveforms.lengths, tested_on.waveforms.lengths]),
            ),
        )
    raise MerError(
        f"training on one corpus and testing on another, here {name!r}, needs a model of a table with the "
        "same columns in both, or of whole waveforms; choose such a model, or take one corpus"
    )


def _present(folder: Path, model: str) -> Path:
    if reason := absent(folder):
        raise AbsentError(f"model {model!r} reads {folder}, which is absent: {reason}")
    return folder


def _target(selection: Selection) -> Target:
    """The target in the selected corpus."""
    index = selection.folder("index")
    scale = read_json(index / MANIFEST).get("range")
    return labels.target_of(selection.target, read_tracks(index), scale)


def read(
    selection: Selection, params: Any, columns: Columns, reads: Collection[str]
) -> TrainingData:
    """The inputs of all clips of a corpus; ``labels`` is left empty.

    Parameters
    ----------
    params, columns : see ``gather``
    reads : collection of str
        The inputs to read, in the words of ``mer.contracts.interfaces.Model.reads``.
    """
    model = selection.model
    table = mel = segmented = waveforms = None
    if "table" in reads:
        folder = _present(selection.folder("features"), model)
        table = read_features(folder / "features.parquet")
    if "spectrogram" in reads:
        mel = Mels.read(_present(selection.folder("mel"), model))
    if "waveform" in reads:
        standard = _present(selection.folder("standard"), model)
        if params.waveform.segment_samples:
            segmented = SegmentedWaveforms.read(standard, params.waveform)
        else:
            waveforms = Waveforms.read(standard, params.waveform)
    whole = TrainingData(
        {},
        _target(selection),
        table,
        mel,
        segmented_waveforms=segmented,
        waveforms=waveforms,
        pretrained=pretrained.load(params.weights) if "weights" in reads else None,
    )
    return whole.narrowed(selection.family, columns)


def _quadrants(tracks: Sequence[Track]) -> dict[str, int] | None:
    """Clip id -> quadrant, where every clip has one."""
    known = all(track.quadrant in QUADRANTS for track in tracks)
    return {t.id: QUADRANTS.index(t.quadrant) for t in tracks} if known else None


def _sources(tracks: Sequence[Track]) -> dict[str, str] | None:
    """Clip id -> the member of a merged corpus that it comes from."""
    known = all(track.source for track in tracks)
    return {track.id: str(track.source) for track in tracks} if known else None


def _groups(tracks: Sequence[Track], selection: Selection) -> dict[str, str]:
    """Clip id -> artist or source song, one for all clips of a recording."""
    digests, standard = read_digests(selection.folder("index")), selection.folder("standard")
    return groups(with_one_artist(tracks, digests, standard, set(quarantined(standard)["id"])))


def gather(
    selection: Selection,
    params: Any,
    policy: Policy,
    columns: Columns = EVERY_COLUMN,
    reads: Collection[str] | None = None,
) -> TrainingData:
    """The labels of a corpus and the inputs that a model reads.

    Arrays stay on disk, memory-mapped; only waveforms are loaded into memory. A part of the policy that the
    trainer of the model does not apply is left out.

    Parameters
    ----------
    params : Block
        The model's ``Params``; their ``waveform`` gives the form of a waveform, their ``weights`` name the
        pretrained weights.
    policy : Policy
        The selected augmentation policy.
    reads : collection of str or None
        The inputs to read; None for all that the model reads.

    Raises
    ------
    AbsentError
        If an input is absent; the message gives the reason.
    MerError
        If pretrained weights are missing or differ from those that params.yaml names.
    """
    model, tracks = registry.get("models", selection.model), read_tracks(selection.folder("index"))
    inputs = read(selection, params, columns, model.reads if reads is None else reads)
    augmented = None
    if model.augments != "no" and policy.versions:
        augmented = AugmentedMels.read(_present(selection.folder("augmented"), selection.model))
    return replace(
        inputs,
        labels=labels.encode(tracks, selection.target),
        quadrants=_quadrants(tracks),
        groups=_groups(tracks, selection),
        sources=_sources(tracks),
        augmented=augmented,
        leak=policy.leak,
        **{part: getattr(policy, part) for part in applied_parts(model)},
    )
