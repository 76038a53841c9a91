"""Train and evaluate one experiment of a published table, for a stage of ``papers/``."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mer import config, registry
from mer.contracts.trainers import STARTS_FROM_WEIGHTS
from mer.errors import MerError
from mer.io.artefacts import or_absent, require
from mer.pipeline import evaluate, prepared, provenance, train
from mer.schema.feature_selection import EVERY_COLUMN, Columns
from mer.schema.profiles import Profile
from mer.selection import Selection
from mer.types import MINIATURE

METRICS, RUNS, PLOTS = Path("metrics/experiments"), Path("data/runs"), Path("data/plots")


def _check_profile(key: str, name: str, scope: Profile) -> None:
    """Refuse a smoke test on a real corpus."""
    if scope.smoke_test:
        raise MerError(
            f"{key}: the profile of an experiment on a real corpus must not be a smoke test, and "
            f"{name!r} is one; select another (`-S papers_profile=quick`), or the miniature "
            "(`-S miniature=demo_`)"
        )


def _check_inputs(chosen: Selection, source: str) -> None:
    """Refuse inputs of the tested or the training corpus that other parameters made."""
    for corpus in dict.fromkeys((chosen.dataset, source)):
        prepared.check(replace(chosen, dataset=corpus))


def run(
    paper: str,
    key: str,
    given: Mapping[str, str],
    settings: Mapping[str, Any],
    columns: Columns = EVERY_COLUMN,
    *,
    profile: str,
    seed: int,
    max_folds: int | None = None,
    until: float | None = None,
    root: Path = Path(),
) -> dict[str, Any]:
    """Write the run of an experiment, its scores and its confusion matrix.

    The scores lie in ``metrics/experiments/<paper>/<key>.json``; where an input is absent, the file holds
    the reason instead.

    Parameters
    ----------
    given : mapping of str to str
        The selectors except ``profile`` and ``seed``; others are ignored. Optional: ``source``, a corpus
        to train on instead of the tested one; ``parent``, an experiment whose network is trained further;
        ``weights``, the name of the pretrained weights that it needs.
    settings : mapping of str to value
        Dotted key -> value, in place of that of the section ``models.<model>``.
    columns : Columns
        The columns of the table that the model sees.
    max_folds : int or None
        Number of folds to train on; None for that of the profile.
    until : float or None
        Time after which no fold is started, see ``mer.pipeline.train.run``.
    root : Path
        Folder below which the scores and the confusion matrix are written, in place of the project's.

    Returns
    -------
    dict
        Facts for the record of the run: ``changed``, see ``mer.pipeline.provenance.changes``, and
        ``timing``, see ``mer.pipeline.train.timing``, unless an input is absent.

    Raises
    ------
    MerError
        If the corpus is no miniature, and the profile is a smoke test, whose scores the ledger would show
        as those of a miniature, or files of the code are not committed.
    """
    chosen = Selection.of(given, profile, seed)
    params, policy, scope = chosen.blocks()
    if not chosen.dataset.startswith(MINIATURE):
        _check_profile(key, profile, scope)
        provenance.require_committed_code(key)
    facts = provenance.digest(chosen, settings, columns, given.get("source"))
    record: dict[str, Any] = provenance.changes(chosen, given.get("source"))
    provenance.warn_of_replaced(record.get("changed") or (), profile)
    if max_folds:
        scope = scope.model_copy(update={"max_folds": max_folds})
    params, runs = config.with_values(params, settings), RUNS / paper
    parent = runs / given["parent"] if "parent" in given else None
    with or_absent(runs / key, **chosen.used):
        if "weights" in given:
            require(Path("data/weights", given["weights"]))
        _check_inputs(chosen, given.get("source", chosen.dataset))
        record["timing"] = train.run(
            chosen,
            params,
            policy,
            scope,
            runs / key,
            columns,
            keep_weights=registry.get("models", chosen.model).trainer in STARTS_FROM_WEIGHTS,
            facts=facts,
            source=given.get("source"),
            parent=parent,
            until=until,
        )
    scores, plot = root / METRICS / paper / f"{key}.json", root / PLOTS / paper / f"{key}.csv"
    evaluate.score_experiment(runs / key, scores, plot)
    return record
