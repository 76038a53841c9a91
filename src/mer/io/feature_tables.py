"""Tables of features: ``data/features/<family>/<dataset>/features.parquet`` and those of users."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mer.io import parquet
from mer.io.files import reading, write_json
from mer.types import FeatureTable

PUBLISHED = "tables"  # folder of the index of a corpus
LISTED = "families.json"  # in that folder, which DVC could not track if it were empty
JOINED = "family of each column"  # key in the metadata of a table


def write_features(path: Path, features: FeatureTable) -> None:
    """Write a Parquet table: ``id``, then one column per feature.

    ``source``, and the family of each column of a joined table, become its metadata.
    """
    arrays = [pa.array(features.ids, pa.string()), *map(pa.array, features.values.T)]
    table = pa.Table.from_arrays(arrays, names=["id", *features.names])
    joined = {JOINED: json.dumps(features.joined)} if features.joined else {}
    metadata = {**features.source, **joined}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")


def write_published(index: Path, tables: Mapping[str, FeatureTable]) -> None:
    """Write the published tables of a corpus, by family, to ``tables`` of its index.

    The stage ``features`` depends on that folder alone, so that it need not run again when a label is
    corrected.
    """
    (folder := index / PUBLISHED).mkdir()
    for family, features in tables.items():
        write_features(folder / f"{family}.parquet", features)
    write_json(folder / LISTED, sorted(tables))


def read_features(path: Path) -> FeatureTable:
    """Read what ``write_features`` wrote.

    Raises
    ------
    MerError
        If the file is damaged or another kind of table.
    """
    table = parquet.read_table(path)
    with reading(path, "a table of features whose first column is 'id'"):
        if table.column_names[0] != "id":
            raise ValueError(f"it is {table.column_names[0]!r}")
        numbers = table.drop_columns("id")
        values = np.column_stack([column.to_numpy() for column in numbers.columns])
        source = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
        ids = tuple(table.column("id").to_pylist())
        joined = tuple(json.loads(source.pop(JOINED, "[]")))
        return FeatureTable(ids, tuple(numbers.column_names), values, source, joined)
