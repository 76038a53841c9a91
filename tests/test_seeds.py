"""Generators: what a seed and a purpose draw is the same for ever."""

from mer.seeds import generator


def test_the_draws_of_a_seed_and_a_purpose_do_not_change_between_versions():
    drawn = generator(42, "train", 0, 3).integers(1000, size=4).tolist()
    assert drawn == [502, 451, 411, 348]


def test_another_seed_or_purpose_draws_other_numbers():
    keys = [
        (42, "train", 1, 23),
        (43, "train", 1, 23),
        (42, "train", 12, 3),
        (42, "augment", 1, 23),
    ]
    assert len({generator(*key).integers(2**62) for key in keys}) == len(keys)
