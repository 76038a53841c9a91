"""Your own songs: files and folders -> clips in memory, prepared as those of a corpus.

The id of a song is its path as given.
"""

import logging
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import soxr

from mer import config
from mer.audio import quantized
from mer.decoding import client
from mer.decoding.downmix import SILENCE, Downmix
from mer.decoding.streams import impossible
from mer.errors import MerError
from mer.io import audio_files
from mer.io.files import is_folder
from mer.runtime.processes import removed_at_end
from mer.schema.corpora import Audio
from mer.types import Clip

STDIO = "-"  # standard input
SPOOL = "mer-standard-input-"  # how the folder with the content of standard input is named
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # which spreadsheets run at the start of a cell
HIGH = (5600.0, 8000.0)  # Hz; audio of a sample rate up to 11,025 Hz has nothing there
LEAST_HIGH = -75.0  # dB of all power; 3 of 4QAED's 900 clips have less, the others -64 or more
FRAME = 4096
LONGEST = 1e9  # s; no recording is longer, and more samples could not be counted
PIECE_MIB = 64  # of decoded samples: a longer recording is decoded piece by piece

log = logging.getLogger("mer")


class Excerpt(NamedTuple):
    """An excerpt of a song, from its ``start`` in seconds."""

    start: float
    clip: Clip


def leave_out(path: str, reason: str, left_out: dict[str, str]) -> None:
    """Log that a file or folder is left out, and keep the reason under its name."""
    left_out[path.encode("utf-8", "backslashreplace").decode()] = reason
    log.warning("%r is left out: %s", shown(path), reason)


def require_any(found: Sequence[object], left_out: Mapping[str, str]) -> None:
    """Raise a ``MerError`` if no file could be used."""
    if not found:
        path, reason = next(iter(left_out.items()))
        raise MerError(f"at least one audio file must be usable; {shown(path)!r}: {reason}")


def _audio_in(folder: str, left_out: dict[str, str]) -> set[str]:
    """The audio files in a folder; folders in it that cannot be read are left out."""

    def skip(error: OSError) -> None:
        if Path(error.filename) == Path(folder):
            raise audio_files.unreadable_folder(error) from error
        leave_out(error.filename, f"not readable ({error.strerror})", left_out)

    inside = audio_files.find(Path(folder), skip)
    if inside.others:
        log.warning(
            "files in %r that are not audio, by their suffix: %d", folder, len(inside.others)
        )
    return {str(Path(folder, name)) for name in inside.audio}


def files(places: Sequence[str], left_out: dict[str, str]) -> list[str]:
    """The given files and the audio files in the given folders, sorted, without duplicates.

    Parameters
    ----------
    left_out : dict of str to str
        Receives the folders that cannot be read and the names that are not UTF-8, with the reason of each.

    Raises
    ------
    MerError
        If no place is given, one has an empty name, none is an audio file, or no name is UTF-8.
    """
    if not places:
        raise MerError("at least one audio file or folder must be named, and none is")
    if "" in places:
        raise MerError("a song must be the path of a file or folder, not ''; name one")
    found: set[str] = set()
    for place in places:
        found |= _audio_in(place, left_out) if is_folder(Path(place)) else {str(Path(place))}
    if not found:
        known = " ".join(sorted(audio_files.READ_BY_LIBSNDFILE))
        raise MerError(f"{', '.join(places)} must hold audio files ({known})")
    named = {path for path in found if path == path.encode("utf-8", "replace").decode()}
    for path in sorted(found - named):
        leave_out(path, "its name must be UTF-8; rename it", left_out)
    if not named:
        raise MerError(f"the name of a file must be UTF-8, not {min(found)!r}; rename it")
    return sorted(f"./{path}" if path.startswith(FORMULA) else path for path in named)


@contextmanager
def spooled(places: Sequence[str]) -> Iterator[list[str]]:
    """The places, ``-`` replaced by a temporary file named ``-`` with the content of standard input.

    Raises
    ------
    MerError
        If standard input is asked for and empty.
    """
    if STDIO not in places:
        yield list(places)
        return
    with TemporaryDirectory(prefix=SPOOL) as folder, removed_at_end(Path(folder)):
        path = Path(folder, STDIO)
        with path.open("wb") as stream:
            if sys.stdin is not None:  # as it is where a shell has closed it
                shutil.copyfileobj(sys.stdin.buffer, stream)
        if not path.stat().st_size:
            raise MerError(
                "standard input must hold an audio file, and is empty; use `mer predict - < song`"
            )
        yield [str(path) if place == STDIO else place for place in places]


def shown(path: str) -> str:
    """The name of a song as it was given: ``-`` for the file that ``spooled`` has made of it."""
    place = Path(path)
    is_spooled = place.name == STDIO and place.parent.name.startswith(SPOOL)
    return STDIO if is_spooled else path


def limits() -> Audio:
    """The limits of decoding; they bound the pieces of a song, not the song."""
    (audio,) = config.read("audio", path=config.params_file())
    return audio.model_copy(update={"max_pcm_mib": PIECE_MIB})


def decoded(path: str, sample_rate: int) -> Iterator[np.ndarray]:
    """The samples of a file in pieces; see ``mer.decoding.long_files.pieces``.

    Raises
    ------
    Unreadable
        If the file cannot be used.
    """
    return client.pieces(Path(path).absolute(), sample_rate, limits())


def mono(samples: np.ndarray, native: int, sample_rate: int) -> np.ndarray:
    """Samples as ``decoded`` gives them.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,) or (n, channels)]
        Floats; full scale is 1.0.
    native, sample_rate : int
        Sample rates of the samples and of the result in Hz.

    Raises
    ------
    MerError
        If the array has another shape or type, is not finite, too short or far above full scale, its
        channels cancel out, or ``native`` is not positive.
    """
    given = np.asarray(samples)
    if given.dtype.kind != "f":
        raise MerError(
            f"samples must be floats with a full scale of 1.0, not {given.dtype}; divide integers by "
            "their full scale, such as 32768"
        )
    channels = given.astype(np.float32)
    if channels.ndim not in (1, 2) or not channels.size:
        raise MerError(
            f"samples must have the shape (n,) or (n, channels) with some of each, not {channels.shape}"
        )
    if unusable := int((~np.isfinite(channels)).sum()):
        raise MerError(f"samples must be finite; {unusable} of {channels.size} are NaN or infinite")
    if channels.ndim == 2 and channels.shape[1] > len(channels):
        raise MerError(
            f"samples must have the shape (n, channels), not {channels.shape}; transpose them"
        )
    if not (isinstance(native, Real) and 0 < native < float("inf")):
        raise MerError(f"the sample rate must be a positive number of Hz, not {native!r}")
    seconds, shortest = len(channels) / native, limits().min_seconds
    if seconds < shortest:
        raise MerError(f"samples must last {shortest:g} s or more, not {seconds:.3f} s")
    if channels.ndim == 2:
        channels = _averaged(channels)
    if fault := impossible(channels):
        raise MerError(f"samples must have a full scale of 1.0, and {fault}; divide them")
    return soxr.resample(channels, native, sample_rate, quality="HQ")


def _averaged(channels: np.ndarray) -> np.ndarray:
    """The average of channels [shape=(n, channels) -> (n,)]; one in which they cancel out is refused."""
    downmix = Downmix(channels.shape[1])
    average = downmix.averaged(channels)
    if fault := downmix.fault():
        raise MerError(f"samples must have an audible average, and {fault}")
    return average


def clip(samples: np.ndarray, id_: str, sample_rate: int, peak_db: float | None) -> Clip:
    """A clip with the samples that a corpus would store and read again."""
    pcm, scale = quantized(samples, peak_db)
    return Clip(id_, pcm * np.float32(scale), sample_rate)


def paths_of(given: str | Path | Iterable[str | Path]) -> list[str]:
    """The paths of one file or folder, or of several.

    Raises
    ------
    MerError
        If something is no path, such as an array of samples.
    """
    one = isinstance(given, str | Path) or not isinstance(given, Iterable)
    paths: list[Any] = [given] if one else [*given]  # type: ignore[misc]
    if all(isinstance(path, str | Path) for path in paths):
        return [os.fspath(path) for path in paths]
    raise MerError(
        "songs must be the paths of files or folders, each a str or a Path, and not of the type "
        f"{type(given).__name__!r}; Predictor.predict_array and mer.features take samples"
    )


def is_silent(samples: np.ndarray) -> bool:
    """Whether samples are constant within half a step of 16-bit audio."""
    return bool(np.ptp(samples) < 2 * SILENCE)


def is_band_limited(clip: Clip) -> bool:
    """Whether a clip has no sound from 5.6 to 8 kHz, such as audio that once had a sample rate of 8 kHz.

    False for a clip below 16 kHz: its system was trained at that rate and reads no higher band.
    """
    if clip.sample_rate < 2 * HIGH[1]:
        return False
    frames = np.resize(clip.samples, (max(len(clip.samples) // FRAME, 1), FRAME))
    spectra = np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32))
    power = np.square(np.abs(spectra)).sum(axis=0)
    frequencies = np.fft.rfftfreq(FRAME, 1 / clip.sample_rate)
    high = power[(frequencies > HIGH[0]) & (frequencies < HIGH[1])].sum()
    return bool(high < power.sum() * 10 ** (LEAST_HIGH / 10))


def windows(pieces: Iterable[np.ndarray], size: int, hop: int) -> Iterator[tuple[int, np.ndarray]]:
    """Windows over consecutive pieces of samples, with the position of their first sample.

    A shorter last window is kept if at least half of a step (the smaller of ``hop`` and ``size``) is new,
    or it is the only one.
    """
    held, start, overlap = np.empty(0, np.float32), 0, max(size - hop, 0)
    for piece in pieces:
        held = np.concatenate([held, piece])
        while len(held) >= max(size, hop):
            yield start, held[:size]
            held, start = held[hop:], start + hop
    while len(held) and (2 * (len(held) - overlap) >= min(size, hop) or start == 0):
        yield start, held[:size]
        held, start = held[hop:], start + hop


def excerpts(
    song: str,
    pieces: Iterable[np.ndarray],
    sample_rate: int,
    *,
    seconds: float,
    hop: float,
    peak_db: float | None,
) -> Iterator[Excerpt]:
    """Excerpts of a song; silent ones are left out.

    Parameters
    ----------
    song : str
        Id of the song; its excerpts are ``<song>#<number>``.
    pieces : iterable of np.ndarray [shape=(n,), dtype=float32]
        The samples of the song.
    seconds, hop : float
        Length of an excerpt, and distance from one to the next.
    peak_db : float or None
        Peak of every excerpt in dBFS; None keeps the level.
    """
    size, step = (round(min(length, LONGEST) * sample_rate) for length in (seconds, hop))
    for number, (start, samples) in enumerate(windows(pieces, size, step)):
        if is_silent(samples):
            log.debug("%s#%d is left out: silent", song, number)
        else:
            found = clip(samples, f"{song}#{number}", sample_rate, peak_db)
            yield Excerpt(start / sample_rate, found)
