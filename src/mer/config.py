"""The only reader of params.yaml and params/*.yaml: typed sections, unknown keys refused.

A stage reads exactly the sections that it declares in its dvc.yaml, as in
``read("corpora.demo.sample_rate", "audio")``. ``validate`` reads all files.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import TypeAdapter, ValidationError

from mer import registry
from mer.errors import MerError
from mer.io import yaml_files
from mer.schema import Block, consistency
from mer.schema.feature_selection import EVERY_COLUMN, Columns
from mer.schema.parameters import FILES, PARAMS, TYPED_BY_MODULE, Params, file_of

DEFAULTS = Path(__file__).parent / "defaults" / PARAMS  # links to those of the repository


def _load(path: Path) -> dict[str, Any]:
    try:
        content = yaml_files.load(path)
    except FileNotFoundError:
        raise MerError(f"{path} is not in {Path.cwd()}; run this in the project's folder") from None
    if not isinstance(content, dict):
        raise MerError(
            f"{path} must hold lines <key>: <value>, not {type(content).__name__}; restore the file"
        )
    return content


def params_file() -> Path:
    """params.yaml of the project in this folder, or else the one that comes with the package."""
    here = PARAMS.exists() and any(Path(file).exists() for file in FILES.values())
    return PARAMS if here else DEFAULTS


def load(path: Path = PARAMS) -> dict[str, Any]:
    """Read the sections of params.yaml and of params/*.yaml; a section in the wrong file is an error."""
    content: dict[str, Any] = {}
    for file in dict.fromkeys([path, *(path.parent / name for name in FILES.values())]):
        found = _load(file)
        if misplaced := [section for section in found if file_of(section, path) != file]:
            section = misplaced[0]
            raise MerError(
                f"{file}: {section!r} must be in {file_of(section, path)}; move it or correct its name"
            )
        content |= found
    return content


def key_and_fault(error: ValidationError, where: str) -> tuple[str, str]:
    """The dotted key of a fault, below ``where``, and a sentence about it.

    An unknown key comes first, as it may be the misspelled name of one that is missing.
    """
    faults = error.errors()
    fault = next((each for each in faults if each["type"] == "extra_forbidden"), faults[0])
    key = ".".join([*([where] if where else []), *map(str, fault["loc"])])
    if fault["type"] == "extra_forbidden":
        return key, f"{key!r} is not a known key; remove it or correct its name"
    if fault["type"] == "missing":
        return key, f"the key {key!r} is missing; add it"
    text = fault["msg"].removeprefix("Value error, ")
    if fault["loc"][-1:] == ("[key]",):
        rule = f"the key {fault['input']!r} must have a-z, 0-9 and _ only; rename it"
        return key.removesuffix(".[key]"), rule
    if fault["type"] == "tuple_type":
        text = "this must be a list, such as [-1, 1]"
    remedy = "" if ";" in text else "; correct it"
    return key, f"{key}={fault['input']!r}: {text}{remedy}"


def _check(schema: Any, value: Any, where: str, path: Path) -> Any:
    """Validate ``value`` as ``schema``; an error is one sentence on its first fault."""
    try:
        return TypeAdapter(schema).validate_python(value)
    except ValidationError as error:
        key, fault = key_and_fault(error, where)
        raise MerError(f"{file_of(key, path)}: {fault}") from None


def _schema(parts: list[str]) -> Any:
    """The type of the section that ``parts`` lead to."""
    schema: Any = Params
    if parts[0] in TYPED_BY_MODULE and len(parts) > 1:
        schema = registry.get(TYPED_BY_MODULE[parts[0]], parts[1]).Params
        parts = parts[2:]
    for part in parts:
        fields = getattr(schema, "model_fields", None)
        schema = fields[part].annotation if fields else get_args(schema)[1]
    return schema


def read(*keys: str, path: Path = PARAMS) -> list[Any]:
    """Read the named sections, typed; the other sections of their files are not checked.

    Parameters
    ----------
    keys : str
        Dotted, as in dvc.yaml: ``seed``, ``corpora.demo.sample_rate``, ``models.svm``.

    Raises
    ------
    MerError
        If a section is missing, has an unknown key or a value of another type.
    """
    contents = {file: _load(file) for file in dict.fromkeys(file_of(key, path) for key in keys)}
    values = []
    for key in keys:
        file = file_of(key, path)
        value: Any = contents[file]
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                raise MerError(f"{file}: the key {key!r} is missing; add it")
            value = value[part]
        values.append(_check(_schema(key.split(".")), value, key, path))
    return values


def settings(words: Iterable[str], prefix: str = "set") -> dict[str, Any]:
    """Key -> value of the words ``<prefix>.<key>=<value>``, for ``with_values``; other words are left out.

    Raises
    ------
    MerError
        If such a word has no value, or one that is not YAML.
    """
    start, found = f"{prefix}.", {}
    for word in (word for word in words if word.startswith(start)):
        try:
            key, value = word.removeprefix(start).split("=", 1)
            found[key] = yaml.safe_load(value)
        except (ValueError, yaml.YAMLError) as error:
            raise MerError(
                f"{word!r} must be {start}<key>=<value> with a value in YAML, as in {start}key=0.001; "
                "correct it"
            ) from error
    return found


def columns(words: Iterable[str]) -> Columns:
    """The columns that a run reads: all, narrowed by the words ``columns.<key>=<value>``.

    Raises
    ------
    MerError
        See ``with_values``.
    """
    found: Columns = with_values(EVERY_COLUMN, settings(words, "columns"))  # type: ignore[assignment]
    return found


def options(settings: Mapping[str, Any]) -> str:
    """The options of ``dvc exp run`` that set dotted keys, ``-S <key>=<value>``."""
    words = []
    for key, value in settings.items():
        file = file_of(key)
        where = "" if file == PARAMS else f"{file.as_posix()}:"
        shown = value if isinstance(value, str) else json.dumps(value)
        words.append(f"-S {shlex.quote(f'{where}{key}={shown}')}")
    return " ".join(words)


def with_values(params: Block, settings: Mapping[str, Any]) -> Block:
    """Replace some values of a section, and check the result.

    Parameters
    ----------
    settings : mapping of str to value
        Dotted keys below the section: ``chunk_ms``, ``training.batch_size``.

    Raises
    ------
    MerError
        If the section has no such key, or the value has the wrong type.
    """
    values = params.model_dump()
    for key, value in settings.items():
        *parents, last = key.split(".")
        inner = values
        for parent in parents:
            inner = inner.get(parent, {}) if isinstance(inner, dict) else {}
        if not isinstance(inner, dict) or last not in inner:
            choices = sorted(inner if inner and isinstance(inner, dict) else values)
            raise MerError(
                f"{key!r} is not a key of {type(params).__module__}; choose one of {choices}"
            )
        inner[last] = value
    try:
        return type(params).model_validate(values)
    except ValidationError as error:
        raise MerError(key_and_fault(error, "")[1]) from None


def check_block(block: str, name: str, values: Any, path: Path = PARAMS) -> Any:
    """A block of ``models`` or ``families`` as the ``Params`` of its module.

    Raises
    ------
    MerError
        If the block does not match; the message names the key.
    """
    module = registry.get(TYPED_BY_MODULE[block], name)
    return _check(module.Params, values, f"{block}.{name}", path)


def read_all(path: Path = PARAMS) -> Params:
    """Read and check all files: the type of every block, and the choice of every selector.

    Raises
    ------
    MerError
        Naming the key, and the choices where there are some.
    """
    params = check(load(path), path)
    for block in TYPED_BY_MODULE:
        for name, values in getattr(params, block).items():
            check_block(block, name, values, path)
    return params


def check(content: Mapping[str, Any], path: Path = PARAMS) -> Params:
    """Check the content that ``load`` returns: the type of every section, and the choice of every selector.

    Blocks of ``models`` and ``families`` are left to ``check_block``, which imports their modules.

    Raises
    ------
    MerError
        Naming the key, and the choices where there are some.
    """
    params: Params = _check(Params, content, "", path)
    consistency.check(params, path)
    return params
