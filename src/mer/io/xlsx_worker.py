"""The first sheet of a workbook as CSV, read in a process with limited memory and time.

A small file can ask for much memory: a cell in the last row and the last column makes the reader allocate
half a terabyte, which kills its process.
"""

import csv
import io
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from mer import PARENT_PID
from mer.errors import MerError
from mer.runtime.processes import end_with_parent, limit

MIB = 2**20
MAX_BYTES = 16 * MIB  # of the file, and of its text
MAX_MEMORY = 2048 * MIB
MAX_SECONDS = 60
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each takes address space


def text(path: Path, remedy: str) -> str:
    """The first sheet as CSV, a line per row; blank rows stay blank lines, blank columns are left out.

    Words in a cell are separated by single spaces; whole numbers have no decimal point.

    Parameters
    ----------
    remedy : str
        Advice for the error message if the file cannot be read.

    Raises
    ------
    MerError
        If the file is not a workbook, or reading it exceeds the limits.
    """
    try:
        done = subprocess.run(
            (sys.executable, "-m", "mer.io.xlsx_worker", path.absolute()),
            cwd=Path(__file__).parents[2],
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MerError(
            f"{path} must be a workbook that is read within {MAX_SECONDS} s; {remedy}"
        ) from None
    if done.returncode:
        raise MerError(f"{path} must be a workbook that can be read ({_death(done)}); {remedy}")
    return done.stdout.decode()


def _death(done: subprocess.CompletedProcess[bytes]) -> str:
    """The reason why the process returned nothing."""
    if done.returncode < 0:
        return f"its reader ended with {signal.Signals(-done.returncode).name}"
    return (done.stderr.decode(errors="replace").splitlines() or ["no reason given"])[-1]


def _csv(path: Path) -> str:
    """The first sheet as CSV, read in this process."""
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ValueError(f"{size} bytes, more than {MAX_BYTES}")
    import pandas as pd  # takes a second, which the process that asks for a workbook does not pay

    sheet = pd.read_excel(path, header=None, dtype=str, na_filter=False, engine="calamine")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in sheet.loc[:, (sheet != "").any()].to_numpy():
        cells = [" ".join(cell.split()) for cell in row]
        writer.writerow(cells if any(cells) else [])
    if stream.tell() > MAX_BYTES:
        raise ValueError(f"{stream.tell()} characters, more than {MAX_BYTES}")
    return stream.getvalue()


def _main(path: str) -> None:
    end_with_parent(PARENT_PID)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_AS, MAX_MEMORY)
    limit(resource.RLIMIT_CPU, MAX_SECONDS)
    try:
        sys.stdout.buffer.write(_csv(Path(path)).encode())
    except Exception as error:  # damaged bytes find ways that no library foresees
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    _main(sys.argv[1])
