"""mer.decoding.long_files: a recording in pieces is what its whole is."""

import numpy as np
import pytest
import soundfile as sf

from helpers import damaged
from mer.decoding import files, long_files
from mer.errors import Unreadable

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


def test_channels_of_a_long_file_that_cancel_out_are_found_at_its_end(tmp_path):
    opposed = np.stack([damaged.music(), -damaged.music()], 1)
    sf.write(tmp_path / "a.wav", opposed, damaged.RATE)
    with pytest.raises(Unreadable, match="its 2 channels cancel out"):
        list(long_files.pieces(tmp_path / "a.wav", RATE, 1.0, 2**16))
