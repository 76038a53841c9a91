"""The inputs of an experiment, computed by the stage scripts without DVC.

``mer.pipeline.real_run`` and ``benchmarks/gpu.py`` train experiments fold by fold until a time, which DVC
cannot: a stage of DVC runs as a whole.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from mer import config
from mer.selection import DATA, Selection

Command = tuple[str, ...]

log = logging.getLogger("mer")


def needed(given: Mapping[str, str], profile: str, seed: int) -> list[Path]:
    """The artefacts that an experiment reads, the folds first.

    Parameters
    ----------
    given : mapping of str to str
        See ``mer.pipeline.experiment.run``.
    """
    corpora = [given[key] for key in ("dataset", "source") if key in given]
    chosen = [Selection.of({**given, "dataset": key}, profile, seed) for key in corpora]
    found = [each.folds for each in chosen]
    found += [each.folder("mel") for each in chosen if each.view != "none"]
    found += [each.folder("features") for each in chosen if each.family != "none"]
    if given["augmented"] != "none/none":
        found.append(DATA / "augmented" / given["augmented"] / given["dataset"])
    if "weights" in given:
        found.append(DATA / "weights" / given["weights"])
    return found


def _corpus(dataset: str) -> list[Command]:
    """The commands that index and standardize a corpus, or split its clips into segments."""
    if (DATA / "standard" / dataset).exists():
        return []
    segmented, merged = config.read("segmented_corpora", "merged_corpora")
    if dataset in segmented:
        return [*_corpus(segmented[dataset].of), ("split_clips", dataset)]
    before: list[Command] = []
    if dataset in merged:
        before = [("index", member) for member in merged[dataset].of]
        before.append(("merge_corpora", dataset))
    return [*before, ("index", dataset), ("standardize", dataset)]


def commands(artefact: Path) -> list[Command]:
    """The names and words of the stage scripts that compute an artefact, in their order.

    Scripts whose output exists are left out. Folds have no script here: ``split_corpus`` makes them.

    Parameters
    ----------
    artefact : Path
        ``data/mel/<view>/<dataset>`` and the like.
    """
    if artefact.exists():
        return []
    kind, *names = artefact.relative_to(DATA).parts
    if kind == "weights":
        (models,) = config.read("models")
        return [("weights", f"{'models' if names[0] in models else 'families'}.{names[0]}")]
    before, (joined,) = _corpus(names[-1]), config.read("joined_families")
    for join in joined if kind == "features" else ():
        if join.name == names[0]:
            sides = [artefact.parents[1] / side / names[-1] for side in (join.left, join.right)]
            before += [command for side in sides for command in commands(side)]
            last = ("join_features", join.name, join.left, join.right, names[-1])
            return list(dict.fromkeys([*before, last]))
    return [*before, ({"augmented": "augment"}.get(kind, kind), *names)]


def run_stage(*words: str) -> None:
    """Run a stage script in a process of its own."""
    started = time.time()
    subprocess.run([sys.executable, f"stages/{words[0]}.py", *words[1:]], check=True)
    log.info("%s: %.1f s", " ".join(words), time.time() - started)


def prepare(artefact: Path) -> None:
    """Compute an artefact, and what it needs, unless it exists.

    Raises
    ------
    subprocess.CalledProcessError
        If a stage script fails; it has printed why.
    """
    for words in commands(artefact):
        run_stage(*words)


def split_corpus(dataset: str, profile: str) -> None:
    """Write the folds of a corpus by every protocol, as many as the profile says.

    The corpus is standardized before, if it is not. Folds that exist are overwritten, as they may be those
    of another profile.
    """
    for words in _corpus(dataset):
        run_stage(*words)
    (segmented,) = config.read("segmented_corpora")
    source = segmented[dataset].of if dataset in segmented else dataset
    run_stage("folds", source, profile)
    if source != dataset:
        run_stage("split_folds", dataset)
