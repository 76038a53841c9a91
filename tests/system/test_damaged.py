"""Every kind of damaged or odd file, from the index to the report; bits flipped at random."""

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import yaml

from conftest import ROOT, profile_of
from helpers import damaged
from helpers.clone import copy_params, edit
from mer import config
from mer.decoding import client, clips
from mer.errors import MerError, Unreadable
from mer.io.files import read_json
from mer.io.folds import read_folds
from mer.io.standard import Standard, quarantined
from mer.pipeline import folds, index
from mer.pipeline import standardize as standardize_stage
from mer.schema.corpora import Audio, Quarantine

RATE = 22050
LIMITS = Audio(
    min_seconds=1.0,
    max_pcm_mib=256,
    max_wall_seconds=60.0,
    max_cpu_seconds=60.0,
    max_memory_mib=2048,
)
VARIANTS = int(os.environ.get("MER_FUZZ", "100"))

# As root reads everything: ask as nobody.
NOBODY = (
    "import os; from mer.decoding.worker import serve; os.setgroups([]); os.setuid(65534); serve()"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that nobody may enter, and no decoder that is up yet."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    open_to_all = Path(tempfile.mkdtemp())
    open_to_all.chmod(0o755)
    monkeypatch.setattr(client, "COMMAND", (sys.executable, "-c", NOBODY))
    monkeypatch.setattr(client, "_mine", threading.local())
    yield open_to_all
    shutil.rmtree(open_to_all)


def name(kind):
    return kind.name


@pytest.mark.parametrize("kind", damaged.BAD, ids=name)
def test_a_damaged_file_has_its_reason(folder, kind):
    kind.write(folder / kind.file)
    with pytest.raises(Unreadable, match=f"^{kind.reason}"):
        client.decode(folder / kind.file, RATE, LIMITS)


@pytest.mark.parametrize("kind", damaged.GOOD, ids=name)
def test_an_odd_file_is_read(tmp_path, kind):
    kind.write(tmp_path / kind.file)
    samples = client.decode(tmp_path / kind.file, RATE, LIMITS)
    assert len(samples) / RATE == pytest.approx(kind.seconds, abs=0.1)
    assert np.abs(samples).max() == pytest.approx(0.5, rel=0.2)


def test_each_reason_belongs_to_few_kinds():
    """Alike are only those whose cause is: text that is no audio, headers that cannot be."""
    reasons = [kind.reason for kind in damaged.BAD]
    assert max(map(reasons.count, reasons)) <= 3
    assert len(set(reasons)) >= len(reasons) - 8


RULES = {"max_fraction": 0.5, "max_missing": 1.0, "duplicates": "drop"}


class Corpus:
    """A folder of songs, one per file, and what the stages make of it."""

    def __init__(self, root: Path, good: int) -> None:
        self.raw, self.index, self.standard = root / "raw", root / "index", root / "standard"
        self.raw.mkdir()
        self.labelled: list[str] = []
        for number in range(good):
            self.add(f"good {number}.wav", damaged.music(seconds=1.5) * (1 - number / 100))

    def add(self, file: str, content: np.ndarray | damaged.Kind | None) -> None:
        self.labelled.append(file)
        if isinstance(content, damaged.Kind):
            content.write(self.raw / file)
        elif content is not None:
            sf.write(self.raw / file, content, damaged.RATE)

    def standardize(self, **quarantine) -> list[dict]:
        """Index and standardize it; the rows of the quarantine."""
        rows = "".join(f'"{file}",Q{i % 4 + 1}\n' for i, file in enumerate(self.labelled))
        (self.raw / "labels.csv").write_text(f"path,quadrant\n{rows}")
        index.build(self.raw, self.index, "folder", None)
        standardize_stage.standardize(
            self.index,
            self.raw,
            self.standard,
            sample_rate=RATE,
            peak_db=None,
            limits=LIMITS,
            quarantine=Quarantine(
                **{"max_fraction": 0.5, "max_missing": 1.0, "duplicates": "drop"} | quarantine
            ),
        )
        return quarantined(self.standard).to_dict("records")

    def manifest(self, stage: str) -> dict:
        return read_json(getattr(self, stage) / "manifest.json")


@pytest.fixture
def corpus(tmp_path):
    return lambda good=4: Corpus(tmp_path, good)


def test_the_quarantine_lists_every_kind_and_the_corpus_the_rest(corpus):
    songs = corpus(good=len(damaged.BAD))
    bad = [kind for kind in damaged.BAD if kind.name != "no permission"]
    for number, kind in enumerate(bad):
        songs.add(f"bad {number:02d}{Path(kind.file[-9:]).suffix}", kind)
    found = songs.standardize()
    assert [row["id"] for row in found] == [f"bad {number:02d}" for number in range(len(bad))]
    for kind, row in zip(bad, found):
        if kind.name != "endless name":
            assert re.match(kind.reason, row["reason"]), kind.name
    standard = Standard.read(songs.standard)
    assert len(standard.ids) == len(damaged.BAD)
    missing = {"link to nothing", "link to itself", "label without file", "endless name"}
    assert songs.manifest("standard")["missing"] == len(missing)
    assert songs.manifest("standard")["quarantined"] == len(bad) - len(missing)


def test_of_equal_files_the_first_id_stays(corpus):
    songs = corpus()
    for file in ("a.wav", "z.wav"):
        songs.add(file, damaged.music())
    (row,) = songs.standardize()
    reason = "same content as 'a', which is labelled Q1 and this one Q2"
    assert row == {"id": "z", "path": "z.wav", "reason": reason}
    assert "a" in Standard.read(songs.standard).ids


PCM = np.rint(20000 * damaged.music(seconds=1.5)).astype(np.int16)


def test_of_equal_recordings_in_other_files_the_first_id_stays(corpus):
    songs = corpus()
    songs.add("a.wav", PCM)
    songs.add("b.flac", PCM)
    (row,) = songs.standardize()
    reason = "same samples as 'a', which is labelled Q1 and this one Q2"
    assert row == {"id": "b", "path": "b.flac", "reason": reason}


def test_equal_recordings_that_are_kept_stay_on_one_side_of_grouped_folds(corpus, tmp_path, caplog):
    songs = corpus(good=8)
    for number in range(4):
        songs.add(f"a{number}.wav", PCM[1000 * number :])
        songs.add(f"z{number}.flac", PCM[1000 * number :])
    with caplog.at_level(logging.WARNING, "mer"):
        assert songs.standardize(duplicates="keep") == []
    assert (
        "'z0.flac' has the same samples as 'a0', which is labelled Q1 and this one" in caplog.text
    )
    facts = {"own": "cv10", "profile": profile_of(folds=2), "profile_key": "demo"}
    folds.make(songs.index, songs.standard, tmp_path, **facts, seed=1)
    for fold in read_folds(tmp_path / "grouped" / "index.json"):
        for number in range(4):
            assert len({f"a{number}", f"z{number}"} & {*fold.test}) in (0, 2)


def test_equal_files_may_be_kept(corpus):
    songs = corpus()
    for file in ("a.wav", "z.wav"):
        songs.add(file, damaged.music())
    assert songs.standardize(duplicates="keep") == []


def test_equal_files_that_cannot_be_read_keep_their_reason(corpus):
    songs = corpus()
    for file in ("a.wav", "z.wav"):
        songs.add(file, next(kind for kind in damaged.BAD if kind.name == "zero bytes"))
    assert [row["reason"] for row in songs.standardize()] == ["zero bytes"] * 2


def test_a_label_without_a_file_is_no_existing_file(corpus):
    songs = corpus()
    for number in range(9):
        songs.add(f"gone {number}.wav", None)
    found = songs.standardize(max_fraction=0.0)
    assert {row["reason"] for row in found} == {"no such file"}
    assert songs.manifest("standard")["missing"] == 9
    assert songs.manifest("standard")["quarantined"] == 0


def test_too_many_labels_without_a_file_fail_with_their_names(corpus, caplog):
    songs = corpus()
    songs.add("gone.wav", None)
    with pytest.raises(
        MerError, match=r"at most 10% .*max_missing\); without one are 1 of 5: 'gone.wav'; add the"
    ):
        songs.standardize(max_missing=0.1)
    assert "1 of 5 labelled songs have no file: 'gone.wav'" in caplog.text


def test_labels_of_which_none_names_a_file_are_refused_where_there_are_files(corpus):
    songs = corpus(4)
    songs.labelled = [file.removesuffix(".wav") for file in songs.labelled]
    message = (
        r"none of the 4 files that they name is there, such as 'good 0', and the 4 that are there"
    )
    with pytest.raises(MerError, match=message):
        songs.standardize()
    assert not songs.standard.exists()


def test_a_label_in_another_spelling_finds_its_file(corpus, caplog):
    songs = corpus()
    songs.add("Song 1.WAV", damaged.music())
    songs.labelled[-1] = "song%201.wav "
    with caplog.at_level(logging.WARNING, "mer"):
        assert songs.standardize(max_missing=0.0) == []
    assert "the first is 'Song 1.WAV', labelled 'song%201.wav '" in caplog.text
    assert songs.manifest("index")["unlabelled"] == 0


def test_many_damaged_files_are_counted_and_the_first_named(corpus, caplog):
    songs = corpus(good=40)
    for number in range(30):
        songs.add(f"bad {number:02d}.wav", damaged.BAD[0])
    assert len(songs.standardize()) == 30
    assert caplog.text.count("is left out") == 10
    assert "30 files are left out in all" in caplog.text


def test_a_file_without_a_label_is_listed_and_left_alone(corpus, caplog):
    songs = corpus()
    (songs.raw / "more").mkdir()
    for file in ("more/Ünheard, 🎵.MP3", "a\nb.wav", "notes.txt"):
        (songs.raw / file).write_bytes(b"anything")
    (songs.raw / "x.wav").mkdir()
    with caplog.at_level(logging.WARNING, "mer"):
        assert songs.standardize(max_fraction=0.0) == []
    assert "2 audio files have no label" in caplog.text
    listed = (songs.index / "unlabelled.csv").read_bytes().decode()
    assert listed == 'path,reason\r\n"a\nb.wav",no label\r\n"more/Ünheard, 🎵.MP3",no label\r\n'
    assert songs.manifest("index")["unlabelled"] == 2
    assert songs.manifest("index")["not_audio"] == 2  # notes.txt and labels.csv


def test_a_file_whose_name_is_no_text_is_listed(corpus):
    songs = corpus()
    Path(os.fsdecode(os.fsencode(songs.raw) + b"/caf\xe9.wav")).write_bytes(b"anything")
    songs.standardize()
    assert "caf\\udce9.wav" in (songs.index / "unlabelled.csv").read_text()


def test_an_id_for_two_files_is_refused_with_both(corpus):
    songs = corpus()
    songs.add("same.wav", damaged.music())
    songs.add("same.flac", damaged.music())
    with pytest.raises(MerError, match=r"'same' must have one row.*line"):
        songs.standardize()


@pytest.mark.parametrize("bad", [1, 3])
def test_too_many_faults_fail_with_the_list_and_few_are_logged(corpus, caplog, bad):
    songs = corpus(good=8)
    for number, kind in enumerate(damaged.BAD[:bad]):
        songs.add(f"bad {number}.mp3", kind)
    if bad == 1:
        assert len(songs.standardize(max_fraction=0.2)) == 1
    else:
        with pytest.raises(
            MerError, match=r"at most 20% of the audio files.*unusable are 3 of 11: 'bad 0.mp3'"
        ):
            songs.standardize(max_fraction=0.2)
        assert not songs.standard.exists()
    assert "'bad 0.mp3' is left out: zero bytes" in caplog.text


CHOSEN = {
    "model": "constant",
    "dataset": "songs",
    "view": "none",
    "augment": "none",
    "protocol": "cv10",
    "profile": "miniature",
}


class Workplace:
    """The pipeline's own stages, run one by one over a folder of songs ``songs``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.raw = folder, folder / "data/raw/songs"
        params = copy_params(ROOT, folder)
        edit(params, **CHOSEN)
        corpora = config.file_of("corpora", params)
        demo = yaml.safe_load(corpora.read_text())["corpora"]["demo"]
        edit(
            params,
            corpora={"songs": {**demo, "counts": None}},
            segmented_corpora={},
            merged_corpora={},
        )
        self.raw.mkdir(parents=True)

    def run(self, stage: str, *arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, ROOT / "stages" / f"{stage}.py", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "1000"}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def workplace(tmp_path):
    """Twenty songs; the first two are damaged, the third is gone."""
    place = Workplace(tmp_path)
    rows = [f"song {number:02d}.wav,Q{number % 4 + 1}" for number in range(20)]
    (place.raw / "labels.csv").write_text("\n".join(["path,quadrant", *rows, ""]))
    for number in range(3, 20):
        sf.write(place.raw / f"song {number:02d}.wav", damaged.music() * (1 - number / 50), RATE)
    (place.raw / "song 00.wav").write_bytes(b"")
    (place.raw / "song 01.wav").write_bytes(b"no music")
    return place


def test_the_stages_go_on_without_a_few_files_and_the_report_names_them(workplace):
    edit(workplace.folder / "params.yaml", quarantine__max_fraction=0.2)
    for stage in (
        "index songs",
        "standardize songs",
        "folds songs miniature",
        "train",
        "evaluate",
        "report",
    ):
        done = workplace.run(*stage.split())
        assert done.returncode == 0, done.stderr
    metrics = read_json(workplace.folder / "metrics/run.json")
    assert (metrics["n_clips"], metrics["n_quarantined"]) == (17, 3)
    report = (workplace.folder / "data/report/report.html").read_text()
    for words in ("song 00.wav", "zero bytes", "song 01.wav", "Format not", "no such file"):
        assert words in report


def test_the_stage_fails_with_the_list_where_too_many_are_damaged(workplace):
    assert workplace.run("index", "songs").returncode == 0
    done = workplace.run("standardize", "songs")
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert "at most 10% of the audio files in data/raw/songs may be unusable" in said
    assert (
        "unusable are 2 of 19: 'song 00.wav': zero bytes; 'song 01.wav': not decodable: Format not"
        in said
    )
    assert "Traceback" not in said


@pytest.mark.parametrize("kind", damaged.SOUND)
def test_flipped_bits_give_a_clip_or_a_reason(tmp_path, kind):
    """Whatever is decoded is finite, and so are its spectrogram and features."""
    view, family = config.read("views.louro", "families.compare", path=ROOT / "params.yaml")
    limits = LIMITS.model_copy(update={"min_seconds": 0.5})
    outcomes = set()
    for number, content in enumerate(damaged.variants(kind, VARIANTS // len(damaged.SOUND))):
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(content)
        outcomes.add(outcome(path, limits, view, family))
    assert "reason" in outcomes
    assert outcomes <= {"reason", "clip"}


def outcome(path: Path, limits: Audio, view, family) -> str:
    try:
        clip = clips.decode(path, "flipped", RATE, limits)
    except Unreadable as fault:
        return "reason" if str(fault) else "nothing"
    return "clip" if damaged.finite(clip, view, family) else "NaN"
