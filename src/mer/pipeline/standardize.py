"""The stage ``standardize``: audio files of any format -> one mono array per corpus, and a quarantine."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from mer import parallel
from mer.decoding.clips import decode
from mer.errors import MerError, Unreadable
from mer.io import artefacts
from mer.schema.corpora import Audio, Quarantine
from mer.types import Track

log = logging.getLogger("mer")

FULL_SCALE = 32767  # int16


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
    peak = float(np.abs(samples).max())
    pcm = np.rint(samples * np.float32(FULL_SCALE / peak)).astype("<i2")
    level = peak if peak_db is None else 10 ** (peak_db / 20)
    return pcm, level / FULL_SCALE


def _unique(
    tracks: Sequence[Track], results: Iterator[Result], digests: Mapping[str, str]
) -> Iterator[Result]:
    """The results; of clips with identical files, only the first id keeps its result."""
    first: dict[str, str] = {}
    for track, result in zip(tracks, results, strict=True):
        digest = digests.get(track.id)
        if digest and not isinstance(result, Unreadable):
            twin = first.setdefault(digest, track.id)
            if twin != track.id:
                yield Unreadable(f"same content as {twin!r}")
                continue
        yield result


def _usable(
    tracks: Sequence[Track], results: Iterator[Result], quarantine: list[tuple]
) -> Iterator[artefacts.StandardClip]:
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


def _check(root: Path, faults: list[tuple], existing: int, max_fraction: float) -> None:
    """Log the clips that are left out; raise if there are too many."""
    for _, path, reason in faults:
        log.warning("%r is left out: %s", path, reason)
    if len(faults) <= max_fraction * existing and len(faults) < existing:
        return
    shown = "; ".join(f"{path!r}: {reason}" for _, path, reason in faults[:10])
    allowed = (
        "one audio file at least must be usable"
        if len(faults) == existing
        else f"at most {max_fraction:.0%} of the audio files in {root} may be unusable "
        "(quarantine.max_fraction)"
    )
    raise MerError(
        f"{allowed}; unusable are {len(faults)} of {existing}: {shown}"
        f"{'; …' if faults[10:] else ''}; repair or remove them"
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
    """Write the audio of a corpus as mono int16 at one sample rate: ``mer.io.artefacts.Standard``.

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
        The largest fraction of the existing files that may be left out, and whether a file with the same
        content as another one is left out.

    Raises
    ------
    MerError
        If a larger fraction is left out; then nothing is written.
    """
    tracks = artefacts.read_tracks(index)
    existing = {t.id for t in tracks if t.path and _exists(root / t.path)}
    if not existing:
        named = sum(track.path is not None for track in tracks)
        reason = f"no audio: {root} holds none of the {named} files that {index} names"
        artefacts.write_absent(target, reason)
        return
    work = partial(_quantized, root.absolute(), sample_rate, peak_db, limits)
    digests = artefacts.read_digests(index) if quarantine.duplicates == "drop" else {}
    with artefacts.writing(target) as folder:
        results = parallel.parallel_map(work, tracks, label=f"standardize {target.name}")
        unique = _unique(tracks, results, digests)
        left_out: list[tuple] = []
        facts = artefacts.Standard.write(folder, _usable(tracks, unique, left_out))
        faults = [row for row in left_out if row[0] in existing]
        _check(root, faults, len(existing), quarantine.max_fraction)
        artefacts.write_quarantine(folder, left_out)
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
