"""Rank correlation of extracted features with the published features of the same name."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from mer.errors import MerError
from mer.features._panda_catalogue import catalogue
from mer.io.artefacts import absent
from mer.io.feature_tables import read_features
from mer.io.files import write_json, write_text
from mer.types import FeatureTable

DIGITS = 4
WORST = 10
STATISTICS = ("median", "zeros")


def correlations(extracted: FeatureTable, published: FeatureTable) -> pd.DataFrame:
    """Spearman's correlation of each published column with the extracted one, over common clips.

    Returns
    -------
    pd.DataFrame
        ``column, grade, dimension, spearman``, in the published order; the correlation of a constant
        column is 0. ``grade`` is the fidelity grade of the feature. The median of the values other than 0
        and the share of zeros help to explain a difference: ``ours_median, ours_zeros, …``.

    Raises
    ------
    MerError
        If the tables share fewer than three clips, or no column.
    """
    ids = sorted(set(extracted.ids) & set(published.ids))
    names = [name for name in published.names if name in extracted.names]
    if len(ids) < 3 or not names:
        raise MerError(
            f"features can be compared over at least 3 clips and 1 column that both tables have, not "
            f"{len(ids)} and {len(names)}; extract a family with these columns from the same corpus"
        )
    rows, tables = [], [t.select_columns(names).rows(ids) for t in (extracted, published)]
    for number, name in enumerate(names):
        ours, theirs = (table[:, number] for table in tables)
        varies = np.ptp(ours) > 0 and np.ptp(theirs) > 0
        rho = float(spearmanr(ours, theirs).statistic) if varies else 0.0
        known = catalogue()[name]
        statistics = [*_statistics(ours), *_statistics(theirs)]
        rows.append((name, known.grade, known.dimension, round(rho, DIGITS), *statistics))
    sides = [f"{side}_{figure}" for side in ("ours", "published") for figure in STATISTICS]
    return pd.DataFrame(rows, columns=["column", "grade", "dimension", "spearman", *sides])


def _statistics(values: np.ndarray) -> tuple[float, float]:
    """Median of the values other than 0, and the share of zeros."""
    found = values[values != 0]
    median = float(np.median(found)) if len(found) else 0.0
    return round(median, DIGITS), round(1 - len(found) / len(values), DIGITS)


def _medians(table: pd.DataFrame, by: str) -> dict[str, dict[str, float]]:
    groups = table.groupby(by)["spearman"]
    return {
        str(name): {"median": round(float(values.median()), DIGITS), "n_columns": len(values)}
        for name, values in groups
    }


def compare(extracted: Path, published: Path, metrics: Path, plot: Path) -> None:
    """Compare two families of one corpus, column by column.

    Parameters
    ----------
    extracted, published : Path
        ``data/features/<family>/<dataset>``.
    metrics : Path
        JSON to write: medians by fidelity grade and dimension, the correlation of every column, and details
        of the worst columns.
    plot : Path
        CSV to write: all columns, the worst first.

    Raises
    ------
    MerError
        If one of the tables is absent; the message says why.
    """
    for folder in (extracted, published):
        if reason := absent(folder):
            raise MerError(f"{folder} must be present to be compared: {reason}")
    ours, theirs = (read_features(f / "features.parquet") for f in (extracted, published))
    table = correlations(ours, theirs)
    ordered = table.sort_values(["spearman", "column"])
    worst = ordered.head(WORST).set_index("column").drop(columns=["grade", "dimension"])
    found = {
        "dataset": extracted.name,
        "n_clips": len(set(ours.ids) & set(theirs.ids)),
        "median": round(float(table["spearman"].median()), DIGITS),
        "grade": _medians(table, "grade"),
        "dimension": _medians(table, "dimension"),
        "column": dict(zip(table["column"], table["spearman"], strict=True)),
        "worst": worst.to_dict("index"),
    }
    write_json(metrics, found)
    write_text(plot, ordered.to_csv(index=False, lineterminator="\n"))
