"""The ledger: committed results of experiments, metrics/experiments/<paper>/<key>.json."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mer.io.files import read_json, sha256
from mer.reproduction.spec import Papers, Table, corpus_of
from mer.schema.profiles import WHOLE
from mer.types import FOLDS_AND_REPEATS, LEAKY, MINIATURE

LEDGER = Path("metrics/experiments")
RAW = Path("data/raw")
Results = dict[str, dict[str, Any]]
# The family, and the subset of columns, that the authors of 4QAED chose by the labels of all its clips.
CHOSEN_ON_ALL_CLIPS = "top100"
TIME = re.compile(  # of a phase of the training
    r"(?!max_epochs)\w+_(seconds_per_epoch|epochs|seconds_per_fold|examples_per_second)"
)
PART = "part"  # in place of the profile's name, of a run of the whole protocol that lacks trainings


def results(paper: str, key: str, folder: Path = LEDGER) -> Results:
    """The results of an experiment, by the corpus and the profile of its runs.

    Returns
    -------
    dict
        Key ``""``: the real corpus with every fold of the protocol and the committed parameters. ``part_``:
        the same with fewer folds or restarts, or with other parameters, whatever the profile says.
        ``quick_`` and the like: the real corpus under a shorter profile. ``demo_``: a miniature. The values
        have the figures, and what the record of the run adds: the ``commit``, the ``machine``, the
        ``seconds``, the training times and the device. If an input was absent, they only have the reason,
        under ``absent``.
    """
    found: Results = {}
    for prefix in ("", MINIATURE):
        path = folder / paper / f"{prefix}{key}.json"
        if path.exists():
            facts = read_facts(path)
            found.setdefault(prefix or _prefix(facts), facts)
    return found


def read_facts(path: Path) -> dict[str, Any]:
    """The results in a file of the ledger, with what their record adds."""
    return read_json(path) | recorded(path)


def real(found: Results) -> tuple[str, dict[str, Any]]:
    """Prefix and figures of an experiment's run on the real corpus; no figures if there is none."""
    scored = (f for f in found.items() if f[0] != MINIATURE and "absent" not in f[1])
    return next(scored, ("", {}))


def may_see_test_clips(facts: dict[str, Any]) -> bool:
    """Whether the labels of test clips may have had a part in a run.

    They had one if its policy or columns have a leak, or its table has the columns that the authors of
    4QAED chose on all clips. They may have had one if it repeats the authors' released code.
    """
    columns = facts.get("columns", {})
    leaks = facts["augment"].endswith(LEAKY) or "leak" in columns
    chosen = CHOSEN_ON_ALL_CLIPS in [*facts["family"].split("_"), columns.get("subset")]
    return leaks or chosen or facts["fidelity"] == "released"


def folds(facts: dict[str, Any]) -> int:
    """Number of folds that were run, each counted once, however many restarts it has."""
    return int(facts["n_folds"]) // int(facts.get("n_restarts", 1))


def _prefix(facts: dict[str, Any]) -> str:
    """Prefix for the part of a protocol that was run: empty for all of it."""
    profile = facts.get("profile", WHOLE)
    if profile == WHOLE and (share_of_protocol(facts) or "changed" in facts):
        return f"{PART}_"
    return "" if profile == WHOLE else f"{profile}_"


def has_more_trainings(old: Mapping[str, Any], count: int) -> bool:
    """Whether old figures are of more than ``count`` whole trainings with the committed parameters."""
    cut = "changed" in old or "max_epochs" in old
    return not cut and int(old.get("n_folds", 0)) > count


def missing_folds(facts: dict[str, Any]) -> int:
    """Number of folds that a run lacks: of its protocol, or of ``n_folds_planned`` where the corpus defines
    the folds; 0 for results without folds."""
    own = (facts.get("n_folds_planned", 0),)
    planned = math.prod(FOLDS_AND_REPEATS.get(facts.get("protocol", ""), own))
    return max(0, planned - folds(facts)) if "n_folds" in facts else 0


def share_of_protocol(facts: dict[str, Any]) -> str:
    """The share of a protocol that was run, ``10 of 100 folds, 1 of 5 restarts``; empty for all of it."""
    shares = []
    if missing := missing_folds(facts):
        done = folds(facts)
        shares.append(f"{done} of {done + missing} folds")
    if planned := facts.get("n_restarts_planned"):
        shares.append(f"{facts.get('n_restarts', 1)} of {planned} restarts")
    return ", ".join(shares)


def recorded(results: Path) -> dict[str, Any]:
    """Commit, changed parameters, machine, times and device of a run, from the record beside its results.

    Its changed parameters are not known if it is the record of other results.
    """
    path = results.with_suffix(".record.json")
    record, digest = read_json(path) if path.exists() else {}, sha256(results)
    if record.get("scores_sha256", digest) != digest:
        return {"changed": None}  # DVC's cache has put back the scores of another run
    names = ("commit", "changed", "machine", "seconds")
    found = {name: record[name] for name in names if name in record}
    if timing := record.get("timing"):
        found |= {name: value for name, value in timing.items() if _is_time(name, value)}
        found["device"] = record.get("device", "")
    return found


def _is_time(name: str, value: Any) -> bool:
    """Whether an entry of ``timing`` is one of ``mer.pipeline.train.timing``, and no score or fact."""
    return bool(TIME.fullmatch(name)) and isinstance(value, int | float) and math.isfinite(value)


def changed_parameters(facts: dict[str, Any]) -> str:
    """The parameters of a run that differ from the committed ones, ``<key>=<value>``; empty for none.

    The keys stand without their sections, ``autoencoder.max_epochs`` of ``models.ae_bilstm``, unless two
    sections have the same key.
    """
    changed = facts.get("changed", {})
    if changed is None:
        return "parameters unknown, as no record says what was committed"
    found = {"max_epochs": facts["max_epochs"]} if "max_epochs" in facts else {}
    short = {key: key.split(".", 2)[-1] for key in changed}
    used = Counter(short.values())
    found |= {key if used[short[key]] > 1 else short[key]: value for key, value in changed.items()}
    return ", ".join(f"{key}={value}" for key, value in found.items())


def is_uncommitted(facts: dict[str, Any]) -> bool:
    """Whether the code of a run is not in the commit that its record names."""
    return bool(facts.get("commit", "").endswith("-dirty"))


def _part(facts: dict[str, Any]) -> str:
    """The part of a protocol that was run."""
    profile = f"profile={facts['profile']}" if "profile" in facts else ""
    return ", ".join(filter(None, [profile, share_of_protocol(facts), changed_parameters(facts)]))


def state(papers: Papers, table: Table, row: str, column: str) -> tuple[str, str]:
    """How far a cell of a published table is reproduced.

    Returns
    -------
    state : str
        ``done``: run on the real corpus, in full. ``in part``: on the real corpus, not in full, or with
        other parameters.
        ``demo only``: on a miniature. ``absent``: not run.
    why : str
        The part that was run, or the reason why the cell is not done: no experiment, an absent input, a
        missing corpus, or a stage that was not run; empty for ``done``.
    """
    key = table.key(row, column)
    experiment = papers.find(key)
    if experiment is None:
        return "absent", table.why(row, column) or "no experiment and no reason given"
    found = results(table.paper, key)
    prefix, facts = real(found)
    if facts:
        return ("in part", _part(facts)) if prefix else ("done", "")
    corpus = RAW / corpus_of(experiment)
    why = f"{papers.stages[key]} not run" if corpus.is_dir() else f"{corpus} is missing"
    why = next((facts["absent"] for facts in found.values() if "absent" in facts), why)
    scored = any("absent" not in facts for facts in found.values())
    return ("demo only" if scored else "absent"), why
