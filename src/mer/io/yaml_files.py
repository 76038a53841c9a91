"""YAML files of parameters and papers, which this project and DVC must read alike.

PyYAML reads YAML 1.1 and DVC YAML 1.2: ``off`` and ``012`` are a truth value and 10 in the one, text and 12
in the other. Such values are refused, and so are aliases by which a short file stands for a very long one.
Numbers such as ``1e-5``, which DVC writes, are numbers.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mer.errors import MerError

MOST_NODES = 100_000  # values, lists and mappings
FLOAT = "tag:yaml.org,2002:float"
YAML_1_2 = {  # the core schema, section 10.3.2 of YAML 1.2.2
    "null": re.compile(r"null|Null|NULL|~|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"0|[-+]?[1-9][0-9]*|0x[0-9a-fA-F]+|0o[0-7]+"),
    "float": re.compile(
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.nan"
    ),
}


def _nodes(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """All nodes of a document, keys and values, each as often as aliases repeat it."""
    if node:
        yield node
    if isinstance(node, yaml.CollectionNode):
        for child in node.value:
            for each in child if isinstance(child, tuple) else (child,):
                yield from _nodes(each)


def _check_keys(path: Path, node: yaml.Node | None) -> None:
    """Refuse a key that stands twice in a mapping, of which PyYAML would keep the last."""
    if not isinstance(node, yaml.CollectionNode):
        return
    met: dict[str, int] = {}
    for child in node.value:
        if isinstance(child, tuple):
            key, value = child
            name, line = str(key.value), key.start_mark.line + 1
            if name in met:
                raise MerError(
                    f"{path}, line {line}: {name!r} must stand once, and is in line {met[name]} already; "
                    "put what is below it there"
                )
            met[name], child = line, value
        _check_keys(path, child)


def _kind(text: str) -> str:
    """The kind of a plain scalar in YAML 1.2."""
    return next((kind for kind, pattern in YAML_1_2.items() if pattern.fullmatch(text)), "str")


def load(path: Path) -> Any:
    """Read a YAML file.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    MerError
        If the file cannot be read, or see ``parse``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise MerError(f"{path} must be in UTF-8 ({error}); save it as UTF-8") from error
    except OSError as error:
        raise MerError(
            f"{path} must be a readable file ({error}); change its permissions"
        ) from error
    return parse(text, path)


def parse(text: str, path: Path) -> Any:
    """The content of a YAML file.

    Parameters
    ----------
    path : Path
        The file, for messages.

    Raises
    ------
    MerError
        If the text is no YAML, or has too many values, a key twice, or a value that YAML 1.1 and 1.2 read
        differently.
    """
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            for number, each in enumerate(_nodes(node)):
                if number > MOST_NODES:
                    raise yaml.YAMLError(f"its aliases stand for more than {MOST_NODES} values")
                if isinstance(each, yaml.ScalarNode):
                    _check(path, each)
            _check_keys(path, node)
            return loader.construct_document(node) if node else None
        finally:
            loader.dispose()
    except RecursionError as error:
        raise MerError(
            f"{path} must be a YAML file, and is nested too deeply; correct the YAML"
        ) from error
    except (ValueError, LookupError, yaml.YAMLError) as error:
        fault = f"{type(error).__name__}: {error}"
        raise MerError(f"{path} must be a YAML file ({fault}); correct the YAML") from error


def _check(path: Path, scalar: yaml.ScalarNode) -> None:
    """Refuse a plain scalar that is of another kind in YAML 1.2.

    Two are accepted, because DVC reads them alike: a number with an exponent, and the merge key ``<<``.
    """
    ours, theirs = scalar.tag.rpartition(":")[2], _kind(scalar.value)
    if scalar.style is not None or ours in (theirs, "merge"):
        return
    if (ours, theirs) == ("str", "float"):
        scalar.tag = FLOAT
        return
    raise MerError(
        f"{path}, line {scalar.start_mark.line + 1}: {scalar.value!r} must mean one thing, and is read as "
        f"{ours} by YAML 1.1 and as {theirs} by DVC; put text in quotes, and write numbers as 1000 or 0.5"
    )
