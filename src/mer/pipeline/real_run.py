"""Training of the experiments on real corpora for some hours, fold by fold, on all cores."""

import itertools
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mer import config
from mer.io.files import read_json, write_text, writing
from mer.pipeline import experiment, experiment_queue, inputs
from mer.pipeline.experiment_queue import Record
from mer.pipeline.run_record import code_commit, record_of, write_record
from mer.reproduction import spec
from mer.reproduction.real_experiments import RealExperiment
from mer.reproduction.results import has_more_trainings, read_facts
from mer.runtime.parallel import jobs
from mer.selection import DATA

FOLDS = DATA / "folds"
NO_FACTS: Mapping[str, Any] = {}

log = logging.getLogger("mer")


def _left_out(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of results that are not written, ``absent`` and ``kept``; empty for those that are.

    ``absent`` is the reason if there are no new results. ``kept`` is the number of trainings in the ledger
    if those stay.
    """
    found = {"absent": new["absent"]} if "absent" in new else {}
    if has_more_trainings(old, new.get("n_folds", 0)) or ("absent" in new and "n_folds" in old):
        found["kept"] = old["n_folds"]
    return found


@contextmanager
def _restorable(run: Path) -> Iterator[Callable[[], None]]:
    """A function that puts back a run as it is at the start of the block, if there is one."""
    run.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".old-", dir=run.parent) as folder:
        old = Path(folder, run.name)
        if run.exists():
            shutil.copytree(run, old)

        def restore() -> None:
            if old.exists():
                with writing(run) as new:
                    shutil.copytree(old, new, dirs_exist_ok=True)

        yield restore


def train(
    key: str,
    until: float,
    *,
    profile: str,
    max_folds: int | None = None,
    processes: int = 1,
    seconds: Mapping[str, float] = NO_FACTS,
    facts: Mapping[str, Any] = NO_FACTS,
) -> Record:
    """Train and score an experiment on the folds that start early enough to end, by the expected seconds,
    before a time.

    Results with more folds, of an earlier call, stay in the ledger, also where an input is absent.

    Parameters
    ----------
    until : float
        Time, as ``time.time()`` returns it.
    processes : int
        Trainings at the same time.
    seconds : mapping of str to float
        Expected duration of a training of each experiment: none starts later than that before ``until``.
    facts : mapping of str to value
        What the record says in place of what this process finds out.

    Returns
    -------
    dict
        ``key``, ``paper``, ``seconds`` and ``timing``; ``absent``, the reason, where an input is absent;
        ``kept``, the number of trainings in the ledger, where those stay.
    """
    logging.basicConfig(level=logging.WARNING)
    os.environ["MER_JOBS"] = str(processes)
    started, commit = time.time(), code_commit()  # before anyone edits the code
    given = spec.load().find(key).model_dump(exclude_none=True)  # type: ignore[union-attr]
    paper, words, (seed,) = given["paper"], given["settings"].split(), config.read("seed")
    scores = experiment.METRICS / paper / f"{key}.json"
    with _restorable(experiment.RUNS / paper / key) as restore, TemporaryDirectory() as root:
        found = experiment.run(
            paper,
            key,
            given,
            config.settings(words),
            config.columns(words),
            profile=profile,
            seed=seed,
            max_folds=max_folds,
            until=until - seconds.get(key, 0),
            root=Path(root),
        )
        taken = time.time() - started
        record = {**record_of(f"experiment@{key}", taken, commit), **facts, "timing": {}, **found}
        if until <= started:
            del record["seconds"]  # of scoring what an earlier call has trained
        left_out = _left_out(
            read_facts(scores) if scores.exists() else {}, read_json(root / scores)
        )
        if "kept" in left_out:
            log.warning("%s: the %d trainings in the ledger stay", key, left_out["kept"])
            restore()
        else:
            for file in (experiment.PLOTS / paper / f"{key}.csv", scores):
                write_text(file, (root / file).read_text(encoding="utf-8"))
            write_record(scores, record)
    return {
        "key": key,
        "paper": paper,
        "seconds": round(taken, 2),
        "timing": record["timing"],
        **left_out,
    }


def prepare(artefact: Path, *, profile: str) -> None:
    """Compute an input of the experiments, folds by the profile."""
    if artefact.is_relative_to(FOLDS):
        inputs.split_corpus(artefact.stem, profile)
    else:
        inputs.prepare(artefact)


def inputs_of(keys: Sequence[str], profile: str) -> dict[str, list[Path]]:
    """Experiment -> the artefacts that it reads."""
    papers, (seed,) = spec.load(), config.read("seed")
    found = {}
    for key in keys:
        given = papers.find(key).model_dump(exclude_none=True)  # type: ignore[union-attr]
        found[key] = inputs.needed(given, profile, seed)
    return found


def remove_folds(artefacts: Mapping[str, Sequence[Path]]) -> None:
    """Delete the folds among the artefacts of experiments, as they may be of another profile."""
    for path in itertools.chain(*artefacts.values()):
        if path.is_relative_to(FOLDS):
            path.unlink(missing_ok=True)


def run(experiments: Sequence[RealExperiment], hours: float, profile: str) -> list[Record]:
    """Train the experiments on all cores until the hours are over; return their records.

    Each experiment runs on one core, or on its share of them where there are fewer experiments than cores.

    An experiment whose inputs cannot be computed, or that fails, has a record with its ``error``. The next
    call does only the trainings that are missing, as long as the code is the same.

    Parameters
    ----------
    experiments : sequence of RealExperiment
        The most important first; those that lack no training are left out.
    """
    missing = {e.key: e.seconds or 0.0 for e in experiments if e.done < e.trainings}
    cores = jobs()
    share = max(1, cores // max(1, len(missing)))
    records: list[Record] = []
    # Of the code that the workers load, whatever is committed later.
    commit = {"commit": code_commit()}

    def keep(found: list[Record]) -> None:
        records[:] = found

    artefacts = inputs_of(list(missing), profile)
    remove_folds(artefacts)
    task = experiment_queue.Task(
        artefacts,
        partial(prepare, profile=profile),
        partial(train, profile=profile, processes=share, seconds=missing, facts=commit),
        keep,
    )
    experiment_queue.run(task, cores, time.time() + 3600 * hours)
    return records


def rows(records: Sequence[Record], experiments: Sequence[RealExperiment]) -> list[list[str]]:
    """A row of text per experiment: its key, its trainings, the hours that they still need, its error.

    That the time was up is no error, for the next call goes on.
    """
    reasons = {str(r["key"]): str(r.get("error", r.get("absent", ""))) for r in records}
    reasons = {key: reason for key, reason in reasons.items() if reason != experiment_queue.LATE}
    return [
        [
            item.key,
            f"{item.done} of {item.trainings}",
            f"{item.seconds_missing / 3600:.1f}"
            if item.seconds or not item.seconds_missing
            else "unknown",
            reasons.get(item.key, ""),
        ]
        for item in experiments
    ]
