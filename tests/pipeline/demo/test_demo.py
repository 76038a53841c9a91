"""The demo corpora: the same bytes always, and music that says what its quadrant promises."""

from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace

import librosa
import numpy as np
import pandas as pd
import pytest

from mer.errors import MerError
from mer.pipeline.demo import render
from mer.pipeline.demo.cues import CUES, Cue, draw
from mer.pipeline.demo.score import BEATS, MAJOR, MINOR, Note, _rhythm, compose
from mer.pipeline.demo.synth import PARTIALS, Instrument, perform
from mer.types import QUADRANTS, Clip, Track

RATE = 22050
SETTINGS = {"seed": 7, "seconds": 6.0, "sample_rate": RATE}
PURE = Instrument(colour=np.eye(PARTIALS)[0], decay=0.0, vibrato=0.0, vibrato_hz=5.0)
CALM = {name: cue.base for name, cue in CUES.items()} | {"noise": -120.0, "harshness": 0.0}


@pytest.fixture(scope="module")
def songs() -> list[tuple[Track, Clip]]:
    return list(render.songs(7, 6.0, RATE, 12))


@pytest.fixture(scope="module")
def measured(songs) -> pd.DataFrame:
    """Descriptors that any listener's ear has, one row per clip."""

    def row(track: Track, clip: Clip) -> dict[str, object]:
        onsets = librosa.onset.onset_detect(y=clip.samples, sr=clip.sample_rate)
        return {
            "quadrant": track.quadrant,
            "onsets": len(onsets) / clip.seconds,
            "rms": 20 * np.log10(clip.samples.std()),
            "centroid": librosa.feature.spectral_centroid(
                y=clip.samples, sr=clip.sample_rate
            ).mean(),
        }

    return pd.DataFrame([row(*song) for song in songs])


def test_ids_are_unique_sorted_and_count_up():
    ids = [track.id for track in render.tracks(12)]
    assert ids == sorted(set(ids))
    assert (ids[0], ids[-1]) == ("demo_q1_00", "demo_q4_11")


@pytest.mark.parametrize("per_quadrant", [1, 4, 12, 48])
def test_every_quadrant_has_as_many_songs_and_lies_where_russell_put_it(per_quadrant):
    tracks = render.tracks(per_quadrant)
    assert Counter(t.quadrant for t in tracks) == dict.fromkeys(QUADRANTS, per_quadrant)
    signs = {(t.quadrant, t.valence > 0, t.arousal > 0) for t in tracks}
    assert signs == {
        ("Q1", True, True),
        ("Q2", False, True),
        ("Q3", False, False),
        ("Q4", True, False),
    }


@pytest.mark.parametrize("per_quadrant", [0, 49])
def test_an_impossible_number_of_songs_is_refused(per_quadrant):
    with pytest.raises(MerError, match=f"1 to 48 songs per quadrant, not {per_quadrant}"):
        render.tracks(per_quadrant)


@pytest.mark.parametrize("per_quadrant", [4, 12, 48])
def test_artists_have_two_or_three_songs_and_some_of_them_two_quadrants(per_quadrant):
    quadrants = defaultdict(list)
    for track in render.tracks(per_quadrant):
        quadrants[track.artist].append(track.quadrant)
    assert {len(q) for q in quadrants.values()} <= {2, 3}
    assert {len(set(q)) for q in quadrants.values()} == {1, 2}


def test_a_song_has_the_length_type_and_rate_asked_for_and_a_peak_that_never_clips(songs):
    clips = [clip for _, clip in songs]
    assert {(len(c.samples), c.samples.dtype, c.sample_rate) for c in clips} == {
        (6 * RATE, np.dtype("float32"), RATE)
    }
    peaks = [np.abs(c.samples).max() for c in clips]
    assert 0.1 < min(peaks) < 0.3 < 0.6 < max(peaks) < 0.9


def test_a_song_is_the_same_bytes_alone(songs):
    track, clip = songs[30]
    assert render.song(track, **SETTINGS).samples.tobytes() == clip.samples.tobytes()


@pytest.mark.parametrize("change", [{"seed": 8}, {"seconds": 5.0}, {"sample_rate": 16000}])
def test_every_setting_counts(songs, change):
    track, clip = songs[0]
    assert render.song(track, **SETTINGS | change).samples.tobytes() != clip.samples.tobytes()


def test_no_two_songs_are_alike(songs):
    assert len({clip.samples.tobytes() for _, clip in songs}) == len(songs)


def test_a_track_without_a_place_in_the_plane_is_refused():
    with pytest.raises(MerError, match="x must have valence and arousal"):
        render.song(Track("x", "Q1"), **SETTINGS)


@pytest.mark.parametrize("descriptor", ["onsets", "rms", "centroid"])
def test_aroused_music_is_denser_louder_and_brighter(measured, descriptor):
    mean = measured.groupby("quadrant")[descriptor].mean()
    assert mean[["Q1", "Q2"]].min() > mean[["Q3", "Q4"]].max()


@pytest.mark.parametrize("descriptor", ["onsets", "rms", "centroid"])
def test_no_descriptor_alone_tells_the_quadrants_apart(measured, descriptor):
    ranges = measured.groupby("quadrant")[descriptor].agg(["min", "max"]).sort_values("min")
    overlaps = ranges["max"].to_numpy()[:-1] > ranges["min"].to_numpy()[1:]
    assert overlaps.sum() >= 2


@pytest.mark.parametrize(
    ("cue", "highest", "lowest"),
    [
        ("tempo", "Q1", "Q3"),
        ("mode", "Q1", "Q2"),
        ("mode", "Q4", "Q3"),
        ("tension", "Q2", "Q4"),
        ("register", "Q1", "Q3"),
        ("articulation", "Q3", "Q1"),
        ("level", "Q2", "Q3"),
        ("rolloff", "Q3", "Q1"),
        ("attack", "Q4", "Q2"),
        ("harshness", "Q2", "Q4"),
    ],
)
def test_cues_point_where_the_literature_says(cue, highest, lowest):
    rng = np.random.default_rng(0)
    mean = {
        q: np.mean([draw(0.5 * v, 0.5 * a, rng)[cue] for _ in range(300)])
        for q, (v, a) in render.SIGNS.items()
    }
    assert mean[highest] > mean[lowest] + 0.3 * CUES[cue].spread


def test_a_cue_is_linear_until_its_bounds():
    cue = Cue(base=1.0, valence=2.0, arousal=-3.0, spread=0.0, low=-1.0, high=2.5)
    drawn = [cue.draw(v, a, np.random.default_rng(0)) for v, a in ((0.5, 0.2), (1, -1), (-1, 1))]
    assert drawn == pytest.approx([1.4, 2.5, -1.0])


@pytest.mark.parametrize("density", [0.5, 1.3, 3.0])
def test_a_rhythm_fills_its_bar(density):
    rhythm = _rhythm(density, np.random.default_rng(3))
    onsets, lengths = np.transpose(rhythm)
    assert onsets[0] == 0
    assert np.array_equal(onsets + lengths, [*onsets[1:], BEATS])


@pytest.mark.parametrize(("mode", "scale"), [(1.0, MAJOR), (-1.0, MINOR)])
def test_without_tension_all_notes_are_of_the_scale(mode, scale):
    cues = CALM | {"mode": mode, "tension": 0.0, "register": 60.0, "percussion": 0.0}
    notes = compose(cues, 20.0, np.random.default_rng(0))
    assert {n.pitch % 12 for n in notes} <= set(scale)
    assert scale[2] in {n.pitch % 12 for n in notes}


def test_tension_leaves_the_scale():
    cues = CALM | {"mode": 1.0, "tension": 0.7, "register": 60.0, "percussion": 0.0}
    notes = compose(cues, 20.0, np.random.default_rng(0))
    assert {n.pitch % 12 for n in notes} - set(MAJOR)


def test_drums_keep_the_tempo():
    cues = CALM | {"tempo": 120.0, "percussion": 1.0}
    kicks = [n.start for n in compose(cues, 16.0, np.random.default_rng(0)) if n.voice == "kick"]
    assert np.diff(kicks) == pytest.approx(np.full(15, 1.0), abs=0.06)


def test_a_note_sounds_at_its_time_pitch_and_level():
    samples = perform(
        [Note("melody", 0.5, 1.0, 69, 1.0)],
        CALM | {"level": -6.0},
        PURE,
        seconds=2.0,
        sample_rate=RATE,
        rng=np.random.default_rng(0),
    )
    assert np.abs(samples).max() == pytest.approx(10 ** (-6 / 20))
    assert np.abs(samples[: RATE // 2]).max() < 1e-4
    assert np.abs(np.fft.rfft(samples)).argmax() / 2.0 == pytest.approx(440, abs=0.5)


def test_a_corpus_is_written_by_its_layout(tmp_path: Path, monkeypatch):
    def write(root: Path, songs: list[tuple[Track, Clip]]) -> None:
        for track, clip in songs:
            (root / track.id).write_bytes(clip.samples.tobytes())

    monkeypatch.setattr(render.registry, "get", lambda *_: SimpleNamespace(write=write))
    render.render("any", tmp_path / "raw", **SETTINGS, counts=dict.fromkeys(QUADRANTS, 1))
    found = {path.name: path.read_bytes() for path in (tmp_path / "raw").iterdir()}
    assert found == {t.id: c.samples.tobytes() for t, c in render.songs(7, 6.0, RATE, 1)}


@pytest.mark.parametrize("counts", [None, 30, {"Q1": 4}, {"Q1": 4, "Q2": 4, "Q3": 4, "Q4": 5}])
def test_counts_that_differ_are_refused_before_anything_is_touched(tmp_path, counts):
    with pytest.raises(MerError, match=r"counts of a demo corpus must be equal|1 to 48"):
        render.render("folder", tmp_path / "raw", **SETTINGS, counts=counts)
    assert not (tmp_path / "raw").exists()
