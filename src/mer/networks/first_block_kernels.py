"""The loops of ``mer.networks.first_block``, compiled by Numba.

A map is split into four planes, one after another in memory: its even and odd frames, at its even and odd
bands. So a tap of a convolution reads neighbouring values for neighbouring pool windows, and the
processor computes 16 windows at once. Windows are numbered along the rows of a plane; the last of a row,
where the convolution would leave the map, are computed and dropped.
"""

# mypy: disable-error-code="no-untyped-def"

from typing import Any

import numba
import numpy as np

BLOCK = 1024  # windows that are computed at a time: their maps fit into the L1 cache
LINE = 16  # values of a cache line
PADDING = LINE  # of the rows of a buffer, which would fall on the same lines of the cache
NO_VALUE = 4  # of a window: ReLU lets none through

SUMS = {"contract", "reassoc"}  # what may change in sums: fused multiply-adds, and their order

compiled: Any = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=SUMS)


@compiled
def forward(starts, maps, weight, bias, pooled, windows):
    """Fill ``pooled`` and, with the place of the largest value in its window, ``windows``.

    Parameters
    ----------
    starts : np.ndarray [shape=(4, groups, 5)]
        First value of the planes that a tap reads, by value of a window and by tap, in groups of five.
    maps : np.ndarray [shape=(n, inputs, frames, bands)]
    weight, bias : np.ndarray [shape=(channels, groups, 5)], [shape=(channels,)]
    pooled : np.ndarray [shape=(n, rows, columns, channels), dtype=int16 or int32]
        The bits of values in bfloat16 or in float32.
    windows : np.ndarray [shape=(n, rows, columns, channels), dtype=uint8]
    """
    planes, width, rows = _planes(maps)
    size, channels = rows * width, len(bias)
    sums = _buffer(8 * (size + PADDING)).reshape((4, 2, size + PADDING))
    largest = np.empty((channels, size + PADDING), np.float32)
    places = np.empty((channels, size + PADDING), np.int32)
    for i in range(len(maps)):
        _split(maps[i], planes)
        for row in range(0, pooled.shape[1], rows):
            block = planes[row * width :]
            for c in range(0, channels, 2):
                for value in range(4):
                    sums[value, 0], sums[value, 1] = bias[c], bias[c + 1]
                    for group in range(starts.shape[1]):
                        taps, weights = starts[value, group], weight[c : c + 2, group]
                        _add_taps(sums[value], block, taps, weights, size)
                for k in range(2):
                    _pool(sums, k, largest[c + k], places[c + k], size)
                    if pooled.itemsize == 2:
                        _round(largest[c + k].view(np.int32))
            _join(largest, places, width, pooled[i, row : row + rows], windows[i, row : row + rows])


@compiled
def backward(starts, maps, gradient, windows, weight, bias):
    """Add up the gradients of ``weight`` and ``bias``, in float64, from that of ``pooled``, as its bits."""
    planes, width, rows = _planes(maps)
    size, channels = rows * width, len(bias)
    gradients = np.zeros((channels, size + PADDING), np.float32)
    places = np.zeros((channels, size + PADDING), np.int32)
    by_place = _buffer(8 * (size + PADDING)).reshape((2, 4, size + PADDING))
    for i in range(len(maps)):
        _split(maps[i], planes)
        for row in range(0, gradient.shape[1], rows):
            block, end = planes[row * width :], row + rows
            if end > gradient.shape[1]:
                gradients[:] = 0
            _separate(gradient[i, row:end], windows[i, row:end], width, gradients, places)
            for c in range(0, channels, 2):
                for k in range(2):
                    bias[c + k] += _by_place(gradients[c + k], places[c + k], by_place[k], size)
                for group in range(starts.shape[1]):
                    taps, weights = starts[:, group], weight[c : c + 2, group]
                    _add_products(by_place, block, taps, weights, size)


@compiled
def add_products(maps, size, products):
    """Add up the products of the values that each two taps of a convolution read.

    Parameters
    ----------
    maps : np.ndarray [shape=(n, inputs, frames, bands)]
    size : int
        Taps of the convolution over time, and over frequency.
    products : np.ndarray [shape=(taps, taps)]
        Receives the sums, in and below its diagonal; there are inputs * size ** 2 taps.
    """
    n, _inputs, frames, bands = maps.shape
    columns = bands - size + 1
    for i in range(n):
        for row in range(frames - size + 1):
            for a in range(len(products)):
                x = maps[i, a // size**2, row + a // size % size, a % size :][:columns]
                for b in range(a + 1):
                    y = maps[i, b // size**2, row + b // size % size, b % size :][:columns]
                    products[a, b] += _dot(x, y, columns)


@compiled
def _dot(x, y, size):
    total = np.float32(0)
    for p in range(size):
        total += x[p] * y[p]
    return total


@compiled
def _planes(maps):
    """Memory for the planes of a spectrogram, their width, and how many of their rows are a block."""
    _, inputs, frames, bands = maps.shape
    height, width = (frames + 1) // 2, (bands + 1) // 2
    rows = max(BLOCK // width, 1)
    return _buffer((4 * inputs * height + rows + 3) * width), width, rows


@compiled
def _buffer(size):
    """Zeros [shape=(size,), dtype=float32] that start where a line of the cache does."""
    memory = np.zeros(size + LINE, np.float32)
    start = -(memory.ctypes.data // 4) % LINE
    return memory[start : start + size]


@compiled
def _split(maps, planes):
    inputs, frames, bands = maps.shape
    height, width = (frames + 1) // 2, (bands + 1) // 2
    for i in range(inputs):
        for t in range(frames):
            for f in range(bands):
                plane = (i * 2 + t % 2) * 2 + f % 2
                planes[(plane * height + t // 2) * width + f // 2] = maps[i, t, f]


@compiled
def _add_taps(sums, block, starts, weight, size):
    """Add five taps to the convolutions of two channels."""
    a, b = sums[0][:size], sums[1][:size]
    x0, x1, x2 = block[starts[0] :][:size], block[starts[1] :][:size], block[starts[2] :][:size]
    x3, x4 = block[starts[3] :][:size], block[starts[4] :][:size]
    a0, a1, a2, a3, a4 = weight[0, 0], weight[0, 1], weight[0, 2], weight[0, 3], weight[0, 4]
    b0, b1, b2, b3, b4 = weight[1, 0], weight[1, 1], weight[1, 2], weight[1, 3], weight[1, 4]
    for p in range(size):
        a[p] += a0 * x0[p] + a1 * x1[p] + a2 * x2[p] + a3 * x3[p] + a4 * x4[p]
        b[p] += b0 * x0[p] + b1 * x1[p] + b2 * x2[p] + b3 * x3[p] + b4 * x4[p]


@compiled
def _pool(sums, channel, largest, places, size):
    """The largest value of each window, or 0, and its place; the first NaN is the largest."""
    values = sums[0, channel], sums[1, channel], sums[2, channel], sums[3, channel]
    first, second, third, fourth = values
    for p in range(size):
        best, place = first[p], 0
        best, place = _larger(best, place, second[p], 1)
        best, place = _larger(best, place, third[p], 2)
        best, place = _larger(best, place, fourth[p], 3)
        blocked = best <= 0
        largest[p] = np.float32(0) if blocked else best
        places[p] = NO_VALUE if blocked else place


@compiled
def _larger(best, place, value, value_place):
    larger = (best == best) & (not value <= best)
    return (value if larger else best), (np.int32(value_place) if larger else np.int32(place))


@compiled
def _round(bits):
    """Round float32 values to bfloat16, their upper half: to the nearest, and to even between two."""
    for p in range(len(bits)):
        bits[p] += 0x7FFF + ((bits[p] >> 16) & 1)


@compiled
def _by_place(gradients, places, by_place, size):
    """Give each gradient to the place of its window's largest value, 0 to the others; their sum."""
    total = np.float32(0)
    for place in range(4):
        here = by_place[place]
        for p in range(size):
            here[p] = gradients[p] if places[p] == place else np.float32(0)
            total += here[p]
    return total


@compiled
def _add_products(by_place, block, starts, weight, size):
    """Add products of gradients and values to the gradients of five taps of two channels."""
    a0 = a1 = a2 = a3 = a4 = b0 = b1 = b2 = b3 = b4 = np.float32(0)
    for place in range(4):
        a, b, start = by_place[0, place][:size], by_place[1, place][:size], starts[place]
        x0, x1, x2 = block[start[0] :][:size], block[start[1] :][:size], block[start[2] :][:size]
        x3, x4 = block[start[3] :][:size], block[start[4] :][:size]
        for p in range(size):
            a0, b0 = a0 + a[p] * x0[p], b0 + b[p] * x0[p]
            a1, b1 = a1 + a[p] * x1[p], b1 + b[p] * x1[p]
            a2, b2 = a2 + a[p] * x2[p], b2 + b[p] * x2[p]
            a3, b3 = a3 + a[p] * x3[p], b3 + b[p] * x3[p]
            a4, b4 = a4 + a[p] * x4[p], b4 + b[p] * x4[p]
    for tap, (of_a, of_b) in enumerate(((a0, b0), (a1, b1), (a2, b2), (a3, b3), (a4, b4))):
        weight[0, tap] += of_a
        weight[1, tap] += of_b


@compiled
def _join(largest, places, width, pooled, windows):
    """From one row of values per channel to bits with channels last."""
    rows, columns, channels = pooled.shape
    bits, shift = largest.view(np.int32), 32 - 8 * pooled.itemsize
    for r in range(rows):
        for f in range(columns):
            for c in range(channels):
                pooled[r, f, c] = bits[c, r * width + f] >> shift
                windows[r, f, c] = places[c, r * width + f]


@compiled
def _separate(gradient, windows, width, gradients, places):
    """From bits with channels last to one row of values per channel."""
    rows, columns, channels = gradient.shape
    bits, shift = gradients.view(np.int32), 32 - 8 * gradient.itemsize
    for r in range(rows):
        for f in range(columns):
            for c in range(channels):
                bits[c, r * width + f] = np.int32(gradient[r, f, c]) << shift
                places[c, r * width + f] = windows[r, f, c]
