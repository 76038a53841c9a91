"""Import the results of experiments on another machine into the ledger of this checkout."""

import json
import logging
import re
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mer import config
from mer.errors import MerError
from mer.io.files import read_json, reading, writing
from mer.io.predictions import read_predictions
from mer.pipeline import evaluate, experiment, provenance
from mer.pipeline.run_record import write_record
from mer.reproduction import spec
from mer.reproduction.results import has_more_trainings, read_facts
from mer.reproduction.spec import CellSource, Experiment
from mer.selection import SELECTORS, Selection

MAX_BYTES = 64 * 2**20  # of one file
REMEDY = "make it with benchmarks/gpu.py"
RUN = re.compile(r"data/runs/(?P<paper>\w+)/(?P<key>\w+)/(?P<file>\w+\.(?:json|csv|parquet))")
RECORD = re.compile(r"metrics/experiments/(?P<paper>\w+)/(?P<key>\w+)\.(?P<file>record\.json)")
COMMIT = re.compile(r"[0-9a-f]{7,40}")
# Folders, and scores, which are computed here.
IGNORED = re.compile(r"(data|data/runs|metrics)(/\w+)*(\.json)?")
Files = dict[tuple[str, str], dict[str, bytes]]

log = logging.getLogger("mer")


class FewerTrainings(Exception):
    """A run has fewer trainings than the results that the ledger holds."""


def _files(archive: Path) -> Files:
    """(paper, key) -> the files of its run and its record."""
    found: Files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            match = RUN.fullmatch(member.name) or RECORD.fullmatch(member.name)
            if match and member.isreg() and member.size <= MAX_BYTES:
                stream = tar.extractfile(member)
                assert stream is not None
                content = found.setdefault((match["paper"], match["key"]), {})
                content[match["file"]] = stream.read()
            elif not IGNORED.fullmatch(member.name) or not (member.isreg() or member.isdir()):
                raise MerError(
                    f"{archive}: every member must be a run, its scores or its record, of at most "
                    f"{MAX_BYTES >> 20} MiB, and {member.name!r} is none; {REMEDY}"
                )
    return found


def _with_changes(record: dict[str, Any], found: Experiment, run: Path) -> dict[str, Any]:
    """The record with the parameters that differ from the committed ones, where the other machine had no
    Git. They are known only if its parameters are those of this checkout."""
    if record.get("changed", {}) is not None:
        return record
    facts, words = read_json(run), found.settings.split()
    with reading(run, "the record of a run"):
        theirs = facts["parameters_sha256"]
        chosen = Selection.of(found.model_dump(), facts["profile"], facts["seed"])
    settings, columns, source = config.settings(words), config.columns(words), facts.get("source")
    if provenance.digest(chosen, settings, columns, source)["parameters_sha256"] != theirs:
        return record
    del record["changed"]
    return record | provenance.changes(chosen, source)


def _check_selection(key: str, found: Experiment, run: Path) -> None:
    """Refuse the run of another system, corpus or protocol than that of the experiment."""
    facts, given = read_json(run), found.model_dump()
    wanted = {name: given[name] for name in SELECTORS if given.get(name) is not None}
    wanted |= {name: given.get(name) for name in ("source", "parent")}  # None: trained on its own
    for name, value in wanted.items():
        if facts.get(name) != value:
            raise MerError(
                f"{key}: its run must have {name} = {value!r}, as papers/ says, and has "
                f"{facts.get(name)!r}; train the experiment that the key names"
            )


def _check_trainings(run: Path, scores: Path) -> None:
    """Raise ``FewerTrainings`` if the ledger has results of more trainings than a run."""
    if not scores.exists():
        return
    old, frame = read_facts(scores), read_predictions(run / "predictions.parquet").frame
    if has_more_trainings(old, count := len(frame[["repeat", "fold"]].drop_duplicates())):
        raise FewerTrainings(f"{scores} has {old['n_folds']} trainings, the archive {count}")


def _check_record(archive: Path, key: str, content: bytes) -> None:
    """Refuse a record that is no JSON object, or that does not name the commit of the code."""
    try:
        record = json.loads(content)
    except ValueError:  # of its text too: UnicodeDecodeError is one
        record = None
    if not isinstance(record, dict):
        raise MerError(
            f"{archive}: the record of {key!r} must be a JSON object; make the archive again"
        )
    if not COMMIT.fullmatch(commit := str(record.get("commit"))):
        raise MerError(
            f"{archive}: the record of {key!r} must name the commit of the code, and names {commit!r}; run "
            "benchmarks/gpu.py with --commit"
        )


def _write(paper: str, key: str, files: Mapping[str, bytes], found: CellSource | None) -> None:
    run, metrics = experiment.RUNS / paper / key, experiment.METRICS / paper
    record = json.loads(files["record.json"])
    with writing(run) as folder:
        for name in files.keys() - {"record.json"}:
            (folder / name).write_bytes(files[name])
        if isinstance(found, Experiment):
            _check_selection(key, found, folder / "run.json")
            record = _with_changes(record, found, folder / "run.json")
        _check_trainings(folder, metrics / f"{key}.json")
        confusion = experiment.PLOTS / paper / f"{key}.csv"
        evaluate.score_experiment(folder, metrics / f"{key}.json", confusion)
        write_record(metrics / f"{key}.json", record)


def bring(archive: Path) -> list[str]:
    """Unpack runs into ``data/runs`` and write their scores, computed here, to ``metrics/experiments``.

    A run with fewer trainings than the results that are there is left out, with a warning.

    Parameters
    ----------
    archive : Path
        ``results.tar`` of ``benchmarks/gpu.py``.

    Returns
    -------
    list of str
        Keys of the experiments that were written, sorted.

    Raises
    ------
    MerError
        If the file is not such an archive, or has other members or an unknown experiment; then nothing is
        written. If a run cannot be scored, which leaves what was there of its experiment.
    """
    try:
        found = _files(archive)
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise MerError(f"{archive} must be a readable tar archive ({error}); {REMEDY}") from error
    papers = spec.load()
    known = papers.stages
    for paper, key in sorted(found):
        if not known.get(key, "").startswith(f"papers/{paper}/"):
            raise MerError(f"{archive}: {key!r} must be an experiment of papers/{paper}; {REMEDY}")
        if "record.json" not in found[paper, key] or "run.json" not in found[paper, key]:
            raise MerError(f"{archive}: {key!r} must come with its run and its record; {REMEDY}")
        _check_record(archive, key, found[paper, key]["record.json"])
    written = []
    for (paper, key), files in sorted(found.items()):
        try:
            _write(paper, key, files, papers.find(key))
        except FewerTrainings as reason:
            log.warning(
                "%r is left out: %s; to replace these results, remove them first", key, reason
            )
        else:
            written.append(key)
    return sorted(written)
