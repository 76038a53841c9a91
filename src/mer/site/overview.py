"""The page that lists the tables, those of the papers and of this project: how much of each was run."""

from collections import Counter

from mer.reproduction.results import state
from mer.reproduction.spec import Papers, Table
from mer.reproduction.table_files import markdown_row
from mer.site.scores import page_of

STATES = {
    "done": "measured in full",
    "in part": "in part",
    "demo only": "demo only",
    "absent": "not run",
}
INTRODUCTION = """# Tables

Every table of the papers, and the tables of this project beside them, cell by cell, from
`metrics/experiments`.

- **Measured in full**: on the real corpus, under the whole protocol.
- **In part**: on the real corpus, with fewer folds or other parameters.
- **Demo only**: on a rendered miniature, which proves that the experiment runs, not that a system is good.
- **Not run**: `mer status` names what is missing.

See also the [leaderboards](leaderboards.md), [how much leaks raise scores](leaks.md),
[what the runs cost](costs.md), [performance](performance.md) and [reliability](reliability.md).

The page of a table has the command of every experiment, with its confusion matrix and, of networks, its
learning curve. Results of an earlier version lack them.
"""


def _counts(papers: Papers, table: Table) -> list[str]:
    found = Counter(state(papers, table, row, c)[0] for row in table.rows for c in table.columns)
    return [str(found[name]) for name in STATES]


def page(papers: Papers) -> str:
    """tables.md."""
    text = [INTRODUCTION.strip()]
    for key, paper in papers.papers.items():
        lines = [f"| table | {' | '.join(STATES.values())} |", "| --- | --: | --: | --: | --: |"]
        for name, table in papers.tables.items():
            if table.paper == key:
                link = f"[{table.title}]({page_of(name)}.md)"
                lines.append(markdown_row([link, *_counts(papers, table)]))
        text += [f"## {paper.title}", "\n".join(lines)]
    return "\n\n".join(text) + "\n"
