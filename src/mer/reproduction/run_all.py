"""Every experiment of ``papers/``, corpora side by side: DVC alone runs one stage after the other."""

import os
import subprocess
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import networkx as nx
from dvc.repo import Repo

from mer.reproduction.spec import Papers
from mer.reproduction.visible import COMMAND, show_papers

EVERY = "papers/dvc.yaml"
FIRST = ("validate", "papers/corpora/dvc.yaml:nothing")  # what all experiments read
# What reads other experiments, or a corpus that others read, comes after them.
LATER = ("cross", "transfer", "brought")


def pipeline() -> nx.DiGraph:
    """Every stage's name, with an edge to each stage that it needs."""
    show_papers()
    found = Repo().index.graph
    return nx.relabel_nodes(found, {stage: stage.addressing for stage in found})


def plans(graph: nx.DiGraph, wanted: Collection[str], done: Collection[str]) -> list[list[str]]:
    """The stages wanted and all that they need, but for those that are done, each after what it needs.

    In as many lists as can be run at once, the longest first: DVC lets two processes run stages that read
    one output, but not one of them write it. No stage of one list needs one of another.
    """
    needed = set(wanted).union(*(nx.descendants(graph, name) for name in wanted)) - set(done)
    left = graph.subgraph(needed)
    order = list(nx.topological_sort(left))[::-1]
    parts = sorted(nx.weakly_connected_components(left), key=lambda part: (-len(part), min(part)))
    return [[name for name in order if name in part] for part in parts]


def _repro(*words: str, **settings: str) -> int:
    command = [*COMMAND, "repro", *words]
    return subprocess.run(command, env=os.environ | settings, check=False).returncode


def sweep(papers: Papers, count: int, *targets: str) -> int:
    """Run the experiments, so many at once, then the targets, with whatever they need that is left.

    A list of stages that fails leaves the rest of it to the last run, which says why.

    Parameters
    ----------
    targets : str
        Words for ``dvc repro``: ``EVERY``, or some tables.

    Returns
    -------
    code : int
        The last run's exit status.
    """
    if failed := _repro(*FIRST):
        return failed
    graph, stages, done = pipeline(), papers.stages, set(FIRST)
    later = {stages[key] for name in LATER for key in papers.groups[name]}
    for wanted in (set(stages.values()) - later, later):
        work = plans(graph, wanted, done)
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda plan: _repro("--single-item", *plan, MER_JOBS="1"), work))
        done.update(*work)
    return _repro(*targets)
