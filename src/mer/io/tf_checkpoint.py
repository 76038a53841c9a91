"""TensorFlow checkpoints (format V2), read without TensorFlow and without running anything they hold.

A checkpoint is an index, a sorted table of protocol buffers (LevelDB's table format), and a file of raw
tensors. Only what plain weights need is read: one data file, little-endian float32, no compression.
"""

import math
import struct
from collections.abc import Iterator

import numpy as np

MAGIC = 0xDB4775248B80FB57  # ends a LevelDB table
FOOTER = 48  # bytes of the table
FLOAT32 = 1  # TensorFlow's DT_FLOAT
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types of a protocol buffer


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """An integer of seven bits per byte, low ones first, and the position behind it."""
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protocol buffer."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire == BYTES:
            size, position = _varint(message, position)
        else:
            size = {FIXED64: 8, FIXED32: 4}[wire]
        yield number, message[position : position + size]
        position += size


def _block(table: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key states how many bytes it shares with the one before."""
    offset, position = _varint(handle, 0)
    size, _ = _varint(handle, position)
    block = table[offset : offset + size]
    if table[offset + size] != 0:
        raise ValueError("blocks of the index must not be compressed")
    (restarts,) = struct.unpack("<I", block[-4:])
    end, position, key = len(block) - 4 * (restarts + 1), 0, b""
    while position < end:
        shared, position = _varint(block, position)
        rest, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + rest]
        position += rest
        yield key, block[position : position + length]
        position += length


def _entries(table: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and description of each tensor."""
    footer = table[-FOOTER:]
    if len(footer) < FOOTER or struct.unpack("<Q", footer[-8:])[0] != MAGIC:
        raise ValueError("the index must end as a LevelDB table does")
    _, position = _varint(footer, 0)
    _, position = _varint(footer, position)  # the handle of the block that describes the table
    for _, handle in _block(table, footer[position:]):
        for key, value in _block(table, handle):
            if key:  # the first entry, without a name, describes the checkpoint
                yield key.decode(), value


def _shape(message: bytes) -> tuple[int, ...]:
    dimensions = (dict(_fields(value)) for _, value in _fields(message) if isinstance(value, bytes))
    return tuple(int(dimension.get(1, 0)) for dimension in dimensions)


def read(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """The float32 tensors of a checkpoint by their names.

    Parameters
    ----------
    index, data : bytes
        Content of ``<checkpoint>.index`` and ``<checkpoint>.data-00000-of-00001``.

    Raises
    ------
    ValueError
        If they are no such files, or a tensor lies outside of the data.
    """
    arrays = {}
    for name, entry in _entries(index):
        fields = dict(_fields(entry))
        if fields.get(1) != FLOAT32:
            continue
        shape, offset, size = _shape(bytes(fields.get(2, b""))), fields.get(4, 0), fields.get(5, 0)
        assert isinstance(offset, int)
        assert isinstance(size, int)
        if size != 4 * math.prod(shape) or offset + size > len(data):
            raise ValueError(f"tensor {name!r} of shape {shape} must lie in the data file")
        arrays[name] = np.frombuffer(data[offset : offset + size], "<f4").reshape(shape)
    return arrays
