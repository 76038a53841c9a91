"""Look for faults in a corpus: bad files, duplicates, label conflicts, artists on two sides of a split."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from mer import config
from mer.cli._console import counted, say
from mer.errors import MerError
from mer.io.files import check_apart, check_writable, followed, write_json

if TYPE_CHECKING:
    from mer.audit.corpus import Audit
    from mer.audit.duplicates import Pair

EXAMPLES = 5
RAW = Path("data/raw")


def arguments(parser: argparse.ArgumentParser) -> None:
    """``<dataset> [--split folds.csv] [--with others …] [--out audit.json]``."""
    parser.add_argument(
        "dataset", help="a key of params/corpora.yaml, or a table of features in CSV"
    )
    parser.add_argument(
        "--split",
        type=Path,
        action="append",
        default=[],
        help="folds to look at besides those of the protocols: CSV with the columns id,side or id,fold",
    )
    parser.add_argument(
        "--with",
        dest="others",
        nargs="+",
        default=[],
        help="keys of corpora, or CSV lists whose first column holds ids or paths, that may have the same "
        "clips (default: the other corpora in data/raw)",
    )
    parser.add_argument("--out", type=Path, help="JSON file for all findings")


def _examples(items: Sequence[str]) -> str:
    """The first items, for the end of a line."""
    shown = "; ".join(items[:EXAMPLES])
    return f": {shown}{'; …' if items[EXAMPLES:] else ''}" if items else ""


def _pairs(pairs: Sequence["Pair"]) -> str:
    return counted(len(pairs), "pair") + _examples(
        [f"{pair.first} = {pair.second}" for pair in pairs]
    )


def _clips(pairs: Sequence["Pair"]) -> int:
    return len({id_ for pair in pairs for id_ in (pair.first, pair.second)})


def _of_clips(found: "Audit") -> Iterator[str]:
    counts = ", ".join(f"{n} {label}" for label, n in found.counts.items())
    classes = f" ({counts})" if counts else ""
    yield f"clips: {found.clips}{classes}, {found.against_published}"
    for fault in found.refused_labels:
        yield f"labels that the stage index refuses: {fault}"
    if found.unlabelled:
        examples = _examples(found.unlabelled)
        yield f"audio files without a label: {len(found.unlabelled)}{examples}"
    faults = [f"{id_}, {fault}" for id_, fault in found.unusable.items()]
    if "bytes" in found.duplicates:
        yield f"unusable files: {len(faults)}{_examples(faults)}"
    else:
        yield "no audio: only tables are compared"
    for by, pairs in found.duplicates.items():
        yield f"duplicates by {by}: {_clips(pairs)} clips in {_pairs(pairs)}"
    yield f"duplicates with different labels: {_pairs(found.conflicts)}"


def _of_artists(found: "Audit") -> Iterator[str]:
    known = found.artists
    if not known.named:
        yield "artists: none are named, so that no split can keep them apart"
        return
    yield (
        f"artists: {known.named} named, {known.repeated} of them with several clips "
        f"({known.clips_of_repeated} clips), {known.in_several_classes} in several classes; "
        f"{known.clips_without} clips without an artist"
    )
    for name, share in found.overlap.items():
        yield f"test clips whose artist is in training, {name}: {share:.1%}"


def _of_protocols(found: "Audit") -> Iterator[str]:
    if found.refused:
        yield f"protocols that cannot split it: {', '.join(found.refused)}"


def _of_others(found: "Audit") -> Iterator[str]:
    for name, shared in found.shared.items():
        yield (
            f"clips that are also in {name}: {len(shared.ids)}, {len(shared.relabelled)} of them with "
            f"another label; same file under another id: {len(shared.same_file)}"
        )
    if len(found.shared) > 1:
        every = found.shared.values()
        ids = {id_ for s in every for id_ in (*s.ids, *(own for own, _ in s.same_file))}
        yield f"clips that are also in any of these: {len(ids)}"


PARTS = (_of_clips, _of_artists, _of_protocols, _of_others)


def _columns(numbers: int, left_out: Sequence[str]) -> str:
    """How many columns are compared, and which of them the search for near duplicates leaves out."""
    if not left_out:
        return f"columns of numbers: {numbers}"
    return (
        f"columns of numbers: {numbers}, of which the search for near duplicates leaves out "
        f"{len(left_out)} with blank or infinite cells{_examples(left_out)}"
    )


def _of_table(path: Path) -> tuple[dict[str, object], Iterator[str]]:
    """The findings in a table of features, and their lines."""
    from mer.audit import tables  # which loads scikit-learn

    found = tables.audit(path)
    mixed = f"columns left out for cells that are no numbers: {len(found.mixed)}"
    lines = (
        f"rows: {found.rows}, {_columns(found.columns, found.left_out)}",
        *([f"{mixed}{_examples(found.mixed)}"] if found.mixed else []),
        f"rows that equal an earlier one in all columns of numbers: {len(found.exact)}",
        f"rows in near-duplicate pairs, those included: {_clips(found.near)} in {_pairs(found.near)}",
        f"near duplicates with different labels: {_pairs(found.conflicts)}",
    )
    return asdict(found), iter(lines)


def _of_corpus(given: argparse.Namespace) -> tuple[dict[str, object], Iterator[str]]:
    """The findings in a corpus, and their lines."""
    from mer.audit import corpus  # which loads scikit-learn

    corpora, limits, seed = config.read("corpora", "audio", "seed")
    if given.dataset not in corpora:
        raise MerError(
            f"the corpus must be a table that ends in .csv, or one of {sorted(corpora)}, not "
            f"{given.dataset!r}; add a block to params/corpora.yaml"
        )
    found = corpus.audit(
        given.dataset,
        corpora,
        RAW,
        limits=limits,
        seed=seed,
        split_files=given.split,
        others=given.others,
    )
    lines = (line for part in PARTS for line in part(found))
    return asdict(found), lines


def _inputs(given: argparse.Namespace) -> list[Path]:
    """The files and folders that the audit reads."""
    if given.dataset.endswith(".csv"):
        return [Path(given.dataset)]
    (corpora,) = config.read("corpora")
    names = [given.dataset, *(given.others or corpora)]
    return [*given.split, *(RAW / name if name in corpora else Path(name) for name in names)]


def run(console: Console, given: argparse.Namespace) -> None:
    """Write all findings to ``--out``, and print a line per kind.

    Raises
    ------
    MerError
        If the corpus is missing or does not follow its layout, a table cannot be read or has folds or other
        corpora beside it, or ``--out`` cannot be written or is part of what is read, which is found before
        the audit.
    """
    if given.out:
        check_apart(given.out, _inputs(given))
        check_writable(given.out)
    if given.dataset.endswith(".csv"):
        if given.split or given.others:
            raise MerError(
                "--split and --with must be left out for a table, which names no clips, and "
                f"{given.dataset} is one; name a corpus, or leave them out"
            )
        found, lines = _of_table(Path(given.dataset))
    else:
        found, lines = _of_corpus(given)
    if given.out:
        write_json(followed(given.out), found)
    for line in lines:
        say(console, line)
