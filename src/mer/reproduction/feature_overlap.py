"""Overlap of the features that systems trained on different corpora select."""

from collections.abc import Collection, Mapping
from itertools import combinations
from pathlib import Path
from statistics import fmean

from mer.io.artefacts import absent
from mer.io.files import read_json, write_json
from mer.metrics import DIGITS


def jaccard(some: Collection[str], others: Collection[str]) -> float:
    """The Jaccard index: columns in both sets over columns in either, in 0..1; 1 for two empty sets."""
    a, b = set(some), set(others)
    return len(a & b) / len(a | b) if a | b else 1.0


def overlaps(selected: Mapping[str, Mapping[str, Collection[str]]]) -> dict[str, float]:
    """``<corpus>_<other>``: the mean Jaccard index over the trainings that both corpora have, if any.

    Parameters
    ----------
    selected : mapping of corpus to mapping of training to columns
        Content of ``selected.json`` of the runs; a training is named ``r<repeat>_f<fold>``.
    """
    found = {}
    for one, other in combinations(selected, 2):
        shared = selected[one].keys() & selected[other].keys()
        values = [jaccard(selected[one][run], selected[other][run]) for run in sorted(shared)]
        if values:
            found[f"{one}_{other}"] = round(fmean(values), DIGITS)
    return found


def _of_system(folders: Mapping[str, Path]) -> dict[str, float] | dict[str, str]:
    """The overlaps of the runs of a system by corpus, or why one of them is absent."""
    for folder in folders.values():
        if reason := absent(folder):
            return {"absent": reason}
    return overlaps({corpus: read_json(run / "selected.json") for corpus, run in folders.items()})


def write(
    runs: Path, prefix: str, systems: Collection[str], corpora: Collection[str], metrics: Path
) -> None:
    """Write the overlaps of every system between every two corpora, or why it has none, under ``absent``.

    Parameters
    ----------
    runs : Path
        ``data/runs/<paper>``; a run is named ``<prefix><system>_<corpus>``.
    metrics : Path
        JSON to write.
    """
    found = {}
    for system in systems:
        found[system] = _of_system({c: runs / f"{prefix}{system}_{c}" for c in corpora})
    write_json(metrics, found)
