"""What the commands print: names of files and people are neither markup nor control characters."""

import io

from rich.console import Console
from rich.table import Table

from mer.cli import predict
from mer.cli._console import plain, say

NASTY = "[red]a[/b] \x1b[2J\x07:smile: \\[x]"
SHOWN = r"[red]a[/b] \x1b[2J\x07:smile: \[x]"


def printed(print_it):
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    print_it(console)
    return console.file.getvalue()


def test_a_line_is_shown_as_it_is():
    assert printed(lambda console: say(console, NASTY)) == f"{SHOWN}\n"


def test_a_long_line_is_not_cut():
    assert printed(lambda console: say(console, "a " * 300)) == "a " * 300 + "\n"


def test_a_cell_and_a_title_are_shown_as_they_are():
    table = Table("name", title=plain(NASTY))
    table.add_row(plain(NASTY))
    assert printed(lambda console: console.print(table)).count(SHOWN) == 2


def test_the_name_of_a_song_and_the_title_of_a_system_are_shown_as_they_are():
    import pandas as pd

    rows = pd.DataFrame({"id": [NASTY], "seconds": [61.0], "out_of_distribution": [False]})
    shown = printed(lambda console: console.print(predict._shown(console, rows, NASTY)))
    assert shown.count(SHOWN) == 2
