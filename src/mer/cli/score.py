"""Score predictions of any program on the folds of a protocol, beside own runs and the ledger."""

import argparse
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from mer.cli._console import say
from mer.cli._corpus import (
    advice_for_options,
    corpus_and_protocol,
    numbers_of_folds,
    prepared,
    protocol_and_seed,
)
from mer.cli._systems import HEADINGS, WIDTH, ledger, p_legend, project_runs, table
from mer.metrics import BOUNDS
from mer.reproduction.pairing import on_same_folds
from mer.schema import ProtocolName
from mer.targets.labels import TARGETS

YOURS = "yours"


def arguments(parser: argparse.ArgumentParser) -> None:
    """``<dataset> <predictions> [--protocol grouped] [--target quadrant]``."""
    corpus_and_protocol(parser, get_args(ProtocolName))
    parser.add_argument(
        "predictions",
        type=Path,
        help="CSV with a row per repeat and test clip: id, repeat, and class or p_<class> of each class, "
        "or valence and arousal",
    )
    parser.add_argument("--target", choices=TARGETS, default="quadrant", help="what is predicted")
    parser.add_argument("--out", type=Path, help="JSON file for all scores")


def _details(facts: dict[str, Any]) -> str:
    """The scores, without their deviations and intervals."""
    scores = [name for name in facts if name.split("_")[0] in BOUNDS]
    shown = [name for name in scores if not name.endswith(("_sd", "_low", "_high"))]
    return ", ".join(f"{name} {facts[name]:.4f}" for name in shown)


def run(console: Console, given: argparse.Namespace) -> None:
    """Print the scores of the predictions, of own runs and of the ledger on the same folds, the best first,
    with intervals and a paired test; write ``--out``.

    The program takes the predictions as they are: it cannot know whether a training saw test clips.

    Raises
    ------
    MerError
        If the corpus is not prepared or does not allow the protocol or the target, or the table lacks test
        clips or has others.
    """
    from mer.io.files import check_apart, check_writable, followed, write_json
    from mer.pipeline.external_predictions import score  # which loads scikit-learn

    index, standard = prepared(given.dataset)
    if given.out:
        check_apart(given.out, [index, standard, given.predictions])
        check_writable(given.out)
    protocol, seed = protocol_and_seed(given)
    numbers = numbers_of_folds(protocol, given)
    form = {"target": given.target, "protocol": protocol, "seed": seed, **numbers}
    with advice_for_options():
        facts = score(given.predictions, index, standard, **form)
    if given.out:
        write_json(followed(given.out), facts)
    if not console.is_terminal:
        console.width = WIDTH
    scored = [run for run in (*project_runs(), *ledger()) if HEADINGS.keys() & run[1].keys()]
    same = [run for run in scored if on_same_folds(run[1], facts)]
    console.print(table([(YOURS, facts), *same]), "")
    say(console, f"{YOURS}: {_details(facts)}")
    say(console, p_legend())
