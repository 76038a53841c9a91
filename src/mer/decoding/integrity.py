"""Detection of truncated audio files: the length in the header, compared with the decoded length.

libsndfile shortens a truncated file to its existing bytes and reports it only in its log. For an mp3
without a Xing header, it assumes that all frames have the bit rate of the first, and may stop too early.
It skips damaged Ogg pages. This module therefore counts mp3 frames (ISO 11172-3, 2.4.2.3) and checks Ogg
pages (RFC 3533, section 6).
"""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SHORTENED = re.compile(
    r"^ *(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.MULTILINE
)
SLACK = 64  # bytes; some writers count their header
TOLERANCE = 0.02  # of the frames claimed
END_OF_STREAM = 4  # flag of an Ogg page
PADDING = 5  # frames of mp3 that encoders add and decoders drop
BIT_RATES = {  # kbit/s by whether the file is MPEG-1
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
LAYER_3 = 1
PCM = (1, 3, 0xFFFE)
FOREIGN = {  # by bytes at an offset
    (4, b"ftyp"): "MP4 (AAC, ALAC)",
    (0, b"\x30\x26\xb2\x75"): "ASF (WMA)",
    (0, b"\x1a\x45\xdf\xa3"): "Matroska or WebM",
    (0, b"MAC "): "Monkey's Audio",
    (0, b"wvpk"): "WavPack",
}
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def truncation(
    path: Path, format_: str, log: str, claimed: int, decoded: int, sample_rate: int
) -> str | None:
    """The reason why a file is truncated or damaged, or None.

    Parameters
    ----------
    format_, log : str
        Format and log of libsndfile.
    claimed, decoded : int
        Samples per channel that libsndfile expects, and the number that it decoded.
    sample_rate : int
        Hz.
    """
    for says, has in SHORTENED.findall(log):
        if int(says) > int(has) + SLACK:
            return f"truncated: its header says {says} bytes, {has} are there"
    if format_ == "MP3":
        return _mp3(path.read_bytes(), decoded, sample_rate)
    if format_ == "OGG" and (cut := _ogg(path.read_bytes())):
        return cut
    if decoded < (1 - TOLERANCE) * claimed:
        promised, there = claimed / sample_rate, decoded / sample_rate
        return f"truncated: its header says {promised:.2f} s, {there:.2f} s are there"
    return None


def foreign(path: Path) -> str | None:
    """The name of a known format that libsndfile cannot decode, or None."""
    with path.open("rb") as stream:
        start = stream.read(22)
    codec = int.from_bytes(start[20:22], "little")
    if start[:4] == b"RIFF" and start[8:16] == b"WAVEfmt " and codec not in PCM:
        return f"wav with the codec 0x{codec:04x}"
    return next(
        (name for (at, magic), name in FOREIGN.items() if start[at:].startswith(magic)), None
    )


def _checksum(page: bytes) -> int:
    """CRC-32 of an Ogg page: most significant bit first, initial value 0, its own field set to 0."""
    content = (page[:22] + bytes(4) + page[26:]).translate(REVERSED)
    return int(f"{zlib.crc32(content, 2**32 - 1) ^ (2**32 - 1):032b}"[::-1], 2)


def _ogg(data: bytes) -> str | None:
    at, number, flags = data.find(b"OggS"), 0, 0
    while data[at : at + 4] == b"OggS" and len(data) >= at + 27:
        table = data[at + 27 : at + 27 + data[at + 26]]
        page = data[at : at + 27 + data[at + 26] + sum(table)]
        if int.from_bytes(page[22:26], "little") != _checksum(page):
            cut = at + 27 + data[at + 26] + sum(table) > len(data)
            return "truncated: its last page is not whole" if cut else f"damaged: page {number}"
        at, number, flags = at + len(page), number + 1, page[5]
    return None if flags & END_OF_STREAM else "truncated: its last page is missing"


class Frame(NamedTuple):
    """The header of a frame of MPEG audio, layer III.

    Attributes
    ----------
    size : bytes, this header included
    samples : per channel
    sample_rate : Hz
    info : position of the Xing header in the frame, in bytes
    """

    size: int
    samples: int
    sample_rate: int
    info: int


def _frame(data: bytes, at: int) -> Frame | None:
    """The frame whose header is at ``at``; None for free format and other layers."""
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, rate_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version not in RATES or layer != LAYER_3 or bits in (0, 15) or rate_index == 3:
        return None
    first, mono = version == 3, head[3] >> 6 == 3
    samples, hertz = 1152 if first else 576, RATES[version][rate_index]
    size = samples * BIT_RATES[first][bits - 1] * 125 // hertz + padding
    side = (17 if mono else 32) if first else (9 if mono else 17)
    return Frame(size, samples, hertz, 4 + side)


def _start(data: bytes) -> int:
    """The position after the ID3v2 tags."""
    at = 0
    while data[at : at + 3] == b"ID3" and len(data) >= at + 10:
        size = data[at + 6 : at + 10]
        at += 10 + (size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3])
    return at


def _next(data: bytes, at: int) -> int:
    """The position of the next two consecutive frames of one sample rate, or the end of the data."""
    while (at := data.find(b"\xff", at)) >= 0:
        frame = _frame(data, at)
        second = frame and _frame(data, at + frame.size)
        if frame and second and frame.sample_rate == second.sample_rate:
            return at
        at += 1
    return len(data)


def _promised(data: bytes, at: int, frame: Frame) -> int | None:
    """The number of frames in the Xing header, or None."""
    header = data[at + frame.info : at + frame.info + 12].ljust(12, b"\0")
    tag, flags, count = struct.unpack(">4sII", header)
    return count if tag in (b"Xing", b"Info") and flags & 1 else None


def _frames(data: bytes) -> Iterator[tuple[int, Frame]]:
    """Positions and headers of the frames; other bytes are skipped."""
    at = _next(data, _start(data))
    while frame := _frame(data, at):
        yield at, frame
        at += frame.size
        if not _frame(data, at):
            at = _next(data, at)


def _mp3(data: bytes, decoded: int, sample_rate: int) -> str | None:
    frames = list(_frames(data))
    if not frames:
        return None
    (start, first), (end, last), there = frames[0], frames[-1], len(frames)
    if end + last.size > len(data):
        return f"truncated: its last frame has {len(data) - end} of {last.size} bytes"
    promised = _promised(data, start, first)
    if promised and there + PADDING < promised:
        return f"truncated: its header says {promised} frames, {there} are there"
    seconds, step = decoded / sample_rate, first.samples / first.sample_rate
    if abs(there * step - seconds) > PADDING * step:
        return f"decodes to {seconds:.2f} s, its frames last {there * step:.2f} s"
    return None
