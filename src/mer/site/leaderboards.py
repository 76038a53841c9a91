"""The page of leaderboards: one per corpus, target and protocol, of all published tables."""

from mer.report.page import PROTOCOLS
from mer.reproduction.spec import Papers
from mer.site import intervals, scores
from mer.site.scores import Score

Board = tuple[str, str, str]
RUN = ("whole", "unranked", "part")
INTRODUCTION = """# Leaderboards

Every system that was run on a real corpus, by corpus, target and protocol. Scores of different protocols
cannot be compared, so each protocol has a leaderboard of its own.

- **Score** (dot) is the mean over the test folds: macro-F1 of classes, concordance correlation of values.
  It links to the command that makes it again.
- **95 % interval** (line) is a bootstrap over clips. Systems whose lines overlap may differ by chance. It
  leaves out that another seed trains another network, so scores of networks can differ by more.
- **Published** (diamond) is the figure of the paper.
- Only results of the whole protocol, with the committed parameters, are ranked, and only where the labels
  of test songs had no part in the training or in the choice of its columns. The authors of 4QAED chose
  the top-100 columns on all of its songs, so systems with these columns are not ranked. C and gamma of an
  SVM without a search were chosen on all of them too; these two numbers keep no system out. Scores of the
  rendered demo corpora say nothing about music and are not here.
"""


def boards(papers: Papers) -> dict[Board, list[Score]]:
    """The scores by corpus, target and protocol, each run once, where a system was run on the real
    corpus; the longest first."""
    found: dict[Board, dict[tuple[object, ...], Score]] = {}
    for name, row, column, experiment in scores.cells(papers):
        if score := scores.score(papers, name, row, column):
            board = (experiment.dataset, experiment.target, experiment.protocol)
            figures = (score.value, score.low, score.high)
            measured = score.value is not None
            same = (score.parts, score.state, *(figures if measured else (score.system,)))
            earlier = found.setdefault(board, {}).get(same)
            if earlier is None or (earlier.published is None and score.published is not None):
                found[board][same] = score
    listed = {board: [*every.values()] for board, every in found.items()}
    kept = [board for board in listed if any(score.state in RUN for score in listed[board])]
    return {board: listed[board] for board in sorted(kept, key=lambda b: -len(listed[b]))}


def page(papers: Papers) -> str:
    """leaderboards.md."""
    text = [INTRODUCTION.strip()]
    for (dataset, target, protocol), found in boards(papers).items():
        heading = f"{dataset}, {target}, {protocol}"
        text += [f"## {heading}", PROTOCOLS[protocol]]
        text += [intervals.draw(f"Leaderboard of {heading}", found, top="", ranked=True)]
    return "\n\n".join(text) + "\n"
