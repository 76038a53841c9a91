"""A battery over the corpora of params.yaml; every miniature is rendered and indexed."""

import shutil

import pytest

from conftest import ROOT
from helpers.corpora import eight_songs
from mer import config, registry
from mer.errors import MerError
from mer.io import artefacts
from mer.io.files import read_json
from mer.io.folds import read_folds
from mer.io.tracks import read_tracks
from mer.pipeline import folds, merge_corpora
from mer.pipeline.demo import render as demo
from mer.pipeline.index import build
from mer.types import QUADRANTS

PARAMS = config.read_all(ROOT / "params.yaml")
CORPORA = {key: corpus for key, corpus in PARAMS.corpora.items() if corpus.counts}
# Those without counts are a user's own, of which nothing more is asked.
PUBLISHED = [key for key in CORPORA if not key.startswith("demo")]
TOTALS = {
    "4qaed": 900,
    "new4qaed_c": 1629,
    "new4qaed_b": 1372,
    "merge_audio_c": 3554,
    "merge_audio_b": 3232,
    "merge_bimodal_c": 2216,
    "merge_bimodal_b": 2000,
    "ch818": 356,
    "tr_music": 400,
    "pmemo": 767,
    "deam": 1802,
    "emomusic": 744,
    "musifeast17": 356,
    "emotify": 400,
    "emopia200": 200,
    "puct_human": 80,
    "mixed3": 1656,
}


def total(counts):
    return counts if isinstance(counts, int) else sum(counts.values())


def test_every_corpus_says_whom_to_cite_under_what_terms_and_where_to_get_it():
    for key, corpus in CORPORA.items():
        assert all(len(text) > 6 for text in (corpus.citation, corpus.license, corpus.source)), key


def test_totals_are_those_of_the_papers():
    assert {key: total(CORPORA[key].counts) for key in PUBLISHED} == TOTALS


def test_every_published_corpus_has_a_miniature_alike():
    for key in set(PUBLISHED) - {"emopia200"}:
        corpus, miniature = CORPORA[key], CORPORA[f"demo_{key}"]
        assert (miniature.layout, miniature.sample_rate, miniature.protocol) == (
            corpus.layout,
            corpus.sample_rate,
            corpus.protocol,
        )
        assert total(miniature.counts) == {"mixed3": 48, "emotify": 32}.get(key, 16), key


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where miniatures lie and where their indexes go."""
    return tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("index")


def render_short(key, raw):
    """Half a second of each clip at a low rate."""
    corpus, settings = CORPORA[key], PARAMS.demos[key]
    target = raw / key
    if not target.exists():
        demo.render(
            corpus.layout,
            target,
            seed=settings.seed,
            seconds=0.5,
            sample_rate=16000,
            counts=corpus.counts,
            release=settings.release,
        )


def prepare(key, folders):
    """Render and index a miniature, once; the folder of its index."""
    raw, index = folders
    members = PARAMS.merged_corpora[key].of if key in PARAMS.merged_corpora else ()
    for member in members:
        prepare(member, folders)
    if members:
        shutil.rmtree(raw / key, ignore_errors=True)
        merge_corpora.make(members, raw, index, raw / key)
    else:
        render_short(key, raw)
    build(raw / key, index / key, CORPORA[key].layout, CORPORA[key].counts)
    return index / key


@pytest.mark.parametrize("key", [key for key in CORPORA if key not in ("demo", *PUBLISHED)])
def test_miniature_is_rendered_and_indexed(key, folders):
    index = prepare(key, folders)
    tracks = read_tracks(index)
    assert all((folders[0] / key / track.path).is_file() for track in tracks)
    assert len({t.quadrant or t.label for t in tracks}) == len(QUADRANTS)
    assert read_json(index / "manifest.json")["unlabelled"] == 0


def test_the_miniature_of_merge_has_its_own_splits(folders, tmp_path):
    index = prepare("demo_merge_bimodal_b", folders)
    assert (folders[0] / "demo_merge_bimodal_b/MERGE_Bimodal_Balanced/audio/Q1").is_dir()
    artefacts.write_absent(tmp_path / "standard", "no audio")
    own = CORPORA["demo_merge_bimodal_b"].protocol
    profile = PARAMS.profiles["demo"]
    facts = {"own": own, "profile": profile, "profile_key": "demo"}
    folds.make(index, tmp_path / "standard", tmp_path, **facts, seed=1)
    (fold,) = read_folds(tmp_path / "default" / "demo_merge_bimodal_b.json")
    assert [len(side) for side in (fold.train, fold.val, fold.test)] == [8, 4, 4]
    sides = {t.id: t.splits["tvt_70_15_15"] for t in read_tracks(index)}
    assert {sides[i] for i in fold.test} == {"test"}


def test_the_miniature_of_pmemo_keeps_its_quadrants(folders):
    index = prepare("demo_pmemo", folders)
    thresholds = read_json(index / "manifest.json")["thresholds"]
    assert thresholds["valence"] == pytest.approx(0.5, abs=0.15)
    assert thresholds["arousal"] == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("count", [7, 9])
def test_a_total_is_held_against_the_clips(tmp_path, count):
    registry.get("pipeline.demo.writers", "pmemo").write(tmp_path / "raw", eight_songs())
    with pytest.raises(MerError, match=rf"counts of params/corpora\.yaml states, {count}, not 8"):
        build(tmp_path / "raw", tmp_path / "index", "pmemo", count)
    build(tmp_path / "raw", tmp_path / "index", "pmemo", 8)


def test_a_total_is_of_as_many_songs_of_each_quadrant(tmp_path):
    demo.render("folder", tmp_path / "x", seed=1, seconds=1.0, sample_rate=8000, counts=8)
    labels = (tmp_path / "x/labels.csv").read_text()
    assert [labels.count(q) for q in QUADRANTS] == [2, 2, 2, 2]
