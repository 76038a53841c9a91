"""The program ``mer``."""

import argparse
import ast
import importlib.util
import io
import logging
import os
import signal
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mer import registry

OUTPUTS = ("out", "curve", "plot", "export")  # options of any command that name what it writes
INTERRUPTED = 128 + signal.SIGINT  # exit status
DESCRIPTION = "Music emotion recognition, reproducibly."


def _summary(name: str) -> str:
    """The first line of a command's docstring, without importing the command, which takes seconds."""
    spec = importlib.util.find_spec(f"mer.cli.{name}")
    assert spec is not None
    assert spec.origin is not None
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
    return str(text).partition("\n")[0]


def _add(commands: Any, name: str, *, loaded: bool) -> None:
    """Add a command to the parser: ``loaded``, with its arguments and its other names."""
    summary = _summary(name)
    if not loaded:
        commands.add_parser(name, help=summary)
        return
    module = registry.get("cli", name)
    aliases = getattr(module, "ALIASES", ())
    command = commands.add_parser(name, aliases=aliases, help=summary, description=summary)
    command.set_defaults(module=module)
    module.arguments(command)


def _parsed() -> argparse.Namespace:
    """The arguments; only the command that they name is imported."""
    parser = argparse.ArgumentParser("mer", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"mer {version('mer')}")
    commands = parser.add_subparsers(dest="command", required=True)
    known, first = registry.names("cli"), (sys.argv[1:] or ["--help"])[0]
    for name in known:
        alias = first not in known and not first.startswith("-")
        _add(commands, name, loaded=alias or name == first)
    return parser.parse_args()


def _outputs(given: argparse.Namespace) -> dict[str, Path]:
    """The files and folders that the command writes, by their option."""
    options = ((f"--{name}", getattr(given, name, None)) for name in OUTPUTS)
    return {option: path for option, path in options if path and path != Path("-")}


def _quiet() -> None:
    """Keep the warnings of libraries off the terminal, in worker processes too; errors stay."""
    warnings.simplefilter("ignore")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")


def _run() -> None:
    """Run the command that the arguments name; errors are one sentence."""
    given = _parsed()
    _quiet()
    from rich.console import Console

    from mer.runtime.error_messages import one_sentence

    for stream in (sys.stdout, sys.stderr):  # a terminal's encoding may lack letters of a name
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    last = logging.lastResort  # it looks up standard error, so lines stay above a progress bar
    assert last
    logging.basicConfig(level="WARNING", format="%(levelname)s  %(message)s", handlers=[last])
    with one_sentence("mer", _outputs(given)):
        given.module.run(Console(), given)
        sys.stdout.flush()


def _open_streams() -> None:
    """Lead a standard stream that a shell has closed, as by ``>&-``, to nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def main() -> None:
    """Run the command that the arguments name; Ctrl-C ends it with status 130, as a shell expects."""
    _open_streams()
    try:
        _run()
    except KeyboardInterrupt as end:  # its text says what to do next
        sys.stderr.write(f"mer: interrupted{f'; {end}' if str(end) else ''}\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # whoever reads the output has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is buffered
        sys.exit(1)


if __name__ == "__main__":
    main()
