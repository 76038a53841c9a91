"""Spectrograms: equal to librosa's, in the right band and at the right time, the same bytes twice."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile as sf

from conftest import ROOT
from helpers.clone import copy_params
from mer import config
from mer.dsp import mel
from mer.errors import MerError
from mer.io import spectrograms
from mer.io.artefacts import absent, write_absent, write_manifest
from mer.pipeline import mel as mel_stage
from mer.schema.spectrograms import View
from mer.types import Clip

PARAMS = ROOT / "params.yaml"
VIEWS = {key: view for key, view in config.read("views", path=PARAMS)[0].items() if view}
SHORT = VIEWS["louro"].model_copy(update={"seconds": 1.0, "peak_db": None})
AS_LIBROSA = {
    "segment_samples": None,
    "pad_mode": "pad",
}  # segments and repetition: test_segments.py
WHOLE = {key: view.model_copy(update=AS_LIBROSA) for key, view in VIEWS.items()}
A_TENTH_OF_FLOAT16 = 3e-3  # dB, of its step at -80 dB
every_view = pytest.mark.parametrize(
    "view", WHOLE.values(), ids=WHOLE
)  # segments: test_segments.py


def seconds(duration: float, rate: int) -> np.ndarray:
    return np.arange(round(duration * rate)) / rate


def tone(frequency: float, duration: float, rate: int, gain: float = 0.9) -> Clip:
    samples = gain * np.sin(2 * np.pi * frequency * seconds(duration, rate))
    return Clip("tone", samples.astype(np.float32), rate)


def noise(duration: float, rate: int, gain: float = 0.1) -> Clip:
    draw = np.random.default_rng(0).standard_normal(round(duration * rate))
    return Clip("noise", (gain * draw).astype(np.float32), rate)


def chord(duration: float, rate: int) -> Clip:
    samples = sum(tone(f, duration, rate, 0.3).samples for f in (100, 1000, 5000))
    return Clip("chord", samples, rate)


def fading(duration: float, rate: int) -> Clip:
    decay = 10 ** (-6 * seconds(duration, rate) / duration)
    return Clip("fading", (noise(duration, rate).samples * decay).astype(np.float32), rate)


def silence(duration: float, rate: int) -> Clip:
    return Clip("silence", np.zeros(round(duration * rate), np.float32), rate)


def librosa_bands(clip: Clip, view: View) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=clip.samples,
        sr=view.filter_rate or view.sample_rate,
        n_fft=view.n_fft,
        hop_length=view.hop_length,
        n_mels=view.n_mels,
        fmin=view.fmin,
        fmax=view.fmax,
        power=view.power,
        **scale_options(view),
    ).T


def scale_options(view: View) -> dict[str, Any]:
    return {"htk": True, "norm": None} if view.mel_scale == "htk" else {}


def librosa_scaled(clip: Clip, view: View) -> np.ndarray:
    bands = librosa_bands(clip, view)
    if view.scale != "db":
        return np.log10(1 + (10 if view.scale == "log10p10" else 1) * bands)
    scale = librosa.power_to_db if view.power == 2 else librosa.amplitude_to_db
    return scale(bands, top_db=view.top_db)


def forwards(clip: Clip, view: View) -> np.ndarray:
    result = mel.spectrogram(clip, view)
    return result[::-1] if view.reverse else result


def assert_equal_to_librosa(clip: Clip, view: View) -> None:
    """Both round to float32, which only moves bands 80 dB and more below the loudest of their frame."""
    expected = librosa_scaled(clip, view)
    found = forwards(clip, view)[: len(expected)]
    clear = expected > expected.max(axis=1, keepdims=True) - 80
    assert clear.any(axis=1).all()
    np.testing.assert_allclose(found[clear], expected[clear], atol=A_TENTH_OF_FLOAT16, rtol=0)


@pytest.mark.parametrize(
    "name", [key for key, view in WHOLE.items() if view.scale == "db"] + ["magnitude", "no_top_db"]
)
@pytest.mark.parametrize("signal", [chord, noise, fading, silence])
def test_decibels_equal_librosa(name, signal):
    variants = {
        "magnitude": VIEWS["louro"].model_copy(update={"power": 1}),
        "no_top_db": VIEWS["louro"].model_copy(update={"top_db": None}),
    }
    view = (WHOLE | variants)[name]
    assert_equal_to_librosa(signal(3.0, view.sample_rate), view)


@every_view
@pytest.mark.parametrize("gain", [1.0, 1e-4])
def test_a_pure_tone_equals_librosa(view, gain):
    assert_equal_to_librosa(tone(440.0, 3.0, view.sample_rate, gain), view)


def chirp(rate: int) -> Clip:
    time = seconds(8.0, rate)
    return Clip("chirp", np.sin(2 * np.pi * (50 + 450 * time) * time).astype(np.float32), rate)


def coloured(rate: int, share: float, fall: float) -> Clip:
    """Noise that falls off above a share of the bins."""
    spectrum = np.fft.rfft(noise(8.0, rate).samples)
    bins = np.arange(len(spectrum)) / (share * len(spectrum))
    shaped = np.fft.irfft(spectrum / np.maximum(bins, 1) ** fall)
    return Clip("coloured", (0.9 * shaped / np.abs(shaped).max()).astype(np.float32), rate)


@pytest.mark.parametrize("name", ["louro", "louro_released", "librosa_default"])
@pytest.mark.parametrize("top_db", [80.0, None])
@pytest.mark.parametrize(
    "signal",
    [
        chirp,
        partial(coloured, share=1e-4, fall=1.5),
        partial(coloured, share=0.05, fall=4.0),
        partial(coloured, share=0.25, fall=12.0),
    ],
    ids=["chirp", "pink", "dull", "band-limited"],
)
def test_faint_bands_beside_loud_ones_equal_librosas(name, top_db, signal):
    view = VIEWS[name]
    assert_equal_to_librosa(signal(view.sample_rate), view.model_copy(update={"top_db": top_db}))


@every_view
def test_music_equals_librosa(view, real_data):
    path = min((real_data / "emopia200" / "Q1").glob("*.mp3"))
    samples, rate = sf.read(path, dtype="float32", always_2d=True)
    clip = Clip("music", samples.mean(axis=1), max(rate, view.sample_rate))
    assert_equal_to_librosa(mel.prepare(clip, view), view)


@every_view
@pytest.mark.parametrize(
    "changes", [{}, {"n_fft": 1024, "n_mels": 96, "fmin": 30.0, "fmax": 7000.0}]
)
def test_the_filters_are_librosas(view, changes):
    view = view.model_copy(update=changes)
    expected = librosa.filters.mel(
        sr=view.filter_rate or view.sample_rate,
        n_fft=view.n_fft,
        n_mels=view.n_mels,
        fmin=view.fmin,
        fmax=view.fmax,
        **scale_options(view),
    )
    np.testing.assert_allclose(mel._filters(view).toarray(), expected, rtol=1e-6, atol=1e-12)


def test_log10p1_is_the_logarithm_of_one_plus_the_bands():
    view = VIEWS["louro"].model_copy(update={"scale": "log10p1", "seconds": 3.0})
    clip = chord(3.0, view.sample_rate)
    result = mel.spectrogram(clip, view)
    np.testing.assert_allclose(result, np.log10(1 + librosa_bands(clip, view)), atol=1e-5)
    assert result.min() >= 0


@every_view
@pytest.mark.parametrize("band", [60, 85])
def test_a_tone_at_the_centre_of_a_band_peaks_there(view, band):
    htk = view.mel_scale == "htk"
    centres = librosa.mel_frequencies(view.n_mels + 2, fmin=view.fmin, fmax=view.fmax, htk=htk)[
        1:-1
    ]
    heard = centres[band] * view.sample_rate / (view.filter_rate or view.sample_rate)
    assert forwards(tone(heard, 3.0, view.sample_rate), view)[40].argmax() == band


def test_the_released_bands_are_warped():
    centres = librosa.mel_frequencies(130, fmin=0, fmax=11025)[1:-1]
    peak = forwards(tone(1000.0, 3.0, 16000), VIEWS["louro_released"])[40].argmax()
    assert peak == np.abs(centres - 1000 * 22050 / 16000).argmin()


@pytest.mark.parametrize(("name", "frame"), [("louro", 125), ("louro_released", 941 - 125)])
def test_an_impulse_stands_where_time_puts_it(name, frame):
    view = VIEWS[name]
    clip = silence(30.125, view.sample_rate)
    clip.samples[125 * view.hop_length] = 1.0
    assert mel.spectrogram(clip, view).mean(axis=1).argmax() == frame


@pytest.mark.parametrize(
    ("name", "frames"), [("louro", 942), ("louro_released", 942), ("librosa_default", 1292)]
)
@pytest.mark.parametrize("duration", [10.0, 30.0, 40.0])
def test_every_length_gives_the_views_frames(name, frames, duration):
    view = VIEWS[name]
    result = mel.spectrogram(mel.prepare(noise(duration, 22050), view), view)
    assert result.shape == (frames, 128)
    assert result.dtype == np.float32


def test_padding_is_the_minimum_of_the_clip():
    result = mel.spectrogram(noise(10.0, 16000), VIEWS["louro"])
    assert len(np.unique(result[312])) > 1
    np.testing.assert_array_equal(result[313:], result[:313].min())


def test_released_padding_is_zero_and_comes_first():
    result = mel.spectrogram(noise(10.0, 16000, gain=1e-3), VIEWS["louro_released"])
    np.testing.assert_array_equal(result[: 942 - 313], 0.0)
    assert (result[942 - 313 :] < 0).all()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"crop_from": "start", "seconds": 0.5}, np.arange(8000)),
        ({"crop_from": "end", "seconds": 0.5}, np.arange(8000, 16000)),
        ({"crop_from": "middle", "seconds": 7999 / 16000}, np.arange(4000, 11999)),
        ({"pad_mode": "pad", "seconds": 2.0}, np.arange(16000)),
        ({"pad_mode": "repeat", "seconds": 2.5}, np.arange(40000) % 16000),
        ({"seconds": None}, np.arange(16000)),
    ],
    ids=["keep the start", "keep the end", "keep the middle", "pad", "repeat", "own length"],
)
def test_prepare_brings_a_clip_to_length(changes, expected):
    view = SHORT.model_copy(update=changes)
    clip = Clip("ramp", np.arange(16000, dtype=np.float32), 16000)
    np.testing.assert_array_equal(mel.prepare(clip, view).samples, expected)


def test_a_clip_that_a_transform_lengthened_is_cropped_again():
    assert len(mel.spectrogram(noise(1.7, 16000), SHORT)) == SHORT.frames


def test_a_view_without_length_keeps_the_clips_own():
    view = SHORT.model_copy(update={"seconds": None})
    assert len(mel.spectrogram(noise(1.7, 16000), view)) == 1 + 27200 // 512


def test_prepare_resamples_and_levels_the_peak():
    clip = mel.prepare(tone(440.0, 3.0, 44100, gain=0.2), VIEWS["louro"])
    assert (clip.sample_rate, len(clip.samples), clip.samples.dtype) == (16000, 48000, np.float32)
    assert np.abs(clip.samples).max() == pytest.approx(10 ** (-0.1 / 20), rel=1e-6)


@every_view
def test_silence_is_finite(view):
    result = mel.spectrogram(mel.prepare(silence(10.0, 44100), view), view)
    assert np.isfinite(result).all()
    lowest = -100 if view.scale == "db" else 0
    assert forwards(silence(10.0, view.sample_rate), view)[0, 0] == pytest.approx(lowest)


@pytest.mark.parametrize("gain_db", [-20.0, -6.0, 12.0])
def test_gain_shifts_every_value_by_itself(gain_db):
    quiet, loud = (noise(1.0, 16000, 0.1 * 10 ** (db / 20)) for db in (0.0, gain_db))
    shift = mel.spectrogram(loud, SHORT) - mel.spectrogram(quiet, SHORT)
    np.testing.assert_allclose(shift, gain_db, atol=1e-4)


def test_a_view_above_the_clips_rate_is_refused():
    with pytest.raises(MerError, match=r"11025 Hz.*16000 Hz"):
        mel.prepare(noise(1.0, 11025), SHORT)


def test_a_clip_that_was_not_prepared_is_refused():
    with pytest.raises(MerError, match="16000 Hz, not 22050 Hz"):
        mel.spectrogram(noise(1.0, 22050), SHORT)


def test_an_empty_block_is_a_view_without_a_spectrogram():
    assert config.read("views.none", path=PARAMS) == [None]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fmax: 8000.0", "fmax: 8001.0", "views.louro.fmax=8001.0.*not above 8000"),
        ("n_fft: 2048", "n_ftt: 2048", "'views.louro.n_ftt' is not a known key"),
        (
            "pad_value: minimum",
            "pad_value: minimum\n    hue: 1",
            "'views.louro.hue' is not a known key",
        ),
    ],
)
def test_a_wrong_view_is_refused_by_its_key(tmp_path, old, new, message):
    path = copy_params(PARAMS.parent, tmp_path)
    views = config.file_of("views", path)
    views.write_text(views.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MerError, match=message):
        config.read("views.louro", path=path)


@pytest.fixture
def standard(tmp_path) -> Path:
    """Three clips of 0.5, 1.0 and 2.0 s at 22050 Hz, as ``mer.pipeline.standardize`` leaves them."""
    folder = tmp_path / "standard" / "toy"
    folder.mkdir(parents=True)
    lengths = [11025, 22050, 44100]
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, sum(lengths), dtype=np.int16)
    np.save(folder / "audio.npy", samples)
    rows = [
        "id,offset,length,scale",
        "007,0,11025,1e-5",
        "b,11025,22050,2e-5",
        "c,33075,44100,3e-5",
    ]
    (folder / "clips.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    write_manifest(folder, rate=22050)
    return folder


def test_compute_writes_the_spectrogram_of_every_clip(standard, tmp_path):
    mel_stage.compute(standard, tmp_path / "mel", SHORT)
    mels = spectrograms.Mels.read(tmp_path / "mel")
    assert mels.ids == ("007", "b", "c")
    assert isinstance(mels.values, np.memmap)
    assert (mels.values.shape, mels.values.dtype) == ((3, 32, 128), np.float16)
    samples = np.load(standard / "audio.npy")[11025:33075] * np.float32(2e-5)
    expected = mel.spectrogram(mel.prepare(Clip("b", samples, 22050), SHORT), SHORT)
    stored = mels.rows(["c", "b"])[1].astype(np.float32)
    np.testing.assert_allclose(stored, expected, atol=2**-5, rtol=0)


@pytest.mark.parametrize(
    ("read", "message"),
    [(1.0, "a second or more: 1; .*: 0"), (1.5, "a second or more: 0; .*: 1")],
)
def test_clips_that_do_not_fill_the_view_or_exceed_it_are_counted(
    standard, tmp_path, caplog, read, message
):
    mel_stage.compute(standard, tmp_path / "mel", SHORT.model_copy(update={"seconds": read}))
    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert re.search(f"the view reads {read:g} s of each of 3 clips; .*{message}$", warning)


@pytest.mark.parametrize("read", [1.0 + 1e-3, None])
def test_clips_of_about_the_length_of_the_view_are_not_mentioned(standard, tmp_path, caplog, read):
    np.save(standard / "audio.npy", np.arange(22050, dtype=np.int16))
    (standard / "clips.csv").write_text("id,offset,length,scale\na,0,22050,1e-5\n")
    mel_stage.compute(standard, tmp_path / "mel", SHORT.model_copy(update={"seconds": read}))
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


def test_clips_of_their_own_length_are_filled_to_the_longest(standard, tmp_path):
    mel_stage.compute(standard, tmp_path / "mel", SHORT.model_copy(update={"seconds": None}))
    mels = spectrograms.Mels.read(tmp_path / "mel")
    assert mels.frames.tolist() == [16, 32, 63]
    assert mels.values.shape == (3, 63, 128)
    np.testing.assert_array_equal(mels.values[0, 16:], mels.values[0, :16].min())


def test_the_longest_clip_fits_where_the_rates_do_not_divide(standard, tmp_path):
    """At 16 kHz the clip has 20991.56 samples, and with the last of them a frame more."""
    np.save(standard / "audio.npy", np.arange(28929, dtype=np.int16))
    (standard / "clips.csv").write_text("id,offset,length,scale\na,0,28929,1e-5\n")
    own = {"seconds": None, "sample_rate": 16000, "hop_length": 512}
    mel_stage.compute(standard, tmp_path / "mel", SHORT.model_copy(update=own))
    mels = spectrograms.Mels.read(tmp_path / "mel")
    assert mels.frames.tolist() == [mels.values.shape[1]] == [1 + 20992 // 512]


def test_the_number_of_processes_changes_no_byte(standard, tmp_path, monkeypatch):
    for jobs in ("1", "2"):
        monkeypatch.setenv("MER_JOBS", jobs)
        mel_stage.compute(standard, tmp_path / jobs, SHORT)
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert names == ["ids.csv", "manifest.json", "mel.npy"]
    one, two = ([(tmp_path / jobs / name).read_bytes() for name in names] for jobs in ("1", "2"))
    assert one == two


def test_an_unknown_id_has_no_row(standard, tmp_path):
    mel_stage.compute(standard, tmp_path / "mel", SHORT)
    with pytest.raises(
        MerError, match="must have a spectrogram, and 1 have none, the first is 'z'"
    ):
        spectrograms.Mels.read(tmp_path / "mel").rows(["b", "z"])


def test_an_absent_standard_is_handed_on(tmp_path):
    write_absent(tmp_path / "standard", "no audio")
    mel_stage.compute(tmp_path / "standard", tmp_path / "mel", SHORT)
    with pytest.raises(MerError, match="mel must hold spectrograms, and is absent: no audio"):
        spectrograms.Mels.read(tmp_path / "mel")


def test_a_view_without_a_spectrogram_leaves_an_absent_artefact(standard, tmp_path):
    mel_stage.compute(standard, tmp_path / "mel", None)
    assert absent(tmp_path / "mel") == "this view has no spectrogram"


def test_a_view_above_the_corpus_rate_leaves_nothing(standard, tmp_path):
    with pytest.raises(MerError, match=r"22050 Hz.*44100 Hz"):
        mel_stage.compute(
            standard, tmp_path / "mel", SHORT.model_copy(update={"sample_rate": 44100})
        )
    assert list(tmp_path.iterdir()) == [standard.parent]


def test_every_version_of_a_clip_is_padded_with_its_own_minimum():
    mels = np.stack([np.full((2, 3), -30.0), np.full((2, 3), -50.0)])
    found = mel.padded(mels, 4, VIEWS["louro"])
    assert (found == mels[:, :1]).all()


def test_what_runs_backwards_is_padded_at_its_start():
    found = mel.padded(np.ones((2, 3)), 4, VIEWS["louro_released"], at_start=True)
    assert found[:, 0].tolist() == [0, 0, 1, 1]
