"""Train the experiments of the papers on the real corpora that are there, for some hours.

The scores of the trainings that end are in ``metrics/experiments``; another call goes on with those that
are missing. The status is 1 if an experiment failed.
"""

import argparse
import logging
import sys

from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from mer import config
from mer.cli._console import plain
from mer.cli._numbers import at_least
from mer.pipeline import real_run
from mer.pipeline.experiment_queue import LATE
from mer.pipeline.stage import one_sentence
from mer.reproduction import spec
from mer.reproduction.real_cells import cells

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("hours", type=at_least(0.01))
    parser.add_argument("name", metavar="profile", nargs="?", default="quick")
    given = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(message)s", handlers=[RichHandler(show_path=False)])
    with one_sentence("real", {}):
        (profile,) = config.read(f"profiles.{given.name}")
        found = real_run.run(cells(spec.load(), given.name, profile), given.hours, given.name)
        table = Table("experiment", "trainings", "hours still needed on one core", "error")
        errors = {str(record["key"]): str(record["error"]) for record in found if "error" in record}
        absent = {
            str(record["key"]): str(record["absent"]) for record in found if "absent" in record
        }
        for cell in cells(spec.load(), given.name, profile):
            more = f"{cell.needs / 3600:.1f}" if cell.seconds or not cell.needs else "unknown"
            done = f"{cell.done} of {cell.trainings}"
            table.add_row(cell.key, done, more, plain((absent | errors).get(cell.key, "")))
        Console().print(table)
        sys.exit(bool({*errors.values()} - {LATE}))
