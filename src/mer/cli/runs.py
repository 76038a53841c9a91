"""List the measured systems beside each other: the selected run, the experiments of DVC, the ledger."""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mer.cli._console import counted, plain
from mer.errors import MerError
from mer.io.files import read_json
from mer.metrics import p_text
from mer.pipeline.stage import git
from mer.reproduction import results, spec
from mer.reproduction.tables import folds_key, paired_tests
from mer.types import MINIATURE

WIDTH = 100
RUN, FOLDS = Path("metrics/run.json"), Path("metrics/folds.json")
EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(?P<name>.+)")
HEADINGS = {
    "f1_macro": "macro-F1",
    "ccc": "CCC",
}  # by the score that runs are judged by: of classes, of values
Run = tuple[str, dict[str, Any]]  # its name, its results


def arguments(parser: argparse.ArgumentParser) -> None:
    """``[words ...]``."""
    parser.add_argument(
        "words",
        nargs="*",
        help="words such as 4qaed svm grouped: only systems that have all of them are shown",
    )


def _of_revision(revision: str) -> dict[str, Any]:
    """The results of the selected run in a commit; empty if it has none."""
    texts = [git("show", f"{revision}:./{path.as_posix()}") for path in (RUN, FOLDS)]
    facts, folds = (json.loads(text) if text else {} for text in texts)
    return {**facts, "folds": folds} if facts else {}


def _selected() -> Iterator[Run]:
    """The run of the working tree, and those that ``dvc exp run`` has kept.

    An experiment of ``papers/`` leaves the selected run as it was, so its revision is no run of its own.
    """
    if RUN.exists():
        folds = {"folds": read_json(FOLDS)} if FOLDS.exists() else {}
        yield "selected", read_json(RUN) | folds
    for reference in git("for-each-ref", "--format=%(refname)", "refs/exps").splitlines():
        if match := EXPERIMENT.fullmatch(reference):
            found = _of_revision(reference)
            if found != _of_revision(f"{reference}^"):
                yield match["name"], found


def _ledger() -> Iterator[Run]:
    """The results of experiments on real corpora."""
    papers = spec.load()
    for paper in sorted(papers.papers):
        for path in sorted((results.LEDGER / paper).glob("*.json")):
            if not path.stem.startswith(MINIATURE) and not path.stem.endswith(".record"):
                settings = getattr(papers.find(path.stem), "settings", "")
                yield path.stem, {**read_json(path), "settings": settings}


def _system(facts: dict[str, Any]) -> str:
    """The model with its inputs, and the parameters that were changed, without the lists of a grid."""
    usual = ("none", "described")
    chosen = (facts[key] for key in ("model", "family", "view", "augment", "fidelity"))
    parts = [entry for entry in chosen if entry not in usual]
    columns = facts.get("columns", {})
    parts += [f"columns.{key}={value}" for key, value in columns.items()]
    settings = facts.get("settings", "").split()
    parts += [word for word in settings if word.startswith("set.") and "[" not in word]
    changed = results.changed_parameters(facts)
    return " ".join(parts) + (f" ({changed})" if changed else "")


def _title(facts: dict[str, Any]) -> str:
    """Title of a group: its corpus, target, protocol, and numbers of clips and folds."""
    restarts = facts.get("n_restarts", 1)
    folds = counted(results.folds(facts), "fold") + f" x {restarts} restarts" * (restarts > 1)
    return (
        f"{facts['dataset']}, {facts['target']}, {facts['protocol']}: {facts['n_clips']} clips, {folds}, "
        f"seed {facts['seed']}"
    )


def _reference(ranked: Sequence[Run]) -> dict[str, Any]:
    """The best system whose training does not see test clips."""
    honest = (
        facts
        for _, facts in ranked
        if not facts["augment"].endswith("_leak")
        and "leak" not in facts.get("columns", {})
        and facts["fidelity"] == "described"
    )
    return next(honest, ranked[0][1])


def _table(runs: Sequence[Run]) -> Table:
    """The systems of one group, the best first; the others are tested against it."""
    metric = next(name for name in HEADINGS if name in runs[0][1])
    ranked = sorted(runs, key=lambda run: -run[1][metric])
    best = _reference(ranked)
    shown = Table(title=plain(_title(best)), title_justify="left", box=None)
    shown.add_column("run", overflow="fold")
    shown.add_column("system", overflow="fold")
    for heading in (HEADINGS[metric], "95 % interval", "p"):
        shown.add_column(heading, no_wrap=True)
    for name, facts in ranked:
        p = paired_tests(facts, best, metric).get("p")
        tested = "" if p is None else p_text(p)
        score = f"{facts[metric]:.4f}"
        if facts["n_folds"] > 1:
            score += f" ± {facts[f'{metric}_sd']:.4f}"
        interval = f"{facts['ci_low']:.4f}–{facts['ci_high']:.4f}"
        shown.add_row(plain(name), plain(_system(facts)), score, interval, tested)
    return shown


def _nothing(words: Sequence[str]) -> str:
    """Why the list is empty."""
    if words:
        return f"no measured system has all of these words: {' '.join(words)}; `mer runs` lists them all"
    return "no system has been measured yet; run `dvc repro`"


def run(console: Console, given: argparse.Namespace) -> None:
    """Print a table per corpus, target and protocol, in 100 characters.

    p: corrected resampled t-test against the best system of the table whose training does not see test
    clips, on the same folds. It is not adjusted for the number of systems.

    Raises
    ------
    MerError
        If there is no system to list.
    """
    if not console.is_terminal:
        console.width = WIDTH
    found = [
        (name, facts)
        for name, facts in (*_selected(), *_ledger())
        if HEADINGS.keys() & facts.keys()
        and all(word in f"{name} {_system(facts)} {_title(facts)}" for word in given.words)
    ]
    if not found:
        raise MerError(_nothing(given.words))
    found.sort(key=lambda run: folds_key(run[1]))
    for _, runs in groupby(found, key=lambda run: folds_key(run[1])):
        console.print(_table(list(runs)), "")
    console.print(
        "p: corrected resampled t-test, on the same folds, against the best system of the table whose "
        "training does not see test clips; not adjusted for the number of systems"
    )
