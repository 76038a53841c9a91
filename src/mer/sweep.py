"""Every experiment of ``papers/``, corpora side by side: DVC alone runs one stage after the other."""

import os
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from mer.papers import Papers, corpus_of

# They may meet on one stage: of another corpus, of another experiment, of weights.
MEETING = ("cross", "transfer", "brought")


def shares(papers: Papers, count: int) -> list[list[str]]:
    """Stages of papers/dvc.yaml in at most ``count`` shares of about as many, no two of which meet.

    Whatever reads a corpus stands in one share, so that none prepares what another is preparing; what
    reads two corpora, or other experiments, stands in none.
    """
    of_corpus: dict[str, list[str]] = defaultdict(list)
    for group, experiments in papers.groups.items():
        if group not in MEETING:
            for key, experiment in experiments.items():
                of_corpus[corpus_of(experiment)].append(papers.stages[key])
    found: list[list[str]] = [[] for _ in range(min(count, len(of_corpus)))]
    for stages in sorted(of_corpus.values(), key=len, reverse=True):
        min(found, key=len).extend(stages)
    return found


def _repro(*targets: str, **settings: str) -> int:
    command = ["dvc", "--wait-for-lock", "repro", *targets]
    return subprocess.run(command, env=os.environ | settings, check=False).returncode


def sweep(papers: Papers, count: int) -> int:
    """Run the shares at once, then whatever is left, tables last.

    A share that fails leaves the rest of it to the last run, which says why.

    Returns
    -------
    code : int
        The last run's exit status.
    """
    if failed := _repro("validate"):
        return failed
    work = [[f"papers/dvc.yaml:{stage}" for stage in share] for share in shares(papers, count)]
    with ThreadPoolExecutor(len(work)) as pool:
        list(pool.map(lambda targets: _repro(*targets, MER_JOBS="1"), work))
    return _repro("papers/dvc.yaml")
