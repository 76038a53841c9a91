"""The 1714 decorrelated features of 4QAED with the values that its authors published.

898 standard features (``F0003`` …) and 816 novel ones: 407 of the mix (``ORIGINAL-…``), 409 of the
separated voice (``VOICE-…``); see ``mer.features._panda_catalogue``.
The values are part of the corpus. They are not comparable with the values of another extractor.
"""

from mer.features import _panda_catalogue
from mer.schema import Block

published = True
catalogue = _panda_catalogue.catalogue


class Params(Block):
    """The family has no parameters."""


def names(params: Params) -> list[str]:
    """The 1714 names, in the published order."""
    return list(_panda_catalogue.catalogue())
