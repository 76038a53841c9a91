"""The catalogue of the 1714 features of 4QAED: what each published column is.

Names, their order, musical dimensions: Panda, Malheiro & Paiva, "Novel Audio Features for Music Emotion
Recognition", IEEE TAFFC 11(4), 2020, and the first author's repository ``TAFFC2018``. Definitions and
grades are this project's.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

CATALOGUE = Path(__file__).with_name("panda1714") / "catalogue.csv"


class Column(NamedTuple):
    """One published column.

    Attributes
    ----------
    column : its published name: ``F0003``, ``ORIGINAL-…`` or ``VOICE-…``
    channel : ``original``, the mix, or ``voice``, the separated voice
    dimension : of music, as ``rhythm``
    descriptor, statistic : what is measured, and which figure of it
    grade : of our extraction: ``A`` the published definition, ``B`` the same concept by another
        algorithm, ``C`` a proxy
    definition : in a line, of the descriptor's family
    """

    column: str
    channel: str
    dimension: str
    descriptor: str
    statistic: str
    grade: str
    definition: str


@cache
def catalogue() -> dict[str, Column]:
    """The 1714 columns by name, in the published order."""
    with CATALOGUE.open(encoding="utf-8", newline="") as stream:
        return {row["column"]: Column(**row) for row in csv.DictReader(stream)}
