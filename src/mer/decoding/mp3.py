"""MP3 files: truncated ones, and those that do not say how many frames they have (ISO 11172-3, 2.4.2.3).

Without a count of frames, in a Xing or VBRI header, libsndfile assumes that all frames have the bit rate of
the first, and may stop too early. This module counts the frames.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

PADDING = 5  # frames that encoders add and decoders drop
BIT_RATES = {  # kbit/s by whether the file is MPEG-1
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
LAYER_3 = 1
XING = struct.Struct(">4sII")  # tag, flags, number of frames
TAGS = (b"Xing", b"Info")
COUNTED = 1  # flag of the number of frames
VBRI = 36  # position of that tag in a frame, in bytes


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


def after_tags(data: bytes) -> int:
    """The position after the ID3v2 tags at the start of a file."""
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


def _frames(data: bytes) -> Iterator[tuple[int, Frame]]:
    """Positions and headers of the frames; other bytes are skipped."""
    at = _next(data, after_tags(data))
    while frame := _frame(data, at):
        yield at, frame
        at += frame.size
        if not _frame(data, at):
            at = _next(data, at)


def _xing(data: bytes, at: int, frame: Frame) -> tuple[bytes, int, int]:
    """Tag, flags and number of frames where a Xing header has them in the frame at ``at``."""
    begin = at + frame.info
    return XING.unpack(data[begin : begin + XING.size].ljust(XING.size, b"\0"))


def fault(data: bytes, seconds: float) -> str | None:
    """The reason why a file is truncated, or was not decoded to its end, or None.

    Parameters
    ----------
    seconds : float
        Duration of the decoded samples.
    """
    frames = list(_frames(data))
    if not frames:
        return None
    (start, first), (end, last), there = frames[0], frames[-1], len(frames)
    if end + last.size > len(data):
        return f"truncated: its last frame has {len(data) - end} of {last.size} bytes"
    tag, flags, promised = _xing(data, start, first)
    if tag in TAGS and flags & COUNTED and there + PADDING < promised:
        return f"truncated: its header says {promised} frames, {there} are there"
    step = first.samples / first.sample_rate
    if abs(there * step - seconds) > PADDING * step:
        return f"decodes to {seconds:.2f} s, its frames last {there * step:.2f} s"
    return None


def counted(data: bytes) -> bytes:
    """The same audio behind a Xing header with the number of frames, in place of a header without it."""
    frames = list(_frames(data))
    if not frames:
        return data
    at, first = frames[0]
    described = _xing(data, at, first)[0] in TAGS or data[at + VBRI : at + VBRI + 4] == b"VBRI"
    header = XING.pack(TAGS[0], COUNTED, len(frames) - described)
    info = data[at : at + 4] + bytes(first.info - 4) + header
    if len(info) > first.size:
        return data
    return info.ljust(first.size, b"\0") + data[at + first.size * described :]
