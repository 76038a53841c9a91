"""The index of a corpus: its tracks, their digests and its published tables."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mer import datasets, registry
from mer.errors import MerError
from mer.io import artefacts, audio_files, fold_tables, raw_folder, track_ids
from mer.io.feature_tables import write_published
from mer.io.files import write_csv, writing
from mer.io.tracks import write_tracks
from mer.targets import labels
from mer.types import QUADRANTS, SIDES, Fold, Track

Counts = Mapping[str, int] | int | None
LIKE_SIDES = ("training", "validation", "valid", "dev", "testing")  # which name no fold

log = logging.getLogger("mer")


def _check_counts(root: Path, found: Mapping[str, int], total: int, expected: Counts) -> None:
    if expected is None:
        return
    what, wanted, there = "clips", str(expected), str(total)
    if not isinstance(expected, int):
        what, there = "clips per quadrant", str(dict(found))
        wanted = str({q: expected.get(q, 0) for q in QUADRANTS})
    if there != wanted:
        raise MerError(
            f"{root} must hold the {what} that corpora.{root.name}.counts of params/corpora.yaml states, "
            f"{wanted}, not {there}; restore the corpus, or correct that key (null accepts any)"
        )


def _digests(root: Path, tracks: Sequence[Track]) -> dict[str, str]:
    files = {track.id: root / track.path for track in tracks if track.path}
    with ThreadPoolExecutor() as pool:
        return dict(zip(files, pool.map(audio_files.digest, files.values())))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and math.isfinite(value)


def _maps_to(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, Mapping) and all(map(check, value.values()))


FIELDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "id": ("a text that is not empty", _is_text),
    "quadrant": (f"one of {list(QUADRANTS)}, or empty", lambda value: value in ("", *QUADRANTS)),
    **dict.fromkeys(
        ("path", "artist", "source", "label"),
        ("a text, or None", lambda value: value is None or _is_text(value)),
    ),
    **dict.fromkeys(
        ("valence", "arousal"),
        ("a finite number, or None", lambda value: value is None or _is_number(value)),
    ),
    "splits": ("a mapping to texts", _maps_to(_is_text)),
    "spread": ("a mapping to finite numbers", _maps_to(_is_number)),
}  # of a track: what each must be


def _check_tracks(root: Path, layout: str, tracks: object) -> None:
    """Refuse what a layout returns in place of a list of tracks whose fields have the right types."""
    remedy = f"correct src/mer/datasets/{layout}.py"
    if not isinstance(tracks, list) or not all(isinstance(track, Track) for track in tracks):
        raise MerError(
            f"{root}: tracks of the layout {layout!r} must return a list of mer.types.Track, not "
            f"{type(tracks).__name__}; {remedy}"
        )
    for track in tracks:
        for name, (wanted, is_right) in FIELDS.items():
            if not is_right(value := getattr(track, name)):
                raise MerError(
                    f"{root}: {name} of the clip {track.id!r} must be {wanted}, not {value!r}; {remedy}"
                )
    for protocol in sorted({name for track in tracks for name in track.splits}):
        names = {track.splits[protocol] for track in tracks if protocol in track.splits}
        if names & {*SIDES, *LIKE_SIDES} and (others := sorted(names - {*SIDES})):
            raise MerError(
                f"{root}: the split {protocol!r} must name sides, of {list(SIDES)}, or the fold that tests "
                f"each clip, not {others[0]!r}; {remedy}"
            )


def _own_folds(root: Path, tracks: Sequence[Track]) -> list[Fold]:
    """The folds in ``folds.csv`` of the corpus, if there is one."""
    if not (file := root / fold_tables.NAME).is_file():
        return []
    return fold_tables.read_for(file, {track.id for track in tracks})


def _warn_of_unnamed(tracks: Sequence[Track]) -> None:
    """Warn where some clips name their artist, for the others are kept apart from nobody."""
    unnamed = sum(not track.artist for track in tracks)
    if 0 < unnamed < len(tracks):
        log.warning(
            "%d of %d clips name no artist: each counts as the only clip of its artist, so the protocol "
            "grouped cannot keep it apart from others of the same artist; fill the column artist",
            unnamed,
            len(tracks),
        )


def _write_unlabelled(path: Path, files: Sequence[str]) -> None:
    """Write ``path,reason``; bytes of a name that are not UTF-8 are escaped."""
    if files:
        log.warning("%d audio files have no label, the first is %r", len(files), files[0])
    names = (file.encode("utf-8", "backslashreplace").decode() for file in files)
    write_csv(path, [("path", "reason"), *((name, "no label") for name in names)])


def build(
    root: Path,
    target: Path,
    layout: str,
    counts: Counts,
    scale: Sequence[float] | None = None,
) -> None:
    """Write ``tracks.csv``, ``tables`` with the published features, ``folds.csv`` and the manifest.

    ``unlabelled.csv`` lists the audio files without a label. ``folds.csv`` has the folds of the corpus' own
    ``folds.csv``, if there is one. The manifest has the number of files that are not audio, and the
    thresholds of valence and arousal if the quadrants are derived from them. A song whose file has another
    spelling than its label gets the path of the file.

    Parameters
    ----------
    root : Path
        ``data/raw/<dataset>``.
    target : Path
        ``data/index/<dataset>``; written atomically.
    layout : str
        Module of ``mer.datasets``.
    counts : mapping of str to int, int, or None
        Expected clips per quadrant, or in all; None accepts any number.
    scale : (float, float) or None
        ``corpora.<key>.range``, which the manifest keeps as ``range``.

    Raises
    ------
    MerError
        If the corpus does not follow its layout, has linked folders, an id is duplicated, the counts
        differ, a value lies outside of the range, or ``folds.csv`` is no table of folds of the corpus.
    """
    if root.is_dir():  # else the layout says what is missing
        raw_folder.check(root, hashable=False)
    module = registry.get("datasets", layout)
    tracks: list[Track] = module.tracks(root)
    _check_tracks(root, layout, tracks)
    track_ids.check(root, layout, tracks)
    labels.check_range(root, tracks, scale)
    _warn_of_unnamed(tracks)
    found = {q: sum(track.quadrant == q for track in tracks) for q in QUADRANTS}
    _check_counts(root, found, len(tracks), counts)
    published, files = datasets.published(module, root), audio_files.find(root)
    tracks = audio_files.of_tracks(tracks, files)
    named = {track.path for track in tracks}
    unlabelled, others = (sorted(set(kind) - named) for kind in files)
    own_folds = _own_folds(root, tracks)
    thresholds = module.thresholds(root) if hasattr(module, "thresholds") else None
    with writing(target) as folder:
        write_tracks(folder / "tracks.csv", tracks, _digests(root, tracks))
        write_published(folder, published)
        if own_folds:
            fold_tables.write(folder / fold_tables.NAME, own_folds)
        _write_unlabelled(folder / "unlabelled.csv", unlabelled)
        artefacts.write_manifest(
            folder,
            n=len(tracks),
            counts=found,
            has_audio=any(track.path for track in tracks),
            unlabelled=len(unlabelled),
            not_audio=len(others),
            **({"range": list(scale)} if scale else {}),
            **({"thresholds": dict(zip(labels.HIGH, thresholds))} if thresholds else {}),
        )
