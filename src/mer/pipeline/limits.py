"""Limit the processor instructions of a stage where its profile is ``portable``."""

from mer import config
from mer.runtime import portable


def limit_instructions(name: str) -> None:
    """Compute with the instructions of every x86-64 processor where the profile is ``portable``.

    A stage calls it before anything computes with torch.
    """
    (profile,) = config.read(f"profiles.{name}")
    if profile.portable:
        portable.limit_instructions()
