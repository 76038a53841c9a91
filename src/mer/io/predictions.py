"""The predictions of a run: ``data/runs/<run>/predictions.parquet``."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mer.io import parquet
from mer.io.files import reading
from mer.predictions import AnyPredictions, Predictions, ValuePredictions


def write_predictions(path: Path, predictions: AnyPredictions) -> None:
    """Write the predictions of a run, of its clips or of their segments."""
    table = pa.Table.from_pandas(predictions.frame, preserve_index=False)
    if isinstance(predictions, ValuePredictions):
        facts = {"values": json.dumps(predictions.names), "scale": json.dumps(predictions.scale)}
    else:
        facts = {"classes": json.dumps(predictions.classes)}
    pq.write_table(table.replace_schema_metadata(facts), path, compression="zstd")


def read_predictions(path: Path) -> AnyPredictions:
    """Read what ``write_predictions`` wrote.

    Raises
    ------
    MerError
        If the file is damaged or another kind of table.
    """
    table = parquet.read_table(path)
    with reading(path, "a table of predictions"):
        facts = {k.decode(): json.loads(v) for k, v in table.schema.metadata.items()}
        frame = table.replace_schema_metadata(None).to_pandas()
        if "values" in facts:
            return ValuePredictions(frame, tuple(facts["values"]), tuple(facts["scale"]))
        return Predictions(frame, tuple(facts["classes"]))
