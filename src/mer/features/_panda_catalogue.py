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
TOP100 = Path(__file__).with_name("top100") / "names.txt"


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
    subset : ``top100``, the columns that the authors published as their best; ``rest``, the others
    """

    column: str
    channel: str
    dimension: str
    descriptor: str
    statistic: str
    grade: str
    definition: str
    subset: str


@cache
def catalogue() -> dict[str, Column]:
    """The 1714 columns by name, in the published order."""
    top100 = set(TOP100.read_text(encoding="utf-8").splitlines())
    with CATALOGUE.open(encoding="utf-8", newline="") as stream:
        return {
            row["column"]: Column(**row, subset="top100" if row["column"] in top100 else "rest")
            for row in csv.DictReader(stream)
        }
