"""Lists of names that stand as a text file beside the module that needs them."""

from pathlib import Path


def beside(module: str) -> list[str]:
    """The lines of the ``.txt`` file named like ``module``, in order.

    Parameters
    ----------
    module : str
        The ``__file__`` of a module.
    """
    return Path(module).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
