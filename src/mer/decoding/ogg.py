"""Ogg files: damaged and missing pages, and streams one after the other (RFC 3533, section 6).

libsndfile skips damaged pages, and stops without a word at the end of the first stream of a chained file,
as a recording of a web radio is.
"""

import zlib
from collections.abc import Iterator

from mer.errors import Unreadable

MAGIC = b"OggS"
HEADER = 27  # bytes of a page before its table of segments
BEGIN_OF_STREAM, END_OF_STREAM = 2, 4  # flags of a page
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _checksum(page: bytes) -> int:
    """CRC-32 of a page: most significant bit first, initial value 0, its own field set to 0."""
    content = (page[:22] + bytes(4) + page[26:]).translate(REVERSED)
    return int(f"{zlib.crc32(content, 2**32 - 1) ^ (2**32 - 1):032b}"[::-1], 2)


def _pages(data: bytes) -> Iterator[tuple[int, int]]:
    """Position and flags of every page; bytes between pages are skipped."""
    at, number = data.find(MAGIC), 0
    while at >= 0:
        head = data[at : at + HEADER].ljust(HEADER, b"\0")
        table = data[at + HEADER : at + HEADER + head[26]]
        end = at + HEADER + head[26] + sum(table)
        if end > len(data):
            raise Unreadable("truncated: its last page is not whole")
        if int.from_bytes(head[22:26], "little") != _checksum(data[at:end]):
            raise Unreadable(f"damaged: page {number}")
        yield at, head[5]
        at, number = data.find(MAGIC, end), number + 1


def links(data: bytes) -> list[bytes]:
    """The parts of a file that are whole streams, in their order; most files have one.

    Raises
    ------
    Unreadable
        If a page is damaged, or the first page or the last page of a part is missing.
    """
    starts: list[int] = []
    before = END_OF_STREAM
    for at, flags in _pages(data):
        if flags & BEGIN_OF_STREAM and not before & BEGIN_OF_STREAM:
            if not before & END_OF_STREAM:
                break
            starts.append(at)
        before = flags
    if not starts:
        raise Unreadable("truncated: its first page is missing")
    if not before & END_OF_STREAM:
        raise Unreadable("truncated: its last page is missing")
    return [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)])]
