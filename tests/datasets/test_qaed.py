import csv
import shutil
from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from helpers.corpora import content, eight_songs, shuffle_rows, tables, tone
from mer.datasets import _archives, qaed
from mer.errors import MerError
from mer.features import published1714, top100
from mer.pipeline.demo.writers import qaed as qaed_writer
from mer.types import QUADRANTS, Track

ANNOTATIONS = f"{qaed.AUDIO}/{qaed.ANNOTATIONS}"
METADATA = f"{qaed.AUDIO}/{qaed.METADATA}"
TOP100 = f"{qaed.FEATURES}/top100_features.csv"
DECORRELATED = f"{qaed.FEATURES}/all_features_decorrelated.csv"
SUPERSET = f"{qaed.FEATURES}/all_features.csv"
NAMES_1714 = published1714.names(published1714.Params())
NAMES_100 = top100.names(top100.Params())


@pytest.fixture
def songs():
    return eight_songs()


@pytest.fixture
def mini(songs, tmp_path):
    """Eight songs in the layout of 4QAED."""
    qaed_writer.write(tmp_path, songs)
    return tmp_path


def write_1714(file, songs, names, first=0.0):
    """A table of 4QAED in the IDSong variant: song number r has ``first + r + c`` in the column c."""
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["IDSong", *names])
        for r, (track, _) in enumerate(songs):
            writer.writerow([track.id, *(first + r + c for c in range(len(names)))])


def test_keeps_official_ids_and_names_others_alike(songs, tmp_path):
    qaed_writer.write(tmp_path / "a", songs)
    assert {t.id: (t.quadrant, t.artist) for t in qaed.tracks(tmp_path / "a")} == {
        t.id: (t.quadrant, t.artist) for t, _ in songs
    }
    other = [(Track("b", "Q2"), tone("b", "Q2")), (Track("a", "Q1"), tone("a", "Q1"))]
    qaed_writer.write(tmp_path / "b", other)
    qaed_writer.write(tmp_path / "c", other[::-1])
    assert content(tmp_path / "b") == content(tmp_path / "c")
    assert all(_archives.SONG.fullmatch(t.id) for t in qaed.tracks(tmp_path / "b"))


def test_writes_the_official_headers(mini):
    heads = {
        name: (mini / name).read_bytes().split(b"\r\n")[0]
        for name in (ANNOTATIONS, METADATA, TOP100)
    }
    assert heads[ANNOTATIONS] == b"Song,Quadrant"
    assert heads[METADATA].startswith(b'"Song","Artist","Title","Quadrant","PQuad",')
    assert heads[TOP100].startswith(b'"SongID","F0525","F1152",')
    assert heads[TOP100].endswith(b',"Quadrant"')


def test_writes_features_that_tell_the_quadrants_apart(mini):
    features = qaed.published(mini)["top100"]
    quadrants = np.array([t.quadrant for t in qaed.tracks(mini)])
    distances = np.linalg.norm(features.values[:, None] - features.values, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (quadrants[distances.argmin(axis=1)] == quadrants).all()


def test_writes_headers_of_the_real_files(mini, real_data):
    for name in (ANNOTATIONS, METADATA, TOP100):
        real = real_data / "4qaed_tables" / (mini / name).name
        assert (mini / name).read_bytes().split(b"\r\n")[0] == real.read_bytes().splitlines()[0]


def test_may_lie_flat(mini):
    nested = qaed.tracks(mini), tables(qaed, mini)
    for name in (qaed.AUDIO, qaed.FEATURES):
        for item in list((mini / name).iterdir()):
            item.rename(mini / item.name)
        (mini / name).rmdir()
    flat = qaed.tracks(mini)
    assert [f"{qaed.AUDIO}/{t.path}" for t in flat] == [t.path for t in nested[0]]
    assert [(t.id, t.quadrant, t.artist) for t in flat] == [
        (t.id, t.quadrant, t.artist) for t in nested[0]
    ]
    assert tables(qaed, mini) == nested[1]


def test_line_ends_do_not_matter(mini):
    before = qaed.tracks(mini), tables(qaed, mini)
    for path in mini.rglob("*.csv"):
        assert b"\r\n" in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    assert (qaed.tracks(mini), tables(qaed, mini)) == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_reads_latin_artists(mini, encoding):
    text = (mini / METADATA).read_text(encoding="utf-8").replace("Band 0", "Björk")
    (mini / METADATA).write_bytes(text.encode(encoding))
    assert Counter(t.artist for t in qaed.tracks(mini))["Björk"] == 3


def test_without_metadata_has_no_artists(mini):
    (mini / METADATA).unlink()
    assert {t.artist for t in qaed.tracks(mini)} == {None}


def test_without_audio_folders_has_no_paths(mini):
    for q in QUADRANTS:
        shutil.rmtree(mini / qaed.AUDIO / q)
    assert [t.path for t in qaed.tracks(mini)] == [None] * 8


def test_keeps_the_path_of_a_missing_file(mini):
    (mini / qaed.AUDIO / "Q4" / "MT0000000007.mp3").unlink()
    assert qaed.tracks(mini)[0].path == f"{qaed.AUDIO}/Q4/MT0000000007.mp3"


def test_without_tables_publishes_nothing(mini):
    shutil.rmtree(mini / qaed.FEATURES)
    assert qaed.published(mini) == {}


def test_refuses_a_file_in_another_quadrant(mini):
    name = "MT0000000007.mp3"
    (mini / qaed.AUDIO / "Q4" / name).rename(mini / qaed.AUDIO / "Q1" / name)
    with pytest.raises(MerError, match=r"Q1/MT0000000007.mp3 must lie in Q4, as .*, not in Q1"):
        qaed.tracks(mini)


@pytest.mark.parametrize(
    ("file", "old", "new", "match"),
    [
        (
            ANNOTATIONS,
            "0007,Q4",
            "0007,Q1",
            r"metadata.csv, line 2: the song .*0007' must be in Q1 .* 'Q4'",
        ),
        (
            ANNOTATIONS,
            "0007,Q4",
            "0007,4",
            r"annotations.csv, line 2: Quadrant must be one of .*, not '4'",
        ),
        (
            ANNOTATIONS,
            "MT0000000007",
            "../../7",
            r"line 2: Song must be MT and ten digits, or like A001 or A061-66, not '../../7'",
        ),
        (
            ANNOTATIONS,
            "MT0000000087",
            "MT0000000007",
            r"line 3: the clip 'MT0000000007' must have one row",
        ),
        (
            ANNOTATIONS,
            "Song,Quadrant",
            "Song,Class",
            r"annotations.csv must have a column 'Quadrant'",
        ),
        (
            METADATA,
            "MT0000000007",
            "MT0000000008",
            r"metadata.csv .* has no row for 'MT0000000007' \(1 ",
        ),
        (METADATA, '"Artist"', '"Singer"', r"metadata.csv must have a column 'Artist'"),
    ],
)
def test_refuses_labels(mini, file, old, new, match):
    text = (mini / file).read_text()
    assert old in text
    (mini / file).write_text(text.replace(old, new))
    with pytest.raises(MerError, match=match):
        qaed.tracks(mini)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('"F0525"', '"F9999"', r"must have the feature 'F0525', the first of 1"),
        ('"SongID"', '"Id"', r"must have a column 'SongID' or 'IDSong'"),
        ('"Quadrant"', '"Class"', r"must not have the column 'Class', the first of 1"),
        ("MT0000000007", "MT0000000001", r"has no row for 'MT0000000007' \(1 such"),
        ("MT0000000087", "MT0000000007", r"the clip 'MT0000000007' must have one row"),
        ('"Q4"', '"Q1"', r"line 2: the song 'MT0000000007' must be in Q4 .* not in 'Q1'"),
    ],
)
def test_refuses_tables(mini, old, new, match):
    text = (mini / TOP100).read_text()
    assert old in text
    (mini / TOP100).write_text(text.replace(old, new))
    with pytest.raises(MerError, match=f"top100_features.csv.*{match}"):
        qaed.published(mini)


def test_refuses_a_song_too_many(mini):
    with (mini / TOP100).open("a") as stream:
        stream.write(
            (mini / TOP100).read_text().splitlines()[1].replace("MT0000000007", "MT0000000005")
        )
    with pytest.raises(MerError, match=r"has a row for 'MT0000000005' \(1 such"):
        qaed.published(mini)


def test_refuses_a_table_with_a_gap(mini, songs):
    write_1714(mini / DECORRELATED, songs, NAMES_1714)
    text = (mini / DECORRELATED).read_text().replace(",1715.0,", ",NA,", 1)
    (mini / DECORRELATED).write_text(text)
    with pytest.raises(MerError, match=r"line 5: VOICE-.* must be a finite number, not 'NA'"):
        qaed.published(mini)


def test_reads_the_other_variant_of_the_top100(mini):
    before = tables(qaed, mini)
    text = (mini / TOP100).read_text().replace('"SongID"', "IDSong").replace(',"Quadrant"', "")
    for q in QUADRANTS:
        text = text.replace(f',"{q}"', "")
    (mini / TOP100).write_text(text.replace('"', ""))
    assert tables(qaed, mini) == before


@pytest.mark.parametrize("file", [DECORRELATED, SUPERSET])
def test_orders_the_1714_by_name_and_the_songs_by_id(mini, songs, file):
    names = NAMES_1714
    backwards = [f"{name}  " for name in names[::-1]]
    write_1714(mini / file, songs, backwards)
    features = qaed.published(mini)["published1714"]
    order = [[t.id for t, _ in songs].index(id_) for id_ in features.ids]
    assert features.names == tuple(names)
    assert features.ids == tuple(sorted(features.ids))
    assert (features.values == np.add.outer(order, np.arange(1714)[::-1])).all()


def test_selects_the_1714_of_all_features(mini, songs):
    write_1714(mini / SUPERSET, songs, ["F0001", *NAMES_1714])
    features = qaed.published(mini)["published1714"]
    assert features.names == tuple(NAMES_1714)
    assert features.source["file"] == "all_features.csv"
    assert features.rows([songs[0][0].id])[0, 0] == 1


def test_prefers_the_decorrelated_table(mini, songs):
    write_1714(mini / SUPERSET, songs, NAMES_1714, first=1e6)
    write_1714(mini / DECORRELATED, songs, NAMES_1714)
    features = qaed.published(mini)["published1714"]
    assert features.values.max() < 1e6
    assert features.source == {
        "source": "published",
        "file": "all_features_decorrelated.csv",
        "family": "published1714",
        "sha256": features.source["sha256"],
    }


@pytest.mark.parametrize("file", [DECORRELATED, SUPERSET])
def test_refuses_less_than_the_1714(mini, songs, file):
    write_1714(mini / file, songs, NAMES_1714[:-2])
    with pytest.raises(MerError, match=f"must have the feature '{NAMES_1714[-2][:20]}.*first of 2"):
        qaed.published(mini)


def test_refuses_more_than_the_1714(mini, songs):
    write_1714(mini / DECORRELATED, songs, ["F0001", *NAMES_1714])
    with pytest.raises(MerError, match="must not have the column 'F0001', the first of 1"):
        qaed.published(mini)


def test_names_count_as_published():
    names = NAMES_1714
    channels = Counter(name.split("-")[0] if "-" in name else name[0] for name in names)
    assert channels == {"F": 898, "ORIGINAL": 407, "VOICE": 409}
    assert len(set(names)) == 1714
    assert len(set(NAMES_100)) == 100
    assert set(NAMES_100) < set(names)


def test_names_are_those_of_the_catalogue(real_data):
    with (real_data / "4qaed_tables" / "catalogue_1714.csv").open(newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: int(row["idx"]))
    ranked = sorted(rows, key=lambda row: int(row["relieff_rank"]))
    assert [row["column"] for row in rows] == NAMES_1714
    assert [row["column"] for row in ranked[:100]] == NAMES_100


@pytest.fixture(scope="module")
def real(real_data):
    """The published tables of 4QAED, which lie flat."""
    return real_data / "4qaed_tables"


def test_tables_serve_alone(real):
    found = qaed.tracks(real)
    assert Counter(t.quadrant for t in found) == dict.fromkeys(QUADRANTS, 225)
    assert len({t.artist for t in found if t.artist}) == 661
    assert Counter(t.artist for t in found)[None] == 3
    assert {t.path for t in found} == {None}
    assert set(qaed.published(real)) == {"top100"}


def test_real_rows_in_another_order_are_the_same(real, tmp_path):
    for name in (qaed.ANNOTATIONS, qaed.METADATA, "top100_features.csv"):
        shutil.copyfile(real / name, tmp_path / name)
    shuffle_rows(tmp_path, seed=1)
    assert qaed.tracks(tmp_path) == qaed.tracks(real)
    assert tables(qaed, tmp_path) == tables(qaed, real)


def test_joined_tables_give_the_published_score(real):
    quadrants = {t.id: t.quadrant for t in qaed.tracks(real)}
    features = qaed.published(real)["top100"]
    truth = np.array([QUADRANTS.index(quadrants[id_]) for id_ in features.ids])
    model = make_pipeline(StandardScaler(), SVC(C=8, gamma=2**-9))
    folds = StratifiedKFold(10, shuffle=True, random_state=1)
    predicted = cross_val_predict(model, features.values, truth, cv=folds)
    assert f1_score(truth, predicted, average="macro") > 0.74
