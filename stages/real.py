"""Train the experiments of the papers on the real corpora that are there, for some hours.

``python stages/real.py <hours> [<profile>]``; the profile is ``quick`` unless it is given. The scores of
the trainings that end are in ``metrics/experiments``; another call goes on with those that are missing.
"""

import logging
import sys

from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from mer import config
from mer.cli._console import plain
from mer.pipeline import real_run
from mer.pipeline.stage import one_sentence
from mer.reproduction import spec
from mer.reproduction.real_cells import cells

hours, *given = sys.argv[1:]

if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(message)s", handlers=[RichHandler(show_path=False)])
    with one_sentence("real"):
        name = given[0] if given else "quick"
        (profile,) = config.read(f"profiles.{name}")
        found = real_run.run(cells(spec.load(), name, profile), float(hours), name)
        table = Table("experiment", "trainings", "hours still needed on one core", "error")
        errors = {str(record["key"]): str(record.get("error", "")) for record in found}
        for cell in cells(spec.load(), name, profile):
            more = "unknown" if cell.seconds is None else f"{cell.needs / 3600:.1f}"
            done = f"{cell.done} of {cell.trainings}"
            more = more if cell.done < cell.trainings else ""
            table.add_row(cell.key, done, more, plain(errors.get(cell.key, "")))
        Console().print(table)
