"""Every experiment of ``papers/``, corpora side by side: DVC alone runs one stage after the other."""

import os
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import networkx as nx
from dvc.repo import Repo

from mer.papers import Papers, corpus_of

EVERY = "papers/dvc.yaml"
FIRST = "validate"
# They may meet on one stage: of another corpus, of another experiment, of weights.
MEETING = ("cross", "transfer", "brought")


def shares(papers: Papers) -> list[list[str]]:
    """Stages of all experiments, corpus by corpus, the longest share first; no two shares meet.

    Whatever reads a corpus stands in one share, so that none prepares what another is preparing; what
    reads two corpora, or other experiments, stands in none.
    """
    of_corpus: dict[str, list[str]] = defaultdict(list)
    for group, experiments in papers.groups.items():
        if group not in MEETING:
            for key, experiment in experiments.items():
                of_corpus[corpus_of(experiment)].append(papers.stages[key])
    return sorted(of_corpus.values(), key=len, reverse=True)


def plans(shares: list[list[str]]) -> list[list[str]]:
    """The shares with all that their stages need, in an order that they can be run in.

    Without ``validate``, which all need: DVC lets two processes run stages that read one output, but
    not one of them look after it.
    """
    graph = Repo().index.graph  # from a stage to those that it needs
    graph = nx.relabel_nodes(graph, {stage: stage.addressing for stage in graph})
    graph.remove_node(FIRST)
    order = list(nx.topological_sort(graph))[::-1]
    found = []
    for share in shares:
        wanted = set(share).union(*(nx.descendants(graph, name) for name in share))
        found.append([name for name in order if name in wanted])
    return found


def _repro(*words: str, **settings: str) -> int:
    command = ["dvc", "--wait-for-lock", "repro", *words]
    return subprocess.run(command, env=os.environ | settings, check=False).returncode


def sweep(papers: Papers, count: int) -> int:
    """Run the shares, so many at once, then whatever is left, tables last.

    A share that fails leaves the rest of it to the last run, which says why.

    Returns
    -------
    code : int
        The last run's exit status.
    """
    if failed := _repro(FIRST):
        return failed
    work = plans(shares(papers))
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda plan: _repro("--single-item", *plan, MER_JOBS="1"), work))
    return _repro(EVERY)
