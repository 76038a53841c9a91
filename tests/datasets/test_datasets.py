"""A battery over every layout."""

from collections import Counter

import pytest

from helpers.corpora import PITCH, content, eight_songs, pitch, shuffle_rows, tables
from mer import registry
from mer.errors import MerError
from mer.types import QUADRANTS

LAYOUTS = registry.names("datasets")
TWINS = ("Q1/MT0000000089", "Q2/MT0000000088", "Q3/MT0000000087", "Q4/MT0000000007")
ARTISTS = {  # of the eight songs, in layouts that do not hold those of the songs
    "ch818": {None: 8},
    "emotify": {None: 8},
    "tr_music": dict.fromkeys(TWINS, 2),  # equal files
}


@pytest.fixture
def songs():
    return eight_songs()


@pytest.fixture(params=LAYOUTS)
def module(request):
    return registry.get("datasets", request.param)


def writer(layout):
    """What writes a synthetic corpus that ``layout`` reads."""
    return registry.get("pipeline.demo.writers", layout.__name__.rpartition(".")[2])


def test_layout_is_drawn_as_a_tree(module):
    assert "<root>/\n" in module.__doc__
    assert "├── " in module.__doc__


def test_families_are_published_ones(module):
    for family in getattr(module, "published_families", ()):
        assert registry.get("features", family).published


def test_round_trip_joins_labels_with_their_audio(module, songs, tmp_path):
    writer(module).write(tmp_path, songs)
    found = module.tracks(tmp_path)
    assert [t.id for t in found] == sorted({t.id for t in found})
    quadrants = {emotion: q for q, emotion in getattr(writer(module), "MARKED", {}).items()}
    classes = [quadrants.get(t.label, t.quadrant) for t in found]
    assert Counter(classes) == dict.fromkeys(QUADRANTS, 2)
    layout, known = module.__name__.rpartition(".")[2], Counter(t.artist for t, _ in songs)
    assert Counter(t.artist for t in found) == ARTISTS.get(layout, known)
    assert [pitch(tmp_path / t.path) for t in found] == pytest.approx(
        [PITCH[quadrant] for quadrant in classes], abs=10
    )


def test_tables_are_of_known_families_and_of_all_tracks(module, songs, tmp_path):
    writer(module).write(tmp_path, songs)
    ids = {t.id for t in module.tracks(tmp_path)}
    found = module.published(tmp_path) if hasattr(module, "published") else {}
    assert {*found} <= {*getattr(module, "published_families", ())}
    assert bool(found) is hasattr(module, "published") is hasattr(module, "published_families")
    assert all(set(features.ids) == ids for features in found.values())


def test_same_songs_give_same_bytes(module, songs, tmp_path):
    writer(module).write(tmp_path / "a", songs)
    writer(module).write(tmp_path / "b", songs)
    assert content(tmp_path / "a") == content(tmp_path / "b")


@pytest.mark.parametrize("seed", range(3))
def test_order_of_rows_does_not_matter(module, songs, tmp_path, seed):
    writer(module).write(tmp_path, songs)
    if not any(tmp_path.rglob("*.csv")):
        pytest.skip("the layout has no table")
    before = module.tracks(tmp_path), tables(module, tmp_path)
    written = content(tmp_path)
    shuffle_rows(tmp_path, seed)
    assert content(tmp_path) != written
    assert (module.tracks(tmp_path), tables(module, tmp_path)) == before


def test_empty_folder_is_refused_with_what_must_be_there(module, tmp_path):
    with pytest.raises(MerError, match=r"must (be|hold|have) .*; \w+"):
        module.tracks(tmp_path)
