"""Drawings beside the command of an experiment: its confusion matrix and its learning curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mer.report.curves import phase_name, points

WIDTH, HEIGHT = 300, 100  # of a learning curve, in the units of its SVG


@dataclass(frozen=True)
class Phase:
    """The training accuracy of one phase: a line from ``start`` on, in the units of the SVG."""

    name: str
    start: float
    points: str


@dataclass(frozen=True)
class Curve:
    """Training accuracy of each epoch, 0 at the bottom and 1 at the top, one phase behind the other."""

    epochs: int
    last: float
    phases: Sequence[Phase]


def confusion(counts: Mapping[str, Sequence[int]]) -> dict[str, list[tuple[int, float]]]:
    """Actual class -> for each predicted class, the count and its share of the actual class.

    Parameters
    ----------
    counts : mapping of str to sequence of int
        Actual class -> counts of the predicted classes, in the same order; empty where they are not known.
    """
    return {name: [(n, n / max(sum(row), 1)) for n in row] for name, row in counts.items()}


def curve(phases: Mapping[str, Mapping[str, Sequence[float]]]) -> Curve | None:
    """The learning curves, drawn; None where there are none, or only the loss of values.

    Parameters
    ----------
    phases : mapping
        Phase -> ``accuracy`` -> mean over the trainings that reach an epoch, of each epoch.
    """
    lines = {name: columns["accuracy"] for name, columns in phases.items() if "accuracy" in columns}
    epochs = sum(map(len, lines.values()))
    if not epochs:
        return None
    drawn, before = [], 0
    for name, line in lines.items():
        at = [WIDTH * (before + i + 0.5) / epochs for i in range(len(line))]
        heights = [HEIGHT * (1 - value) for value in line]
        places = zip(at, heights, strict=True)
        drawn.append(Phase(phase_name(name), WIDTH * before / epochs, points(places)))
        before += len(line)
    return Curve(epochs, line[-1], drawn)
