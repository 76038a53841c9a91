"""The scores of the published tables, as the pages of the site draw and link them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mer.metrics import HEADLINE
from mer.reproduction.results import (
    changed_parameters,
    is_uncommitted,
    may_see_test_clips,
    real,
    results,
    share_of_protocol,
)
from mer.reproduction.spec import Experiment, Papers, Table
from mer.reproduction.table_files import UNCOMMITTED, published_text
from mer.schema.profiles import WHOLE
from mer.types import MINIATURE

MAIN = tuple(HEADLINE.values())  # the scores that a leaderboard ranks
AND = "… and "  # begins the title of a row that adds to the one before it
SELECTED = ("family", "view", "augment")


@dataclass(frozen=True)
class Score:
    """One score of one cell of a published table.

    Attributes
    ----------
    state : ``whole``: of the whole protocol. ``unranked``: the same, and its training may see test songs.
        ``part``: of a part of the protocol, or with other parameters. ``published``: the paper's alone.
        ``constant``: of the constant predictor
    system, parts, note : title of the row; what was selected; differences from the paper
    link : address of the command that made the score, from the top of the site
    published_text : the published figure with the decimals of the paper
    """

    state: str
    system: str
    parts: str
    note: str
    link: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    published: float | None = None
    published_text: str = ""

    @property
    def values(self) -> list[float]:
        """All that is drawn of it."""
        shown = (self.value, self.low, self.high, self.published)
        return [value for value in shown if value is not None]


def page_of(name: str) -> str:
    """Address of the page of a table, from the top of the site, without its ending."""
    return f"tables/{name}"


def anchor(key: str, prefix: str) -> str:
    """The place on a table's page that holds the command behind a figure."""
    return f"{prefix if prefix == MINIATURE else ''}{key}"


def title(table: Table, row: str) -> str:
    """Title of a row; one that begins with ``… and`` follows on the title before it."""
    earlier = ""
    for key, found in table.rows.items():
        if not found.title.startswith(AND):
            earlier = found.title
        if key == row:
            break
    own = table.rows[row].title
    return f"{earlier} and {own.removeprefix(AND)}" if own.startswith(AND) else own


def parts(experiment: Experiment) -> str:
    """Model and inputs of an experiment, and the corpus that it was trained on if that is another."""
    chosen = [getattr(experiment, name) for name in SELECTED]
    shown = [experiment.model, *(name for name in chosen if name != "none")]
    source = getattr(experiment, "source", None)
    return ", ".join(shown) + (f"; trained on {source}" if source else "")


def _note(table: Table, row: str, facts: dict[str, Any]) -> str:
    """The reason why a score cannot stand beside the published one."""
    found = [
        share_of_protocol(facts),
        "" if facts.get("profile", WHOLE) == WHOLE else f"profile {facts['profile']}",
    ]
    found += [changed_parameters(facts), UNCOMMITTED if is_uncommitted(facts) else ""]
    return "; ".join(filter(None, [*found, table.rows[row].note]))


def _state(prefix: str, facts: dict[str, Any], name: str) -> str:
    if name not in facts:
        return "published"
    if facts["model"] == "constant":
        return "constant"
    if prefix:
        return "part"
    return "unranked" if may_see_test_clips(facts) else "whole"


def score(
    papers: Papers, name: str, row: str, column: str, metric: str | None = None
) -> Score | None:
    """A score of a cell; None if it was neither published nor measured on a real corpus.

    Parameters
    ----------
    name : str
        Key of the table.
    metric : str or None
        Metric of the table; None for the one that a leaderboard ranks.
    """
    table = papers.tables[name]
    key = table.key(row, column)
    experiment = papers.find(key)
    if not isinstance(experiment, Experiment):
        return None
    prefix, facts = real(results(table.paper, key))
    metric = metric or next((main for main in MAIN if main in facts), MAIN[0])
    figure = table.name(metric, row, column)
    published = table.rows[row].published.get(metric, {}).get(column)
    if figure not in facts and published is None:
        return None
    place = f"#{anchor(key, prefix)}" if facts else ""
    return Score(
        state=_state(prefix, facts, figure),
        system=title(table, row),
        parts=parts(experiment),
        note=_note(table, row, facts),
        link=f"{page_of(name)}.html{place}",
        value=facts.get(figure),
        low=facts.get(f"{figure}_low"),
        high=facts.get(f"{figure}_high"),
        published=published,
        published_text=published_text(table, metric, published),
    )


def cells(papers: Papers) -> Iterator[tuple[str, str, str, Experiment]]:
    """Every cell that has an experiment with scores: table, row, column, experiment."""
    for name, table in papers.tables.items():
        for row in table.rows:
            for column in table.columns:
                experiment = papers.find(table.key(row, column))
                if isinstance(experiment, Experiment):
                    yield name, row, column, experiment
