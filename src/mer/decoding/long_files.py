"""Decoding of a recording of any length to the average of its channels, piece by piece."""

import io
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from mer.decoding import ffmpeg, integrity, lengths, mp3, ogg
from mer.decoding.downmix import Downmix
from mer.decoding.files import CHANGED, TooLong, decode, for_ffmpeg, magic, version
from mer.decoding.streams import (
    Forward,
    Source,
    blocks,
    bytes_per_sample,
    claimed,
    common_form,
    impossible,
)
from mer.errors import Unreadable


def pieces(path: Path, sample_rate: int, min_seconds: float, max_pcm: int) -> Iterator[np.ndarray]:
    """The samples of a file of any length, piece by piece, with the parameters of ``files.decode``.

    A file of at most ``max_pcm`` bytes of samples is one piece: the result of ``decode``. A longer one is
    read twice up to there; a truncation of it is found at its end.

    Raises
    ------
    Unreadable
        As ``decode``, except that parts of a long recording may be silent.
    """
    before = version(path)
    try:
        yield decode(path, sample_rate, min_seconds, max_pcm)
    except TooLong:
        try:
            yield from _long_file(path, sample_rate, max_pcm)
        except sf.LibsndfileError as error:
            raise Unreadable(f"not decodable: {error.error_string}") from error
        if version(path) != before:
            raise Unreadable(CHANGED) from None


def _long_file(path: Path, sample_rate: int, max_pcm: int) -> Iterator[np.ndarray]:
    """The resampled samples of a file that ``decode`` refuses as too long, block by block."""
    if format_ := for_ffmpeg(path):
        with ffmpeg.decoding(path, format_) as running:
            running.check((yield from _long([running.output], sample_rate, max_pcm)))
    elif magic(path) == ogg.MAGIC:
        links = [io.BytesIO(link) for link in ogg.links(path.read_bytes())]
        yield from _long(links, sample_rate, max_pcm)
    elif _is_mp3(path):
        yield from _long_mp3(path, sample_rate, max_pcm)
    else:
        yield from _long([lengths.with_length(path) or path], sample_rate, max_pcm)


def _is_mp3(path: Path) -> bool:
    """Whether libsndfile reads a file as an mp3."""
    with Forward(lengths.with_length(path) or path, closefd=False) as file:
        return file.format == "MP3"


def _long_mp3(path: Path, sample_rate: int, max_pcm: int) -> Iterator[np.ndarray]:
    """The resampled samples of an mp3, with a count of its frames where libsndfile has a wrong one."""
    data = path.read_bytes()
    with Forward(path) as file:
        claimed = file.frames / file.samplerate
    source = io.BytesIO(mp3.counted(data)) if mp3.fault(data, claimed) else path
    seconds = yield from _long([source], sample_rate, max_pcm)
    if fault := mp3.fault(data, seconds):
        raise Unreadable(fault)


def _long(
    sources: Sequence[Source], sample_rate: int, max_pcm: int
) -> Generator[np.ndarray, None, float]:
    """The resampled samples of streams, one after the other, block by block; returns their seconds."""
    with ExitStack() as stack:
        opened = [stack.enter_context(Forward(source, closefd=False)) for source in sources]
        native, channels = common_form((file.samplerate, file.channels) for file in opened)
        count, downmix = 0, Downmix(channels)
        resampler = soxr.ResampleStream(native, sample_rate, 1, dtype="float32", quality="HQ")
        size = max_pcm // bytes_per_sample(native, sample_rate)
        for file, source in zip(opened, sources, strict=True):
            for mono in _complete(file, claimed(file, source), downmix, size):
                count += len(mono)
                if len(found := resampler.resample_chunk(mono)):
                    yield found
        if fault := downmix.fault():
            raise Unreadable(fault)
        if len(found := resampler.resample_chunk(np.empty(0, np.float32), last=True)):
            yield found
    return count / native


def _complete(file: Forward, expected: int, downmix: Downmix, size: int) -> Iterator[np.ndarray]:
    """The blocks of a stream; raises at samples that are no audio, or at its end if it is truncated."""
    count = 0
    for mono in blocks(file, downmix, sys.maxsize, size):
        if fault := impossible(mono):
            raise Unreadable(fault)
        count += len(mono)
        yield mono
    log = file.extra_info
    if fault := integrity.truncation(file.format, log, expected, count, file.samplerate):
        raise Unreadable(fault)
