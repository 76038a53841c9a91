"""A corpus whose clips are the parts of another's."""

import hashlib

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from conftest import profile_of
from helpers.clone import copy_params, edit
from mer.config import read_all
from mer.errors import MerError
from mer.io import artefacts
from mer.io.files import read_json, write_csv, write_json
from mer.io.folds import read_folds
from mer.io.standard import Standard, quarantined
from mer.io.tracks import read_digests, read_tracks, write_tracks
from mer.pipeline import split_clips
from mer.pipeline.folds import make
from mer.schema.corpora import SegmentedCorpus
from mer.splits import split
from mer.types import QUADRANTS, Track, clip_of

CUT = SegmentedCorpus(of="songs", parts=4, peak_db=0.0)
LENGTHS = (40, 43, 80)
DIGEST = hashlib.sha256(b"").hexdigest()


def songs(count=3):
    return [Track(f"s{i:02d}", QUADRANTS[i % 4], f"{i}.wav", artist="a" * i) for i in range(count)]


@pytest.fixture
def prepared(tmp_path, rng):
    """Index and standardized audio of three songs, one of them quarantined beside them."""
    tracks = [*songs(), Track("s99", "Q1", "broken.wav")]
    index, standard = tmp_path / "index/songs", tmp_path / "standard/songs"
    index.mkdir(parents=True)
    write_tracks(index / "tracks.csv", tracks, {t.id: DIGEST for t in tracks})
    (index / "unlabelled.csv").write_text("path,reason\n")
    artefacts.write_manifest(index, n=4)
    standard.mkdir(parents=True)
    pcm = rng.integers(-9000, 9000, sum(LENGTHS)).astype(np.int16)
    pcm[:10] = 0  # the first song begins with a silent part
    np.save(standard / "audio.npy", pcm)
    offsets = np.cumsum(LENGTHS) - LENGTHS
    rows = [(t.id, *facts, 0.5 / 32767) for t, *facts in zip(songs(), offsets, LENGTHS)]
    write_csv(standard / "clips.csv", [("id", "offset", "length", "scale"), *rows])
    write_csv(
        standard / "quarantine.csv", [("id", "path", "reason"), ("s99", "broken.wav", "broken")]
    )
    artefacts.write_manifest(standard, rate=10, clips=3, sha256="of the audio")
    return index, standard


def cut(prepared, tmp_path, change=None):
    index, standard = prepared
    chosen = CUT.model_copy(update=change or {})
    split_clips.split_index(index, tmp_path / "index/parts", chosen)
    split_clips.split_standard(standard, tmp_path / "standard/parts", chosen)
    return tmp_path / "index/parts", tmp_path / "standard/parts"


def test_parts_are_the_song_in_order_and_of_equal_length(prepared, tmp_path):
    _, standard = cut(prepared, tmp_path, {"peak_db": None})
    whole, parts = Standard.read(prepared[1]), Standard.read(standard)
    assert parts.sample_rate == whole.sample_rate
    assert parts.ids[:5] == ("s00#0", "s00#1", "s00#2", "s00#3", "s01#0")
    assert parts.lengths.tolist() == [10] * 4 + [10, 11, 11, 11] + [20] * 4
    for song in range(3):
        joined = np.concatenate(
            [parts.clip(parts.ids[4 * song + part]).samples for part in range(4)]
        )
        assert np.array_equal(joined, whole.clip(whole.ids[song]).samples)


def test_each_part_has_its_own_peak_and_silence_stays(prepared, tmp_path):
    parts = Standard.read(cut(prepared, tmp_path)[1])
    peaks = [np.abs(parts.clip(part).samples).max() for part in parts.ids[:12]]
    assert peaks[0] == 0
    assert peaks[1:] == pytest.approx([1] * 11, abs=1e-6)


def test_parts_keep_label_file_and_artist_and_a_nameless_song_is_a_group(prepared, tmp_path):
    index, _ = cut(prepared, tmp_path)
    found = read_tracks(index)
    assert len(found) == 16
    by_song = {song.id: song for song in read_tracks(prepared[0])}
    for part in found:
        song = by_song[clip_of(part.id)]
        assert (part.quadrant, part.path) == (song.quadrant, song.path)
        assert part.artist == (song.artist or song.id)
    assert set(read_digests(index).values()) == {DIGEST}
    assert len({part.group for part in found}) == 4


def test_a_quarantined_song_leaves_out_its_parts(prepared, tmp_path):
    _, standard = cut(prepared, tmp_path)
    found = quarantined(standard)
    assert found["id"].tolist() == [f"s99#{part}" for part in range(4)]
    assert read_json(standard / "manifest.json")["clips"] == 12


def test_absent_audio_stays_absent(prepared, tmp_path):
    artefacts.write_absent(tmp_path / "none", "no audio")
    split_clips.split_standard(tmp_path / "none", tmp_path / "parts", CUT)
    assert artefacts.absent(tmp_path / "parts") == "no audio"


def test_a_clip_shorter_than_its_parts_is_refused(prepared, tmp_path):
    with pytest.raises(MerError, match="each of its 41 parts, and 's00' has 40; remove"):
        cut(prepared, tmp_path, {"parts": 41})


@pytest.fixture
def folds(tmp_path, corpus):
    """Folds of 120 songs and of their parts, by protocol."""
    index, standard = tmp_path / "index/songs", tmp_path / "standard/songs"
    artefacts.write_absent(standard, "no audio")
    index.mkdir(parents=True)
    write_tracks(index / "tracks.csv", corpus, {})
    artefacts.write_manifest(index)
    facts = {"own": "cv10", "profile": profile_of(repeats=2), "profile_key": "demo"}
    make(index, standard, tmp_path / "folds", **facts, seed=1)

    def of(protocol):
        source, target = (tmp_path / f"folds/{protocol}/{name}.json" for name in ("songs", "parts"))
        split_clips.split_folds(source, target, 4)
        return read_folds(source), read_folds(target)

    return of


@pytest.mark.parametrize("protocol", ["default", "grouped", "tvt_70_15_15", "song_80_20"])
def test_all_parts_of_a_song_stand_on_its_side(folds, protocol):
    for song, part in zip(*folds(protocol), strict=True):
        assert (song.repeat, song.fold) == (part.repeat, part.fold)
        for side in ("train", "val", "test"):
            expected = [f"{id_}#{k}" for id_ in getattr(song, side) for k in range(4)]
            assert list(getattr(part, side)) == expected


def test_song_80_20_of_parts_is_the_split_of_the_range_of_songs(folds, corpus):
    blocks = sorted(corpus, key=lambda t: (t.quadrant, t.id))
    _, test = train_test_split(range(len(corpus)), test_size=0.2, random_state=42)
    expected = {f"{blocks[i].id}#{part}" for i in test for part in range(4)}
    assert set(folds("song_80_20")[1][0].test) == expected
    assert split(corpus, "song_80_20", seed=1)[0].test == tuple(
        dict.fromkeys(clip_of(id_) for id_ in folds("song_80_20")[1][0].test)
    )


def test_an_absent_protocol_stays_absent(tmp_path):
    write_json(tmp_path / "songs.json", {"status": "absent", "reason": "too few"})
    split_clips.split_folds(tmp_path / "songs.json", tmp_path / "parts.json", 4)
    with pytest.raises(MerError, match="too few"):
        read_folds(tmp_path / "parts.json")


@pytest.mark.parametrize(
    ("id_", "clip"), [("a#0", "a"), ("a#1#12", "a#1"), ("a", "a"), ("a#b", "a#b")]
)
def test_the_clip_of_an_id(id_, clip):
    assert clip_of(id_) == clip


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"of": "elsewhere"}, "segmented_corpora.demo_4qaed_parts.of: 'elsewhere' is not one of"),
        ({"parts": 1}, "segmented_corpora.demo_4qaed_parts.parts=1"),
    ],
)
def test_a_cut_of_nothing_or_into_one_is_refused(root, tmp_path, block, message):
    path = copy_params(root, tmp_path)
    (key,) = block
    edit(path, **{f"segmented_corpora__demo_4qaed_parts__{key}": block[key]})
    with pytest.raises(MerError, match=message):
        read_all(path)
