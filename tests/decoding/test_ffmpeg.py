"""mer.decoding.ffmpeg: formats that libsndfile cannot read; most tests run a program in ffmpeg's place."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile as sf
import soxr

from helpers import damaged
from mer.decoding import files, long_files
from mer.errors import Unreadable

RATE = 22050
SONG = b"\0\0\0\x20ftypM4A " + bytes(999)
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
PYTHON = f"#!{sys.executable} -IS\nimport os, signal, sys"
WRITES = """
import array, struct
no_length, float32 = 0xFFFFFFFF, 6
sys.stdout.buffer.write(struct.pack(">4s5I", b".snd", 24, no_length, float32, 44100, 1))
samples = array.array("f", [(i // 7 * 7919 % 1000) / 1000 - 0.5 for i in range(seconds * 44100)])
samples.byteswap()
sys.stdout.buffer.write(samples.tobytes())
"""


def decode(path, max_pcm=2**26):
    return files.decode(path, RATE, 1.0, max_pcm)


@pytest.fixture
def m4a(tmp_path):
    path = tmp_path / "a.m4a"
    path.write_bytes(SONG)
    return path


@pytest.fixture
def in_place(tmp_path, monkeypatch):
    """Put a program in ffmpeg's place; ``seconds`` of samples, then the lines of the program."""

    def put(program, seconds=2):
        file = tmp_path / "bin" / "ffmpeg"
        file.parent.mkdir()
        file.write_text(f"{PYTHON}\nseconds = {seconds}\n{WRITES if seconds else ''}\n{program}\n")
        file.chmod(0o755)
        monkeypatch.setenv("PATH", str(file.parent))

    return put


def test_without_ffmpeg_the_reason_says_what_to_install(m4a, monkeypatch):
    monkeypatch.setenv("PATH", "")
    words = r"^not decodable: MP4 \(AAC, ALAC\); install ffmpeg, or convert it to FLAC or WAV$"
    with pytest.raises(Unreadable, match=words):
        decode(m4a)


def test_a_format_is_told_by_its_content_and_given_to_ffmpeg(m4a, in_place):
    """Other formats, and files that the content names, are not tried."""
    in_place("open(os.path.dirname(sys.argv[0]) + '/given', 'w').write(' '.join(sys.argv))")
    expected = np.arange(88200) // 7 * 7919 % 1000 / 1000 - 0.5
    assert np.corrcoef(decode(m4a), soxr.resample(expected, 44100, RATE))[0, 1] > 0.99
    given = (m4a.parent / "bin/given").read_text()
    assert f"-protocol_whitelist file -threads 1 -f mov -i file:{m4a} " in given


def test_a_file_with_more_samples_than_allowed_is_refused_and_read_in_pieces(m4a, in_place):
    in_place("", seconds=4)
    with pytest.raises(
        Unreadable, match=r"more than 0\.5 MiB of samples; raise audio\.max_pcm_mib"
    ):
        decode(m4a, max_pcm=2**19)
    parts = list(long_files.pieces(m4a, RATE, 1.0, 2**19))
    assert len(parts) > 1
    assert np.abs(np.concatenate(parts) - decode(m4a)).max() < 1e-6


def test_what_libsndfile_reads_is_not_given_to_ffmpeg(tmp_path, in_place):
    """The first frame header of this mp3 is damaged, and looks like that of AAC."""
    in_place("sys.exit(1)", seconds=0)
    sf.write(tmp_path / "a.mp3", damaged.music(), damaged.RATE)
    content = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(b"\xff\xf1" + content[2:])
    assert len(decode(tmp_path / "a.mp3")) == pytest.approx(2 * RATE, rel=0.1)


@pytest.mark.parametrize(
    ("program", "seconds", "reason"),
    [
        (
            "sys.exit('[mov @ 0x55] [error] moov atom not found')",
            0,
            "ffmpeg says: moov atom not found",
        ),
        (
            "print('[error] file:/a: b.m4a: corrupt', file=sys.stderr)",
            2,
            "ffmpeg says: corrupt",
        ),
        ("sys.exit(3)", 2, "ffmpeg ended with status 3"),
        ("sys.stdout.flush(); os.kill(os.getpid(), 9)", 2, "ffmpeg was ended by SIGKILL"),
        (
            "signal.signal(signal.SIGXFSZ, signal.SIG_DFL); sys.stderr.write('x' * 2**21)",
            0,
            "ffmpeg was ended by SIGXFSZ",
        ),
        ("", 0, "Format not recognised"),
    ],
)
def test_a_failure_of_ffmpeg_is_the_reason(m4a, in_place, program, seconds, reason):
    in_place(program, seconds)
    with pytest.raises(Unreadable, match=f"^not decodable: {reason}"):
        decode(m4a)


def test_a_file_shorter_than_its_header_says_is_truncated(m4a, in_place):
    said = "[info]   Duration: 00:00:03.00, start: 0.000000"
    in_place(f"print({said!r}, file=sys.stderr)")
    with pytest.raises(Unreadable, match=r"^truncated: its header says 3\.00 s, 2\.00 s are there"):
        decode(m4a)


def test_an_estimated_length_is_not_compared(m4a, in_place):
    said = "[aac @ 0x5] [warning] Estimating duration from bitrate\n[info]   Duration: 00:00:03.00"
    in_place(f"print({said!r}, file=sys.stderr)")
    assert len(decode(m4a)) == 2 * RATE


def test_an_ffmpeg_whose_output_is_not_wanted_any_more_ends(m4a, in_place):
    """Of its output, more than a pipe holds is left."""
    in_place("open(os.path.dirname(sys.argv[0]) + '/ended', 'w')", seconds=4)
    parts = long_files.pieces(m4a, RATE, 1.0, 2**17)
    next(parts)
    parts.close()
    assert not (m4a.parent / "bin/ended").exists()


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.m4a", "a.aac", "a.mka", "a.wv"])
def test_ffmpeg_decodes_a_whole_file_and_refuses_a_truncated_one(tmp_path, name):
    sf.write(tmp_path / "a.wav", damaged.music(), damaged.RATE)
    path = tmp_path / name
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", path], check=True)
    samples = decode(path)
    assert len(samples) == pytest.approx(2 * RATE, rel=0.05)
    assert np.std(samples) == pytest.approx(np.std(decode(tmp_path / "a.wav")), rel=0.05)
    path.write_bytes(path.read_bytes()[: 2 * path.stat().st_size // 3])
    with pytest.raises(Unreadable, match=r"ffmpeg says|truncated"):
        decode(path)
