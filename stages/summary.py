"""Print the selected run's result, seconds per stage and the report's path."""

import re
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mer.cli._console import plain, say
from mer.io.files import read_json
from mer.pipeline.stage import records
from mer.runtime.error_messages import one_sentence

with one_sentence("summary"):
    run = read_json(Path("metrics/run.json"))
    console = Console()
    composition = ("model", "dataset", "view", "family", "augment", "protocol", "profile")
    title = " ".join(f"{k}={run[k]}" for k in composition)
    result = Table("", "", title=plain(title), show_header=False)
    for name, value in run.items():
        if name not in composition:
            result.add_row(plain(name), plain(str(value)))
    console.print(result)

    seconds = Table("stage", "seconds", title="last run of each stage")
    for record in records():
        if re.split("[@-]", record["stage"])[-1] in (record["stage"], run["dataset"]):
            seconds.add_row(record["stage"], f"{record['seconds']:.1f}")
    console.print(seconds)
    say(console, f"Report: {Path('data/report/report.html').absolute()}")
