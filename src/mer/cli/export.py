"""Export a trained system as a folder that mer predict can use on other machines."""

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from mer.cli._console import say
from mer.errors import MerError


def arguments(parser: argparse.ArgumentParser) -> None:
    """``--out folder [--run data/runs/selected]``."""
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--run",
        type=Path,
        default=Path("data/runs/selected"),
        help="a run of the selection of params.yaml (default: %(default)s)",
    )


def run(console: Console, given: argparse.Namespace) -> None:
    """Write the folder and print how to use it."""
    from mer.inference import system, trained  # which load torch
    from mer.io.files import check_place
    from mer.pipeline.run_record import UNKNOWN, code_commit

    if given.out.exists() and not (given.out / system.DESCRIPTION).is_file():
        raise MerError(
            f"--out must be a new folder or that of a system, not {str(given.out)!r}; name another folder"
        )
    system.require_own(given.out)
    check_place(given.out)
    found = trained.of_run(given.run)
    commit = code_commit()
    about = found.about.model_copy(update={"commit": "" if commit == UNKNOWN else commit})
    system.write(replace(found, about=about), given.out)
    say(
        console,
        f"{given.out}: {found.about.title}, {len(found.members)} members\n"
        f"Use it: mer predict song.mp3 --system {given.out}",
    )
