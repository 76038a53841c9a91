import shutil

import pytest

from helpers.corpora import eight_songs
from mer.datasets import pmemo
from mer.errors import MerError
from mer.io.files import read_json
from mer.pipeline import index
from mer.pipeline.demo.writers import pmemo as pmemo_writer
from mer.targets import labels

ANNOTATIONS = f"PMEmo2019/{pmemo.ANNOTATIONS}"
METADATA = "PMEmo2019/metadata.csv"


@pytest.fixture
def mini(tmp_path):
    pmemo_writer.write(tmp_path, eight_songs())
    return tmp_path


@pytest.fixture
def real(real_data, tmp_path):
    """The published tables of PMEmo, where the archive has them, without audio."""
    (tmp_path / "annotations").mkdir()
    shutil.copyfile(real_data / "pmemo/static_annotations.csv", tmp_path / pmemo.ANNOTATIONS)
    shutil.copyfile(real_data / "pmemo/metadata.csv", tmp_path / "metadata.csv")
    return tmp_path


def test_the_real_labels(real):
    assert pmemo.thresholds(real) == pytest.approx((0.567, 0.587), abs=0.001)
    found = pmemo.tracks(real)
    assert len(found) == 767
    high = {target: sum(labels.encode(found, target).values()) for target in labels.HIGH}
    assert high == {"valence": 467, "arousal": 473}
    first = next(t for t in found if t.id == "1")
    assert (first.arousal, first.valence, first.artist) == (0.4, 0.575, "2 Chainz")
    assert first.quadrant == "Q4"


def test_high_is_above_the_thresholds_of_the_real_labels(real):
    valence, arousal = pmemo.thresholds(real)
    for track in pmemo.tracks(real):
        assert (track.quadrant in labels.HIGH["valence"]) == (track.valence > valence)
        assert (track.quadrant in labels.HIGH["arousal"]) == (track.arousal > arousal)


def test_the_index_has_the_thresholds(mini, tmp_path):
    index.build(mini, tmp_path / "index", "pmemo", None)
    manifest = read_json(tmp_path / "index/manifest.json")
    valence, arousal = pmemo.thresholds(mini)
    assert manifest["thresholds"] == {"valence": valence, "arousal": arousal}


@pytest.mark.parametrize("folders", ["", "PMEmo2019/PMEmo2019"])
def test_may_lie_flat_or_deeper(mini, tmp_path, folders):
    before = [(t.id, t.quadrant) for t in pmemo.tracks(mini)]
    shutil.move(mini / "PMEmo2019", tmp_path / "other")
    moved = tmp_path / "moved"
    (moved / folders).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(tmp_path / "other", moved / folders)
    found = pmemo.tracks(moved)
    assert [(t.id, t.quadrant) for t in found] == before
    assert all((moved / t.path).is_file() for t in found)


def test_songs_without_static_labels_are_no_tracks(mini):
    text = (mini / ANNOTATIONS).read_text().splitlines()
    (mini / ANNOTATIONS).write_text("\n".join(text[:-1]))
    assert len(pmemo.tracks(mini)) == 7


def test_without_choruses_has_no_paths(mini):
    shutil.rmtree(mini / "PMEmo2019/chorus")
    assert {t.path for t in pmemo.tracks(mini)} == {None}


def test_keeps_the_path_of_a_missing_file(mini):
    first = pmemo.tracks(mini)[0]
    (mini / first.path).unlink()
    assert pmemo.tracks(mini)[0] == first


@pytest.mark.parametrize(
    ("file", "edit", "match"),
    [
        (ANNOTATIONS, lambda rows: [*rows, rows[-1]], r"line 10: the clip '\d+' must have one row"),
        (ANNOTATIONS, lambda rows: [*rows, "x,0.1,0.1"], r"musicId must be a whole number, not 'x'"),
        (ANNOTATIONS, lambda rows: [*rows, "7,,0.1"], r"Arousal\(mean\) must be a finite number"),
        (ANNOTATIONS, lambda rows: [*rows, "7,0.1,1.5"], r"Valence\(mean\) must lie in 0..1, not 1.5"),
        (ANNOTATIONS, lambda rows: [*rows, "7,0.1,0.5"], r"has no row for '7' \(1 such"),
        (ANNOTATIONS, lambda rows: rows[:1], r"must have at least one row; unpack"),
        (METADATA, lambda rows: rows[:-1], r"metadata.csv must have the songs of .* has no row for"),
        (METADATA, lambda rows: ["musicId", *(r.split(",")[0] for r in rows[1:])], "column 'artist'"),
    ],
)  # fmt: skip
def test_refuses(mini, file, edit, match):
    rows = (mini / file).read_text().splitlines()
    (mini / file).write_text("\n".join(edit(rows)) + "\n")
    with pytest.raises(MerError, match=match):
        pmemo.tracks(mini)
