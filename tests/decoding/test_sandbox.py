"""mer.decoding.client: whatever becomes of a decoder, its parent goes on, with a clip or a reason."""

import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from conftest import ROOT
from helpers import damaged
from helpers.waiting import wait_until
from mer.decoding import client, files, streams
from mer.errors import Unreadable
from mer.schema.corpora import Audio

RATE = 22050
LIMITS = Audio(
    min_seconds=1.0,
    max_pcm_mib=64,
    max_wall_seconds=20.0,
    max_cpu_seconds=10.0,
    max_memory_mib=1024,
)
FAULTY = (sys.executable, str(ROOT / "tests/helpers/faulty_decoder.py"))


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A decoder of this test's own, and its import path."""
    monkeypatch.setattr(client, "_mine", threading.local())
    monkeypatch.setenv("PYTHONPATH", str(Path(client.__file__).parents[2]))


@pytest.fixture
def faulty(monkeypatch):
    monkeypatch.setattr(client, "COMMAND", FAULTY)


def song(path, name="a.wav"):
    sf.write(path / name, damaged.music(), damaged.RATE)
    return path / name


def limits(**changes):
    return LIMITS.model_copy(update=changes)


def test_the_other_process_gives_the_samples_of_this_one(tmp_path):
    path = song(tmp_path)
    expected = files.decode(path, RATE, 1.0, 2**26)
    assert np.array_equal(client.decode(path, RATE, LIMITS), expected)
    assert expected.dtype == np.float32
    assert len(expected) == 2 * RATE


def test_one_process_serves_many_files_and_another_follows_the_one_that_died(tmp_path):
    path, used = song(tmp_path), []
    for kill in (False, False, True):
        client.decode(path, RATE, LIMITS)
        used.append(client._mine.decoder._process.pid)
        if kill:
            os.kill(used[-1], signal.SIGKILL)
    assert np.isfinite(client.decode(path, RATE, LIMITS)).all()
    assert len(set(used)) == 1
    assert client._mine.decoder._process.pid not in used


DEATHS = {
    "crash": (r"the decoder crashed \(SIGSEGV\)", {}),
    "kill": (r"the decoder crashed \(SIGKILL\)", {}),
    "exit": ("the decoder ended with status 3", {}),
    "hang": (
        "not decoded within 1 s; raise audio.max_wall_seconds in .*",
        {"max_wall_seconds": 1.0},
    ),
    "spin": (
        "takes more than 1 s of processor time; raise audio.max_cpu_seconds in .*",
        {"max_cpu_seconds": 1.0},
    ),
    "hoard": (
        "takes more than 300 MiB of memory; raise audio.max_memory_mib in .*",
        {"max_memory_mib": 300},
    ),
}


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize("death", DEATHS)
def test_a_decoder_that_dies_twice_is_a_reason(tmp_path, death):
    reason, changes = DEATHS[death]
    with pytest.raises(Unreadable, match=f"^{reason}$"):
        client.decode(song(tmp_path, f"{death}.wav"), RATE, limits(**changes))
    assert len(client.decode(song(tmp_path), RATE, LIMITS)) == 2 * RATE


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize("death", ["crash", "kill", "exit", "hang"])
def test_a_decoder_that_dies_once_is_forgiven(tmp_path, death):
    path = song(tmp_path, f"{death} once.wav")
    samples = client.decode(path, RATE, limits(max_wall_seconds=2.0))
    assert path.with_suffix(".happened").exists()
    assert len(samples) == 2 * RATE


@pytest.mark.usefixtures("faulty")
def test_an_error_that_no_one_foresaw_is_a_reason(tmp_path):
    with pytest.raises(Unreadable, match=r"^not decodable: ValueError: array is too big$"):
        client.decode(song(tmp_path, "raise.wav"), RATE, LIMITS)


@pytest.mark.usefixtures("faulty")
def test_processor_time_is_counted_by_file(tmp_path):
    path, used = song(tmp_path, "burn.wav"), set()
    for _ in range(3):
        client.decode(path, RATE, limits(max_cpu_seconds=1.0))
        used.add(client._mine.decoder._process.pid)
    assert len(used) == 1


def test_more_samples_than_allowed_are_refused(tmp_path):
    with pytest.raises(Unreadable, match=r"more than 0\.25 MiB of samples"):
        files.decode(song(tmp_path), RATE, 1.0, 2**18)


def test_the_limit_is_that_of_all_streams_of_a_file_together(tmp_path):
    (tmp_path / "a.ogg").write_bytes(3 * song(tmp_path, "one.ogg").read_bytes())
    assert len(files.decode(tmp_path / "a.ogg", RATE, 1.0, 2**21)) == 3 * 2 * RATE
    with pytest.raises(Unreadable, match=r"more than 1 MiB of samples"):
        files.decode(tmp_path / "a.ogg", RATE, 1.0, 2**20)


def test_an_ogg_file_without_its_first_page_is_truncated(tmp_path):
    content = song(tmp_path, "a.ogg").read_bytes()
    (tmp_path / "a.ogg").write_bytes(content[content.index(b"OggS", 1) :])
    with pytest.raises(Unreadable, match="truncated: its first page is missing"):
        files.decode(tmp_path / "a.ogg", RATE, 1.0, 2**26)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path, read = song(tmp_path), files._read

    def read_and_cut(*arguments):
        found = read(*arguments)
        path.write_bytes(path.read_bytes()[:4000])
        return found

    monkeypatch.setattr(files, "_read", read_and_cut)
    with pytest.raises(Unreadable, match="was changed while it was read"):
        files.decode(path, RATE, 1.0, 2**26)


@pytest.mark.parametrize("right", [1.0, 0.3, -0.5, 0.0])
def test_channels_that_do_not_cancel_out_are_averaged(tmp_path, right):
    sf.write(tmp_path / "a.wav", np.stack([damaged.music(), right * damaged.music()], 1), RATE)
    samples = files.decode(tmp_path / "a.wav", RATE, 1.0, 2**26)
    assert np.abs(samples).max() == pytest.approx(0.5 * (1 + right) / 2, rel=0.01)


def test_the_memory_for_a_file_does_not_depend_on_its_channels(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 2**18)
    one = damaged.music().astype(np.float32)
    sf.write(tmp_path / "a.wav", np.stack([one] * 32, 1), damaged.RATE)
    sf.write(tmp_path / "b.wav", one, damaged.RATE)
    expected = files.decode(tmp_path / "b.wav", RATE, 1.0, one.nbytes)
    tracemalloc.start()
    assert np.abs(files.decode(tmp_path / "a.wav", RATE, 1.0, one.nbytes) - expected).max() < 1e-4
    assert tracemalloc.get_traced_memory()[1] < 8 * one.nbytes
    tracemalloc.stop()


def test_an_empty_wav_has_no_samples(tmp_path):
    """Its size is 0 as that of a stream, but only another chunk follows."""
    content = song(tmp_path).read_bytes()
    note = b"LIST" + (4).to_bytes(4, "little") + b"INFO"
    (tmp_path / "b.wav").write_bytes(content[:40] + bytes(4) + note)
    with pytest.raises(Unreadable, match="no samples"):
        files.decode(tmp_path / "b.wav", RATE, 1.0, 2**26)


def test_an_interrupted_question_leaves_no_answer_to_the_next(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    long, short = song(tmp_path), tmp_path / "short.wav"
    sf.write(short, damaged.music(seconds=1.0), damaged.RATE)
    with monkeypatch.context() as patch:
        patch.setattr(client.Decoder, "_read", interrupt)
        with pytest.raises(KeyboardInterrupt):
            client.decode(long, RATE, LIMITS)
    assert len(client.decode(short, RATE, LIMITS)) == RATE


def test_each_thread_has_a_decoder_of_its_own(tmp_path):
    path, lengths = song(tmp_path), []
    threads = [
        threading.Thread(target=lambda: lengths.append(len(client.decode(path, RATE, LIMITS))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == [2 * RATE] * 3


def test_a_forked_process_has_a_decoder_of_its_own(tmp_path):
    """A decoder of the parent would send the child's samples to either of them."""
    path, mine = song(tmp_path), client._decoder()
    child = os.fork()
    if child == 0:
        try:
            found = client.decode(path, RATE, LIMITS)
            os._exit(0 if len(found) == 2 * RATE and client._decoder() is not mine else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert client._decoder() is mine
    assert len(client.decode(path, RATE, LIMITS)) == 2 * RATE


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("what", ["idle.wav", "hang.wav", "spin.wav"])
def test_a_decoder_ends_with_its_parent(tmp_path, what):
    path = song(tmp_path, what)
    program = (
        "import sys; from pathlib import Path; from mer.decoding import client; "
        "from mer.schema.corpora import Audio; "
        f"client.COMMAND = {FAULTY!r}; limits = Audio(**{LIMITS.model_dump()!r});"
        f"client.decode(Path({str(path)!r}), 22050, limits); print('decoded', flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        wait_until(path.with_suffix(".happened").exists)
        (child,) = children(parent.pid)
        parent.kill()
    wait_until(lambda: gone(child))
