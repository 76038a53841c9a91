"""The page of what the runs on real corpora cost: seconds, device and machine, from their records."""

from typing import Any

from mer.reproduction.results import real, results
from mer.reproduction.spec import Papers
from mer.reproduction.table_files import markdown_row
from mer.site.scores import anchor, cells, page_of, parts

INTRODUCTION = """---
hide: [toc]
---

# What the runs cost

Wall seconds of each run on a real corpus, without the features and spectrograms that it read. They are from
the record beside its results; of a run in several sessions they are those of the last. Seconds per training
are means over all trainings. [Performance](performance.md) has the seconds of the other stages.

| run | system | trainings | seconds | seconds per training | device | machine |
| --- | --- | --: | --: | --: | --- | --- |
"""


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _line(place: str, system: str, facts: dict[str, Any]) -> str:
    key = place.rpartition("#")[2]
    phases = [value for name, value in facts.items() if name.endswith("_seconds_per_fold")]
    training = _seconds(sum(phases) if phases else None)
    shown = [f"[{key}]({place})", system, str(facts["n_folds"]), _seconds(facts.get("seconds"))]
    shown += [training, facts.get("device", ""), facts.get("machine", "")]
    return markdown_row(shown)


def page(papers: Papers) -> str:
    """costs.md."""
    lines = {}
    for name, row, column, experiment in cells(papers):
        key = papers.tables[name].key(row, column)
        prefix, facts = real(results(experiment.paper, key))
        if facts.keys() & {"seconds", "device"} and key not in lines:
            place = f"{page_of(name)}.md#{anchor(key, prefix)}"
            lines[key] = _line(place, parts(experiment), facts)
    return INTRODUCTION + "\n".join(lines.values()) + "\n"
