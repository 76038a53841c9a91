import csv
import json
import shutil
from collections import Counter

import pytest

from helpers.corpora import eight_songs, tone
from mer import splits
from mer.datasets import merge
from mer.errors import MerError
from mer.pipeline.demo.writers import merge as merge_writer
from mer.types import QUADRANTS, Track

RELEASES = ("audio_complete", "audio_balanced", "bimodal_complete", "bimodal_balanced")


def named(release, kind):
    """Path of a file of a release."""
    base = "MERGE_" + release.title()
    return f"{base}/merge_{release}_{kind}.csv"


def listed(release, protocol, side):
    """Path of a split list of a release."""
    base = "MERGE_" + release.title()
    return f"{base}/tvt_dataframes/{protocol}/{protocol}_{side}_{release}.csv"


METADATA, POINTS = (named("audio_complete", kind) for kind in ("metadata", "av_values"))
TRAIN, TEST = (listed("audio_complete", "tvt_70_15_15", side) for side in ("train", "test"))


@pytest.fixture
def mini(tmp_path):
    """Eight songs as MERGE Audio Complete."""
    merge_writer.write(tmp_path, eight_songs())
    return tmp_path


@pytest.fixture(params=RELEASES)
def release(request):
    return request.param


def test_reads_every_release(release, tmp_path):
    merge_writer.write(tmp_path, eight_songs(), release)
    found = {t.id: t for t in merge.tracks(tmp_path)}
    expected = {t.id: (t.quadrant, t.artist) for t, _ in eight_songs()}
    assert {id_: (t.quadrant, t.artist) for id_, t in found.items()} == expected
    folder = "audio/" if release.startswith("bimodal") else ""
    base = "MERGE_" + release.title()
    assert all(t.path == f"{base}/{folder}{t.quadrant}/{id_}.mp3" for id_, t in found.items())
    assert all((tmp_path / t.path).is_file() for t in found.values())


def test_may_lie_flat(mini, release):
    nested = merge.tracks(mini)
    flat = merge.tracks(mini / "MERGE_Audio_Complete")
    assert [(t.id, t.splits) for t in flat] == [(t.id, t.splits) for t in nested]
    assert [f"MERGE_Audio_Complete/{t.path}" for t in flat] == [t.path for t in nested]


@pytest.mark.parametrize("files_too", [False, True])
def test_the_other_spelling_of_the_split_folders(mini, files_too):
    before = merge.tracks(mini)
    lists = mini / "MERGE_Audio_Complete/tvt_dataframes"
    for protocol, short in (("tvt_70_15_15", "tvt_701515"), ("tvt_40_30_30", "tvt_403030")):
        (lists / protocol).rename(lists / short)
        for file in list((lists / short).iterdir()) if files_too else []:
            file.rename(file.with_name(file.name.replace(protocol, short)))
    assert merge.tracks(mini) == before


@pytest.mark.parametrize("protocol", merge.PROTOCOLS)
def test_the_published_split_is_the_one_that_is_used(mini, protocol):
    (fold,) = splits.split(merge.tracks(mini), protocol, seed=1)
    parts = {}
    for side in ("train", "validate", "test"):
        with (mini / listed("audio_complete", protocol, side)).open() as stream:
            parts[side] = {row["Song"] for row in csv.DictReader(stream)}
    assert [set(fold.train), set(fold.val), set(fold.test)] == list(parts.values())
    assert all(parts.values())


def test_the_two_protocols_differ(mini):
    tracks = merge.tracks(mini)
    assert any(t.splits["tvt_70_15_15"] != t.splits["tvt_40_30_30"] for t in tracks)


def test_the_quadrant_is_the_one_in_the_file_and_arousal_comes_first(tmp_path):
    track = Track("A061-66", "Q3", valence=0.5, arousal=0.8)
    others = eight_songs()
    merge_writer.write(tmp_path, [(track, tone(track.id, "Q3")), *others])
    found = merge.tracks(tmp_path)[0]
    assert (found.id, found.quadrant) == ("A061-66", "Q3")
    assert (found.valence, found.arousal) == (0.75, 0.9)
    head = (tmp_path / POINTS).read_text().splitlines()[:2]
    assert head == ["Song,Arousal,Valence", "A061-66,0.9,0.75"]


def test_without_audio_folders_has_no_paths(mini):
    for q in QUADRANTS:
        shutil.rmtree(mini / "MERGE_Audio_Complete" / q)
    assert {t.path for t in merge.tracks(mini)} == {None}


def test_a_song_in_no_list_is_said_and_left_out(mini, caplog):
    lines = (mini / TEST).read_text().splitlines()
    left_out = lines.pop().split(",")[0]
    (mini / TEST).write_text("\n".join(lines))
    found = {t.id: t.splits for t in merge.tracks(mini)}
    assert [id_ for id_, sides in found.items() if "tvt_70_15_15" not in sides] == [left_out]
    assert f"tvt_70_15_15 leaves out 1 songs, the first is '{left_out}'" in caplog.text


@pytest.mark.parametrize(
    ("file", "old", "new", "match"),
    [
        (METADATA, "MT0000000007,Q4", "MT0000000007,", r"Quadrant must be one of .*, not ''"),
        (METADATA, "MT0000000007,Q4", "MT0000000007,Q5", r"Quadrant must be one of .*, not 'Q5'"),
        (METADATA, "MT0000000007,Q4", "../x,Q4", r"Song must be MT and ten digits.* not '../x'"),
        (METADATA, "MT0000000087", "MT0000000007", r"the clip 'MT0000000007' must have one row"),
        (METADATA, ",Artist,", ",Singer,", r"must have a column 'Artist'"),
        (POINTS, "MT0000000007", "MT0000000008", r"has no row for 'MT0000000007' \(1 such"),
        (POINTS, "MT0000000007,0", "MT0000000007,x0", r"Arousal must be a finite number, not 'x0"),
        (TRAIN, "MT0000000089,Q1", "MT0000000089,Q2", r"'MT0000000089' must be in Q1 as in the m"),
        (TRAIN, "MT0000000089,", "MT0000000001,", r"has a row for 'MT0000000001' \(1 such"),
        (TRAIN, "MT0000000089", "MT0000000093", r"'MT0000000093' must be on one side .* in train"),
    ],
)
def test_refuses(mini, file, old, new, match):
    text = (mini / file).read_text()
    assert old in text
    (mini / file).write_text(text.replace(old, new))
    with pytest.raises(MerError, match=match):
        merge.tracks(mini)


@pytest.mark.parametrize("file", [POINTS, TRAIN, TEST])
def test_refuses_a_missing_file(mini, file):
    (mini / file).unlink()
    with pytest.raises(MerError, match=r"must be a readable file .*; unpack one release of MERGE"):
        merge.tracks(mini)


def test_refuses_two_releases_in_one_folder(mini):
    merge_writer.write(mini, eight_songs(), "audio_balanced")
    with pytest.raises(MerError, match=r"must hold one file merge_\*_metadata.csv, .*Balanced"):
        merge.tracks(mini)


def test_refuses_the_lyrics(mini):
    (mini / METADATA).rename(mini / "MERGE_Audio_Complete/merge_lyrics_complete_metadata.csv")
    with pytest.raises(MerError, match="must be of an audio or bimodal release"):
        merge.tracks(mini)


def test_refuses_a_file_in_another_quadrant(mini):
    name = "MT0000000007.mp3"
    base = mini / "MERGE_Audio_Complete"
    (base / "Q4" / name).rename(base / "Q1" / name)
    with pytest.raises(MerError, match=r"Q1/MT0000000007.mp3 must lie in Q4, as the metadata says"):
        merge.tracks(mini)


def test_writes_the_official_headers(release, real_data, tmp_path):
    merge_writer.write(tmp_path, eight_songs(), release)
    official = json.loads((real_data / "merge_splits/headers.json").read_text())
    kind, size = release.split("_")
    assert size in ("complete", "balanced")
    for table in ("metadata", "av_values"):
        with (tmp_path / named(release, table)).open(newline="") as stream:
            written = next(csv.reader(stream))
        expected = official[f"merge_{kind}_{{complete,balanced}}_{table}.csv"]
        if expected[-1].startswith("..."):
            expected = [*expected[:-1], *merge.COLUMNS[2:]]
        assert written == expected


@pytest.mark.parametrize(
    ("release", "side", "n"),
    [
        ("audio_balanced", "validate", 484),
        ("audio_balanced", "test", 484),
        ("bimodal_complete", "test", 332),
    ],
)
def test_the_real_lists(real_data, tmp_path, release, side, n):
    """A release whose metadata are the real list and three songs for the lists not at hand."""
    name = f"tvt_70_15_15_{side}_{release}.csv"
    with (real_data / "merge_splits" / name).open(newline="") as stream:
        real = {row["Song"]: row["Quadrant"] for row in csv.DictReader(stream)}
    others = {f"A{i:03d}": "Q1" for i in range(900, 903)}
    key = ["Audio_Song", "Lyric_Song"] if release.startswith("bimodal") else ["Song"]
    songs = real | others

    def table(path, header, rows):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(",".join(map(str, r)) for r in [header, *rows]) + "\n")

    ids = {song: [song] * len(key) for song in songs}
    rows = [[*ids[s], q, ""] for s, q in songs.items()]
    table(tmp_path / f"merge_{release}_metadata.csv", [*key, "Quadrant", "Artist"], rows)
    points = [[*ids[s], 0.5, 0.5] for s in songs]
    table(tmp_path / f"merge_{release}_av_values.csv", [*key, "Arousal", "Valence"], points)
    for protocol in merge.PROTOCOLS:
        for other, song in zip(("train", "validate", "test"), others):
            path = tmp_path / f"tvt_dataframes/{protocol}/{protocol}_{other}_{release}.csv"
            table(path, ["Song", "Quadrant"], [[song, "Q1"]])
    shutil.copyfile(
        real_data / "merge_splits" / name, tmp_path / "tvt_dataframes/tvt_70_15_15" / name
    )
    found = merge.tracks(tmp_path)
    mine = {"validate": "val"}.get(side, side)
    on_side = {t.id: t.quadrant for t in found if t.splits.get("tvt_70_15_15") == mine}
    assert on_side == real
    assert len(on_side) == n
    assert set(Counter(on_side.values())) == set(QUADRANTS)
