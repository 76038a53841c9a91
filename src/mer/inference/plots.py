"""Pictures of answers: Russell's plane with the path of each song, and the timeline of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mer.errors import MerError
from mer.inference.answers import SongAnswer
from mer.inference.system import System
from mer.io.files import followed, writing_file
from mer.runtime.error_messages import printable
from mer.targets import labels
from mer.types import EMOTIONS, QUADRANTS, SIGNS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES = 8  # songs whose paths and timelines are drawn; of more, only the points
MOST_NAMES = 16  # songs that have a colour and a name; of more, all points have one colour
AXES = {"arousal": "#c44536", "valence": "#197278"}
LONGEST_NAME = 32
SHORT = 120.0  # s; the timelines of songs up to this length have an axis of seconds


def _coordinates(answer: SongAnswer, axis: str) -> np.ndarray:
    """Position of each excerpt on an axis, -1..1: twice the probability of high, minus one."""
    high = np.isin(QUADRANTS, labels.HIGH[axis])
    return 2 * np.array(answer.values)[:, high].sum(axis=1) - 1


def _name(answer: SongAnswer) -> str:
    """The file name, as Matplotlib draws it: "$" begins no formula, and "_" hides no line of a legend."""
    name = printable(Path(answer.id).name).replace("\n", " ").replace("\t", " ")
    name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    return f"{' ' if name.startswith('_') else ''}{name}".replace("$", r"\$")


def _plane(axes: "Axes", found: Sequence[SongAnswer]) -> None:
    """Songs in Russell's plane: a point for each song, and its path, which begins at the small circle."""
    from matplotlib import colormaps

    named, colours = len(found) <= MOST_NAMES, colormaps["tab10" if len(found) <= 10 else "tab20"]
    for name, (right, top) in SIGNS.items():
        axes.text(
            0.96 * right,
            0.94 * top,
            f"{EMOTIONS[name]} ({name})",
            color="0.45",
            fontsize=11,
            ha="right" if right > 0 else "left",
            va="center",
        )
    for number, answer in enumerate(found):
        colour = colours(number) if named else AXES["valence"]
        x, y = (_coordinates(answer, axis) for axis in ("valence", "arousal"))
        if len(found) <= MOST_LINES and len(x) > 1:
            axes.plot(x, y, color=colour, alpha=0.45, linewidth=1.2)
            axes.plot(x[0], y[0], "o", color=colour, markersize=4, markerfacecolor="white")
        label = _name(answer) if named else None
        mark: Any = {"color": colour, "markersize": 8, "alpha": 1.0 if named else 0.6}
        axes.plot(x.mean(), y.mean(), "o", label=label, **mark)
    axes.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.set(xlim=(-1.04, 1.04), ylim=(-1.04, 1.04), aspect="equal")
    ticks: Any = {"ticks": (-1, -0.5, 0, 0.5, 1), "labels": ("0", "0.25", "0.5", "0.75", "1")}
    axes.set_xticks(**ticks)
    axes.set_yticks(**ticks)
    axes.set_xlabel("probability of high valence")
    axes.set_ylabel("probability of high arousal")


def _timeline(axes: "Axes", answer: SongAnswer, unit: float) -> None:
    """Probability of high arousal and of high valence along a song, a step per excerpt, with gaps where no
    excerpt was answered; the axis has units of so many seconds."""
    starts, ends = (np.array(times) / unit for times in (answer.starts, answer.ends))
    gaps = np.flatnonzero(ends[:-1] < starts[1:])
    edges = np.append(np.insert(starts, gaps + 1, ends[gaps]), ends[-1])
    for axis, colour in AXES.items():
        axes.stairs(
            np.insert((_coordinates(answer, axis) + 1) / 2, gaps + 1, np.nan),
            edges,
            baseline=None,
            color=colour,
            label=axis,
            linewidth=1.8,
        )
    axes.axhline(0.5, color="0.7", linewidth=0.8, zorder=0)
    axes.set(ylim=(-0.04, 1.04), xlim=(edges[0], edges[-1]), yticks=(0, 0.5, 1))
    axes.set_title(_name(answer), fontsize=9, loc="left")


def check(system: System) -> None:
    """Refuse a system whose answers cannot be drawn.

    Raises
    ------
    MerError
        If the system does not predict quadrants.
    """
    if system.target.names != QUADRANTS:
        raise MerError(
            f"--plot needs a system of target=quadrant, and this is one of target={system.about.target}; "
            "leave --plot out, or choose another --system"
        )


def write(target: Path, system: System, found: Sequence[SongAnswer]) -> None:
    """Write the picture of songs: the plane, and beside it the timelines of up to eight songs.

    The system must pass ``check``.
    """
    from matplotlib.figure import Figure

    drawn = found if len(found) <= MOST_LINES else ()
    figure = Figure(figsize=(12.5 if drawn else 7.5, 7.5), layout="constrained")
    grid = figure.add_gridspec(max(len(drawn), 1), 2 if drawn else 1)
    plane = figure.add_subplot(grid[:, 0])
    _plane(plane, found)
    if len(found) <= MOST_NAMES:
        figure.legend(
            *plane.get_legend_handles_labels(),
            loc="outside lower left",
            ncols=2,
            fontsize=8,
            frameon=False,
        )
    short = all(answer.ends[-1] <= SHORT for answer in drawn)
    for row, answer in enumerate(drawn):
        axes = figure.add_subplot(grid[row, 1])
        _timeline(axes, answer, 1 if short else 60)
        if row == 0:
            axes.legend(
                loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8, frameon=False
            )
        if row == len(drawn) - 1:
            axes.set_xlabel("seconds" if short else "minutes")
    if system.warning:
        figure.suptitle(f"Warning: {system.warning}", color="#c44536", fontsize=9, wrap=True)
    with writing_file(followed(target)) as new:
        figure.savefig(new, format=target.suffix[1:], dpi=150)
