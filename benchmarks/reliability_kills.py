"""Behaviour under kills, signals, a full disk and a second DVC: ``python benchmarks/reliability_kills.py``.

The program runs tests/system/test_kills.py with 50 kills, or the number in the first argument, and writes
the results to the section ``kills`` of docs/reliability.md if every test passes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path
from statistics import median

import sections

Trials = dict[str, list[tuple[str, float]]]

INTRODUCTION = """\
## Kills, signals, a full disk, a second run

Made by `python benchmarks/reliability_kills.py` from tests/system/test_kills.py,
in a clone with short clips and
the model `cnn`. A stage is started, killed at a random moment and started again, {stops} times over seven
stages; then it runs to its end. Each start is the one of `make repro`: stages/repair_locks.py runs first,
because a kill while DVC writes `dvc.lock` truncates that file, and `dvc repro` alone then refuses it.
Seconds are counted until no process of the run is left or, from the full disk on, until the command
has ended."""
AGAIN = "no process left, no file with other bytes; then the bytes of an undisturbed run, nothing beside"
OUTCOMES = {
    "full disk": "one sentence, nothing half-written; `dvc checkout -q --allow-missing` restores all",
    "second": "says which process is busy and ends with an error; the first run loses nothing",
}


def record(report: Path) -> Trials:
    """Kind -> stage and seconds of each trial, from a report of pytest in JUnit's form."""
    found = defaultdict(list)
    for entry in ET.parse(report).iter("property"):
        stage, seconds = entry.attrib["value"].split()
        found[entry.attrib["name"]].append((stage, float(seconds)))
    return found


def section(found: Trials) -> str:
    """The introduction and a table with a row per kind."""
    rows = []
    for kind, trials in found.items():
        outcome = next((text for begin, text in OUTCOMES.items() if kind.startswith(begin)), AGAIN)
        seconds = [seconds for _, seconds in trials]
        shown = f"{median(seconds):.2f}, at most {max(seconds):.2f}"
        rows.append((kind, ", ".join(dict(trials)), outcome, len(trials), shown))
    stops = sum(row[3] for row in rows if row[2] == AGAIN)
    table = sections.table(("kind", "stages", "outcome", "count", "seconds"), rows)
    return f"{INTRODUCTION.format(stops=stops)}\n\n{table}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kills", nargs="?", default="50", help="kills of `dvc repro`")
    kills = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "tests/system/test_kills.py"]
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}"]
        subprocess.run(command, env={**os.environ, "MER_KILLS": kills}, check=True)
        sections.write("kills", section(record(report)))


if __name__ == "__main__":
    main()
