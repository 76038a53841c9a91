"""Select a system: check the values given, then write them into params.yaml."""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from mer import compatibility, config, registry, selection
from mer.cli._console import say
from mer.contracts import checks
from mer.errors import MerError
from mer.io import yaml_files
from mer.io.files import write_bytes
from mer.schema.parameters import Params, file_of

TYPED = {"models": "model", "families": "family"}
PARAMETER = re.compile(r"-S (?=[\w.]+=)")


def arguments(parser: argparse.ArgumentParser) -> None:
    """``<key>=<value> …``."""
    parser.add_argument(
        "values",
        nargs="+",
        metavar="key=value",
        help="a selector, as in model=svm, or a dotted key, as in models.svm.c=4.0",
    )


def run(console: Console, given: argparse.Namespace) -> None:
    """Write the values, each into its own line of the file that holds it, if all files stay valid."""
    words, content = _words(given.values), config.load()
    originals = {file: file.read_bytes() for file in map(file_of, words)}
    texts = {file: original.decode("utf-8") for file, original in originals.items()}
    for key, value in words.items():
        file = file_of(key)
        texts[file] = replaced(texts[file], key, value, file)
    for file, text in texts.items():
        content |= yaml_files.parse(text, file)
    params = config.check(content)
    _check_blocks(params, words)
    for package, name in (("models", params.model), ("features", params.family)):
        if name in registry.names(package):
            checks.check(package, registry.get(package, name))
    _check_selection(params)
    _write(texts, originals)
    chosen = " ".join(f"{name}={getattr(params, name)}" for name in selection.SELECTORS)
    say(console, f"{chosen}\nRun it: dvc repro")


def _write(texts: Mapping[Path, str], originals: Mapping[Path, bytes]) -> None:
    """Write the files, with their line ends, unless another program has changed one in the meantime."""
    for file, text in texts.items():
        if file.read_bytes() != originals[file]:
            raise MerError(
                f"{file} must not change while this runs, and has changed; run this again"
            )
        write_bytes(file.resolve(), text.encode())


def _words(given: Sequence[str]) -> dict[str, str]:
    """The values by their keys, each of which must be given once."""
    words: dict[str, str] = {}
    for key, value in map(_split, given):
        if key in words:
            raise MerError(
                f"{key!r} must be given once, not as {words[key]!r} and as {value!r}; remove one"
            )
        words[key] = value
    return words


def _split(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals:
        raise MerError(f"{word!r} must be <key>=<value>, as in model=svm")
    try:
        node = yaml.compose(value, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        node = yaml.MappingNode("", [])
    if not isinstance(node, yaml.ScalarNode | None) or (
        node and node.end_mark.index < len(value.rstrip())
    ):
        raise MerError(f"{word!r} must give one value, as in model=svm; edit the file for more")
    return key, value


def _check_blocks(params: Params, keys: Mapping[str, str]) -> None:
    """Refuse values of the selected model and family, and of those that the keys name."""
    named = {tuple(key.split(".")[:2]) for key in keys if "." in key}
    named |= {(block, getattr(params, selector)) for block, selector in TYPED.items()}
    for block, name in sorted(named):
        if block in TYPED and name in getattr(params, block):
            config.check_block(block, name, getattr(params, block)[name])


def _check_selection(params: Params) -> None:
    """Refuse a selection that cannot run; advice for ``dvc exp run`` becomes advice for this command."""
    try:
        compatibility.check(params, raw=Path("data/raw"))
    except MerError as error:
        raise MerError(PARAMETER.sub("", str(error))) from error


def replaced(text: str, key: str, value: str, file: Path) -> str:
    """The YAML text with one value replaced, and nothing else.

    Parameters
    ----------
    key : str
        Dotted.
    file : Path
        For messages.

    Raises
    ------
    MerError
        If the text has no such key, or a mapping or list there.
    """
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for part in key.split("."):
        children = {k.value: v for k, v in node.value} if isinstance(node, yaml.MappingNode) else {}
        if part not in children:
            raise MerError(
                f"{file}: {key!r} must be a key of it; {part!r} is not one of {list(children)}"
            )
        node = children[part]
    if not isinstance(node, yaml.ScalarNode):
        raise MerError(
            f"{file}: {key!r} must hold one value, and holds several; edit the file instead"
        )
    start, end = node.start_mark.index, node.end_mark.index
    before, after = text[:start], text[end:]
    if start == end:  # an empty value: its place is the colon's
        return f"{before} {value}{_moved(after, len(value) + 1)}"
    return f"{before}{value}{_moved(after, len(value) - (end - start))}"


def _moved(after: str, grown: int) -> str:
    """The text after a changed value, with the comment of the line kept in its column."""
    line, newline, rest = after.partition("\n")
    comment = line.lstrip(" ")
    if not comment.startswith("#"):
        return after
    gap = max(len(line) - len(comment) - grown, 1)
    return f"{' ' * gap}{comment}{newline}{rest}"
