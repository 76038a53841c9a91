"""mer.decoding.long_files: a recording in pieces is what its whole is."""

import threading

import numpy as np
import pytest
import soundfile as sf

from helpers import damaged
from mer.decoding import client, files, long_files
from mer.errors import Unreadable
from mer.schema.corpora import Audio

RATE = 22050
WHOLE, PIECE = 2**28, 2**14  # bytes of samples


def found(path, max_pcm):
    """The duration of a file in s, or why it is refused."""
    try:
        return sum(map(len, long_files.pieces(path, RATE, 1.0, max_pcm))) / RATE
    except Unreadable as fault:
        return str(fault)


@pytest.mark.parametrize(
    "kind",
    [kind for kind in damaged.KINDS if kind.name not in ("silence", "constant offset", "too long")],
    ids=lambda kind: kind.name,
)
def test_a_file_in_pieces_has_the_duration_or_the_fault_of_the_whole(tmp_path, kind):
    kind.write(tmp_path / kind.file)
    whole = found(tmp_path / kind.file, WHOLE)
    in_pieces = found(tmp_path / kind.file, PIECE)
    assert in_pieces == (whole if isinstance(whole, str) else pytest.approx(whole, abs=0.02))


def test_the_pieces_of_a_chained_file_are_the_samples_of_the_whole(tmp_path):
    sf.write(tmp_path / "a.ogg", damaged.music(), damaged.RATE)
    (tmp_path / "a.ogg").write_bytes(3 * (tmp_path / "a.ogg").read_bytes())
    pieces = list(long_files.pieces(tmp_path / "a.ogg", RATE, 1.0, PIECE))
    assert len(pieces) > 3
    whole = files.decode(tmp_path / "a.ogg", RATE, 1.0, WHOLE)
    assert np.allclose(np.concatenate(pieces), whole, atol=1e-5)


def test_a_long_file_that_changes_while_it_is_read_is_refused(tmp_path):
    sf.write(tmp_path / "a.wav", damaged.music(), damaged.RATE)
    pieces = long_files.pieces(tmp_path / "a.wav", RATE, 1.0, PIECE)
    next(pieces)
    sf.write(tmp_path / "a.wav", -damaged.music(), damaged.RATE)
    with pytest.raises(Unreadable, match="was changed while it was read"):
        list(pieces)


def test_another_file_can_be_decoded_between_two_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "_mine", threading.local())
    limits = Audio(
        min_seconds=1.0,
        max_pcm_mib=1,
        max_wall_seconds=20.0,
        max_cpu_seconds=10.0,
        max_memory_mib=1024,
    )
    long, short = np.tile(damaged.music(RATE), 8), damaged.music(RATE, 1.0)
    for name, samples in (("long.wav", long), ("short.wav", short)):
        sf.write(tmp_path / name, samples, RATE, subtype="FLOAT")
    pieces = client.pieces(tmp_path / "long.wav", RATE, limits)
    first = next(pieces)
    assert np.array_equal(client.decode(tmp_path / "short.wav", RATE, limits), short.astype("f4"))
    assert np.allclose(np.concatenate([first, *pieces]), long, atol=1e-6)


def test_channels_of_a_long_file_that_cancel_out_are_found_at_its_end(tmp_path):
    opposed = np.stack([damaged.music(), -damaged.music()], 1)
    sf.write(tmp_path / "a.wav", opposed, damaged.RATE)
    with pytest.raises(Unreadable, match="its 2 channels cancel out"):
        list(long_files.pieces(tmp_path / "a.wav", RATE, 1.0, 2**16))
