"""The 100 features of highest ReliefF weight that the authors of 4QAED published with their values.

Source: Panda, Malheiro & Paiva, "Novel Audio Features for Music Emotion Recognition", IEEE TAFFC
11(4), 2020; the names and their order are those of ``top100_features.csv``. The values come with
the corpus.
"""

from mer.features import _panda_catalogue
from mer.schema import Block

published = True
catalogue = _panda_catalogue.catalogue


class Params(Block):
    """The family has no parameters."""


def names(params: Params) -> list[str]:
    """The 100 names, most relevant first."""
    return _panda_catalogue.TOP100.read_text(encoding="utf-8").splitlines()
