"""Every command in README.md and docs/ is run here or marked with what it needs, and names what exists."""

import argparse
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import yaml
from dvc.cli.parser import get_main_parser

from conftest import ROOT
from helpers.clone import Clone
from mer import registry
from mer.io.files import read_json

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
NEEDS = {"data", "hours", "make repro", "network"}
PROGRAMS = ("bash", "dvc", "git", "make", "mer", "pip", "pre-commit", "pytest", "python", "source")
SETTING = re.compile(r"[A-Z_]+=.*")  # of the environment, before a command
# Unmarked commands, which `test_unmarked_commands_run` runs in a clone without any data.
RUN = (
    "mer features compare mysongs --out table.parquet",
    "mer features compare_lld mysongs --sample-rate 44100 --out lld.csv",
    "mer runs",
    "mer runs 4qaed cv10x10 --against svm_4qaed",
    "mer runs 4qaed grouped svm",
    "mer status",
    "mer status louro_improving",
    "python stages/repair_locks.py",
    "python stages/results_page.py",
)


@dataclass(frozen=True)
class Block:
    """A fenced block: page and line of its fence, its language, what it needs, its lines."""

    where: str
    language: str
    needs: str | None
    lines: tuple[str, ...]

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command; the output of a console is none."""
        text = "\n".join(self.lines).replace("\\\n", " ")
        lines = text.splitlines()
        if self.language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        split = (shlex.split(line, comments=True) for line in lines)
        return [words for words in split if words]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    opened = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number
            continue
        mark = re.fullmatch(r"<!-- needs: (.*) -->", lines[opened - 1])
        yield Block(
            f"{page.relative_to(ROOT)}:{opened + 1}",
            lines[opened][3:],
            mark[1] if mark else None,
            tuple(lines[opened + 1 : number]),
        )
        opened = None


EVERY = [block for page in PAGES for block in blocks(page)]
SHELL = [block for block in EVERY if block.language in ("sh", "console")]


@cache
def params() -> dict[str, Any]:
    """params.yaml and, beside it, the files of params/."""
    found: dict[str, Any] = {}
    for path in (ROOT / "params.yaml", *sorted((ROOT / "params").glob("*.yaml"))):
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@cache
def stages(file: Path) -> set[str]:
    """The names of the stages of a dvc.yaml, ``<group>@<key>`` of those that it makes in a loop."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    known: dict[str, Any] = {}
    for source in content.get("vars", []):
        path = file.parent / str(source).partition(":")[0]
        for name, block in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            known[name] = known.get(name, {}) | block if isinstance(block, dict) else block
    found = set()
    for name, stage in content["stages"].items():
        loop = stage.get("foreach")
        keys = known.get(loop[2:-1], ()) if isinstance(loop, str) else loop
        found |= {name} if loop is None else {f"{name}@{key}" for key in keys}
    return found


def unknown_target(target: str) -> str | None:
    """What is wrong with a stage, an output or a whole file that a command of DVC names."""
    file, _, stage = target.rpartition(":")
    written = f"- {target}:" in (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    if (ROOT / target).is_file() or written:
        return None
    if not (ROOT / (file or "dvc.yaml")).is_file():
        return f"no file {file}"
    known = stages(ROOT / (file or "dvc.yaml"))
    return None if stage in known else f"no stage {stage} in {file or 'dvc.yaml'}"


def unknown_param(setting: str) -> str | None:
    """The dotted key of ``-S key=value`` that params.yaml does not have."""
    block: Any = params()
    key = setting.partition("=")[0]
    for part in key.split("."):
        if not isinstance(block, dict) or part not in block:
            return f"no key {key} in params.yaml"
        block = block[part]
    return None


def parsed(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace | str:
    """The arguments, or what the parser says of them."""
    try:
        return parser.parse_args(words)
    except (SystemExit, Exception) as error:
        return f"not understood by {parser.prog}: {' '.join(words)} ({error})"


def dvc_faults(words: list[str]) -> Iterator[str | None]:
    given = parsed(get_main_parser(), words)
    if isinstance(given, str):
        yield given
        return
    yield from map(unknown_param, getattr(given, "set_param", None) or ())
    yield from map(unknown_target, getattr(given, "targets", None) or ())


def mer_faults(words: list[str]) -> Iterator[str | None]:
    parser = argparse.ArgumentParser("mer")
    commands = parser.add_subparsers(required=True)
    for name in registry.names("cli"):
        registry.get("cli", name).arguments(commands.add_parser(name))
    given = parsed(parser, words)
    yield given if isinstance(given, str) else None


def make_faults(words: list[str]) -> Iterator[str | None]:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    for word in words:
        if "=" not in word and word not in targets:
            yield f"no target {word} in the Makefile"


def python_faults(words: list[str]) -> Iterator[str | None]:
    script, *rest = words
    if script == "-c":
        compile(rest[0], "docs", "exec")
        return
    if not (ROOT / script).is_file():
        yield f"no file {script}"
        return
    text = (ROOT / script).read_text(encoding="utf-8")
    yield from (f"no option {w} of {script}" for w in rest if w.startswith("--") and w not in text)


def pytest_faults(words: list[str]) -> Iterator[str | None]:
    for word in words:
        if word.startswith("tests") and not (ROOT / word).exists():
            yield f"no tests {word}"


def pip_faults(words: list[str]) -> Iterator[str | None]:
    for option, value in pairwise(words):
        if option == "-c" and not (ROOT / value).is_file():
            yield f"no file {value}"


def faults(words: list[str]) -> list[str]:
    """Everything that a command names and that does not exist."""
    program, *rest = words
    if SETTING.fullmatch(program):
        return faults(rest)
    if program == "bash":
        return faults(shlex.split(rest[-1].removeprefix("time ")))
    if words[:2] == ["mer", "papers"]:  # DVC with the pipelines of papers/
        return faults(["dvc", *words[2:]])
    if program not in PROGRAMS:
        return [f"{program} is no program that the docs use"]
    checks = {
        "dvc": dvc_faults,
        "mer": mer_faults,
        "make": make_faults,
        "pip": pip_faults,
        "pytest": pytest_faults,
        "python": python_faults,
    }
    found = checks[program](rest) if program in checks else ()
    return [fault for fault in found if fault]


def test_every_command_names_what_exists():
    found = [
        f"{block.where}: {shlex.join(words)}: {fault}"
        for block in SHELL
        for words in block.commands
        for fault in faults(words)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("dvc exp run -S models.svm.searches=grid report", "no key models.svm.searches"),
        ("dvc exp run -S model=svm reports", "no stage reports"),
        ("dvc repro -s papers/dvc.yaml:table@louro_table9", "no stage table@louro_table9"),
        ("dvc repro papers/louro/dvc.yaml:experiment@svm_4qaed", "no file papers/louro/dvc.yaml"),
        ("dvc exp runs", "not understood by dvc"),
        ("mer papers exp runs", "not understood by dvc"),
        ("dvc metrics diff HEAD --targets metrics/runs.json", "no stage metrics/runs.json"),
        ("mer listen mysongs", "not understood by mer"),
        ("mer features compare mysongs", "not understood by mer"),
        ("make everything", "no target everything"),
        ("MER_JOBS=1 make everything", "no target everything"),
        ("pytest tests/nowhere", "no tests tests/nowhere"),
        ("python stages/nowhere.py", "no file stages/nowhere.py"),
        ("python benchmarks/workers.py --datasets demo", "no option --datasets"),
        ("bash -c 'time dvc stats'", "not understood by dvc"),
        ("sudo make repro", "sudo is no program"),
    ],
)
def test_a_command_that_names_what_does_not_exist_is_found(command, fault, capsys):
    assert any(fault in found for found in faults(shlex.split(command)))


def test_a_block_says_what_it_needs_or_is_run_by_a_test():
    wrong = [f"{b.where}: needs: {b.needs}" for b in EVERY if b.needs and b.needs not in NEEDS]
    unmarked = {shlex.join(w) for b in SHELL if b.needs is None for w in b.commands}
    assert not wrong
    assert unmarked == set(RUN)


def test_commands_stand_in_blocks_of_a_shell():
    wrong = [
        f"{block.where}: {line}"
        for block in EVERY
        if block not in SHELL
        for line in block.lines
        if line.startswith(("$ ", *(f"{program} " for program in PROGRAMS)))
    ]
    assert not wrong


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each unmarked command prints, in a clone with a folder of two songs and an empty file."""
    clone = Clone(ROOT, tmp_path_factory.mktemp("docs"))
    clone.run("git", "init", "-q")
    songs, rng = clone.folder / "mysongs", np.random.default_rng(0)
    songs.mkdir()
    for name in ("first", "second"):
        sf.write(songs / f"{name}.wav", rng.uniform(-0.5, 0.5, 2 * 22050), 22050)
    (songs / "empty.mp3").touch()
    # `mer features` ends with status 1, for the empty file is left out
    return {c: clone.run(*shlex.split(c), ok=not c.startswith("mer features")) for c in RUN}


def test_unmarked_commands_run_and_print_what_the_docs_show(outputs):
    for block in SHELL:
        if block.needs is None and block.language == "console":
            (words,) = block.commands
            printed = [line.strip() for line in outputs[shlex.join(words)].splitlines()]
            for line in block.lines[1:]:
                assert line.strip() in printed, f"{block.where}: {line!r} is not in {printed}"
    assert "demo only" in outputs["mer status"]


def test_the_output_of_make_repro_is_that_of_the_committed_run():
    (block,) = (b for b in SHELL if ["make", "repro"] in b.commands and b.language == "console")
    shown = dict(re.findall(r"^ (\w+) +([\d.]+) ", "\n".join(block.lines), re.M))
    run = read_json(ROOT / "metrics/run.json")
    assert len(shown) == 7 + 1
    assert {name: float(value) for name, value in shown.items()} == {
        name: run[name] for name in shown
    }
