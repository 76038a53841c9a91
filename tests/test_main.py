"""The program ``mer`` around its commands."""

import subprocess
import sys

import pytest

LONG = "a sentence of more than eighty columns " * 4
COMMAND = """
import argparse, logging, signal, types
from mer import __main__ as program

def run(console, given):
    {does}

program._parsed = lambda: argparse.Namespace(module=types.SimpleNamespace(run=run))
program.main()
"""


def run(does):
    """What a program ends with whose command runs one statement."""
    command = [sys.executable, "-c", COMMAND.format(does=does)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_warning_is_one_line():
    assert run(f"logging.getLogger('mer').warning({LONG!r})").stderr == f"WARNING  {LONG}\n"


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("signal.raise_signal(signal.SIGINT)", "interrupted"),
        ("raise KeyboardInterrupt('add --resume')", "interrupted; add --resume"),
    ],
)
def test_ctrl_c_ends_in_one_sentence(does, said):
    done = run(f"signal.signal(signal.SIGINT, signal.default_int_handler); {does}")
    assert (done.returncode, done.stderr) == (130, f"mer: {said}\n")


def test_a_closed_standard_stream_is_no_fault():
    shell = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, "-c", COMMAND]
    shell[-1] = COMMAND.format(does="print('said'); console.print('said')")
    assert subprocess.run(shell, check=False).returncode == 0
