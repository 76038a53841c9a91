"""Where networks are trained: ``MER_DEVICE`` is ``auto``, ``cpu``, ``cuda`` or ``cuda:<n>``."""

import os
import re

import torch

from mer.errors import MerError


def device() -> torch.device:
    """The device of ``MER_DEVICE``; ``auto``, the default, takes a GPU where there is one.

    Raises
    ------
    MerError
        If it is no such word, or names a GPU that is not there.
    """
    torch.set_num_threads(
        1
    )  # folds run side by side, and one thread gives the same bytes everywhere
    name = os.environ.get("MER_DEVICE") or "auto"
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise MerError(f"MER_DEVICE must be auto, cpu, cuda or cuda:<n>, not {name!r}")
    count = torch.cuda.device_count()
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    chosen = torch.device(name)
    if chosen.type == "cuda" and (chosen.index or 0) >= count:
        raise MerError(f"MER_DEVICE={name!r} needs a GPU of that number; {count} are visible")
    return chosen
