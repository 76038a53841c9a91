"""The types that the stages exchange."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mer.errors import MerError

QUADRANTS = ("Q1", "Q2", "Q3", "Q4")
SIDES = ("train", "val", "test")  # of a fold
EMOTIONS = {"Q1": "happy", "Q2": "tense", "Q3": "sad", "Q4": "calm"}
SIGNS = {"Q1": (1, 1), "Q2": (-1, 1), "Q3": (-1, -1), "Q4": (1, -1)}  # of valence and arousal
FOLDS_AND_REPEATS = {  # of each protocol: folds of a repeat, and repeats
    "cv10x10": (10, 10),
    "grouped": (10, 10),
    "cv10": (10, 1),
    "tvt_70_15_15": (1, 1),
    "tvt_40_30_30": (1, 1),
    "song_80_20": (1, 1),
}
MINIATURE = "demo_"  # prefix of the key of a corpus whose miniature is rendered
LEAKY = (
    "_leak"  # ends the name of a policy, and of a row of a table, whose training sees test clips
)
_PART = re.compile(r"(?P<clip>.+)#\d+", re.DOTALL)


def part_ids(clip: str, parts: int) -> list[str]:
    """The ids of the equal parts of a clip, or of the segments that a view cuts, in their order."""
    return [f"{clip}#{part}" for part in range(parts)]


def clip_of(part: str) -> str:
    """The clip of a part or segment, from its id; an id of a clip is returned as it is."""
    found = _PART.fullmatch(part)
    return found["clip"] if found else part


@dataclass(frozen=True)
class Track:
    """One labelled excerpt of a corpus, as its index lists it.

    Attributes
    ----------
    id : str
        Unique in the corpus.
    quadrant : str
        ``Q1`` (happy), ``Q2`` (tense), ``Q3`` (sad) or ``Q4`` (calm): Russell's plane,
        counter-clockwise from positive valence and arousal. Empty where only other labels are known.
    path : str or None
        Audio file relative to the corpus' root, with forward slashes; None where only tables exist.
    valence, arousal : float or None
        As published, in the corpus' own scale.
    artist : str or None
        Artist, or source song of clips of one song.
    splits : mapping of str to str
        Published splits: protocol -> ``train``, ``val`` or ``test``, or the name of the fold that tests the
        track.
    source : str or None
        In a merged corpus, the corpus that the track comes from.
    label : str or None
        Class of another set of classes than the quadrants, as published.
    spread : mapping of str to float
        How far annotators disagree: the standard deviation of ``valence`` and ``arousal``, or the share of
        annotators who gave each class.
    """

    id: str
    quadrant: str
    path: str | None = None
    valence: float | None = None
    arousal: float | None = None
    artist: str | None = None
    splits: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    label: str | None = None
    spread: Mapping[str, float] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The group of this track alone, before other spellings of its artist are known; see ``groups``."""
        return f"artist:{self.artist}" if self.artist else f"track:{self.id}"


def _spelling(artist: str) -> str:
    """An artist without what spellings differ in: Unicode form, invisible characters, case and blanks."""
    text = unicodedata.normalize("NFKC", artist)
    visible = (character for character in text if unicodedata.category(character) != "Cf")
    return " ".join("".join(visible).casefold().split())


def groups(tracks: Iterable[Track]) -> dict[str, str]:
    """Track id -> the group that a split keeps together: the artist, or the track without a known artist.

    Artists that differ only in Unicode form, invisible characters, case or blanks are one group.
    """
    tracks = list(tracks)
    first: dict[str, Track] = {}
    for track in sorted(tracks, key=lambda track: track.group):
        first.setdefault(_spelling(track.artist or "") or track.group, track)
    return {t.id: first[_spelling(t.artist or "") or t.group].group for t in tracks}


def names_artists(tracks: Iterable[Track]) -> bool:
    """Whether the corpus names the artist, or the source song, of any of its clips.

    A clip id that ``split_clips`` entered as the artist of its own parts does not count.
    """
    return any(track.artist and track.artist != clip_of(track.id) for track in tracks)


@dataclass(frozen=True)
class Clip:
    """Mono audio with the rate it was sampled at.

    Attributes
    ----------
    id : str
    samples : np.ndarray [shape=(n,), dtype=float32]
        Finite; full scale is 1.0 (a lossy decoder may overshoot it).
    sample_rate : int
        Sampling rate in Hz. There is no default.
    """

    id: str
    samples: np.ndarray
    sample_rate: int

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.sample_rate


def array_text(value: object) -> str:
    """An array as ``float32 of shape (3,)``, for a message; of another object the name of its type."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return type(value).__name__


def positions(ids: Iterable[str], wanted: Iterable[str], what: str) -> list[int]:
    """The positions of ``wanted`` among ``ids``.

    Raises
    ------
    MerError
        If one is not among them; the message names it as a clip without a ``what``.
    """
    place, wanted = {id_: i for i, id_ in enumerate(ids)}, list(wanted)
    missing = [id_ for id_ in wanted if id_ not in place]
    if missing:
        raise MerError(
            f"every clip must have a {what}, and {len(missing)} have none, the first is {missing[0]!r}; "
            "run `dvc repro`"
        )
    return [place[id_] for id_ in wanted]


@dataclass(frozen=True)
class FeatureTable:
    """A table of features that knows its rows and columns.

    Attributes
    ----------
    ids : tuple of str [length n]
    names : tuple of str [length d]
    values : np.ndarray [shape=(n, d)]
        Finite floats.
    source : mapping of str to str
        Family, its version, library versions, and whether the values were published or extracted.
    joined : tuple of str [length d, or 0]
        The family of each column of a joined table; empty where all columns are of one family.

    Raises
    ------
    MerError
        If the shape does not fit, an id or a name stands twice, or a value is not finite.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    values: np.ndarray
    source: Mapping[str, str] = field(default_factory=dict)
    joined: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expected = (len(self.ids), len(self.names))
        if self.values.shape != expected:
            raise MerError(
                f"features must have the shape {expected}, not {self.values.shape}; give a row per id and "
                "a column per name"
            )
        for what, items in (("clip", self.ids), ("feature", self.names)):
            if len(set(items)) != len(items):
                twice = next(i for i in items if items.count(i) > 1)
                raise MerError(f"features: the {what} {twice!r} stands twice; remove one")
        bad = ~np.isfinite(self.values)
        if bad.any():
            row, column = map(int, np.argwhere(bad)[0])
            raise MerError(
                f"features must be finite: {self.names[column]!r} of the clip {self.ids[row]!r} is "
                f"{self.values[row, column]} ({int(bad.sum())} such values in all)"
            )

    @property
    def families(self) -> tuple[str, ...]:
        """The family of each column [length d]."""
        return self.joined or (self.source.get("family", ""),) * len(self.names)

    def concat_columns(self, other: "FeatureTable") -> "FeatureTable":
        """The columns of this table, then those of the other, with rows matched by id.

        Raises
        ------
        MerError
            If their clips differ, or if both have a column of the same name.
        """
        families = [table.source.get("family", "") for table in (self, other)]
        if unlike := set(self.ids) ^ set(other.ids):
            raise MerError(
                f"the features {families[0]!r} and {families[1]!r} must be of the same clips; one of "
                f"them lacks {min(unlike)!r}; run `dvc repro`"
            )
        sources = sorted({table.source.get("source", "") for table in (self, other)})
        source = {
            f"{family}.{key}": value
            for family, table in zip(families, (self, other))
            for key, value in table.source.items()
        } | {"source": " and ".join(sources), "family": " + ".join(families)}
        values = np.hstack([self.values, other.rows(self.ids)])
        joined = self.families + other.families
        return FeatureTable(self.ids, self.names + other.names, values, source, joined)

    def select_columns(self, names: Sequence[str]) -> "FeatureTable":
        """The table with the columns ``names``, in that order."""
        position = {name: i for i, name in enumerate(self.names)}
        chosen = [position[name] for name in names]
        joined = tuple(self.joined[i] for i in chosen) if self.joined else ()
        return replace(self, names=tuple(names), values=self.values[:, chosen], joined=joined)

    def rows(self, ids: Iterable[str]) -> np.ndarray:
        """The rows of ``ids``, in their order [shape=(len(ids), d)].

        Raises
        ------
        MerError
            If an id has no row.
        """
        return self.values[positions(self.ids, ids, "row of features")]


@dataclass(frozen=True)
class Fold:
    """One fold of a protocol: disjoint sets of clip ids, of which ``val`` may be empty.

    Attributes
    ----------
    repeat, fold : int
        Numbers, from 0.
    train, val, test : tuple of str
        Ids of the training, validation and test clips.

    Raises
    ------
    MerError
        If an id is in two sets, or the training or the test set is empty.
    """

    repeat: int
    fold: int
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        where = f"fold {self.fold} of repeat {self.repeat}"
        if not self.train or not self.test:
            raise MerError(
                f"{where} must have training and test clips, and has {len(self.train)} and "
                f"{len(self.test)}; take fewer folds, or add clips"
            )
        counts = Counter((*self.train, *self.val, *self.test))
        if twice := sorted(id_ for id_, count in counts.items() if count > 1):
            raise MerError(f"{where} must hold each clip once; {twice[0]!r} stands twice")
