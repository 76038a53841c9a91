"""A user's own songs: which files are taken, how they are cut, and `mer features`."""

import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from conftest import ROOT
from helpers.clone import copy_params
from mer import config
from mer.__main__ import main
from mer.errors import MerError
from mer.inference import songs
from mer.inference.excerpts import write_excerpts
from mer.io import artefacts
from mer.pipeline import features, standardize
from mer.pipeline.index import build

RATE = 22050
(LIMITS,) = config.read("audio", path=ROOT / "params.yaml")


def tone(hertz, seconds, rate=RATE):
    return 0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with params.yaml and three songs, one of them damaged, one without a sound behind 4 s."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    copy_params(ROOT, tmp_path)
    (tmp_path / "mine").mkdir()
    sf.write("mine/high.wav", tone(880, 3), RATE)
    sf.write("mine/low.flac", np.concatenate([tone(110, 4), np.zeros(4 * RATE)]), RATE)
    (tmp_path / "mine/broken.mp3").write_bytes(b"no music\n" * 99)
    (tmp_path / "mine/cover.jpg").write_bytes(b"no song")
    return tmp_path


def standard(places, data, rate=RATE, peak_db=None):
    return songs.standardize_songs(
        places, data, "x", sample_rate=rate, peak_db=peak_db, limits=LIMITS
    )


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["mer", *words])
    main()


def test_folders_give_their_audio_and_files_are_taken_as_they_are(project):
    assert songs.files(["params.yaml", "mine/high.wav", "mine"]) == [
        "mine/broken.mp3",
        "mine/high.wav",
        "mine/low.flac",
        "params.yaml",
    ]


def test_a_folder_without_audio_is_refused(project):
    (project / "empty").mkdir()
    with pytest.raises(MerError, match="empty must hold audio files"):
        songs.files(["empty"])


def test_damaged_and_missing_files_are_named_and_the_others_go_through(project, caplog):
    left_out = standard(["gone.wav", *songs.files(["mine"])], project / "data")
    assert left_out.keys() == {"mine/broken.mp3", "gone.wav"}
    assert artefacts.Standard.read(project / "data/standard/x").ids == (
        "mine/high.wav",
        "mine/low.flac",
    )
    for path, reason in left_out.items():
        assert f"'{path}' is left out: {reason}" in caplog.text


def test_files_of_the_same_bytes_both_go_through(project):
    shutil.copyfile("mine/high.wav", "mine/again.wav")
    assert not standard(["mine/high.wav", "mine/again.wav"], project / "data")


@pytest.mark.parametrize(
    ("name", "message"),
    [("mine/broken.mp3", "unusable are 1 of 1: 'mine/broken"), ("gone.wav", "gone")],
)
def test_no_usable_file_is_refused(project, name, message):
    with pytest.raises(MerError, match=message):
        standard([name], project / "data")
    assert not (project / "data/standard/x/audio.npy").exists()


def test_songs_have_no_label_that_a_score_could_read(project):
    standard(["mine/high.wav"], project / "data")
    (track,) = artefacts.read_tracks(project / "data/index/x")
    assert not track.quadrant
    assert track.valence is track.arousal is None


@pytest.mark.parametrize(
    ("seconds", "lengths"),
    [(10, [10]), (65, [30, 30]), (75, [30, 30, 15]), (74, [30, 30]), (30, [30]), (14, [14])],
)
def test_a_last_piece_stays_if_it_is_half_an_excerpt_or_the_only_one(tmp_path, seconds, lengths):
    """At 100 Hz; each second of the song has its own value."""
    values = np.repeat(np.arange(1, seconds + 1), 100) * np.tile([1, -1], 50 * seconds)
    excerpts = cut_of(tmp_path, values, rate=100, seconds=30)
    assert [len(e) / 100 for e in excerpts.values()] == lengths
    assert list(excerpts) == [f"song.wav#{n}" for n in range(len(lengths))]
    joined = np.concatenate(list(excerpts.values()))
    assert np.allclose(joined, values[: len(joined)] / 1000)


def cut_of(folder, values, *, rate, seconds, peak_db=None):
    """The samples of the excerpts of a song of these values, in thousandths of full scale."""
    source = folder / "source"
    with artefacts.writing(source) as new:
        np.save(new / "audio.npy", values.astype("<i2"))
        clips = pd.DataFrame(
            {"id": ["song.wav"], "offset": 0, "length": len(values), "scale": 1e-3}
        )
        clips.to_csv(new / "clips.csv", index=False)
        artefacts.write_manifest(new, rate=rate)
    write_excerpts(source, folder / "target", seconds=seconds, peak_db=peak_db)
    found = artefacts.Standard.read(folder / "target")
    return {id_: found.clip(n).samples for n, id_ in enumerate(found.ids)}


def test_each_excerpt_gets_the_level_of_the_corpus_clips(tmp_path):
    values = np.concatenate([np.tile([9, -9], 100), np.tile([300, -300], 100)])
    excerpts = cut_of(tmp_path, values, rate=100, seconds=2, peak_db=-6.0206)
    assert [np.abs(e).max() for e in excerpts.values()] == pytest.approx([0.5, 0.5], rel=1e-4)


def test_silent_excerpts_are_named_and_keep_their_number(project, caplog):
    standard(["mine/low.flac"], project / "data")
    found, _ = write_excerpts(
        project / "data/standard/x", project / "data/standard/y", seconds=2, peak_db=None
    )
    assert [excerpt.id for excerpt in found] == ["mine/low.flac#0", "mine/low.flac#1"]
    assert "'mine/low.flac#3' is left out: silent" in caplog.text


def of_a_corpus(folder):
    """Features of the songs of ``mine`` as those of a corpus, by what its stages call."""
    labels = "path,quadrant\nhigh.wav,Q1\nlow.flac,Q3\n"
    (folder / "mine/labels.csv").write_text(labels)
    index, standard, target = (folder / name for name in ("index", "standard", "features"))
    build(folder / "mine", index, "folder", None)
    (quarantine,) = config.read("quarantine")
    how = {"sample_rate": RATE, "peak_db": None, "limits": LIMITS, "quarantine": quarantine}
    standardize.standardize(index, folder / "mine", standard, **how)
    (params,) = config.read("families.compare")
    features.extract(standard, index, target, family="compare", params=params)
    return artefacts.read_features(target / features.TABLE)


def test_features_of_files_are_those_of_a_corpus(project, monkeypatch, capsys):
    for suffix, read in (("parquet", pd.read_parquet), ("csv", pd.read_csv)):
        run(monkeypatch, "features", "compare", "mine", "--out", f"table.{suffix}")
        table, expected = read(f"table.{suffix}").set_index("id"), of_a_corpus(project)
        assert list(table.index) == ["mine/high.wav", "mine/low.flac"]
        assert tuple(table.columns) == expected.names
        assert np.allclose(table.to_numpy(), expected.values, rtol=1e-6)
    said = capsys.readouterr()
    assert "2 songs, 6373 features of 'compare'; files left out: 1" in said.out
    assert list((project / ".mer").glob(".songs*")) == []


def test_a_join_is_extracted_as_its_families(project, monkeypatch):
    words = ["--sample-rate", "22050", "--out", "joined.csv"]
    run(monkeypatch, "features", "essentia_compare_lld", "mine/high.wav", *words)
    assert pd.read_csv("joined.csv").shape == (1, 1 + 84 + 260)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["top100", "mine", "--out", "t.csv"], "'top100' exists only as a published table"),
        (["compare", "mine", "--out", "t.txt"], "--out must end in one of .parquet .csv"),
        (
            ["compare", "mine", "--out", "t.csv", "--sample-rate", "8000"],
            "--sample-rate must be at least 22050",
        ),
        (["openl3", "mine", "--out", "t.csv"], "give one in Hz: --sample-rate 44100"),
        (
            ["openl3", "mine", "--out", "t.csv", "--sample-rate", "22050"],
            "weights not present: openl3",
        ),
        (["nothing", "mine", "--out", "t.csv"], "'nothing' is not one of"),
        (["compare", "mine/broken.mp3", "--out", "t.csv"], "one audio file at least"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(project, monkeypatch, capsys, words, message):
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, "features", *words)
    said = capsys.readouterr().err
    assert message in " ".join(said.split())
    assert "Traceback" not in said
    assert not (project / "t.csv").exists()
