"""The program ``mer``."""

import argparse
import logging
import sys
from importlib.metadata import version

from rich.console import Console
from rich.logging import RichHandler

from mer import registry
from mer.pipeline.stage import one_sentence


def main() -> None:
    """Run the command that the arguments name."""
    parser = argparse.ArgumentParser("mer", description=__doc__)
    parser.add_argument("--version", action="version", version=f"mer {version('mer')}")
    commands = parser.add_subparsers(dest="command", required=True)
    known = registry.names("cli")
    for name in set(sys.argv[1:2]) & set(known) or known:  # a command loads what it needs only
        module = registry.get("cli", name)
        summary = str(module.__doc__).partition("\n")[0]
        module.arguments(commands.add_parser(name, help=summary, description=summary))
    given = parser.parse_args()
    console = Console(stderr=True, soft_wrap=True)  # names of files in one piece
    errors = RichHandler(console=console, show_path=False, show_time=False)
    logging.basicConfig(level="WARNING", format="%(message)s", handlers=[errors])
    with one_sentence("mer"):
        registry.get("cli", given.command).run(Console(), given)


if __name__ == "__main__":
    main()
