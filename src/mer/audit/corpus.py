"""The audit of a corpus: faults that its tables show and, where there is any, its audio."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import get_args

from mer import datasets, registry
from mer.audit import audio
from mer.audit.artists import Artists, count, overlap
from mer.audit.clip_lists import Shared, read_list, shared
from mer.audit.duplicates import Pair, conflicts, near, same
from mer.errors import MerError
from mer.io import audio_files, fold_tables, raw_folder, track_ids
from mer.schema import NamedProtocol
from mer.schema.corpora import Audio, Corpus
from mer.splits import split
from mer.targets.labels import check_range
from mer.types import MINIATURE, Fold, Track

log = logging.getLogger("mer")


@dataclass
class Audit:
    """The findings of an audit; JSON can represent every attribute.

    Attributes
    ----------
    clips : int
    counts : dict of str to int
        Class -> clips.
    published : dict or int
        The published counts, per class or in all; empty if there are none.
    artists : Artists
    refused_labels : list of str
        Why the stage ``index`` would refuse the labels.
    unlabelled : list of str
        Audio files that no label names.
    unusable : dict of str to str
        Clip -> why its file cannot be used.
    duplicates : dict of str to list of Pair
        Pairs by what is the same: ``bytes``, ``samples``, ``features of the audio``, or the family of a
        published table.
    conflicts : list of Pair
        Duplicates of which the quadrant, the label, valence or arousal differs, each pair once.
    overlap : dict of str to float
        Protocol or file of folds -> share of test clips whose artist is in training.
    refused : dict of str to str
        Protocol -> why it cannot split the corpus.
    shared : dict of str to Shared
        Other corpus or list -> the clips that are in both.
    """

    clips: int
    counts: dict[str, int]
    published: dict[str, int] | int
    artists: Artists
    refused_labels: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    unusable: dict[str, str] = field(default_factory=dict)
    duplicates: dict[str, list[Pair]] = field(default_factory=dict)
    conflicts: list[Pair] = field(default_factory=list)
    overlap: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    shared: dict[str, Shared] = field(default_factory=dict)

    @property
    def against_published(self) -> str:
        """How the counts compare with the published ones."""
        if not self.published:
            return "no counts are published"
        there = self.clips if isinstance(self.published, int) else self.counts
        return "as published" if there == self.published else f"published: {self.published}"


def _tracks(key: str, corpus: Corpus, raw: Path) -> tuple[list[Track], list[str]]:
    """The tracks of a corpus, each with the path of its file, as the index has them; its audio files."""
    root = raw_folder.of_corpus(key, corpus.source, raw)
    tracks, files = registry.get("datasets", corpus.layout).tracks(root), audio_files.find(root)
    return audio_files.of_tracks(tracks, files), files.audio


def _refused_labels(root: Path, corpus: Corpus, tracks: Sequence[Track]) -> list[str]:
    """The messages with which the stage ``index`` would refuse ids, paths or values."""
    faults = []
    for check in (
        partial(track_ids.check, root, corpus.layout, tracks),
        partial(check_range, root, tracks, corpus.range),
    ):
        try:
            check()
        except MerError as fault:
            faults.append(str(fault))
    return faults


def _labels(tracks: Sequence[Track]) -> dict[str, str]:
    """Track id -> quadrant, or another class; an empty string if it only has values."""
    return {track.id: track.quadrant or track.label or "" for track in tracks}


def _compare_audio(
    found: Audit, root: Path, tracks: Sequence[Track], limits: Audio
) -> dict[str, str]:
    """Add unusable files and duplicates; the digests of the files."""
    examined = audio.examine(root, tracks, limits)
    found.unusable = {e.id: e.fault for e in examined if e.fault}
    files = {e.id: e.content for e in examined}
    found.duplicates["bytes"] = same(files)
    found.duplicates["samples"] = same({e.id: e.samples for e in examined})
    if table := audio.summaries(examined):
        found.duplicates["features of the audio"] = near(table)
    return files


def _conflicts(found: Audit, tracks: Sequence[Track]) -> list[Pair]:
    """The duplicates with different labels; a pair that is found in several ways is there once."""
    labels = {t.id: (t.quadrant, t.label, t.valence, t.arousal) for t in tracks}
    once: dict[frozenset[str], Pair] = {}
    for pairs in found.duplicates.values():
        for pair in conflicts(pairs, labels):
            once.setdefault(frozenset((pair.first, pair.second)), pair)
    return list(once.values())


def _folds(
    tracks: Sequence[Track], key: str, corpus: Corpus, seed: int, *, has_table: bool
) -> tuple[dict[str, list[Fold]], dict[str, str]]:
    """Protocol -> folds, for every protocol that the corpus allows; protocol -> why it does not.

    The protocol ``own`` is left out where a table of folds stands for it.
    """
    found, refused = dict[str, list[Fold]](), dict[str, str]()
    protocols = dict.fromkeys([corpus.protocol, *get_args(NamedProtocol)])
    for protocol in (p for p in protocols if not (p == "own" and has_table)):
        try:
            found[protocol] = split(tracks, protocol, key, seed=seed)
        except MerError as fault:
            refused[protocol] = str(fault)
    return found, refused


def _others(key: str, corpora: Mapping[str, Corpus], raw: Path) -> list[str]:
    """The other corpora that lie in ``data/raw``, without those that a stage renders."""
    names = [name for name in corpora if name != key and not f"{name}_".startswith(MINIATURE)]
    return [name for name in names if (raw / name).is_dir()]


def _of_other(
    name: str, corpora: Mapping[str, Corpus], raw: Path
) -> tuple[dict[str, str], dict[str, Path]]:
    """The classes and the files of another corpus, by its key, or of a list of clips, by its file."""
    if name not in corpora:
        return read_list(Path(name)), {}
    tracks, _ = _tracks(name, corpora[name], raw)
    return _labels(tracks), {t.id: raw / name / t.path for t in tracks if t.path}


def _names_alike(key: str, other: str, corpora: Mapping[str, Corpus]) -> bool:
    """Whether an equal id is the same clip: in a list, or in a corpus that shares songs with this one."""
    if other not in corpora:
        return True
    return other in corpora[key].shares_songs_with or key in corpora[other].shares_songs_with


def _shared(
    key: str,
    name: str,
    corpora: Mapping[str, Corpus],
    here: tuple[Mapping[str, str], Mapping[str, str]],
    there: tuple[Mapping[str, str], Mapping[str, Path]],
) -> Shared:
    """The clips that are in the corpus and in another one or a list; a list without any is warned about.

    Parameters
    ----------
    here : (mapping of str to str, mapping of str to str)
        The classes and the digests of the corpus.
    there : (mapping of str to str, mapping of str to Path)
        The classes and the files of the other.
    """
    (labels, files), (others, paths) = here, there
    other_files = {id_: audio_files.digest(path) for id_, path in paths.items()}
    alike = _names_alike(key, name, corpora)
    found = shared(labels, others, files, other_files, same_naming=alike)
    if name not in corpora and not found.ids:
        log.warning(
            "%s must list ids of %s, such as %r, and has none, but for instance %r; put the ids into its "
            "first column",
            name,
            key,
            min(labels, default=""),
            min(others),
        )
    return found


def _listed(
    key: str, others: Sequence[str], corpora: Mapping[str, Corpus], raw: Path
) -> dict[str, tuple[dict[str, str], dict[str, Path]]]:
    """``_of_other`` of each of ``others``, or of the corpora in ``raw`` that can be read if it is empty."""
    if others:
        return {name: _of_other(name, corpora, raw) for name in others}
    found = {}
    for name in _others(key, corpora, raw):
        try:
            found[name] = _of_other(name, corpora, raw)
        except MerError as fault:
            log.warning("the corpus is not compared with %s: %s", name, fault)
    return found


def audit(
    key: str,
    corpora: Mapping[str, Corpus],
    raw: Path,
    *,
    limits: Audio,
    seed: int,
    split_files: Sequence[Path] = (),
    others: Sequence[str] = (),
) -> Audit:
    """Audit the corpus in ``data/raw/<key>``.

    Parameters
    ----------
    corpora : mapping of str to Corpus
        All of params/corpora.yaml.
    raw : Path
        ``data/raw``.
    limits : Audio
        Limits of a file's size and of the resources for decoding it.
    seed : int
        Of the random folds.
    split_files : sequence of Path
        Folds to look at besides those of all protocols, as ``mer.io.fold_tables`` reads them.
    others : sequence of str
        Keys of corpora, and files of lists, that may have the same clips; if empty, those in ``raw``.

    Raises
    ------
    MerError
        If the corpus is missing or does not follow its layout, or a file cannot be read.
    """
    corpus, root = corpora[key], raw / key
    tracks, audio_of_corpus = _tracks(key, corpus, raw)
    labels = _labels(tracks)
    own_table = root / fold_tables.NAME
    own = [own_table] if own_table.is_file() else []
    folds, refused = _folds(tracks, key, corpus, seed, has_table=bool(own))
    folds |= {str(path): fold_tables.read_for(path, labels) for path in (*own, *split_files)}
    listed = _listed(key, others, corpora, raw)
    expected = corpus.counts or {}
    published = expected if isinstance(expected, int) else {str(q): n for q, n in expected.items()}
    counts = dict(sorted(Counter(filter(None, labels.values())).items()))
    named = {track.path for track in tracks if track.path}
    found = Audit(len(tracks), counts, published, count(tracks, labels), refused=refused)
    found.refused_labels = _refused_labels(root, corpus, tracks)
    found.unlabelled = sorted(set(audio_of_corpus) - named)
    layout = registry.get("datasets", corpus.layout)
    for family, table in datasets.published(layout, root).items():
        found.duplicates[family] = near(table)
    has_audio = bool(named and audio_of_corpus)
    files = _compare_audio(found, root, tracks, limits) if has_audio else {}
    found.conflicts = _conflicts(found, tracks)
    found.overlap = {name: overlap(tracks, of) for name, of in folds.items()}
    found.shared = {
        name: _shared(key, name, corpora, (labels, files), other) for name, other in listed.items()
    }
    return found
