"""``joined_families`` and ``columns``: the table of features that a model sees."""

from collections.abc import Iterable
from typing import Literal

from pydantic import PositiveInt

from mer.schema import Block, Key

RESTRICTIONS = ("grades", "dimension", "channel", "subset")  # by the catalogue


class JoinedFamilies(Block):
    """An entry of ``joined_families``: two families side by side, which are selected as one.

    Attributes
    ----------
    name : name of the concatenated family
    left, right : keys of ``families``
    """

    name: Key
    left: str
    right: str


def members(family: str, joins: Iterable[JoinedFamilies]) -> list[str]:
    """The families that a join consists of; a family itself otherwise."""
    joins = list(joins)
    for join in joins:
        if join.name == family:
            return [name for side in (join.left, join.right) for name in members(side, joins)]
    return [family]


class Columns(Block):
    """``columns``: which columns of the table a model sees.

    Attributes
    ----------
    grades, dimension, channel, subset : values of the family's catalogue that a column must have; see
        ``mer.features._panda_catalogue.Column``
    select : ranking of the columns inside each training part, by ReliefF or chi-squared
    k : number of best-ranked columns that are kept
    neighbours : nearest neighbours of each class that ReliefF compares
    leak : a diagnostic of what a mistake gains. ``before_split``: the ranking sees test clips, too
    """

    grades: Literal["A", "AB", "ABC"]
    dimension: Literal[
        "all",
        "melody",
        "harmony",
        "rhythm",
        "dynamics",
        "tone_colour",
        "expressive_techniques",
        "texture",
        "musical_form",
        "vocals",
    ]
    channel: Literal["all", "original", "voice"]
    subset: Literal["all", "top100"]
    select: Literal["none", "relieff", "chi2"]
    k: PositiveInt
    neighbours: PositiveInt
    leak: Literal["none", "before_split"]

    @property
    def restrictions(self) -> dict[str, str]:
        """Restrictions by the catalogue, without those that admit every column."""
        chosen = {key: getattr(self, key) for key in RESTRICTIONS}
        return {key: value for key, value in chosen.items() if value not in ("ABC", "all")}

    @property
    def used(self) -> dict[str, str | int]:
        """Settings that narrow the table; empty if a model sees every column."""
        ranked = {"none": [], "chi2": ["select", "k"], "relieff": ["select", "k", "neighbours"]}
        used = {key: getattr(self, key) for key in ranked[self.select]}
        return {**self.restrictions, **used, **({"leak": self.leak} if self.leaks else {})}

    @property
    def leaks(self) -> bool:
        """Whether the ranking of the columns sees test clips."""
        return self.select != "none" and self.leak != "none"


EVERY_COLUMN = Columns(
    grades="ABC",
    dimension="all",
    channel="all",
    subset="all",
    select="none",
    k=100,
    neighbours=10,
    leak="none",
)
