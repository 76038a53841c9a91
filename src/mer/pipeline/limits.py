"""The instructions that a stage may compute with, by the selected profile."""

from mer import config
from mer.runtime import portable


def limit_instructions() -> None:
    """Compute with the instructions of every x86-64 processor where the selected profile is ``portable``.

    A stage calls it before anything computes with torch.
    """
    (name,) = config.read("profile")
    (profile,) = config.read(f"profiles.{name}")
    if profile.portable:
        portable.limit_instructions()
