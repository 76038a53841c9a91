"""A user's own songs: which files are taken, how they are cut, and `mer features`."""

import errno
import io
import os

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import soxr

import mer
from conftest import ROOT
from helpers.clone import copy_params
from mer import config
from mer.__main__ import main
from mer.cli import features as features_command
from mer.errors import MerError, Unreadable
from mer.inference import song_features, songs
from mer.io.feature_tables import read_features
from mer.pipeline import features, standardize
from mer.pipeline.index import build

RATE = 22050
(LIMITS,) = config.read("audio", path=ROOT / "params.yaml")


def tone(hertz, seconds, rate=RATE):
    return 0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize(
    ("once", "rate", "expected"),
    [
        (8000, 44100, True),
        (11025, 22050, True),
        (16000, 44100, False),
        (44100, 44100, False),
        (4000, 8000, False),  # below 16 kHz, which cannot have the band
    ],
)
def test_audio_that_once_had_a_lower_sample_rate_is_band_limited(rng, once, rate, expected):
    samples = soxr.resample(rng.normal(size=3 * once) / 10, once, rate)
    assert songs.is_band_limited(songs.clip(samples, "noise", rate, None)) == expected


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


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["mer", *words])
    main()


def refusing(call, place):
    """A function that is refused at a place, as by missing permissions, whoever runs the test."""

    def refused(path, *args, **more):
        if str(path) == place:
            raise PermissionError(errno.EACCES, "Permission denied", place)
        return call(path, *args, **more)

    return refused


def test_a_folder_in_a_folder_that_cannot_be_read_is_left_out(project, monkeypatch, caplog):
    (project / "mine/locked").mkdir()
    monkeypatch.setattr(os, "scandir", refusing(os.scandir, "mine/locked"))
    left_out = {}
    assert "mine/high.wav" in songs.files(["mine"], left_out)
    assert left_out == {"mine/locked": "not readable (Permission denied)"}
    with pytest.raises(MerError, match="mine/locked must be a folder that can be read"):
        songs.files(["mine/locked/"], {})


def test_a_path_that_cannot_be_looked_at_is_a_file_that_cannot_be_used(project):
    assert songs.files(["a" * 300 + ".wav"], {}) == ["a" * 300 + ".wav"]


def test_an_empty_name_is_not_the_folder_that_one_is_in(project):
    with pytest.raises(MerError, match=r"a song must be the path .* not ''"):
        songs.files([""], {})


@pytest.mark.parametrize("rate", [1, 999, 10**9])
def test_a_sample_rate_that_no_recording_has_is_refused(project, rate):
    with pytest.raises(MerError, match=f"from 1000 to 768000 Hz, not {rate}"):
        mer.features("compare_lld", tone(440, 1), rate)
    with pytest.raises(MerError, match=f"from 1000 to 768000 Hz, not {rate}"):
        mer.features("compare_lld", "mine/high.wav", rate)


def test_samples_are_refused_as_files_are(project):
    with pytest.raises(MerError, match="2 channels cancel out"):
        songs.mono(np.stack([tone(440, 2), -0.99 * tone(440, 2)], axis=1), RATE, RATE)
    with pytest.raises(MerError, match=r"full scale of 1\.0, and peak at 1\.31e\+04 times"):
        songs.mono(32768 * tone(440, 2), RATE, RATE)


def test_an_excerpt_may_be_longer_than_any_recording(project):
    whole = songs.excerpts("a", [tone(440, 2)], RATE, seconds=1e305, hop=1e305, peak_db=None)
    assert [excerpt.start for excerpt in whole] == [0]


def test_folders_give_their_audio_and_files_are_taken_as_they_are(project):
    assert songs.files(["params.yaml", "mine/high.wav", "mine"], {}) == [
        "mine/broken.mp3",
        "mine/high.wav",
        "mine/low.flac",
        "params.yaml",
    ]


def test_a_file_that_is_spelled_in_two_ways_counts_once(project):
    assert songs.files(["a.wav", "./a.wav", ".//a.wav"], {}) == ["a.wav"]


def test_a_name_that_is_not_utf8_is_left_out_and_the_others_stay(project, caplog):
    (project / os.fsdecode(b"mine/caf\xe9.wav")).touch()
    left_out = {}
    assert "mine/high.wav" in songs.files(["mine"], left_out)
    assert left_out == {r"mine/caf\udce9.wav": "its name must be UTF-8; rename it"}
    assert r"'mine/caf\udce9.wav' is left out: its name must be UTF-8; rename it" in caplog.text


def test_a_name_that_a_spreadsheet_would_run_begins_with_its_folder(project):
    (project / "=cmd.wav").touch()
    assert songs.files(["=cmd.wav"], {}) == ["./=cmd.wav"]


def test_a_folder_without_audio_is_refused(project):
    (project / "empty").mkdir()
    with pytest.raises(MerError, match="empty must hold audio files"):
        songs.files(["empty"], {})


@pytest.mark.parametrize(
    ("seconds", "lengths"),
    [(10, [10]), (65, [30, 30]), (75, [30, 30, 15]), (74, [30, 30]), (30, [30]), (14, [14])],
)
@pytest.mark.parametrize("size", [7, 30, 1000])
def test_a_last_piece_stays_if_it_is_half_an_excerpt_or_the_only_one(seconds, lengths, size):
    """At 100 Hz, however the song arrives in pieces."""
    values = np.arange(100 * seconds, dtype=np.float32)
    pieces = np.split(values, range(100 * size, len(values), 100 * size))
    found = list(songs.windows(pieces, 3000, 3000))
    assert [len(samples) / 100 for _, samples in found] == lengths
    assert np.array_equal(
        np.concatenate([samples for _, samples in found]), values[: 100 * sum(lengths)]
    )


@pytest.mark.parametrize(
    ("hop", "starts"),
    [(10, [0, 10, 20, 30, 40, 50]), (25, [0, 25, 50]), (45, [0, 45]), (60, [0, 60])],
)
def test_overlapping_excerpts_bring_something_new_each(hop, starts):
    """A song of 75 s in excerpts of 30 s; a shorter last one has half of a step that no other has."""
    values = np.arange(7500, dtype=np.float32)
    found = list(songs.windows([values[:800], values[800:]], 3000, 100 * hop))
    assert [start / 100 for start, _ in found] == starts
    assert all(samples[0] == start for start, samples in found)


def excerpts_of(values, *, seconds, peak_db=None):
    found = songs.excerpts("s", [values], 100, seconds=seconds, hop=seconds, peak_db=peak_db)
    return {excerpt.clip.id: excerpt.clip.samples for excerpt in found}


def test_each_excerpt_gets_the_level_of_the_corpus_clips():
    values = np.concatenate([np.tile([0.009, -0.009], 100), np.tile([0.3, -0.3], 100)])
    found = excerpts_of(values.astype(np.float32), seconds=2, peak_db=-6.0206)
    assert [np.abs(e).max() for e in found.values()] == pytest.approx([0.5, 0.5], rel=1e-4)


def test_silent_excerpts_are_left_out_and_the_others_keep_their_number():
    values = np.concatenate([np.zeros(200), np.tile([0.3, -0.3], 100)]).astype(np.float32)
    assert list(excerpts_of(values, seconds=2)) == ["s#1"]


def test_a_long_recording_arrives_in_pieces_that_make_up_the_whole(project, monkeypatch):
    """Of a megabyte, three of them; soxr's stream differs from its one call in the last bits."""
    sf.write("long.wav", tone(330, 25, 44100), 44100)
    monkeypatch.setattr(songs, "PIECE_MIB", 1)
    pieces = list(songs.decoded("long.wav", RATE))
    monkeypatch.setattr(songs, "PIECE_MIB", 64)
    (whole,) = songs.decoded("long.wav", RATE)
    assert len(pieces) > 2
    assert np.allclose(np.concatenate(pieces), whole, atol=1e-4)


def test_an_mp3_in_pieces_decodes_as_the_whole(project, monkeypatch):
    rng = np.random.default_rng(0)
    sf.write("long.mp3", rng.uniform(-0.5, 0.5, (20 * 44100, 2)), 44100)
    monkeypatch.setattr(songs, "PIECE_MIB", 1)
    pieces = list(songs.decoded("long.mp3", 44100))
    monkeypatch.setattr(songs, "PIECE_MIB", 64)
    (whole,) = songs.decoded("long.mp3", 44100)
    assert len(pieces) > 2
    assert np.allclose(np.concatenate(pieces), whole, atol=1e-4)


def test_a_truncated_long_recording_is_found_at_its_end(project, monkeypatch):
    sf.write("long.flac", tone(330, 25, 44100), 44100)
    content = (project / "long.flac").read_bytes()
    (project / "long.flac").write_bytes(content[: len(content) // 2])
    monkeypatch.setattr(songs, "PIECE_MIB", 1)
    with pytest.raises(Unreadable):
        list(songs.decoded("long.flac", RATE))


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
    return read_features(target / features.TABLE)


def test_features_of_files_are_those_of_a_corpus(project, monkeypatch, capsys, caplog):
    for suffix, read in (("parquet", pd.read_parquet), ("csv", pd.read_csv)):
        with pytest.raises(SystemExit, match="1"):  # a file is left out
            run(monkeypatch, "features", "compare", "mine", "--out", f"table.{suffix}")
        table, expected = read(f"table.{suffix}").set_index("id"), of_a_corpus(project)
        assert list(table.index) == ["mine/high.wav", "mine/low.flac"]
        assert tuple(table.columns) == expected.names
        assert np.allclose(table.to_numpy(), expected.values, rtol=1e-6)
    assert "'mine/broken.mp3' is left out: " in caplog.text
    assert "2 songs, 6373 features of 'compare'; files left out: 1" in capsys.readouterr().out
    assert not (project / ".mer/songs").exists()


def test_features_of_an_interrupted_run_are_resumed(project, monkeypatch, capsys):
    """The rows are those of a whole run to the last digit; a file that was left out is tried again."""
    words = ["features", "compare", "mine", "--out"]
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, *words, "whole.parquet")
    with monkeypatch.context() as patch:
        patch.setattr(features_command, "_write", interrupted)
        with pytest.raises(SystemExit):
            run(monkeypatch, *words, "table.parquet")
    assert "the same command with --resume goes on" in " ".join(capsys.readouterr().err.split())

    asked = []
    monkeypatch.setattr(
        song_features, "features_of_file", lambda *given: asked.append(given[-1]) or Unreadable("x")
    )
    monkeypatch.setenv("MER_JOBS", "1")
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, *words, "table.parquet", "--resume")
    assert asked == ["mine/broken.mp3"]
    pd.testing.assert_frame_equal(
        pd.read_parquet("table.parquet"), pd.read_parquet("whole.parquet"), check_exact=True
    )
    assert not list(project.glob(".table*"))


def interrupted(*_):
    raise KeyboardInterrupt


def test_features_of_other_options_are_not_resumed(project, monkeypatch, capsys):
    words = ["features", "compare", "mine/high.wav", "--out", "table.csv"]
    with monkeypatch.context() as patch:
        patch.setattr(features_command, "_write", interrupted)
        with pytest.raises(SystemExit):
            run(monkeypatch, *words)
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, *words, "--resume", "--sample-rate", "44100")
    said = " ".join(capsys.readouterr().err.split())
    assert "of the interrupted run, which differs in sample_rate; make them the same" in said


@pytest.mark.usefixtures("project")
def test_a_song_too_long_for_features_is_left_out(monkeypatch, capsys):
    words = ["features", "compare", "mine/high.wav", "--max-minutes", "0.02", "--out", "table.csv"]
    with pytest.raises(SystemExit):
        run(monkeypatch, *words)
    said = " ".join(capsys.readouterr().err.split())
    assert "longer than 0.02 minutes; raise max_minutes (--max-minutes), or cut it" in said


def test_empty_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(MerError, match="and is empty"), songs.spooled(["-"]):
        pass


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
            "the sample rate must be at least 22050",
        ),
        (
            ["compare", "mine", "--out", "t.csv", "--max-minutes", "-1"],
            "argument --max-minutes: must be 0.01 or more, not -1",
        ),
        (["openl3", "mine", "--out", "t.csv"], "weights must lie in data/raw/weights/openl3"),
        (["nothing", "mine", "--out", "t.csv"], "family: 'nothing' is not one of ["),
        (["none", "mine", "--out", "t.csv"], "family: 'none' is not one of ["),
        (
            ["compare", "mine/broken.mp3", "--out", "t.csv"],
            "at least one audio file must be usable",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(project, monkeypatch, capsys, words, message):
    with pytest.raises(SystemExit, match=r"[12]"):
        run(monkeypatch, "features", *words)
    said = capsys.readouterr().err
    assert message in " ".join(said.split())
    assert "Traceback" not in said
    assert not (project / "t.csv").exists()
