"""A table of scores whose intervals are drawn: HTML with inline SVG, without scripts."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mer.io.templates import template
from mer.report.axis import Axis
from mer.site.scores import Score

GROUPS = {
    "whole": "",
    "unranked": "Not ranked: labels of test songs had a part in the training or in the choice of columns, "
    "or may have had one, as in released code",
    "part": "Part of the protocol, or other parameters",
    "published": "Published, and not run here on the real corpus",
    "constant": "Without learning: always the same answer",
}


def render(name: str, **context: Any) -> str:
    """A template of this folder, on consecutive lines: Markdown ends a block of HTML at an empty one."""
    text = template(Path(__file__).with_name(name)).render(context)
    return "\n".join(line for line in text.splitlines() if line.strip())


def draw(caption: str, scores: Sequence[Score], top: str, ranked: bool = False) -> str:
    """The scores as rows of a table, each with its interval, in groups by their states.

    Parameters
    ----------
    top : str
        Way from the page to the top of the site: ``""`` or ``"../"``.
    ranked : bool
        Whether each group is sorted, and the first one numbered.
    """
    groups = [(GROUPS[state], _sorted(scores, state, ranked)) for state in GROUPS]
    drawn = [score for score in scores if score.state != "constant"] or scores
    return render(
        "intervals.html",
        caption=caption,
        groups=[group for group in groups if group[1]],
        axis=Axis.around([value for score in drawn for value in score.values], lowest=-1),
        published=any(score.published is not None for score in scores),
        top=top,
        ranked=ranked,
    )


def _sorted(scores: Iterable[Score], state: str, ranked: bool) -> list[Score]:
    found = [score for score in scores if score.state == state]
    return sorted(found, key=_rank) if ranked else found


def _rank(score: Score) -> float:
    return -next(value for value in (score.value, score.published) if value is not None)
