"""Audio files of any kind -> one memory-mapped mono array per corpus, and what had to be left out."""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile as sf
import soxr

from mer import artefacts, parallel
from mer.errors import MerError
from mer.types import Clip, Track

FULL_SCALE = 32767  # int16
SILENCE = 2.0**-16  # half a step of 16-bit audio, relative to full scale
MAX_SECONDS = 3600.0  # no excerpt; decoding it would take the memory of the machine
TOLERANCE = 0.05  # of the duration that the header promises; encoders pad, decoders trim
NO_MPEG_FRAME = 7  # libsndfile's code; its words wrongly say that there is no regular file


class Unreadable(Exception):
    """Why a file is left out: its message is the reason in ``quarantine.csv``."""


def decode(path: Path, id_: str, rate: int, min_seconds: float) -> Clip:
    """Decode a file (wav, flac, ogg, opus, mp3, …), average its channels and resample it.

    Parameters
    ----------
    rate : int
        Sampling rate of the result in Hz (soxr, quality HQ).
    min_seconds : float
        Shortest duration accepted.

    Raises
    ------
    Unreadable
        If the file is missing or empty, cannot be decoded, ends before its header says, or holds
        nothing that sounds.
    """
    channels, native = _samples(path)
    mono = sum(channels.T) / channels.shape[1]  # 20 times faster than mean(axis=1)
    if fault := _fault(mono, native, min_seconds):
        raise Unreadable(fault)
    return Clip(id_, soxr.resample(mono, native, rate, quality="HQ"), rate)


def _samples(path: Path) -> tuple[np.ndarray, int]:
    """All channels [shape=(n, channels), dtype=float32] and the file's rate in Hz."""
    if not path.exists():
        raise Unreadable("no such file")
    if not path.is_file():
        raise Unreadable("not a file")
    if path.stat().st_size == 0:
        raise Unreadable("zero bytes")
    try:
        with sf.SoundFile(path) as file:
            promised, rate = file.frames, file.samplerate
            if promised > MAX_SECONDS * rate:
                raise Unreadable(f"longer than {MAX_SECONDS:g} s: {promised / rate:.0f} s")
            # At once: libsndfile seeks between blocks, and an mp3 then decodes differently.
            samples = file.read(dtype="float32", always_2d=True)
    except sf.LibsndfileError as error:
        words = "no MPEG frame" if error.code == NO_MPEG_FRAME else error.error_string
        raise Unreadable(f"not decodable: {words}") from error
    except TypeError as error:  # soundfile takes *.raw for headerless
        raise Unreadable(f"not decodable: {error}") from error
    if 0 < len(samples) < (1 - TOLERANCE) * promised:
        got, wanted = len(samples) / rate, promised / rate
        raise Unreadable(f"ends after {got:.2f} s, its header says {wanted:.2f} s")
    return samples, rate


def _fault(mono: np.ndarray, rate: int, min_seconds: float) -> str | None:
    """What makes decoded audio useless, or None."""
    if len(mono) == 0:
        return "no samples"
    if not np.isfinite(mono).all():
        return "not finite"
    if np.abs(mono).max() < SILENCE:
        return "silent"
    if np.ptp(mono) < 2 * SILENCE:
        return f"constant offset of {mono.mean():.3g}"
    if len(mono) < min_seconds * rate:
        return f"shorter than {min_seconds:g} s: {len(mono) / rate:.2f} s"
    return None


def resample(clip: Clip, rate: int) -> Clip:
    """The clip at ``rate`` Hz, at most its own (soxr, quality HQ).

    Raises
    ------
    MerError
        If ``rate`` is higher: a view or family must not claim a band that the corpus has not.
    """
    if rate > clip.rate:
        raise MerError(
            f"the clip {clip.id!r} has {clip.rate} Hz and must not be raised to {rate} Hz; lower "
            "the rate of the view or family, or raise that of the corpus"
        )
    if rate == clip.rate:
        return clip
    return Clip(clip.id, soxr.resample(clip.samples, clip.rate, rate, quality="HQ"), rate)


def _quantized(
    root: Path, rate: int, peak_db: float | None, min_seconds: float, track: Track
) -> tuple[np.ndarray, float] | Unreadable:
    """A clip as int16 that uses the whole range, and the factor back to its level; or why not."""
    if track.path is None:
        return Unreadable("no file named in the index")
    try:
        samples = decode(root / track.path, track.id, rate, min_seconds).samples
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


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_audio(
    path: Path, tracks: Sequence[Track], results: Iterator[tuple[np.ndarray, float] | Unreadable]
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


def _check(root: Path, faults: list[tuple], existing: int, max_fraction: float) -> None:
    """Refuse a corpus of which too much is unreadable."""
    if len(faults) <= max_fraction * existing and len(faults) < existing:
        return
    shown = "; ".join(f"{path!r}: {reason}" for _, path, reason in faults[:10])
    raise MerError(
        f"at most {max_fraction:.0%} of the {existing} audio files in {root} may be unreadable "
        f"(quarantine.max_fraction), and never all; {len(faults)} are: {shown}"
        f"{'; …' if faults[10:] else ''}; mend or remove them"
    )


def standardize(
    index: Path,
    root: Path,
    target: Path,
    *,
    rate: int,
    peak_db: float | None,
    min_seconds: float,
    max_fraction: float,
) -> None:
    """Write a corpus' audio as mono int16 at one rate and native length: ``artefacts.Standard``.

    ``audio.npy`` holds all clips end to end, each stretched to the whole range of int16;
    ``clips.csv`` says where each stands and the factor that takes it back to its level;
    ``quarantine.csv`` names the others and why. Without a single audio file the artefact is absent.

    Parameters
    ----------
    index, root, target : Path
        ``data/index/<dataset>``, ``data/raw/<dataset>`` and ``data/standard/<dataset>``.
    rate : int
        Hz.
    peak_db : float or None
        Peak of every clip in dBFS; None leaves the level alone.
    min_seconds : float
        Shorter clips are quarantined.
    max_fraction : float in [0, 1]
        Share of the files on disk that may be unreadable. A file that is missing does not count.

    Raises
    ------
    MerError
        If more are unreadable; nothing is written then.
    """
    tracks = artefacts.read_tracks(index)
    existing = {t.id for t in tracks if t.path and (root / t.path).exists()}
    if not existing:
        named = sum(track.path is not None for track in tracks)
        reason = f"no audio: {root} holds none of the {named} files that {index} names"
        artefacts.write_absent(target, reason)
        return
    work = partial(_quantized, root.absolute(), rate, peak_db, min_seconds)
    with artefacts.writing(target) as folder:
        results = parallel.each(work, tracks, label=f"standardize {target.name}")
        clips, quarantine, digest = _write_audio(folder / "audio.npy", tracks, results)
        faults = [row for row in quarantine if row[0] in existing]
        _check(root, faults, len(existing), max_fraction)
        _write_csv(folder / "clips.csv", ("id", "offset", "length", "scale"), clips)
        _write_csv(folder / "quarantine.csv", ("id", "path", "reason"), quarantine)
        artefacts.write_manifest(
            folder,
            rate=rate,
            clips=len(clips),
            quarantined=len(quarantine),
            sha256=digest,
            libsndfile=sf.__libsndfile_version__,
            soxr=soxr.__libsoxr_version__,
        )
