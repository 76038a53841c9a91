"""mer.audio: every kind of file, every kind of fault, the same bytes with any number of workers."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from mer.audio import resample
from mer.decoding.clips import decode
from mer.errors import MerError, Unreadable
from mer.io import artefacts
from mer.io.standard import Standard, _write_header, quarantined
from mer.io.tracks import write_tracks
from mer.pipeline.standardize import standardize
from mer.schema.corpora import Audio, Quarantine
from mer.types import Clip, Track

RATE = 22050
LIMITS = Audio(
    min_seconds=1.0,
    max_pcm_mib=256,
    max_wall_seconds=60.0,
    max_cpu_seconds=60.0,
    max_memory_mib=2048,
)
QUARANTINE = Quarantine(max_fraction=0.1, max_missing=1.0, duplicates="drop")
SETTINGS = {"sample_rate": RATE, "peak_db": None, "limits": LIMITS, "quarantine": QUARANTINE}


def sine(rate: int, *, hz: float = 440.0, peak: float = 0.5, seconds: float = 2.0) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)


def amplitude(samples: np.ndarray, rate: int, hz: float) -> float:
    """Amplitude of one frequency, by correlation over the inner half."""
    inner = np.arange(len(samples) // 4, 3 * len(samples) // 4)
    window = np.hanning(len(inner))
    wave = np.exp(-2j * np.pi * hz * inner / rate)
    return float(2 * np.abs((samples[inner] * window * wave).sum()) / window.sum())


def write(path: Path, samples: np.ndarray, rate: int = RATE, **format_: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, samples, rate, **format_)
    return path


@pytest.fixture
def corpus(tmp_path):
    """Standardize a corpus of named files: ``corpus({name: samples}, **settings)`` -> its folder."""

    def make(files: dict, *, max_fraction: float = 0.1, **settings) -> Path:
        for name, content in files.items():
            (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                (tmp_path / "raw" / name).write_bytes(content)
            elif content is not None:
                write(tmp_path / "raw" / name, content, format="WAV", subtype="FLOAT")
        (tmp_path / "index").mkdir(exist_ok=True)
        tracks = [Track(f"id of {name}", "Q1", name) for name in files]
        write_tracks(tmp_path / "index" / "tracks.csv", tracks, {})
        target = tmp_path / "out" / "standard"
        settings["quarantine"] = QUARANTINE.model_copy(update={"max_fraction": max_fraction})
        standardize(tmp_path / "index", tmp_path / "raw", target, **SETTINGS | settings)
        return target

    return make


FORMATS = [
    ("a.wav", 44100, {"subtype": "PCM_16"}),
    ("a.wav", 44100, {"subtype": "PCM_24"}),
    ("a.wav", 44100, {"subtype": "FLOAT"}),
    ("a.flac", 48000, {}),
    ("a.ogg", 44100, {}),
    ("a.opus", 48000, {"format": "OGG", "subtype": "OPUS"}),
    ("a.mp3", 32000, {"format": "MP3"}),
    ("a.aiff", RATE, {}),
    ("low.wav", 8000, {}),
    ("high.wav", 192000, {}),
]


@pytest.mark.parametrize(("name", "rate", "format_"), FORMATS)
def test_a_tone_survives_every_format_and_rate(tmp_path, name, rate, format_):
    clip = decode(write(tmp_path / name, sine(rate), rate, **format_), "a", RATE, LIMITS)
    assert (clip.id, clip.sample_rate, clip.samples.dtype) == ("a", RATE, np.float32)
    assert clip.seconds == pytest.approx(2.0, abs=0.03)
    assert amplitude(clip.samples, RATE, 440.0) == pytest.approx(0.5, rel=0.02)
    assert amplitude(clip.samples, RATE, 660.0) < 0.005


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_channels_are_averaged(tmp_path, channels):
    shares = np.arange(1, channels + 1) / 10
    path = write(tmp_path / "a.wav", sine(RATE, peak=1.0)[:, None] * shares, subtype="FLOAT")
    clip = decode(path, "a", RATE, LIMITS)
    assert clip.samples == pytest.approx(sine(RATE, peak=shares.mean()), abs=1e-6)


def test_what_lies_above_half_the_new_rate_is_not_folded_down(tmp_path):
    both = sine(96000) + sine(96000, hz=15000.0, peak=0.4)
    clip = decode(write(tmp_path / "a.wav", both, 96000), "a", RATE, LIMITS)
    assert amplitude(clip.samples, RATE, 440.0) == pytest.approx(0.5, rel=0.01)
    assert amplitude(clip.samples, RATE, RATE - 15000.0) < 1e-3


def test_an_mp3_behind_foreign_bytes_is_found(tmp_path):
    path = write(tmp_path / "a.mp3", sine(44100), 44100)
    path.write_bytes(bytes(500) + path.read_bytes())
    assert amplitude(decode(path, "a", RATE, LIMITS).samples, RATE, 440.0) > 0.45


NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE)


def test_opposite_channels_are_told(tmp_path):
    path = write(tmp_path / "a.wav", np.stack([NOISE, -NOISE], axis=1), subtype="FLOAT")
    with pytest.raises(Unreadable, match="2 channels cancel out"):
        decode(path, "a", RATE, LIMITS)


def test_resample_goes_down_and_never_up():
    clip = Clip("a", sine(44100).astype(np.float32), 44100)
    lower = resample(clip, RATE)
    assert (lower.sample_rate, lower.seconds) == (RATE, pytest.approx(2.0, abs=1e-3))
    assert amplitude(lower.samples, RATE, 440.0) == pytest.approx(0.5, rel=0.01)
    assert resample(clip, 44100) is clip
    with pytest.raises(MerError, match="'a' has 44100 Hz and must not be upsampled to 48000 Hz"):
        resample(clip, 48000)


def test_standard_holds_every_clip_at_its_level_and_length(corpus):
    files = {"a.wav": sine(RATE), "b.wav": NOISE[:30001], "quiet.wav": sine(RATE, peak=1e-3)}
    standard = Standard.read(corpus(files))
    assert standard.ids == ("id of a.wav", "id of b.wav", "id of quiet.wav")
    assert (standard.sample_rate, standard.audio.dtype) == (RATE, np.int16)
    for id_, samples in zip(standard.ids, files.values(), strict=True):
        clip = standard.clip(id_)
        assert clip.samples.dtype == np.float32
        assert clip.samples == pytest.approx(samples, abs=np.abs(samples).max() / 32767)


def test_overshoot_is_kept(corpus):
    clip = Standard.read(corpus({"a.wav": sine(RATE, peak=1.4)})).clip("id of a.wav")
    assert np.abs(clip.samples).max() == pytest.approx(1.4, rel=1e-4)


@pytest.mark.parametrize(("peak_db", "peak"), [(0.0, 1.0), (-6.0, 0.5012)])
def test_peak_db_sets_the_peak_of_every_clip(corpus, peak_db, peak):
    target = corpus({"a.wav": sine(RATE), "b.wav": sine(RATE, peak=1e-3)}, peak_db=peak_db)
    standard = Standard.read(target)
    peaks = [np.abs(standard.clip(id_).samples).max() for id_ in standard.ids]
    assert peaks == pytest.approx([peak, peak], rel=1e-4)


ODD = ['a b,c;"d".wav', "it's a\nnew line.wav", "Ünï 🎵 Q1/日本.wav", "#1 %20&.wav"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_survive(corpus, name):
    target = corpus({name: NOISE, f"{name} bad": b"text"}, max_fraction=0.5)
    assert Standard.read(target).ids == (f"id of {name}",)
    (row,) = quarantined(target).to_dict("records")
    reason = "not decodable: Format not recognised."
    assert row == {"id": f"id of {name} bad", "path": f"{name} bad", "reason": reason}


@pytest.mark.parametrize(
    ("bad", "missing", "max_fraction", "accepted"),
    [(1, 0, 0.25, True), (2, 0, 0.25, False), (1, 9, 0.25, True), (1, 0, 0.0, False)],
)
def test_max_fraction_counts_existing_files(corpus, bad, missing, max_fraction, accepted):
    files = {f"{i}.wav": b"text" if i < bad else NOISE[1000 * i :] for i in range(4)}
    files |= {f"missing {i}.wav": None for i in range(missing)}
    if accepted:
        target = corpus(files, max_fraction=max_fraction)
        assert len(quarantined(target)) == bad + missing
        assert len(Standard.read(target).ids) == 4 - bad
    else:
        with pytest.raises(MerError, match=f"unusable are {bad} of 4: '0.wav': not dec"):
            corpus(files, max_fraction=max_fraction)


def test_a_corpus_without_one_readable_clip_is_refused(corpus):
    with pytest.raises(MerError, match=r"one audio file at least .*unusable are 1 of"):
        corpus({"a.wav": b"text"}, max_fraction=1.0)


def test_at_most_ten_faults_are_listed(corpus):
    with pytest.raises(MerError, match="unusable are 12 of 12") as caught:
        corpus({f"{i:02}.wav": b"text" for i in range(12)})
    assert str(caught.value).count("not decodable") == 10


def test_an_error_leaves_nothing_new_and_takes_nothing_away(corpus):
    target = corpus({"a.wav": NOISE})
    before = Standard.read(target).ids
    with pytest.raises(MerError, match="unusable"):
        corpus({"b.wav": b"text"})
    assert Standard.read(target).ids == before
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("path", [None, "gone.wav"])
def test_a_corpus_without_audio_is_absent(tmp_path, path):
    write_tracks(tmp_path / "tracks.csv", [Track("a", "Q1", path)], {})
    (tmp_path / "unlabelled.csv").write_text("path\n")
    standardize(tmp_path, tmp_path / "raw", tmp_path / "out", **SETTINGS)
    assert "no audio" in str(artefacts.absent(tmp_path / "out"))


def test_a_track_without_a_file_among_others_is_quarantined(tmp_path):
    write(tmp_path / "a.wav", NOISE)
    tracks = [Track("a", "Q1", "a.wav"), Track("b", "Q1", None)]
    write_tracks(tmp_path / "tracks.csv", tracks, {})
    standardize(tmp_path, tmp_path, tmp_path / "out", **SETTINGS)
    (row,) = quarantined(tmp_path / "out").to_dict("records")
    assert row == {"id": "b", "path": "", "reason": "no file named in the index"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_number_of_workers_changes_no_byte(corpus, monkeypatch):
    files = {f"{i}.wav": NOISE[i * 1000 :] for i in range(5)} | {"bad.wav": b"text"}
    alone = contents(corpus(files, max_fraction=0.2))
    monkeypatch.setenv("MER_JOBS", "2")
    assert contents(corpus(files, max_fraction=0.2)) == alone
    assert set(alone) == {"audio.npy", "clips.csv", "quarantine.csv", "twins.csv", "manifest.json"}


def test_the_header_has_room_for_any_length(tmp_path):
    sizes = set()
    for length in (0, 7, 10**12):
        with (tmp_path / "a.npy").open("wb") as stream:
            _write_header(stream, length)
            sizes.add(stream.tell())
    assert len(sizes) == 1
