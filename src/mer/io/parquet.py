"""Parquet files, whose header is checked before they are read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mer.io.files import reading

MAX_CELLS = 2**28  # of a table: 2 GiB as float64, 42,000 clips of 6373 features


def read_table(path: Path) -> pa.Table:
    """Read a Parquet file after checking the size in its header: a few bytes can claim terabytes."""
    with reading(path, "a Parquet file"), pq.ParquetFile(path) as file:
        rows, columns = file.metadata.num_rows, file.metadata.num_columns
        if not 0 <= rows * columns <= MAX_CELLS:
            raise ValueError(f"{rows} rows of {columns} columns, more than {MAX_CELLS} cells")
        table = file.read()
        table.validate(full=True)
        return table
