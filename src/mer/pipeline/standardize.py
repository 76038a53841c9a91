"""The stage ``standardize``: audio files of any format -> one mono array per corpus, and a quarantine."""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from mer.audio import quantized
from mer.decoding.clips import decode
from mer.errors import MerError, Unreadable
from mer.io import artefacts
from mer.io.files import writing
from mer.io.standard import Standard, StandardClip, write_quarantine, write_twins
from mer.io.tracks import read_digests, read_tracks, unlabelled
from mer.runtime import parallel
from mer.schema.corpora import Audio, Quarantine
from mer.types import Track

log = logging.getLogger("mer")

SHOWN = 10  # of the files left out and of the missing ones; quarantine.csv lists them all


Result = tuple[np.ndarray, float] | Unreadable


def _quantized(
    root: Path, sample_rate: int, peak_db: float | None, limits: Audio, track: Track
) -> Result:
    """A clip as int16 with a peak of full scale and the factor to its level; or why it is unreadable."""
    if track.path is None:
        return Unreadable("no file named in the index")
    try:
        samples = decode(root / track.path, track.id, sample_rate, limits).samples
    except Unreadable as fault:
        return fault
    return quantized(samples, peak_db)


def _contradiction(first: Track, track: Track) -> str:
    """The words for two tracks of one recording that have different labels."""
    labels = [track.label or track.quadrant for track in (first, track)]
    if labels[0] == labels[1]:
        return ""
    return f", which is labelled {labels[0]} and this one {labels[1]}"


class _Duplicates:
    """Clips with the samples of an earlier clip: the same recording, perhaps with other tags or as FLAC.

    Attributes
    ----------
    twins : dict of str to str
        Id -> id of the first clip with the same samples.
    """

    def __init__(self, tracks: Sequence[Track], digests: Mapping[str, str], *, drop: bool) -> None:
        self._tracks, self._digests, self._drop = tracks, digests, drop
        self.twins: dict[str, str] = {}

    def removed(self, results: Iterator[Result]) -> Iterator[Result]:
        """The results; a duplicate is unreadable if duplicates are dropped, and else stays."""
        first: dict[bytes, Track] = {}
        for track, result in zip(self._tracks, results, strict=True):
            if isinstance(result, Unreadable):
                yield result
                continue
            twin = first.setdefault(hashlib.sha256(result[0].tobytes()).digest(), track)
            yield result if twin is track else self._reported(twin, track, result)

    def _reported(self, twin: Track, track: Track, result: Result) -> Result:
        self.twins[track.id] = twin.id
        same_file = self._digests.get(track.id) == self._digests.get(twin.id) is not None
        what = "content" if same_file else "samples"
        reason = f"same {what} as {twin.id!r}{_contradiction(twin, track)}"
        if self._drop:
            return Unreadable(reason)
        if _contradiction(twin, track):
            log.warning("%r has the %s", track.path, reason)
        return result


def _usable(
    tracks: Sequence[Track], results: Iterator[Result], quarantine: list[tuple]
) -> Iterator[StandardClip]:
    """The clips that could be decoded; the rows of the others are added to ``quarantine``."""
    for track, result in zip(tracks, results, strict=True):
        if isinstance(result, Unreadable):
            quarantine.append((track.id, track.path, str(result)))
        else:
            yield track.id, *result


def _exists(path: Path) -> bool:
    """Whether a file exists, even if it cannot be accessed."""
    try:
        return path.exists()
    except OSError:
        return True


def _listed(rows: Sequence[tuple]) -> str:
    """The first paths and reasons of rows of the quarantine."""
    shown = "; ".join(f"{path!r}: {reason}" for _, path, reason in rows[:SHOWN])
    return f"{shown}{'; …' if rows[SHOWN:] else ''}"


def _check(root: Path, faults: list[tuple], existing: int, max_fraction: float) -> None:
    """Log the first clips that are left out; raise if there are too many."""
    for _, path, reason in faults[:SHOWN]:
        log.warning("%r is left out: %s", path, reason)
    if faults[SHOWN:]:
        log.warning("%d files are left out in all, with such reasons", len(faults))
    if len(faults) <= max_fraction * existing and len(faults) < existing:
        return
    allowed = (
        "one audio file at least must be usable"
        if len(faults) == existing
        else f"at most {max_fraction:.0%} of the audio files in {root} may be unusable "
        "(quarantine.max_fraction)"
    )
    raise MerError(
        f"{allowed}; unusable are {len(faults)} of {existing}: {_listed(faults)}; repair or remove them"
    )


def _check_missing(root: Path, missing: list[str], named: int, max_missing: float) -> None:
    """Log the labelled songs without a file; raise if there are too many."""
    if not missing:
        return
    first = ", ".join(map(repr, missing[:SHOWN])) + (", …" if missing[SHOWN:] else "")
    log.warning("%d of %d labelled songs have no file: %s", len(missing), named, first)
    if max_missing * named < len(missing) < named:
        raise MerError(
            f"at most {max_missing:.0%} of the labelled songs may have no file in {root} "
            f"(quarantine.max_missing); without one are {len(missing)} of {named}: {first}; add the files, "
            "or correct or remove the labels"
        )


def _check_unlabelled(root: Path, missing: list[str], others: list[str]) -> None:
    """Refuse labels of which none names a file, where there are files."""
    if others:
        raise MerError(
            f"the labels must name audio files in {root}, but none of the {len(missing)} files that they "
            f"name is there, such as {missing[0]!r}, and the {len(others)} that are there have no label, "
            f"such as {others[0]!r}; correct the names in the labels"
        )


def standardize(
    index: Path,
    root: Path,
    target: Path,
    *,
    sample_rate: int,
    peak_db: float | None,
    limits: Audio,
    quarantine: Quarantine,
) -> None:
    """Write the audio of a corpus as mono int16 at one sample rate: ``mer.io.standard.Standard``.

    Clips keep their length; each is stored with a peak of full scale, so that int16 loses little. The
    artefact is absent if the corpus has no audio file at all.

    Parameters
    ----------
    index, root, target : Path
        ``data/index/<dataset>``, ``data/raw/<dataset>`` and ``data/standard/<dataset>``.
    sample_rate : int
        Hz.
    peak_db : float or None
        Peak of every clip in dBFS; None keeps the levels.
    limits : Audio
        Limits of a file's size and of the resources for decoding it.
    quarantine : Quarantine
        The largest fractions of the existing files that may be left out and of the labelled songs that may
        have no file, and whether a clip with the samples of an earlier one is left out.

    Raises
    ------
    MerError
        If a larger fraction is left out or missing, or no label names a file and there are files; then
        nothing is written.
    """
    tracks = read_tracks(index)
    named = {t.id: t.path for t in tracks if t.path}
    existing = {id_ for id_, path in named.items() if _exists(root / path)}
    missing = [path for id_, path in named.items() if id_ not in existing]
    if missing and not existing:
        _check_unlabelled(root, missing, unlabelled(index))
    _check_missing(root, missing, len(named), quarantine.max_missing)
    if not existing:
        reason = f"no audio: {root} holds none of the {len(named)} files that {index} names"
        artefacts.write_absent(target, reason)
        return
    work = partial(_quantized, root.absolute(), sample_rate, peak_db, limits)
    duplicates = _Duplicates(tracks, read_digests(index), drop=quarantine.duplicates == "drop")
    with writing(target) as folder:
        results = parallel.parallel_map(work, tracks, label=f"standardize {target.name}")
        left_out: list[tuple] = []
        usable = _usable(tracks, duplicates.removed(results), left_out)
        facts = Standard.write(folder, usable)
        faults = [row for row in left_out if row[0] in existing]
        _check(root, faults, len(existing), quarantine.max_fraction)
        write_quarantine(folder, left_out)
        write_twins(folder, duplicates.twins)
        artefacts.write_manifest(
            folder,
            rate=sample_rate,
            clips=facts["clips"],
            quarantined=len(faults),
            missing=len(left_out) - len(faults),
            sha256=facts["sha256"],
            libsndfile=sf.__libsndfile_version__,
            soxr=soxr.__libsoxr_version__,
        )
