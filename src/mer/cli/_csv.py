"""Tables as CSV, whose cells may hold any name of a file."""

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def csv_text(table: "pd.DataFrame", *, index: bool) -> str:
    """A table as CSV with lines that end in ``\\n``.

    All text is quoted where a cell holds a carriage return, which ``csv`` leaves bare and readers take for
    the end of a line.
    """
    text: str = table.to_csv(index=index, lineterminator="\n")
    if "\r" not in text:
        return text
    return table.to_csv(index=index, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
