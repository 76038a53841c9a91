"""``joins`` and ``columns``: the table of features that a model sees."""

from typing import Literal

from pydantic import PositiveInt

from mer.schema import Block, Key


class Join(Block):
    """An entry of ``joins``: the tables of two families side by side, selected as a family.

    Attributes
    ----------
    name : of the family that they make
    left, right : keys of ``families``
    """

    name: Key
    left: str
    right: str


class Columns(Block):
    """``columns``: which columns of the table a model sees.

    Attributes
    ----------
    grades, dimension, channel : of the family's catalogue; see ``mer.features._panda_catalogue.Column``
    select : how columns are ranked inside each training part: by ReliefF or by chi-squared
    k : so many of the best stay
    neighbours : of each class, that ReliefF looks at
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
    select: Literal["none", "relieff", "chi2"]
    k: PositiveInt
    neighbours: PositiveInt

    @property
    def restricts(self) -> dict[str, str]:
        """What of the catalogue is asked for, where that is not everything."""
        chosen = {key: getattr(self, key) for key in ("grades", "dimension", "channel")}
        return {key: value for key, value in chosen.items() if value not in ("ABC", "all")}

    @property
    def used(self) -> dict[str, str | int]:
        """What narrows the table; nothing where a model sees all of it."""
        ranked = {"none": [], "chi2": ["select", "k"], "relieff": ["select", "k", "neighbours"]}
        return {**self.restricts, **{key: getattr(self, key) for key in ranked[self.select]}}


EVERY_COLUMN = Columns(
    grades="ABC", dimension="all", channel="all", select="none", k=100, neighbours=10
)
