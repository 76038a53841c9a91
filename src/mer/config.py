"""The only reader of params.yaml and params/*.yaml: typed sections, unknown keys refused.

A stage reads exactly the sections that it declares in its dvc.yaml, as in
``read("corpora.demo.sample_rate", "audio")``. ``validate`` reads all files.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from mer import registry
from mer.errors import MerError
from mer.io import yaml_files
from mer.schema import Block, Key, Protocol, TargetName
from mer.schema.augmentation import Policy
from mer.schema.corpora import Audio, Corpus, Demo, MergedCorpus, Quarantine, SegmentedCorpus
from mer.schema.feature_selection import EVERY_COLUMN, Columns, JoinedFamilies
from mer.schema.profiles import WHOLE, Profile
from mer.schema.spectrograms import MaybeView
from mer.types import LEAKY, MINIATURE

PARAMS = Path("params.yaml")
DEFAULTS = Path(__file__).parent / "defaults" / PARAMS  # links to those of the repository
# Sections that lie in files of their own, in the folder params/ beside params.yaml.
FILES = {
    "audio": "params/audio.yaml",
    "quarantine": "params/audio.yaml",
    "corpora": "params/corpora.yaml",
    "segmented_corpora": "params/corpora.yaml",
    "merged_corpora": "params/corpora.yaml",
    "demos": "params/demos.yaml",
    "joined_families": "params/features.yaml",
    "views": "params/views.yaml",
    "policies": "params/augmentation.yaml",
}


class Params(Block):
    """All sections. A block of ``models`` or ``families`` is typed by the ``Params`` of its module."""

    model: str
    dataset: str
    target: TargetName
    view: str
    family: str
    augment: str
    protocol: Protocol
    fidelity: Literal["described", "released"]
    profile: str
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    miniature: Literal["demo_", ""]
    papers_profile: str
    columns: Columns
    corpora: dict[Key, Corpus]
    demos: dict[Key, Demo]
    merged_corpora: dict[Key, MergedCorpus]
    segmented_corpora: dict[Key, SegmentedCorpus]
    audio: Audio
    quarantine: Quarantine
    views: dict[Key, MaybeView]
    families: dict[Key, dict[str, Any]]
    joined_families: tuple[JoinedFamilies, ...]
    policies: dict[Key, Policy]
    models: dict[Key, dict[str, Any]]
    profiles: dict[Key, Profile]

    def recorded(self, dataset: str) -> str:
        """The corpus whose recordings a corpus has: of a segmented one, that which is split."""
        segmented = self.segmented_corpora.get(dataset)
        return segmented.of if segmented else dataset


TYPED_BY_MODULE = {  # block -> package whose modules type its entries
    "models": "models",
    "families": "features",
}
CHOICES = {  # selector -> the block whose keys it can name
    "model": "models",
    "dataset": "corpora",
    "view": "views",
    "family": "families",
    "augment": "policies",
    "profile": "profiles",
    "papers_profile": "profiles",
}


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


def file_of(key: str, path: Path = PARAMS) -> Path:
    """The file that holds a dotted key: ``path``, or one of the folder ``params`` beside it."""
    section = key.partition(".")[0]
    return path.parent / FILES[section] if section in FILES else path


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
    """Key -> value of the words ``<prefix>.<key>=<value>``, for ``changed``; other words are left out.

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
        See ``changed``.
    """
    found: Columns = changed(EVERY_COLUMN, settings(words, "columns"))  # type: ignore[assignment]
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


def changed(params: Block, settings: Mapping[str, Any]) -> Block:
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
    _check_corpora(params, file_of("corpora", path))
    _check_joins(params, file_of("joined_families", path))
    _check_profiles(params, path)
    _check_policies(params, file_of("policies", path))
    _check_choices(params, path)
    return params


def _check_corpora(params: Params, file: Path) -> None:
    """Every layout exists, and merged and segmented corpora are made of corpora that exist."""
    layouts = registry.names("datasets")
    rendered = params.demos.keys() | params.merged_corpora.keys()
    for key, corpus in params.corpora.items():
        if key.startswith(MINIATURE) and key not in rendered:
            raise MerError(
                f"{file}: the name of corpora.{key} must not begin with {MINIATURE}, which marks rendered "
                f"corpora; rename it, or add a block demos.{key} (seed, seconds) to params/demos.yaml"
            )
        if corpus.layout not in layouts:
            raise MerError(
                f"{file}: corpora.{key}.layout={corpus.layout!r} is not one of {layouts}; choose one"
            )
        if unknown := [other for other in corpus.shares_songs_with if other not in params.corpora]:
            raise MerError(
                f"{file}: corpora.{key}.shares_songs_with: {unknown[0]!r} is not one of "
                f"{sorted(params.corpora)}; choose among them"
            )
    known = sorted(params.corpora.keys() - params.merged_corpora.keys())
    for key, merged in params.merged_corpora.items():
        for member in merged.of:
            if member not in known:
                raise MerError(
                    f"{file}: merged_corpora.{key}.of: {member!r} is not one of {known}; choose among them"
                )
        if key not in params.corpora or params.corpora[key].layout != "folder":
            raise MerError(
                f"{file}: corpora.{key} must be there with layout=folder, for merged_corpora.{key}; add "
                "that block"
            )
    for key, segmented in params.segmented_corpora.items():
        where, corpora = f"{file}: segmented_corpora.{key}", sorted(params.corpora)
        if segmented.of not in corpora:
            raise MerError(
                f"{where}.of: {segmented.of!r} is not one of {corpora}; choose one of them"
            )
        if key in corpora:
            raise MerError(f"{where} must not have the name of a corpus; rename it")


def _check_joins(params: Params, file: Path) -> None:
    """A join has a name of its own, and joins families, or joins that stand before it."""
    taken = list(params.families)
    for join in params.joined_families:
        if join.name in taken:
            raise MerError(
                f"{file}: joined_families: the name {join.name!r} must not be that of another family; "
                "rename it"
            )
        for side in (join.left, join.right):
            if side not in taken:
                raise MerError(
                    f"{file}: joined_families: {join.name!r} joins {side!r}, not one of {sorted(taken)}; "
                    "choose among them"
                )
        taken.append(join.name)


def _check_profiles(params: Params, path: Path) -> None:
    """The profile of whole protocols limits nothing."""
    if WHOLE in params.profiles and not params.profiles[WHOLE].whole:
        raise MerError(
            f"{path}: profiles.{WHOLE} must limit nothing, for its figures stand as those of a whole "
            "protocol; set folds, repeats, max_folds, max_epochs or batch_size of profiles.quick, and "
            "profile=quick"
        )


def _check_policies(params: Params, file: Path) -> None:
    """The name of a policy says whether it leaks test clips, for results keep only the name."""
    for name, policy in params.policies.items():
        if (policy.leak != "none") != name.endswith(LEAKY):
            raise MerError(
                f"{file}: the name of a policy must end in {LEAKY} if its leak is not none, and only then; "
                f"policies.{name} has leak={policy.leak!r}; rename it"
            )


def _check_choices(params: Params, path: Path) -> None:
    """The choice of every selector has a block."""
    joins = [join.name for join in params.joined_families]
    for selector, block in CHOICES.items():
        chosen, known = getattr(params, selector), sorted(getattr(params, block))
        if chosen in known or (selector == "family" and chosen in joins):
            continue
        if block in TYPED_BY_MODULE and chosen in registry.names(TYPED_BY_MODULE[block]):
            raise MerError(f"{path}: {selector}={chosen!r} needs a block {block}.{chosen}; add it")
        every = [*known, *joins] if selector == "family" else known
        raise MerError(
            f"{path}: {selector}={chosen!r} is not one of {every}; choose one, or add a block "
            f"{block}.{chosen} to {file_of(block, path)}"
        )
