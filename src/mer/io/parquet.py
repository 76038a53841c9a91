"""Parquet files, whose header and texts are checked before they are read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mer.io.files import reading

MAX_CELLS = 2**28  # of a table: 2 GiB as float64, 42,000 clips of 6373 features
MAX_TEXT = 2**28  # bytes of all texts of a table: 1 KiB for each of a quarter of a million ids
ROWS = 1024  # of texts that are held at once while they are counted


def read_table(path: Path) -> pa.Table:
    """Read a Parquet file of numbers and texts after checking its size: a few bytes can hold terabytes."""
    with reading(path, "a Parquet file"):
        _check(path)
        with pq.ParquetFile(path) as file:
            table = file.read()
        table.validate(full=True)
        return table


def _check(path: Path) -> None:
    """Raise if a file has too many cells, others than numbers and texts, or too much text."""
    with pq.ParquetFile(path) as file:
        rows, columns = file.metadata.num_rows, file.metadata.num_columns
        fields = list(file.schema_arrow)
    if not 0 <= rows * columns <= MAX_CELLS:
        raise ValueError(f"{rows} rows of {columns} columns, more than {MAX_CELLS} cells")
    texts = [field.name for field in fields if _is_text(field.type)]
    for field in fields:
        if not (pa.types.is_primitive(field.type) or _is_text(field.type)):
            raise ValueError(f"a column of {field.type}, neither numbers nor texts")
    if (size := _bytes_of_texts(path, texts)) > MAX_TEXT:
        raise ValueError(f"{size} bytes or more of texts, more than {MAX_TEXT}")


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _bytes_of_texts(path: Path, columns: list[str]) -> int:
    """The bytes of the texts in some columns, or those up to the limit; a repeated text is held once."""
    size = 0
    with pq.ParquetFile(path, read_dictionary=columns) as file:
        for batch in file.iter_batches(ROWS, columns=columns):
            for column in batch.columns:
                lengths = pc.binary_length(column.dictionary).cast(pa.int64())
                size += pc.sum(lengths.take(column.indices)).as_py() or 0
            if size > MAX_TEXT:
                break
    return size
