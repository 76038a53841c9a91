"""The committed results behind the published tables: metrics/experiments/<paper>/<key>.json."""

from pathlib import Path
from typing import Any

from mer.io.artefacts import read_json
from mer.reproduction.spec import Papers, Table, corpus_of
from mer.schema.profiles import WHOLE
from mer.types import MINIATURE

LEDGER = Path("metrics/experiments")
RAW = Path("data/raw")
Results = dict[str, dict[str, Any]]


def results(paper: str, key: str, folder: Path = LEDGER) -> Results:
    """What an experiment has left: its figures, by what they were run on.

    Returns
    -------
    dict
        ``""``: the real corpus, the protocol in full. ``quick_`` and the like: the real corpus under a
        profile that cuts it short. ``demo_``: a miniature, or the profile ``demo``. With them stands
        how long the trainings took, and on what, where the record of the run says so. Where an input
        was absent, the reason is all that there is, under ``absent``.
    """
    found: Results = {}
    for prefix in ("", MINIATURE):
        path = folder / paper / f"{prefix}{key}.json"
        if path.exists():
            facts = read_json(path)
            profile = facts.get("profile", WHOLE)
            short = "" if profile == WHOLE else f"{profile}_"
            found.setdefault(prefix or short, facts | _timing(path))
    return found


def _timing(results: Path) -> dict[str, Any]:
    path = results.with_suffix(".record.json")
    record = read_json(path) if path.exists() else {}
    timing = record.get("timing")
    return {**timing, "device": record["device"]} if timing else {}


def _part(facts: dict[str, Any]) -> str:
    """How much of a protocol was run."""
    shown = ("profile", "n_folds", "max_epochs")
    return ", ".join(f"{name}={facts[name]}" for name in shown if name in facts)


def state(papers: Papers, table: Table, row: str, column: str) -> tuple[str, str]:
    """How far a cell of a published table is reproduced.

    Returns
    -------
    state : str
        ``done``: run on the real corpus, in full. ``in part``: on the real corpus, not in full.
        ``demo only``: on a miniature. ``absent``: not run.
    why : str
        What was run in part, or what keeps it from more: no composition, an absent input, no corpus, or
        only that its stage was not run; empty for ``done``.
    """
    key = table.key(row, column)
    experiment = papers.find(key)
    if experiment is None:
        return "absent", table.why(row, column) or "no composition and no reason given"
    found = results(table.paper, key)
    scored = {prefix: facts for prefix, facts in found.items() if "absent" not in facts}
    if "" in scored:
        return "done", ""
    if real := scored.keys() - {MINIATURE}:
        return "in part", _part(scored[real.pop()])
    corpus = RAW / corpus_of(experiment)
    why = f"{papers.stages[key]} not run" if corpus.is_dir() else f"{corpus} not there"
    why = next((facts["absent"] for facts in found.values() if "absent" in facts), why)
    return ("demo only" if scored else "absent"), why
