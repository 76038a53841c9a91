"""Headers that a pipe has left without a length, and those that have one."""

import struct

import pytest

from mer.decoding.lengths import with_length

SAMPLES = bytes([0x11, 0xF2]) * 50


def wav(size, samples=SAMPLES, before=b""):
    """A WAV file whose header says that its samples have ``size`` bytes."""
    data = b"data" + struct.pack("<I", size) + samples
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + before + data


def found(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    return with_length(path)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
@pytest.mark.parametrize("before", [b"", b"LIST\3\0\0\0abc\0", b"LIST\4\0\0\0abcd"])
def test_the_length_is_that_to_the_end_of_the_file(tmp_path, size, before):
    """A chunk of an odd number of bytes is followed by one that does not count."""
    content = wav(size, before=before)
    data = found(tmp_path, content)
    assert data[-len(SAMPLES) - 4 :] == struct.pack("<I", len(SAMPLES)) + SAMPLES
    assert struct.unpack("<I", data[4:8]) == (len(content) - 8,)


@pytest.mark.parametrize(
    "content",
    [
        wav(len(SAMPLES)),
        wav(len(SAMPLES) + 10),
        wav(0, b""),
        wav(0, b"LIST\4\0\0\0abcd"),
        b"RIFF\xff\xff\xff\xffWAVELIST\4\0\0\0abcd",
        b"fLaC" + bytes(40),
    ],
    ids=["whole", "truncated", "empty", "empty before a chunk", "no samples", "no container"],
)
def test_a_file_with_a_length_or_without_samples_is_left_as_it_is(tmp_path, content):
    assert found(tmp_path, content) is None
