"""Generators: what a seed and a purpose draw is the same for ever."""

from mer.seeds import generator


def test_the_draws_of_a_seed_and_a_purpose_do_not_change_between_versions():
    drawn = generator(42, "train", 0, 3).integers(1000, size=4).tolist()
    assert drawn == [502, 451, 411, 348]


def test_generators_depend_on_every_part_of_the_key():
    draws = {
        float(generator(*key).random())
        for key in [
            (1, "a", 0),
            (2, "a", 0),
            (1, "b", 0),
            (1, "a", 1),
            (1, "a0"),
            (1, "a", "0", ""),
        ]
    }
    assert len(draws) == 6
    assert generator(1, "a", 0).random() == generator(1, "a", 0).random()
