"""Train and score one experiment of a published table; a stage of ``papers/`` calls this."""

from collections.abc import Mapping
from pathlib import Path

from mer import config
from mer.io.artefacts import or_absent, require
from mer.pipeline import evaluate, train
from mer.selection import SELECTORS, Selection

METRICS, RUNS, PLOTS = Path("metrics/experiments"), Path("data/runs"), Path("data/plots")


def run(
    paper: str,
    key: str,
    given: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    profile: str,
    seed: int,
    first: int | None = None,
    until: float | None = None,
) -> dict[str, float]:
    """Write run, scores (``metrics/experiments/<paper>/<key>.json``) and confusion matrix.

    An absent input leaves the reason in place of scores.

    Parameters
    ----------
    given : mapping of str to str
        The selectors but ``profile`` and ``seed``; ``source``, a corpus to train on in place of the tested
        one; ``parent``, an experiment whose network is trained further; ``weights``, what a user has to
        bring.
    settings : mapping of str to str
        Dotted keys of the model's block, and what replaces their values.
    first : int or None
        Train on so many folds only, whatever the profile says.
    until : float or None
        Time after which no fold is started: see ``mer.pipeline.train.run``.

    Returns
    -------
    dict of str to float
        How long the trainings took: see ``mer.pipeline.train.timing``; empty where an input was absent.
    """
    selectors = {k: given[k] for k in SELECTORS if k in given}
    chosen = Selection(**selectors, profile=profile, seed=seed)
    params, policy, part = chosen.blocks()
    if first:
        part = part.model_copy(update={"first": first})
    params, runs = config.changed(params, settings), RUNS / paper
    parent = runs / given["parent"] if "parent" in given else None
    timing: dict[str, float] = {}
    with or_absent(runs / key, **chosen.used):
        if "weights" in given:
            require(Path("data/weights", given["weights"]))
        timing = train.run(
            chosen,
            params,
            policy,
            part,
            runs / key,
            weights=chosen.model == "sincnet",
            source=given.get("source"),
            parent=parent,
            until=until,
        )
    evaluate.experiment(runs / key, METRICS / paper / f"{key}.json", PLOTS / paper / f"{key}.csv")
    return timing
