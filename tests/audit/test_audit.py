"""``mer audit``: the findings in a corpus with every fault, with and without its audio."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from conftest import ROOT
from helpers.clone import copy_params
from mer import config
from mer.__main__ import main
from mer.audit import corpus
from mer.audit.duplicates import Pair
from mer.errors import MerError
from mer.io import fold_tables
from mer.types import Fold

RATE = 16000
LABELS = """path,quadrant,artist
a.wav,Q1,one
copy.wav,Q1,one
lossless.flac,Q2,one
b.wav,Q2,two
c.wav,Q3,two
quieter.wav,Q4,three
d.wav,Q4,four
broken.wav,Q1,four
missing.wav,Q2,
"""


def song(number):
    """Two seconds of noise in bands that depend on the number."""
    rng = np.random.default_rng(number)
    spectrum = rng.normal(size=RATE + 1) * np.repeat(rng.uniform(0.01, 1, 101), 159)[: RATE + 1]
    samples = np.fft.irfft(spectrum)
    return 0.5 * samples / np.abs(samples).max()


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """A project whose corpus demo_emopia200 has every fault; in it, the folder data/raw."""
    copy_params(ROOT, tmp_path)
    root = tmp_path / "data/raw/emopia200"
    root.mkdir(parents=True)
    (root / "labels.csv").write_text(LABELS)
    for name in "abcd":
        pcm = np.rint(32767 * song(ord(name))).astype(np.int16)
        sf.write(root / f"{name}.wav", pcm, RATE)
        if name == "b":
            sf.write(root / "lossless.flac", pcm, RATE)
    shutil.copyfile(root / "a.wav", root / "copy.wav")
    sf.write(root / "quieter.wav", 0.6 * song(ord("c")), RATE, subtype="PCM_16")
    (root / "broken.wav").write_bytes((root / "a.wav").read_bytes()[:20_000])
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data/raw"


def audit(raw, **options):
    corpora, limits = config.read("corpora", "audio")
    return corpus.audit("emopia200", corpora, raw, limits=limits, seed=1, **options)


def test_every_fault_is_found(raw):
    found = audit(raw)
    assert found.counts == {"Q1": 3, "Q2": 3, "Q3": 1, "Q4": 2}
    assert found.against_published == "published: {'Q1': 50, 'Q2': 50, 'Q3': 50, 'Q4': 50}"
    assert found.unusable.keys() == {"broken", "missing"}
    assert found.unusable["missing"] == "no such file"
    assert found.unusable["broken"].startswith("truncated")
    assert found.duplicates["bytes"] == [Pair("a", "copy", 0.0)]
    assert found.duplicates["samples"] == [Pair("a", "copy", 0.0), Pair("b", "lossless", 0.0)]
    near = {pair[:2] for pair in found.duplicates["features of the audio"]}
    assert near == {("a", "copy"), ("b", "lossless"), ("c", "quieter")}
    assert [pair[:2] for pair in found.conflicts] == [("c", "quieter")]
    assert (found.artists.named, found.artists.clips_without) == (4, 1)


def test_a_conflict_that_is_found_in_several_ways_is_one_pair(raw):
    """The file a, its copy and the lossless b are found by bytes, by samples and by features."""
    labels = raw / "emopia200/labels.csv"
    labels.write_text(labels.read_text().replace("copy.wav,Q1", "copy.wav,Q3"))
    found = audit(raw)
    assert {by: len(pairs) for by, pairs in found.duplicates.items()} == {
        "bytes": 1,
        "samples": 2,
        "features of the audio": 3,
    }
    assert [pair[:2] for pair in found.conflicts] == [("a", "copy"), ("c", "quieter")]


def test_labels_that_the_index_refuses_are_told(raw, monkeypatch, capsys):
    labels = raw / "demo/labels.csv"
    labels.parent.mkdir()
    labels.write_text("path,quadrant,valence\na.wav,Q1,0.5\nb.wav,Q2,-3\nc#5.wav,Q3,0\n")
    monkeypatch.setattr("sys.argv", ["mer", "audit", "demo"])
    main()
    shown = " ".join(capsys.readouterr().out.split())
    refused = "labels that the stage index refuses: data/raw/demo: "
    assert f"{refused}the clip 'c#5' ('c#5.wav') must not end like the id of a segment" in shown
    assert f"{refused}valence of the clip 'b' must lie in the corpus' range, -1 to 1" in shown
    labels.write_text("path,quadrant,valence\na.wav,Q1,0.5\n")
    main()
    assert "refuses" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [("label", "calm", "sad"), ("valence", "0.1", "0.9"), ("arousal", "0.1", "0.9")],
)
def test_duplicates_with_another_label_or_value_are_a_conflict(raw, column, one, other):
    (raw / "emopia200/labels.csv").write_text(
        f"path,{column}\na.wav,{one}\ncopy.wav,{other}\nb.wav,{one}\nlossless.flac,{one}\n"
    )
    assert [pair[:2] for pair in audit(raw).conflicts] == [("a", "copy")]


def test_clips_without_classes_have_no_counts_of_them(raw, monkeypatch, capsys):
    (raw / "emopia200/labels.csv").write_text("path,arousal\na.wav,0.1\nb.wav,0.9\n")
    monkeypatch.setattr("sys.argv", ["mer", "audit", "emopia200"])
    main()
    assert "clips: 2, published: {" in capsys.readouterr().out


def test_a_file_under_another_spelling_is_the_one_of_the_index(raw):
    labels = raw / "emopia200/labels.csv"
    labels.write_text(labels.read_text().replace("d.wav", "caf\u00e9.wav"))
    (raw / "emopia200/d.wav").rename(raw / "emopia200/cafe\u0301.wav")
    assert audit(raw).unusable.keys() == {"broken", "missing"}


def test_a_corpus_that_is_not_there_says_where_it_belongs(raw):
    shutil.rmtree(raw / "emopia200")
    with pytest.raises(
        MerError, match=r"'emopia200' must lie in .*emopia200, .* none; get it from"
    ):
        audit(raw)


@pytest.mark.parametrize(("option", "kind"), [("split_files", Path), ("others", str)])
def test_a_missing_table_is_found_before_a_file_is_decoded(raw, monkeypatch, option, kind):
    monkeypatch.setattr("mer.audit.audio.examine", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(MerError, match=r"gone\.csv"):
        audit(raw, **{option: [kind(raw / "gone.csv")]})


def test_without_audio_the_tables_alone_are_compared(raw):
    for file in (*raw.rglob("*.wav"), *raw.rglob("*.flac")):
        file.unlink()
    found = audit(raw)
    assert (found.duplicates, found.unusable) == ({}, {})
    assert found.clips == 9


def test_files_that_no_label_names_rightly_are_not_taken_for_no_audio(raw):
    labels = raw / "emopia200/labels.csv"
    labels.write_text(LABELS.replace("\n", "\naudio/").removesuffix("audio/"))
    assert set(audit(raw).unusable.values()) == {"no such file"}
    assert len(audit(raw).unusable) == 9


def test_another_corpus_that_cannot_be_read_is_left_out_unless_it_is_asked_for(raw, caplog):
    (raw / "4qaed").mkdir()
    assert audit(raw).shared == {}
    assert "the corpus is not compared with 4qaed: " in caplog.text
    with pytest.raises(MerError):
        audit(raw, others=["4qaed"])


def test_folds_of_ones_own(raw, tmp_path):
    fold_tables.write(tmp_path / "f.csv", [Fold(0, 0, ("a", "c"), (), ("copy", "d"))])
    found = audit(raw, split_files=[tmp_path / "f.csv"])
    assert found.overlap[str(tmp_path / "f.csv")] == 0.5
    shutil.copyfile(tmp_path / "f.csv", raw / "emopia200/folds.csv")
    assert audit(raw).overlap[str(raw / "emopia200/folds.csv")] == 0.5
    fold_tables.write(tmp_path / "f.csv", [Fold(0, 0, ("a", "c"), (), ("other",))])
    with pytest.raises(MerError, match="must list clips of the corpus, and 'other' is none"):
        audit(raw, split_files=[tmp_path / "f.csv"])


@pytest.fixture
def relate(raw):
    """A function that says in params/corpora.yaml that mixed3 has songs of emopia200."""

    def written():
        path = raw.parents[1] / "params/corpora.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count("\n  mixed3:\n    layout") == 1
        start = "\n  mixed3:\n    shares_songs_with: [emopia200]\n    layout"
        path.write_text(text.replace("\n  mixed3:\n    layout", start), encoding="utf-8")

    return written


def test_equal_ids_of_unrelated_corpora_are_the_same_clip_only_with_the_same_bytes(raw, relate):
    """Corpora number their songs independently, but 4QAED and those after it use the ids of AllMusic."""
    song = "MT0000000001"
    labels = raw / "emopia200/labels.csv"
    labels.write_text(f"{LABELS}{song}.wav,Q1,\n")
    (raw / "mixed3").mkdir()
    (raw / "mixed3/labels.csv").write_text(f"path,quadrant\na.wav,Q1\nb.wav,Q2\n{song}.wav,Q2\n")
    shutil.copyfile(raw / "emopia200/a.wav", raw / "mixed3/a.wav")
    found = audit(raw).shared["mixed3"]
    assert (found.ids, found.relabelled) == ([song, "a"], [song])
    relate()
    assert audit(raw).shared["mixed3"].ids == [song, "a", "b"]
    corpora, limits = config.read("corpora", "audio")
    (raw / "mixed3/b.wav").write_bytes(b"")
    back = corpus.audit("mixed3", corpora, raw, limits=limits, seed=1, others=["emopia200"])
    assert back.shared["emopia200"].ids == [song, "a", "b"]


def test_clips_of_other_corpora_and_lists(raw, tmp_path, relate):
    relate()
    other = raw / "mixed3"
    other.mkdir()
    (other / "labels.csv").write_text("path,quadrant\nc.wav,Q4\nd.wav,Q4\nnew/name.wav,Q1\n")
    (other / "new").mkdir()
    shutil.copyfile(raw / "emopia200/a.wav", other / "new/name.wav")
    (tmp_path / "list.csv").write_text("Song,Quadrant\na,Q1\nz,Q2\n")
    found = audit(raw).shared
    assert found.keys() == {"mixed3"}
    assert found["mixed3"].ids == ["c", "d"]
    assert found["mixed3"].relabelled == ["c"]
    assert found["mixed3"].same_file == [("a", "new/name"), ("copy", "new/name")]
    found = audit(raw, others=["mixed3", str(tmp_path / "list.csv")]).shared
    assert found[str(tmp_path / "list.csv")].ids == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "song,QUADRANT\na,q1\nc,q4\n",
        ",Song,quadrant\n0,a,Q1\n7,c,Q4\n",
        "Unnamed: 0,id,Quadrant\n0,a,Q1\n1,c,Q4\n",
        ",Quadrant\na,Q1\nc,Q4\n",
        "Path,quadrant\n./a.mp3,q1\nc.wav,Q4\n",
    ],
)
def test_a_list_is_read_as_people_and_pandas_write_it(raw, tmp_path, text):
    (tmp_path / "list.csv").write_text(text)
    (found,) = audit(raw, others=[str(tmp_path / "list.csv")]).shared.values()
    assert (found.ids, found.relabelled) == (["a", "c"], ["c"])


def test_a_list_without_an_id_of_the_corpus_is_told(raw, tmp_path, caplog):
    (tmp_path / "list.csv").write_text("song\na.mp3\n")
    audit(raw, others=[str(tmp_path / "list.csv")])
    assert (
        "must list ids of emopia200, such as 'a', and has none, but for instance 'a.mp3'"
        in caplog.text
    )


def test_lists_of_merge_in_4qaed(real_data, tmp_path, monkeypatch):
    copy_params(ROOT, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "4qaed").symlink_to(real_data / "4qaed_tables")
    lists = [
        real_data / f"merge_splits/tvt_70_15_15_{s}_audio_balanced.csv"
        for s in ("test", "validate")
    ]
    corpora, limits = config.read("corpora", "audio")
    found = corpus.audit(
        "4qaed", corpora, tmp_path, limits=limits, seed=1, others=[*map(str, lists)]
    )
    assert len({id_ for shared in found.shared.values() for id_ in shared.ids}) == 277
    assert not any(shared.relabelled for shared in found.shared.values())


def test_files_without_a_label_and_protocols_without_folds_are_named(raw, monkeypatch, capsys):
    shutil.copyfile(raw / "emopia200/d.wav", raw / "emopia200/e.wav")
    found = audit(raw)
    assert found.unlabelled == ["e.wav"]
    assert found.overlap.keys().isdisjoint(found.refused)
    assert {"own", "cv10"} <= found.refused.keys()
    assert "default" not in found.refused
    monkeypatch.setattr("sys.argv", ["mer", "audit", "emopia200"])
    main()
    shown = capsys.readouterr().out
    assert "audio files without a label: 1: e.wav\n" in shown
    assert f"protocols that cannot split it: {', '.join(found.refused)}\n" in shown


def test_the_folds_of_a_corpus_are_those_of_its_table(raw):
    table = raw / "emopia200/folds.csv"
    table.write_text("id,fold\na,1\nb,2\nc,1\nd,2\n")
    found = audit(raw)
    assert "own" not in found.refused
    assert str(table) in found.overlap
    table.write_text("id,fold\na,1\nnone,2\n")
    with pytest.raises(
        MerError, match=r"folds\.csv must list clips of the corpus, and 'none' is none"
    ):
        audit(raw)


def test_command(raw, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mer", "audit", "emopia200", "--out", "audit.json"])
    main()
    shown = capsys.readouterr().out
    assert "clips: 9 (3 Q1, 3 Q2, 1 Q3, 2 Q4), published: {" in shown
    assert "duplicates by bytes: 2 clips in 1 pair: a = copy\n" in shown
    assert "unusable files: 2: broken, truncated" in shown
    written = json.loads((tmp_path / "audit.json").read_text())
    assert written["conflicts"][0][:2] == ["c", "quieter"]
    assert written["artists"]["named"] == 4


def test_an_output_that_cannot_be_written_is_found_before_the_audit(
    raw, tmp_path, monkeypatch, capsys
):
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr("mer.audit.corpus.audit", lambda *_, **__: pytest.fail("was run"))
    monkeypatch.setattr("sys.argv", ["mer", "audit", "emopia200", "--out", "folder"])
    with pytest.raises(SystemExit):
        main()
    assert "the output must be a file, and folder is a folder" in capsys.readouterr().err


def test_findings_are_written_where_the_terminal_ends(raw, tmp_path, monkeypatch):
    def closed(*_):
        raise BrokenPipeError

    monkeypatch.setattr("mer.cli.audit.say", closed)
    monkeypatch.setattr("sys.argv", ["mer", "audit", "emopia200", "--out", "audit.json"])
    with pytest.raises((BrokenPipeError, SystemExit)):
        main()
    assert json.loads((tmp_path / "audit.json").read_text())["clips"] == 9


def test_command_on_a_corpus_without_artists(raw, monkeypatch, capsys):
    labels = raw / "emopia200/labels.csv"
    rows = (line.rpartition(",")[0] for line in labels.read_text().splitlines())
    labels.write_text("\n".join(rows))
    monkeypatch.setattr("sys.argv", ["mer", "audit", "emopia200"])
    main()
    shown = capsys.readouterr().out
    assert "artists: none are named" in shown
    assert "artist is in training" not in shown


@pytest.fixture
def shown_of_table(tmp_path, monkeypatch, capsys):
    """What the command prints of a table."""

    def shown(text):
        (tmp_path / "x.csv").write_text(text)
        monkeypatch.setattr("sys.argv", ["mer", "audit", str(tmp_path / "x.csv")])
        main()
        return capsys.readouterr().out

    return shown


def test_command_on_a_table(shown_of_table):
    shown = shown_of_table("Class,a,b\nsad,1,2\nsad,1,2\nhappy,3,9\n")
    assert "rows: 3, columns of numbers: 2\n" in shown
    assert "rows that equal an earlier one in all columns of numbers: 1\n" in shown


def test_columns_that_near_duplicates_are_not_searched_in_are_named(shown_of_table):
    shown = shown_of_table("id,a,b\nx,1,2\ny,1,3\nz,1,\n")
    assert "leaves out 1 with blank or infinite cells: b\n" in shown
    assert "rows that equal an earlier one in all columns of numbers: 0\n" in shown


def test_columns_that_are_left_out_for_a_cell_are_named(shown_of_table):
    shown = shown_of_table("a,b\n1,2\n1,3\n1,4x\n")
    assert "columns of numbers: 1\ncolumns left out for cells that are no numbers: 1: b\n" in shown
    assert "left out" not in shown_of_table("a,b\n1,2\n1,3\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["t.csv", "--out", "./t.csv"], "t.csv is the input t.csv;"),
        (["t.csv", "--out", "link.csv"], "link.csv is the input t.csv;"),
        (["link.csv", "--out", "t.csv"], "t.csv is the input link.csv;"),
        (["emopia200", "--split", "t.csv", "--out", "t.csv"], "t.csv is the input t.csv;"),
        (["emopia200", "--with", "mixed3", "t.csv", "--out", "t.csv"], "t.csv is the input t.csv;"),
        (
            ["emopia200", "--out", "data/raw/emopia200/labels.csv"],
            "data/raw/emopia200/labels.csv lies in the input data/raw/emopia200;",
        ),
        (
            ["emopia200", "--out", "data/raw/emopia200/folds.csv"],
            "data/raw/emopia200/folds.csv lies in the input data/raw/emopia200;",
        ),
        (
            ["emopia200", "--out", "data/raw/mixed3/labels.csv"],
            "data/raw/mixed3/labels.csv lies in the input data/raw/mixed3;",
        ),
        (
            ["emopia200", "--with", "mixed3", "--out", "data/raw/mixed3/new/x.json"],
            "data/raw/mixed3/new/x.json lies in the input data/raw/mixed3;",
        ),
    ],
)
def test_an_output_among_what_is_read_is_refused_and_left_as_it_is(
    raw, tmp_path, monkeypatch, capsys, words, said
):
    (tmp_path / "t.csv").write_text("id,fold\na,1\nb,2\n")
    (tmp_path / "link.csv").symlink_to("t.csv")
    (raw / "mixed3").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.csv")}
    monkeypatch.setattr("sys.argv", ["mer", "audit", *words])
    with pytest.raises(SystemExit, match="1"):
        main()
    shown = " ".join(capsys.readouterr().err.split())
    assert (
        f"the output must not be an input or lie in one, and {said} choose another place" in shown
    )
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.csv")} == before
    assert not (raw / "mixed3/new").exists()


def test_standard_output_is_refused_and_a_link_is_written_through(raw, monkeypatch, capsys):
    Path("t.csv").write_text("id,x\na,1\nb,2\n")
    Path("link.json").symlink_to("kept.json")
    monkeypatch.setattr("sys.argv", ["mer", "audit", "t.csv", "--out", "link.json"])
    main()
    assert Path("link.json").is_symlink()
    assert json.loads(Path("kept.json").read_text())["rows"] == 2
    monkeypatch.setattr("sys.argv", ["mer", "audit", "t.csv", "--out", "-"])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "the output must have a name" in capsys.readouterr().err
    assert not Path("-").exists()


@pytest.mark.parametrize("out", ["data/raw/emopia200/table.csv", "kept/table.csv"])
def test_an_output_in_the_folder_that_a_corpus_links_to_is_refused(raw, monkeypatch, capsys, out):
    (raw / "emopia200").rename("kept")
    (raw / "emopia200").symlink_to(Path("kept").absolute())
    monkeypatch.setattr("sys.argv", ["mer", "audit", "emopia200", "--out", out])
    with pytest.raises(SystemExit, match="1"):
        main()
    shown = " ".join(capsys.readouterr().err.split())
    assert f"{out} lies in the input data/raw/emopia200; choose another place" in shown


@pytest.mark.parametrize("words", [["--split", "folds.csv"], ["--with", "4qaed"]])
def test_a_table_has_no_clips_to_split_or_to_find_elsewhere(tmp_path, monkeypatch, capsys, words):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3,9\n")
    monkeypatch.setattr("sys.argv", ["mer", "audit", str(tmp_path / "x.csv"), *words])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "--split and --with must be left out for a table" in capsys.readouterr().err


def test_command_names_the_corpora(raw, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mer", "audit", "nothing"])
    with pytest.raises(SystemExit):
        main()
    assert "one of [" in capsys.readouterr().err
