"""Run all experiments of ``papers/`` in parallel; DVC itself runs one stage after the other."""

import os
import subprocess
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import networkx as nx
from dvc.repo import Repo

from mer.reproduction.spec import Papers
from mer.reproduction.visible import COMMAND, show_papers

EVERY = "papers/dvc.yaml"
FIRST = ("sources", "validate", "papers/corpora/dvc.yaml:nothing")  # what all experiments read
# Stages of these groups share inputs, a second corpus, weights or the run of another experiment. They would
# join the stages of many experiments into one list.
LATER = ("cross", "transfer", "pretrained")


def pipeline() -> nx.DiGraph:
    """The graph of all stages by name, with an edge from each stage to the stages that it needs."""
    show_papers()
    found = Repo().index.graph
    return nx.relabel_nodes(found, {stage: stage.addressing for stage in found})


def plans(graph: nx.DiGraph, wanted: Collection[str], done: Collection[str]) -> list[list[str]]:
    """Lists of stages that can run in parallel, the longest list first.

    The lists have the wanted stages and the stages that they need, without those that are done. Within a
    list, a stage follows the stages that it needs; no stage needs a stage of another list, because DVC
    refuses to read an output that another process writes.
    """
    needed = set(wanted).union(*(nx.descendants(graph, name) for name in wanted)) - set(done)
    left = graph.subgraph(needed)
    order = list(nx.topological_sort(left))[::-1]
    parts = sorted(nx.weakly_connected_components(left), key=lambda part: (-len(part), min(part)))
    return [[name for name in order if name in part] for part in parts]


def _repro(*words: str, **settings: str) -> int:
    command = [*COMMAND, "repro", *words]
    return subprocess.run(command, env=os.environ | settings, check=False).returncode


def run_all(papers: Papers, count: int, *targets: str) -> int:
    """Run the experiments in parallel, then the targets with the stages that are still missing.

    If a list of stages fails, the last run tries its remaining stages again and shows the error.

    Parameters
    ----------
    targets : str
        Targets for ``dvc repro``: ``EVERY``, or some tables.

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
