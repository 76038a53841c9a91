"""CPU seconds of everyday DVC commands, in a clone whose demo corpus is prepared.

``python benchmarks/dvc_commands.py [folder]`` clones HEAD into the folder (default: a temporary one), runs
``dvc repro`` there, commits, and measures each command once, children included. The experiment's stages are
measured a second time, called without DVC: the difference is what DVC adds. Other processes on the same
cores make all figures grow.
"""

import argparse
import os
import resource
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ("dvc repro", "dvc status", "dvc metrics diff HEAD")
EXPERIMENT = "dvc exp run -S model=svm report"
STAGES = ("validate", "train", "evaluate", "report")
ENVIRONMENT = {"MER_JOBS": "2", "OMP_NUM_THREADS": "1"}


def seconds(command: str, folder: Path) -> float:
    """User and system seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(folder / "src")}
    subprocess.run(command.split(), cwd=folder, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepared(folder: Path) -> Path:
    """A clone in which the committed selection has been run."""
    clone = folder / "clone"
    seconds(f"git clone -q {ROOT} {clone}", ROOT)
    for command in (
        "dvc repro",
        "git config user.email b@localhost",
        "git config user.name b",
        "git commit -qam ran --allow-empty",
    ):
        seconds(command, clone)
    return clone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", help="where the clone goes; a new temporary folder")
    folder = Path(parser.parse_args().folder or tempfile.mkdtemp())
    clone = prepared(folder)
    write = Console().print
    for command in COMMANDS:
        write(f"{seconds(command, clone):6.2f}  {command}")
    whole = seconds(EXPERIMENT, clone)
    alone = sum(seconds(f"python stages/{stage}.py", clone) for stage in STAGES)
    write(f"{whole:6.2f}  {EXPERIMENT}")
    write(f"{whole - alone:6.2f}  above its stages, which take {alone:.2f}")


if __name__ == "__main__":
    main()
