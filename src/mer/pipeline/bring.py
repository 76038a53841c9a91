"""Import the results of experiments on another machine into the ledger of this checkout."""

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mer import config
from mer.errors import MerError
from mer.io import archives
from mer.io.artefacts import absent
from mer.io.files import read_json, reading, write_bytes, writing
from mer.pipeline import evaluate, experiment, provenance
from mer.pipeline.run_record import write_record
from mer.reproduction import spec
from mer.reproduction.results import has_more_trainings, read_facts
from mer.reproduction.spec import Experiment, Papers
from mer.selection import SELECTORS, Selection

MAX_BYTES = 64 * 2**20  # of one file
MAX_TOTAL = 512 * 2**20  # of all files, which are read into the memory
REMEDY = "make it with benchmarks/gpu.py"
RUN = re.compile(
    r"data/runs/(?P<paper>\w+)/(?P<key>\w+)/(?P<file>(?:run|manifest|selected|code|trained_on)\.json"
    r"|(?:curves|trials)\.csv|(?:predictions|segments)\.parquet)"
)
RECORD = re.compile(r"metrics/experiments/(?P<paper>\w+)/(?P<key>\w+)\.(?P<file>record\.json)")
COMMIT = re.compile(r"[0-9a-f]{7,40}")
# Folders, and scores, which are computed here.
IGNORED = re.compile(r"data(/runs(/\w+){0,2})?|metrics(/experiments(/\w+(/\w+\.json)?)?)?")
KINDS = (archives.FILE, archives.FOLDER)
Files = dict[tuple[str, str], dict[str, bytes]]

log = logging.getLogger("mer")


class Record(BaseModel):
    """The entries of a record that this program reads, of which any may be missing but the commit."""

    model_config = ConfigDict(strict=True)

    seconds: float = 0
    device: str = ""
    machine: str = ""
    changed: dict[str, Any] | None = None
    timing: dict[str, float] = Field(default_factory=dict)


class FewerTrainings(Exception):
    """A run has fewer trainings than the results that the ledger holds."""


def _files(archive: Path) -> Files:
    """(paper, key) -> the files of its run and its record."""
    found: Files = {}
    total = 0
    for member in archives.members(archive):
        if (total := total + member.size) > MAX_TOTAL:
            raise MerError(
                f"{archive} must unpack to at most {MAX_TOTAL >> 20} MiB, and {member.name!r} is beyond "
                f"them; {REMEDY}, for fewer experiments"
            )
        match = RUN.fullmatch(member.name) or RECORD.fullmatch(member.name)
        if match and member.kind == archives.FILE and member.size <= MAX_BYTES:
            content = found.setdefault((match["paper"], match["key"]), {})
            content[match["file"]] = _content(archive, member)
        elif not IGNORED.fullmatch(member.name) or member.kind not in KINDS:
            raise MerError(
                f"{archive}: every member must be a run, its scores or its record, of at most "
                f"{MAX_BYTES >> 20} MiB, and {member.name!r} is none; {REMEDY}"
            )
    return found


def _content(archive: Path, member: archives.Member) -> bytes:
    with archives.readable(archive), member.open() as stream:  # type: ignore[union-attr]
        return stream.read()


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


def _check_trainings(scores: Path, count: int) -> None:
    """Raise ``FewerTrainings`` if the ledger has results of more trainings than a run, ``count``."""
    if scores.exists() and has_more_trainings(old := read_facts(scores), count):
        raise FewerTrainings(f"{scores} has {old['n_folds']} trainings, the archive {count}")


def _object(archive: Path, what: str, content: bytes) -> dict[str, Any]:
    """The JSON object in a file of an archive; one that could not be written again is refused."""
    try:
        found = json.loads(content)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        found = None
    if not isinstance(found, dict):
        raise MerError(
            f"{archive}: {what} must be a JSON object of finite numbers and texts; make the archive again"
        )
    return found


def _check_record(archive: Path, key: str, record: Mapping[str, Any]) -> None:
    """Refuse a record that does not name the commit of the code, or has a value of a wrong type."""
    if not COMMIT.fullmatch(commit := str(record.get("commit"))):
        raise MerError(
            f"{archive}: the record of {key!r} must name the commit of the code, and names {commit!r}; run "
            "benchmarks/gpu.py with --commit"
        )
    try:
        Record.model_validate(record)
    except ValidationError as error:
        fault = error.errors()[0]
        raise MerError(
            f"{archive}: {fault['loc'][0]} in the record of {key!r} must be of another type "
            f"({fault['msg']}); make the archive again"
        ) from error


def _write(archive: Path, paper: str, key: str, files: Mapping[str, bytes], papers: Papers) -> None:
    """Score a run in a temporary folder; then put its scores, its record and itself in place."""
    run, metrics, found = (
        experiment.RUNS / paper / key,
        experiment.METRICS / paper,
        papers.find(key),
    )
    record = json.loads(files["record.json"])
    with writing(run) as folder, TemporaryDirectory() as root:
        scores, confusion = Path(root, f"{key}.json"), Path(root, f"{key}.csv")
        for name in files.keys() - {"record.json"}:
            (folder / name).write_bytes(files[name])
        with reading(archive, f"an archive whose run {key!r} can be scored", REMEDY):
            if isinstance(found, Experiment):
                _check_selection(key, found, folder / "run.json")
                record = _with_changes(record, found, folder / "run.json")
            if absent(folder):
                raise MerError(
                    f"{archive}: the run of {key!r} must be trained, not absent; {REMEDY}"
                )
            evaluate.score_experiment(folder, scores, confusion)
            write_record(scores, record)
        _check_trainings(metrics / scores.name, read_json(scores)["n_folds"])
        write_bytes(experiment.PLOTS / paper / confusion.name, confusion.read_bytes())
        for file in (scores, scores.with_suffix(".record.json")):
            write_bytes(metrics / file.name, file.read_bytes())


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
    found, papers = _files(archive), spec.load()
    known = papers.stages
    for paper, key in sorted(found):
        if not known.get(key, "").startswith(f"papers/{paper}/"):
            raise MerError(f"{archive}: {key!r} must be an experiment of papers/{paper}; {REMEDY}")
        if "record.json" not in found[paper, key] or "run.json" not in found[paper, key]:
            raise MerError(f"{archive}: {key!r} must come with its run and its record; {REMEDY}")
        record = _object(archive, f"the record of {key!r}", found[paper, key]["record.json"])
        _check_record(archive, key, record)
        _object(archive, f"run.json of {key!r}", found[paper, key]["run.json"])
    written = []
    for (paper, key), files in sorted(found.items()):
        try:
            _write(archive, paper, key, files, papers)
        except FewerTrainings as reason:
            log.warning(
                "%r is left out: %s; to replace these results, remove them first", key, reason
            )
        else:
            written.append(key)
    return sorted(written)
