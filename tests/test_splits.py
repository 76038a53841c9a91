import dataclasses
from typing import get_args

import numpy as np
import pytest
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    train_test_split,
)

from mer.errors import MerError
from mer.schema import ProtocolName
from mer.splits import shares_groups, split
from mer.types import QUADRANTS, Fold, Track, groups

PROTOCOLS = sorted({*get_args(ProtocolName), "leave_one_artist_out"} - {"default", "own"})


def quadrants(tracks, ids):
    known = {t.id: t.quadrant for t in tracks}
    return np.bincount([QUADRANTS.index(known[i]) for i in ids], minlength=4)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sides_are_disjoint_and_cover_the_corpus(corpus, protocol):
    for fold in split(corpus, protocol, seed=1):
        sides = [set(fold.train), set(fold.val), set(fold.test)]
        assert sum(map(len, sides)) == len(set.union(*sides)) == len(corpus)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_order_of_the_tracks_does_not_matter(corpus, protocol, rng):
    shuffled = [corpus[i] for i in rng.permutation(len(corpus))]
    assert split(shuffled, protocol, seed=1) == split(corpus, protocol, seed=1)


@pytest.mark.parametrize("protocol", ["grouped", "cv10x10", "cv10", "tvt_70_15_15"])
def test_seed_changes_the_folds(corpus, protocol):
    assert split(corpus, protocol, seed=2) != split(corpus, protocol, seed=1)


@pytest.mark.parametrize(("protocol", "repeats"), [("grouped", 10), ("cv10x10", 10), ("cv10", 1)])
def test_every_clip_is_tested_once_per_repeat(corpus, protocol, repeats):
    folds = split(corpus, protocol, seed=1)
    assert len(folds) == 10 * repeats
    for repeat in range(repeats):
        tested = [i for f in folds if f.repeat == repeat for i in f.test]
        assert sorted(tested) == [t.id for t in corpus]


def test_no_artist_on_two_sides_of_a_grouped_fold(corpus):
    assert not shares_groups(corpus, split(corpus, "grouped", seed=1))
    assert shares_groups(corpus, split(corpus, "cv10x10", seed=1))


@pytest.mark.parametrize("shared", [{"train", "test"}, {"val", "test"}, {"train", "val"}])
def test_an_artist_is_shared_where_train_or_val_has_clips_of_a_tested_one(shared):
    tracks = [Track(s, "Q1", artist="x" if s in shared else s) for s in ("train", "val", "test")]
    fold = Fold(0, 0, ("train",), ("val",), ("test",))
    assert shares_groups(tracks, [fold]) is ("test" in shared)


@pytest.mark.parametrize("protocol", ["cv10x10", "cv10"])
def test_cross_validation_is_stratified(corpus, protocol):
    for fold in split(corpus, protocol, seed=1):
        assert quadrants(corpus, fold.test).tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("protocol", "sizes"), [("tvt_70_15_15", (84, 18, 18)), ("tvt_40_30_30", (48, 36, 36))]
)
def test_drawn_split_has_the_published_shares(corpus, protocol, sizes):
    (fold,) = split(corpus, protocol, seed=1)
    assert (len(fold.train), len(fold.val), len(fold.test)) == sizes
    for side in (fold.train, fold.val, fold.test):
        assert np.ptp(quadrants(corpus, side)) <= 1


@pytest.mark.parametrize("n", [100, 200, 400, 1000])
@pytest.mark.parametrize(
    ("protocol", "percent"), [("tvt_70_15_15", (70, 15, 15)), ("tvt_40_30_30", (40, 30, 30))]
)
def test_drawn_split_is_exact_where_the_shares_are_whole_numbers(n, protocol, percent):
    songs = [Track(f"s{i:04d}", QUADRANTS[i % 4]) for i in range(n)]
    (fold,) = split(songs, protocol, seed=1)
    sizes = (len(fold.train), len(fold.val), len(fold.test))
    assert sizes == tuple(n * share // 100 for share in percent)


def test_published_split_is_taken_as_it_is(corpus):
    sides = dict(zip([t.id for t in corpus], ["train", "val", "test"] * 40, strict=True))
    carrying = [dataclasses.replace(t, splits={"tvt_70_15_15": sides[t.id]}) for t in corpus]
    (fold,) = split(carrying, "tvt_70_15_15", seed=1)
    assert all(sides[i] == "test" for i in fold.test)
    assert len(fold.train) == len(fold.val) == len(fold.test) == 40


def test_labels_may_name_the_fold_that_tests_a_clip(corpus):
    named = {t.id: f"fold {i % 12}" for i, t in enumerate(corpus)}
    folds = split(
        [dataclasses.replace(t, splits={"own": named[t.id]}) for t in corpus], "own", seed=1
    )
    assert len(folds) == 12
    for number, fold in enumerate(folds):  # fold 2 comes before fold 10
        assert {named[i] for i in fold.test} == {f"fold {number}"}
        assert sorted(fold.train + fold.test) == [t.id for t in corpus]


def test_leave_one_artist_out_tests_each_artist_once(corpus):
    group = {t.id: t.group for t in corpus}
    folds = split(corpus, "leave_one_artist_out", seed=1)
    assert sorted(group[f.test[0]] for f in folds) == sorted({*group.values()})
    assert all(len({group[i] for i in f.test}) == 1 for f in folds)
    assert not shares_groups(corpus, folds)


def test_leave_one_artist_out_of_a_merged_corpus_tests_each_artist_once():
    """The artists of the members overlap."""
    tracks = [
        Track(f"{source}/{n}", "Q1", artist=artists[n], source=source)
        for source, artists in {"a": ("Ann", "Bob"), "b": ("BOB", "Cid")}.items()
        for n in range(2)
    ]
    folds = split(tracks, "leave_one_artist_out", seed=1)
    assert [fold.test for fold in folds] == [("a/0",), ("a/1", "b/0"), ("b/1",)]
    assert not shares_groups(tracks, folds)


def test_profile_overrides_folds_and_repeats(corpus):
    folds = split(corpus, "grouped", seed=1, folds=3, repeats=2)
    assert [(f.repeat, f.fold) for f in folds] == [(r, f) for r in range(2) for f in range(3)]


def test_cv10x10_equals_scikit_learn_on_ids_sorted(corpus):
    y = np.array([QUADRANTS.index(t.quadrant) for t in corpus])
    expected = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=1).split(y, y)
    found = split(corpus, "cv10x10", seed=1)
    for fold, (_, test) in zip(found, expected, strict=True):
        assert list(fold.test) == [corpus[i].id for i in test]


@pytest.mark.parametrize("seed", [0, 1])
def test_grouped_equals_scikit_learn_on_ids_sorted(corpus, seed):
    """Repeat r, counted from 0, shuffles with seed + r - 1; published folds depend on it."""
    y, group = np.array([t.quadrant for t in corpus]), groups(corpus)
    artists, found = [group[t.id] for t in corpus], iter(split(corpus, "grouped", seed=seed))
    for repeat in range(10):
        state = (seed + repeat - 1) % 2**32
        splitter = StratifiedGroupKFold(10, shuffle=True, random_state=state)
        for _, test in splitter.split(y, y, artists):
            assert list(next(found).test) == [corpus[i].id for i in test]
    assert not [*found]


def test_song_80_20_is_the_split_of_a_range(corpus):
    blocks = sorted(corpus, key=lambda t: (t.quadrant, t.id))
    _, test = train_test_split(range(len(corpus)), test_size=0.2, random_state=42)
    fold = split(corpus, "song_80_20", seed=9)[0]
    assert set(fold.test) == {blocks[i].id for i in test}


def test_too_few_clips_are_an_error(corpus):
    with pytest.raises(MerError, match=r"8 clips cannot be split into 10 folds: .* has [12]; "):
        split(corpus[:8], "cv10x10", seed=1)


@pytest.mark.parametrize("protocol", ["cv10x10", "cv10", "grouped"])
def test_a_quadrant_with_fewer_clips_than_folds_is_refused(corpus, protocol):
    few = [t for t in corpus if t.quadrant != "Q4"] + [t for t in corpus if t.quadrant == "Q4"][:3]
    with pytest.raises(MerError, match=r"each class needs 10 of them, and Q4 has 3; take 3 folds"):
        split(few, protocol, seed=1)
    assert split(few, protocol, seed=1, folds=3)


@pytest.mark.parametrize("protocol", ["cv10", "grouped"])
def test_a_quadrant_with_a_single_clip_needs_more(corpus, protocol):
    few = [t for t in corpus if t.quadrant != "Q4"] + [t for t in corpus if t.quadrant == "Q4"][:1]
    with pytest.raises(MerError, match=r"and Q4 has 1; add clips of Q4, or take another protocol"):
        split(few, protocol, seed=1, folds=2)


def test_fewer_artists_than_folds_are_refused(corpus):
    few = [dataclasses.replace(t, artist=f"band {i % 3}") for i, t in enumerate(corpus)]
    with pytest.raises(MerError, match="need 10 artists at least, and have 3; take 3 folds"):
        split(few, "grouped", seed=1)


def test_a_published_split_without_test_clips_is_refused_with_the_remedy(corpus):
    trained = [dataclasses.replace(t, splits={"own": "train"}) for t in corpus]
    with pytest.raises(MerError, match=r"not 120 of train, 0 of val, 0 of test; .*protocol=cv10"):
        split(trained, "own", seed=1)


SPELLINGS = ("Björk", "Bjo\u0308rk", "BJÖRK", " Björk ", "Bjo\u200brk".replace("o", "ö"))


def test_an_artist_in_several_spellings_is_one_group(corpus):
    spelled = [
        dataclasses.replace(t, artist=SPELLINGS[i % 5] if i < 40 else f"band {i % 20}")
        for i, t in enumerate(corpus)
    ]
    for fold in split(spelled, "grouped", seed=1):
        assert len({t.id for t in spelled[:40]} & {*fold.test}) in (0, 40)
    assert len(set(groups(spelled).values())) == 21


def test_an_artist_of_invisible_characters_is_none(corpus):
    assert groups([dataclasses.replace(corpus[0], artist="\u200b")])


def test_missing_published_split_is_an_error(corpus):
    with pytest.raises(
        MerError, match=r"'own': the labels .* have none; write a column split or fold"
    ):
        split(corpus, "own", seed=1)


@pytest.mark.parametrize(("train", "test"), [("ab", "b"), ("abb", "c")])
def test_fold_refuses_a_clip_twice(train, test):
    with pytest.raises(MerError, match=r"'b' stands twice"):
        Fold(0, 0, tuple(train), (), tuple(test))


def test_members_of_a_merged_corpus_need_as_many_folds(corpus):
    joined = [
        dataclasses.replace(track, id=f"{source}/{track.id}", source=source, splits={"cv10": fold})
        for number, track in enumerate(corpus)
        for source, fold in (("one", f"{number % 5}"), ("two", f"{number % 4}"))
    ]
    with pytest.raises(MerError, match=r"'cv10'.* one 5, two 4; take another protocol"):
        split(joined, "cv10", seed=1)


def test_the_split_in_the_labels_of_a_merged_corpus_may_train_on_one_member_and_test_on_another():
    sides = {"a": "train", "b": "test"}
    tracks = [
        Track(f"{source}/{n}", "Q1", source=source, splits={"own": side})
        for source, side in sides.items()
        for n in range(2)
    ]
    assert split(tracks, "own", seed=1) == [Fold(0, 0, ("a/0", "a/1"), (), ("b/0", "b/1"))]


PANDREA = {  # songs of a class; parts of the published test lists by class, four to a song
    "4qaed": (225, [184, 192, 184, 160]),
    "ch818": (89, [52, 72, 92, 72]),
    "tr_music": (100, [72, 104, 72, 72]),
}


@pytest.mark.parametrize("corpus", PANDREA)
@pytest.mark.parametrize("prefix", ["", "demo_"])
def test_song_80_20_has_the_published_counts(corpus, prefix):
    per_class, counts = PANDREA[corpus]
    songs = [Track(f"{i:03d}", QUADRANTS[i // per_class]) for i in range(4 * per_class)]
    (fold,) = split(songs, "song_80_20", prefix + corpus, seed=1)
    assert (4 * quadrants(songs, fold.test)).tolist() == counts
    joined = [dataclasses.replace(song, source=prefix + corpus) for song in songs]
    assert split(joined, "song_80_20", "demo_mixed3", seed=1) == [fold]


def test_the_clips_of_a_merged_fold_are_sorted_whatever_the_order_of_its_members():
    tracks = [
        Track(f"{source}/{n}", QUADRANTS[n % 4], source=source)
        for source in ("c", "b", "a-b", "a", "d")
        for n in range(8)
    ]
    for fold in split(tracks, "cv10", seed=1, folds=2):
        assert (list(fold.train), list(fold.test)) == (sorted(fold.train), sorted(fold.test))
        assert len(fold.test) == 20


def test_the_validation_part_of_merged_grouped_folds_has_no_tested_artist():
    """Both members publish grouped folds; an artist is validated in one and tested in the other."""
    sides = {"a": ("train", "val", "test"), "b": ("train", "test", "val")}
    tracks = [
        Track(f"{source}/{side}", "Q1", artist=f"band {n}", source=source, splits={"grouped": side})
        for source, order in sides.items()
        for n, side in enumerate(order)
    ]
    (fold,) = split(tracks, "grouped", seed=1)
    assert (fold.train, fold.val, fold.test) == (("a/train", "b/train"), (), ("a/test", "b/test"))


def test_a_seed_of_zero_is_one_as_any(corpus):
    for protocol in PROTOCOLS:
        assert split(corpus, protocol, seed=0, folds=2)


@pytest.mark.parametrize("protocol", ["cv10x10", "grouped", "tvt_70_15_15"])
@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"folds": 0}, r"folds must be a whole number, 2 at least, not 0; leave it out"),
        ({"folds": 1}, r"folds must be .* not 1;"),
        ({"folds": 2.5}, r"folds must be .* not 2\.5;"),
        ({"repeats": 0}, r"repeats must be a whole number, 1 at least, not 0; leave it out"),
        ({"repeats": -1}, r"repeats must be .* not -1;"),
        ({"seed": -1}, r"seed must be a whole number in 0 … 4294967295, not -1; take another"),
        ({"seed": 2**32}, r"seed must be .* not 4294967296;"),
        ({"seed": 1.5}, r"seed must be .* not 1\.5;"),
    ],
)
def test_numbers_that_no_split_can_have_are_refused(corpus, protocol, numbers, message):
    with pytest.raises(MerError, match=rf"^{message}") as raised:
        split(corpus, protocol, **{"seed": 1, **numbers})
    assert "fewer folds" not in str(raised.value)


@pytest.mark.parametrize("protocol", ["cv10x10", "grouped"])
def test_the_largest_seed_and_numbers_of_numpy_are_as_good_as_any(corpus, protocol):
    numbers = {"folds": np.int64(2), "repeats": np.int64(1)}
    assert len(split(corpus, protocol, seed=2**32 - 1, **numbers)) == 2
    ours = split(corpus, protocol, seed=np.int32(1), **numbers)
    assert ours == split(corpus, protocol, seed=1, folds=2, repeats=1)


@pytest.mark.parametrize("protocol", ["cv10", "grouped", "tvt_70_15_15"])
def test_a_corpus_without_quadrants_is_stratified_by_its_labels(corpus, protocol):
    bare = [dataclasses.replace(t, quadrant="", label=f"class {t.quadrant}") for t in corpus]
    assert split(bare, protocol, seed=1) == split(corpus, protocol, seed=1)


def test_a_corpus_of_one_value_is_stratified_by_its_quartiles(corpus):
    bare = [dataclasses.replace(t, quadrant="", arousal=float(i)) for i, t in enumerate(corpus)]
    number = {t.id: int(t.arousal) for t in bare}
    for fold in split(bare, "cv10", seed=1):
        assert np.bincount([number[i] // 30 for i in fold.test]).tolist() == [3, 3, 3, 3]
    assert split(bare, "song_80_20", seed=1)


def test_a_corpus_whose_clips_do_not_all_have_a_quadrant_is_stratified_by_its_labels(corpus):
    bare = [dataclasses.replace(t, label=f"class {t.quadrant}") for t in corpus]
    some = [dataclasses.replace(t, quadrant="") if i % 2 else t for i, t in enumerate(bare)]
    assert split(some, "cv10", seed=1) == split(corpus, "cv10", seed=1)
