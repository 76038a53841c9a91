"""mer.features._panda_catalogue: the catalogue of the 1714 published columns."""

import csv
from collections import Counter

import pytest

from mer import registry
from mer.features import _panda_catalogue

COLUMNS = _panda_catalogue.catalogue().values()


def grades(standard: bool) -> dict[str, int]:
    return Counter(c.grade for c in COLUMNS if c.column.startswith("F") is standard)


def test_it_has_the_published_counts():
    assert len(COLUMNS) == 1714
    prefixes = Counter(c.column.split("-")[0] for c in COLUMNS if not c.column.startswith("F"))
    assert prefixes == {"ORIGINAL": 407, "VOICE": 409}
    assert grades(standard=True) == {"A": 620, "B": 222, "C": 56}
    assert grades(standard=False) == {"A": 487, "B": 134, "C": 195}


def test_the_channel_is_that_of_the_name():
    assert all((c.channel == "voice") is c.column.startswith("VOICE-") for c in COLUMNS)


def test_the_dimensions_are_the_published_ones():
    assert Counter(c.dimension for c in COLUMNS) == {
        "tone_colour": 577,
        "harmony": 126,
        "dynamics": 263,
        "rhythm": 173,
        "melody": 218,
        "musical_form": 10,
        "expressive_techniques": 249,
        "texture": 41,
        "vocals": 57,
    }


def test_every_column_is_described():
    assert all(all(field.strip() == field != "" for field in column) for column in COLUMNS)


@pytest.mark.parametrize("family", ["published1714", "top100"])
def test_the_published_families_are_of_it(family):
    module = registry.get("features", family)
    assert set(module.names(module.Params())) <= set(_panda_catalogue.catalogue())


def test_its_order_is_the_published_one(real_data):
    """That of the authors' table, whose rows the shared catalogue numbers; it also grades them.

    Key strengths by other profiles, and the complex cepstrum, were graded B after it was written.
    """
    path = real_data / "4qaed_tables" / "catalogue_1714.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        shared = [(row["column"], row["grade"]) for row in csv.DictReader(stream)]
    assert [column.column for column in COLUMNS] == [name for name, _ in shared]
    changed = [c for c, (_, grade) in zip(COLUMNS, shared, strict=True) if c.grade != grade]
    assert all(
        c.descriptor.startswith(
            ("MIR Toolbox/Key", "MIR Toolbox/Mode", "PsySound/Cepstrum (complex)")
        )
        for c in changed
    )
    assert Counter(column.grade for column in changed) == {"B": 51}
