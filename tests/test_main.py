"""The program ``mer`` around its commands."""

import subprocess
import sys

LONG = "a sentence of more than eighty columns " * 4
COMMAND = """
import argparse, logging, types
from mer import __main__ as program

def run(console, given):
    logging.getLogger("mer").warning({text!r})

program._parsed = lambda: argparse.Namespace(module=types.SimpleNamespace(run=run))
program.main()
"""


def test_a_warning_is_one_line():
    command = [sys.executable, "-c", COMMAND.format(text=LONG)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == f"WARNING  {LONG}\n"
