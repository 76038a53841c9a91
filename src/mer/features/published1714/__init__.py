"""The 1714 decorrelated features of 4QAED with the values that its authors published.

898 standard features (``F0003`` …) and 816 novel ones: 407 of the mix (``ORIGINAL-…``), 409 of the
separated voice (``VOICE-…``); see ``mer.panda``. The values come with the corpus; they are not
comparable with those of another extractor.
"""

from mer import panda
from mer.blocks import Block

published = True
catalogue = panda.catalogue


class Params(Block):
    """Nothing to set."""


def names(params: Params) -> list[str]:
    """The 1714 names, in the published order."""
    return list(panda.catalogue())
