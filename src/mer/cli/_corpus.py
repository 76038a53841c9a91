"""Arguments of the commands that split a prepared corpus, and what they mean."""

import argparse
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mer import config
from mer.cli._numbers import at_least
from mer.errors import MerError
from mer.types import FOLDS_AND_REPEATS


def corpus_and_protocol(parser: argparse.ArgumentParser, protocols: Sequence[str]) -> None:
    """``<dataset> [--protocol grouped] [--seed 1] [--folds 10] [--repeats 10]``."""
    parser.add_argument(
        "dataset", help="a prepared corpus: its stages index and standardize have run"
    )
    parser.add_argument(
        "--protocol",
        choices=protocols,
        default="default",
        help="how to split (default: the protocol of the corpus)",
    )
    parser.add_argument(
        "--seed", type=at_least(0), help="seed of random folds (default: that of params.yaml)"
    )
    parser.add_argument(
        "--folds", type=at_least(2), help="number of folds, in place of the protocol's"
    )
    parser.add_argument(
        "--repeats", type=at_least(1), help="number of repeats, in place of the protocol's"
    )


def protocol_and_seed(given: argparse.Namespace) -> tuple[str, int]:
    """The protocol and the seed of ``given``, or else those of the corpus and of params.yaml."""
    protocol, seed = given.protocol, given.seed
    if protocol == "default":
        (protocol,) = config.read(f"corpora.{given.dataset}.protocol")
    if seed is None:
        (seed,) = config.read("seed")
    return protocol, seed


def numbers_of_folds(protocol: str, given: argparse.Namespace) -> dict[str, int | None]:
    """``folds`` and ``repeats`` of ``given``, None for the protocol's.

    Raises
    ------
    MerError
        If the protocol fixes a number that is given.
    """
    found: dict[str, int | None] = {}
    for place, name in enumerate(("folds", "repeats")):
        fitting = [key for key, numbers in FOLDS_AND_REPEATS.items() if numbers[place] > 1]
        found[name] = getattr(given, name)
        if found[name] and protocol not in fitting:
            raise MerError(
                f"--{name} must be left out with protocol {protocol!r}, which has a fixed number of "
                f"{name}, and {found[name]} was given; leave it out, or choose one of {fitting}"
            )
    return found


@contextmanager
def advice_for_options() -> Iterator[None]:
    """Turn the advice of an error about parameters of the pipeline into advice about options."""
    try:
        yield
    except MerError as error:
        from mer.splits import ANY_PROFILE  # which loads scikit-learn

        parameter = rf"-S (?:{re.escape(ANY_PROFILE)})?(\w+)="
        raise MerError(re.sub(parameter, r"--\1 ", str(error))) from error


def prepared(dataset: str) -> tuple[Path, Path]:
    """``data/index/<dataset>`` and ``data/standard/<dataset>``.

    Raises
    ------
    MerError
        If the corpus is unknown or not prepared, or a segmented one, whose split would divide the parts of
        a clip.
    """
    segmented, corpora = config.read("segmented_corpora", "corpora")
    if dataset in segmented:
        source = segmented[dataset].of
        raise MerError(
            f"the corpus must be one of whole clips, and {dataset!r} has parts of the clips of {source!r}; "
            f"name {source!r}, whose folds it has, each clip replaced by its parts"
        )
    if dataset not in corpora:
        raise MerError(
            f"the corpus must be one of {sorted(corpora)}, not {dataset!r}; add a block to "
            "params/corpora.yaml"
        )
    folders = Path("data/index", dataset), Path("data/standard", dataset)
    if missing := [folder for folder in folders if not folder.is_dir()]:
        raise MerError(
            f"{missing[0]} must be there; select the corpus (`mer select dataset={dataset}`), and run "
            f"`dvc repro data/dvc.yaml:standardize@{dataset}`"
        )
    return folders
