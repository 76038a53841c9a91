"""The 1714 decorrelated features of 4QAED with the values that its authors published.

898 standard features (``F0003`` …) and 816 novel ones: 407 of the mix (``ORIGINAL-…``), 409 of the
separated voice (``VOICE-…``). Source: Panda, Malheiro & Paiva, IEEE TAFFC 11(4), 2020, and the
first author's repository ``TAFFC2018``. The values come with the corpus; they are not comparable
with those of another extractor.
"""

from mer import names as lists
from mer.config import Block

published = True


class Params(Block):
    """Nothing to set."""


def names(params: Params) -> list[str]:
    """The 1714 names, in the published order."""
    return lists.beside(__file__)
