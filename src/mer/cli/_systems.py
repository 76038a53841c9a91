"""Measured systems beside each other, the best first."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table

from mer import config
from mer.cli._console import counted, plain
from mer.io.files import read_mapping, require_keys
from mer.metrics import p_text
from mer.pipeline import provenance
from mer.pipeline.run_record import git
from mer.reproduction import results, spec
from mer.reproduction.pairing import FOLD_FACTS, paired_tests
from mer.selection import Selection, selected
from mer.types import MINIATURE

WIDTH = 100  # of the tables, where no terminal has one
BEST = "the best system of the table whose training and columns read no labels of test clips"
HEADINGS = {
    "f1_macro": "macro-F1",
    "ccc": "CCC",
}  # by the score that runs are judged by: of classes, of values
SHOWN = (
    *("model", "family", "view", "augment", "fidelity", "ci_low", "ci_high"),
    *FOLD_FACTS,
)
Run = tuple[str, dict[str, Any]]  # its name, its results
RUN, FOLDS = Path("metrics/run.json"), Path("metrics/folds.json")
EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(?P<name>.+)")


def facts_of(path: Path) -> dict[str, Any]:
    """The results in a file, which have what a table shows of them if they have a score.

    Raises
    ------
    MerError
        If they have not.
    """
    found = read_mapping(path)
    if HEADINGS.keys() & found.keys():
        require_keys(found, SHOWN, path)
    return found


def _of_revision(revision: str) -> dict[str, Any]:
    """The results of the selected run in a commit; empty if it has none, or none of this version of mer."""
    texts = [git("show", f"{revision}:./{path.as_posix()}") for path in (RUN, FOLDS)]
    try:
        facts, folds = (json.loads(text) if text else {} for text in texts)
    except ValueError:
        return {}
    if not (isinstance(facts, dict) and isinstance(folds, dict) and {*SHOWN} <= {*facts}):
        return {}
    return facts | ({"folds": folds} if folds else {})


def _changes_of_selected(facts: dict[str, Any]) -> dict[str, Any]:
    """``changed`` of the selected run: not known if params.yaml has been edited since."""
    here, (columns,) = selected(), config.read("columns")
    if not provenance.digest(here, columns=columns).items() <= facts.items():
        return {"changed": None}
    return provenance.changes(here)


def _changes_in(revision: str, facts: dict[str, Any]) -> dict[str, Any]:
    """``changed`` of a run in a commit, by the parameters of that commit."""
    if "profile" not in facts:
        return {"changed": None}
    chosen = Selection.of(facts, facts["profile"], facts["seed"])
    return provenance.changes(chosen, revision=revision)


def project_runs() -> Iterator[Run]:
    """The selected run, that of the last commit if it is another, and the experiments of DVC.

    An experiment of ``papers/`` leaves the selected run as it was, so its revision is no run of its own.
    """
    chosen = facts_of(RUN) if RUN.exists() else {}
    if chosen:
        folds = {"folds": read_mapping(FOLDS)} if FOLDS.exists() else {}
        yield "selected", chosen | folds | _changes_of_selected(chosen)
    committed = _of_revision("HEAD")
    if {**committed, "folds": None} != {**chosen, "folds": None} and committed:
        yield "HEAD", committed
    for reference in git("for-each-ref", "--format=%(refname)", "refs/exps").splitlines():
        if match := EXPERIMENT.fullmatch(reference):
            found = _of_revision(reference)
            if found != _of_revision(f"{reference}^"):
                yield match["name"], found | _changes_in(reference, found)


def ledger() -> Iterator[Run]:
    """The results of experiments on real corpora."""
    papers = spec.load()
    for paper in sorted(papers.papers):
        for path in sorted((results.LEDGER / paper).glob("*.json")):
            if not path.stem.startswith(MINIATURE) and not path.stem.endswith(".record"):
                settings = getattr(papers.find(path.stem), "settings", "")
                yield path.stem, {**facts_of(path), **results.recorded(path), "settings": settings}


def system_text(facts: dict[str, Any]) -> str:
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


def title(facts: dict[str, Any]) -> str:
    """Title of a group: its corpus, target, protocol, and numbers of clips and folds."""
    restarts = facts.get("n_restarts", 1)
    folds = counted(results.folds(facts), "fold") + f" x {restarts} restarts" * (restarts > 1)
    return (
        f"{facts['dataset']}, {facts['target']}, {facts['protocol']}: {facts['n_clips']} clips, {folds}, "
        f"seed {facts['seed']}"
    )


def p_legend(against: str = BEST) -> str:
    """The meaning of the column p."""
    return (
        f"p: corrected resampled t-test, on the same folds, against {against}; not adjusted for the number "
        "of systems"
    )


def _reference(ranked: Sequence[Run]) -> dict[str, Any]:
    """The best system whose training and columns read no labels of test clips; the best of all where each
    does."""
    honest = (facts for _, facts in ranked if not results.may_see_test_clips(facts))
    return next(honest, ranked[0][1])


def table(runs: Sequence[Run], against: str | None = None, note: str = "") -> Group:
    """The systems of one group, the best first; the others are tested against it, or against a named one.

    Parameters
    ----------
    against : str or None
        Name of a run of the group.
    note : str
        Added to the title.
    """
    metric = next(name for name in HEADINGS if name in runs[0][1])
    ranked = sorted(runs, key=lambda run: -run[1][metric])
    best = dict(runs)[against] if against else _reference(ranked)
    shown = Table(box=None)
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
        shown.add_row(plain(name), plain(system_text(facts)), score, interval, tested)
    return Group(plain(title(best) + note), shown)
