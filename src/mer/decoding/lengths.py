"""WAV, AIFF and CAF files without a length, as programs write them into a pipe.

Their header has a placeholder in place of the number of bytes: 0, all bits set, or a number near 2 GiB. The
samples last to the end of the file.
"""

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

LARGEST = 2**31 - 4096  # 0x7FFFF000 is SoX's placeholder, 0xFFFFFFFF that of ffmpeg


class _Container(NamedTuple):
    """Where a kind of file has the number of bytes of its samples.

    Attributes
    ----------
    field : format of the number
    whole : position of the number of bytes in the whole file, or None
    first : position of the first chunk
    samples : id of the chunk of the samples
    """

    field: struct.Struct
    whole: int | None
    first: int
    samples: bytes


CONTAINERS = {
    b"RIFF": _Container(struct.Struct("<I"), 4, 12, b"data"),
    b"FORM": _Container(struct.Struct(">I"), 4, 12, b"SSND"),
    b"caff": _Container(struct.Struct(">q"), None, 8, b"data"),
}


def _samples_chunk(data: mmap.mmap, kind: _Container) -> int | None:
    """The position of the chunk of the samples, or None."""
    at = kind.first
    while at + 4 + kind.field.size <= len(data):
        (size,) = kind.field.unpack_from(data, at + 4)
        if data[at : at + 4] == kind.samples:
            return at
        at += 4 + kind.field.size + max(0, size) + size % 2 * (kind.whole is not None)
    return None


def _is_chunk(data: mmap.mmap, at: int, kind: _Container) -> bool:
    """Whether a chunk, and no samples, is at a position."""
    if at + 4 + kind.field.size > len(data) or not data[at : at + 4].strip().isalnum():
        return False
    return 0 <= kind.field.unpack_from(data, at + 4)[0] <= len(data) - at


def with_length(path: Path) -> mmap.mmap | None:
    """A copy in memory with the true length in its header; None if the header of the file has a length."""
    with path.open("rb") as stream:
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
    kind = CONTAINERS.get(data[:4])
    at = kind and _samples_chunk(data, kind)
    if kind is None or at is None:
        return None
    begin = at + 4 + kind.field.size
    (size,) = kind.field.unpack_from(data, at + 4)
    if 0 < size < LARGEST or (size == 0 and (begin == len(data) or _is_chunk(data, begin, kind))):
        return None
    if len(data) - begin >= LARGEST:
        return None
    kind.field.pack_into(data, at + 4, len(data) - begin)
    if kind.whole is not None:
        kind.field.pack_into(data, kind.whole, len(data) - 8)
    return data
