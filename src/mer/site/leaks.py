"""The page of leaks: each system with and without the same mistake, on the same folds."""

from collections.abc import Iterator
from dataclasses import replace

from mer.metrics import p_text
from mer.reproduction.pairing import paired_tests
from mer.reproduction.results import real, results
from mer.reproduction.spec import Papers
from mer.site import intervals, scores
from mer.site.scores import Score, page_of
from mer.types import LEAKY

INTRODUCTION = """# How much leaks raise scores

A leak lets the training see the songs of the test part. Each pair below is one system on the same folds,
first without the leak and then with it. The gain is what the leak adds to the score, with the p value of
the corrected resampled t-test. On new songs the gain is lost. Both sides of a pair share what else the
labels of test songs had a part in: the authors of 4QAED chose the top-100 columns, C and gamma on all of
its songs.
"""


def _pair(papers: Papers, name: str, row: str, column: str) -> Iterator[Score]:
    """A system without and with its leak, if both were run on the whole protocol."""
    table = papers.tables[name]
    clean = row.removesuffix(LEAKY)
    without, leaky = (scores.score(papers, name, key, column) for key in (clean, row))
    if not (without and leaky) or {without.state, leaky.state} - {"whole", "unranked"}:
        return
    ours, theirs = (real(results(table.paper, table.key(key, column)))[1] for key in (row, clean))
    metric = next(main for main in scores.MAIN if main in ours)
    gain = f"gain {ours[metric] - theirs[metric]:+.4f}"
    p = paired_tests(ours, theirs, metric).get("p")
    tested = "" if p is None else f" (p: {p_text(p)})"
    yield replace(without, state="whole", note="")
    yield replace(leaky, state="whole", note=gain + tested)


def page(papers: Papers) -> str:
    """leaks.md."""
    text = [INTRODUCTION.strip()]
    for name, table in papers.tables.items():
        rows = [r for r in table.rows if r.endswith(LEAKY) and r.removesuffix(LEAKY) in table.rows]
        for column, spec in table.columns.items():
            pairs = [score for row in rows for score in _pair(papers, name, row, column)]
            if pairs:
                text += [f"## {spec.title}", intervals.draw(spec.title, pairs, top="")]
                text.append(f"All rows, those of a demo too: [{table.title}]({page_of(name)}.md).")
    return "\n\n".join(text) + "\n"
