"""Audio files of any kind -> one memory-mapped mono array per corpus, and what had to be left out."""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf
import soxr

from mer import parallel
from mer.decoding.clips import decode
from mer.decoding.worker import Unreadable
from mer.errors import MerError
from mer.io import artefacts
from mer.io.files import write_csv
from mer.schema.corpora import Audio, Quarantine
from mer.types import Track

log = logging.getLogger("mer")

FULL_SCALE = 32767  # int16


Result = tuple[np.ndarray, float] | Unreadable


def _quantized(
    root: Path, sample_rate: int, peak_db: float | None, limits: Audio, track: Track
) -> Result:
    """A clip as int16 that uses the whole range, and the factor back to its level; or why not."""
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


def _write_header(stream: BinaryIO, length: int) -> None:
    """Write a .npy header; NumPy pads it so that a later, longer length fits in its place."""
    stream.seek(0)
    facts = {"descr": "<i2", "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(stream, facts)


def _unique(
    tracks: Sequence[Track], results: Iterator[Result], digests: Mapping[str, str]
) -> Iterator[Result]:
    """The results; of clips whose files are equal, only that of the first id."""
    first: dict[str, str] = {}
    for track, result in zip(tracks, results, strict=True):
        digest = digests.get(track.id)
        if digest and not isinstance(result, Unreadable):
            twin = first.setdefault(digest, track.id)
            if twin != track.id:
                yield Unreadable(f"same content as {twin!r}")
                continue
        yield result


def _write_audio(
    path: Path, tracks: Sequence[Track], results: Iterator[Result]
) -> tuple[list[tuple], list[tuple], str]:
    """Stream the results to ``path``; rows of clips.csv and quarantine.csv, sha256 of the audio."""
    clips: list[tuple] = []
    quarantine: list[tuple] = []
    digest, offset = hashlib.sha256(), 0
    with path.open("wb") as stream:
        _write_header(stream, 0)
        for track, result in zip(tracks, results, strict=True):
            if isinstance(result, Unreadable):
                quarantine.append((track.id, track.path, str(result)))
                continue
            pcm, scale = result
            stream.write(pcm.tobytes())
            digest.update(pcm.tobytes())
            clips.append((track.id, offset, len(pcm), scale))
            offset += len(pcm)
        _write_header(stream, offset)
    return clips, quarantine, digest.hexdigest()


def _exists(path: Path) -> bool:
    """Whether a file is there, be it out of reach."""
    try:
        return path.exists()
    except OSError:
        return True


def _check(root: Path, faults: list[tuple], existing: int, max_fraction: float) -> None:
    """Log what is left out; refuse a corpus of which it is too much."""
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
        f"{'; …' if faults[10:] else ''}; mend or remove them"
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
    """Write a corpus' audio as mono int16 at one rate and native length: ``artefacts.Standard``.

    ``audio.npy`` holds all clips end to end, each stretched to the whole range of int16;
    ``clips.csv`` says where each stands and the factor that takes it back to its level;
    ``quarantine.csv`` names the others and why. Without a single audio file the artefact is absent.

    Parameters
    ----------
    index, root, target : Path
        ``data/index/<dataset>``, ``data/raw/<dataset>`` and ``data/standard/<dataset>``.
    sample_rate : int
        Hz.
    peak_db : float or None
        Peak of every clip in dBFS; None leaves the level alone.
    limits : Audio
        What is accepted of a file, and what decoding it may take.
    quarantine : Quarantine
        The share of the files on disk that may be left out (one that is missing does not count), and
        whether a file whose content another id has already is.

    Raises
    ------
    MerError
        If more are left out; nothing is written then.
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
        clips, left_out, digest = _write_audio(folder / "audio.npy", tracks, unique)
        faults = [row for row in left_out if row[0] in existing]
        _check(root, faults, len(existing), quarantine.max_fraction)
        write_csv(folder / "clips.csv", [("id", "offset", "length", "scale"), *clips])
        write_csv(folder / "quarantine.csv", [("id", "path", "reason"), *left_out])
        artefacts.write_manifest(
            folder,
            rate=sample_rate,
            clips=len(clips),
            quarantined=len(faults),
            missing=len(left_out) - len(faults),
            sha256=digest,
            libsndfile=sf.__libsndfile_version__,
            soxr=soxr.__libsoxr_version__,
        )
