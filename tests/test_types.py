"""The types that the stages exchange."""

from dataclasses import replace

import pandas as pd
import pytest

from mer.errors import MerError
from mer.predictions import Predictions
from mer.types import Track, names_artists, part_ids

SONG = Track("song", "Q1")


def test_a_song_is_no_artist_of_its_own_segments():
    parts = [replace(SONG, id=id_, artist=SONG.id) for id_ in part_ids(SONG.id, 4)]
    assert not names_artists(parts)
    assert not names_artists([SONG])
    assert names_artists([*parts, Track("other", "Q2", artist="Somebody")])


def predictions(y_true):
    facts = {"id": ["a", "b"], "repeat": 0, "fold": 0, "y_true": y_true}
    return Predictions(pd.DataFrame({**facts, "p_0": 0.4, "p_1": 0.6}), ("low", "high"))


@pytest.mark.parametrize("value", [-1, 2, 0.9, float("nan"), None, "high"])
def test_a_true_class_that_is_none_of_the_classes_is_refused(value):
    message = r"must be a whole number in 0 … 1, .*'low', 'high'\], and is {} for 'b' \(1 such"
    shown = "nan" if value is None else value
    with pytest.raises(MerError, match=message.format(shown)):
        predictions([0, value])


@pytest.mark.parametrize("y_true", [[0, 1], [0.0, 1.0], pd.array([0, 1], "Int64")])
def test_true_classes_may_be_whole_numbers_of_any_type(y_true):
    assert predictions(y_true).y_true.tolist() == [0, 1]
