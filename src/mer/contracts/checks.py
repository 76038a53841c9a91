"""Checks of a part against its interfaces, so that a new part is told what it lacks before it runs."""

import inspect
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from mer.contracts import interfaces
from mer.contracts.interfaces import (
    CataloguedFamily,
    ExtractedFamily,
    Family,
    FusionModel,
    Layout,
    Model,
    PublishedFamily,
    ReleasedEstimatorModel,
    Trainer,
    Transform,
)
from mer.contracts.trainers import INPUTS_OF_TRAINER, MODEL_OF_TRAINER, SECTIONS_OF_TRAINER
from mer.errors import MerError

VALUES_OF_MODEL: dict[str, tuple[str, ...]] = {
    "reads": ("spectrogram", "table", "families", "sources", "waveform", "weights"),
    "augments": ("training", "pretraining", "no"),
    "predicts": ("classes", "values"),
    "fidelities": ("described", "released"),
}  # attribute -> its values; all but ``augments`` are tuples of such values


REGISTRIES: dict[str, type] = {
    "augment": Transform,
    "datasets": Layout,
    "features": Family,
    "learn.trainers": Trainer,
    "models": Model,
}  # package -> the interface of its entries

EMPTY_FAMILY = "mer.features.none"
FAMILY_WITH: dict[str, type] = {
    "catalogue": CataloguedFamily,
    "extract": ExtractedFamily,
    "published": PublishedFamily,
}  # attribute of a family -> the interface of families that have it


def further_interfaces(package: str, entry: Any) -> list[type]:
    """The further interfaces that an entry must satisfy, given that it satisfies that of its registry."""
    if package == "models":
        return _interfaces_of_model(entry)
    if package == "features":
        return [interface for name, interface in FAMILY_WITH.items() if hasattr(entry, name)]
    return []


def _interfaces_of_model(model: Model) -> list[type]:
    found = [FusionModel if "families" in model.reads else MODEL_OF_TRAINER[model.trainer]]
    released = model.trainer == "sklearn_estimator" and "released" in model.fidelities
    return [*found, ReleasedEstimatorModel] if released else found


def _stated(interface: type) -> tuple[set[str], dict[str, Callable[..., Any]]]:
    """The attributes and the functions that an interface, and those that it extends, state."""
    classes = [c for c in interface.__mro__ if c.__module__ == interfaces.__name__]
    attributes = {name for c in classes for name in inspect.get_annotations(c)}
    functions: dict[str, Callable[..., Any]] = {}
    for c in reversed(classes):
        functions |= {k: v for k, v in vars(c).items() if inspect.isfunction(v) and k[0] != "_"}
    return attributes, functions


def _call(name: str, function: Callable[..., Any], *, skip: int = 0) -> str:
    """A function as ``name(positional, *, keyword)``, without types and leading underscores."""
    found = list(inspect.signature(function).parameters.values())[skip:]
    positional = [p.name.lstrip("_") for p in found if p.kind is p.POSITIONAL_OR_KEYWORD]
    keyword = sorted(p.name for p in found if p.kind is p.KEYWORD_ONLY)
    rest = [f"**{p.name}" for p in found if p.kind is p.VAR_KEYWORD]
    return f"{name}({', '.join([*positional, *(['*', *keyword] if keyword else []), *rest])})"


def faults(entry: Any, interface: type) -> list[str]:
    """How an entry of a registry differs from an interface, each in half a sentence."""
    attributes, functions = _stated(interface)
    missing = {name for name in attributes | functions.keys() if not hasattr(entry, name)}
    found = [f"must define {name}, and does not" for name in sorted(missing)]
    for name in sorted(functions.keys() - missing):
        wanted, own = _call(name, functions[name], skip=1), _call(name, getattr(entry, name))
        too_few = own.count(",") < wanted.count(",") - 1
        if too_few if "**" in wanted else own != wanted:
            found.append(f"must define {wanted}, and defines {own}")
    return found


def _is_block(params: Any) -> bool:
    """Whether a class refuses unknown keys, as ``mer.schema.Block`` does; this room lies below that one."""
    is_model = inspect.isclass(params) and issubclass(params, BaseModel)
    return is_model and params.model_config.get("extra") == "forbid"


def _wrong_params(package: str, entry: Any) -> list[str]:
    """Faults of ``Params`` of an entry, each in half a sentence."""
    if "Params" not in _stated(REGISTRIES[package])[0]:
        return []
    if not _is_block(entry.Params):
        return [f"must have Params, a class that extends mer.schema.Block, not {entry.Params!r}"]
    if package != "features" or hasattr(entry, "published") or entry.__name__ == EMPTY_FAMILY:
        return []
    if not hasattr(entry, "extract"):
        return ["must define extract(clip, params), or published = True for a corpus' table"]
    if "sample_rate" not in entry.Params.model_fields:
        return ["must have sample_rate in Params, in Hz or None, and has not"]
    return []


def _wrong_values(model: Model) -> list[str]:
    """The attributes of a model with values that no trainer knows, each in half a sentence."""
    found = []
    for name, values in VALUES_OF_MODEL.items():
        given = getattr(model, name)
        if name == "augments" and given not in values:
            found.append(f"must have {name} of {list(values)}, not {given!r}")
        elif name != "augments" and not (isinstance(given, tuple) and {*given} <= {*values}):
            found.append(f"must have {name}, a tuple of some of {list(values)}, not {given!r}")
        elif name == "predicts" and not given:
            found.append(f"must have in predicts one of {list(values)} at least, and has none")
    return found


def _wrong_inputs(model: Model) -> list[str]:
    """The inputs of a model that its trainer does not train on, each in half a sentence."""
    fitting = INPUTS_OF_TRAINER[model.trainer]
    trainer = f"the trainer {model.trainer!r}"
    if {*model.reads} & {"spectrogram", "table", "waveform"} not in fitting:
        known = " or ".join(str(sorted(inputs)) for inputs in fitting)
        return [
            f"must have in reads the inputs that {trainer} trains on, {known}, not {model.reads}"
        ]
    if model.augments == "pretraining" and model.trainer != "hybrid":
        return [f"must have augments of ['training', 'no'] with {trainer}, not 'pretraining'"]
    return []


def _lacks_sections(model: Model) -> list[str]:
    """The sections that the trainer of a model reads and ``Params`` has not, each in half a sentence."""
    needed = SECTIONS_OF_TRAINER.get(model.trainer, ())
    needed += ("waveform",) if "waveform" in model.reads and "waveform" not in needed else ()
    found = []
    for name in needed:
        field = model.Params.model_fields.get(name)
        if field is None and not hasattr(model.Params, name):
            found.append(
                f"must have {name} in Params, which the trainer {model.trainer!r} reads, and has not"
            )
        elif field and not hasattr(field.annotation, "model_fields"):
            found.append(f"must have a section of mer.schema as {name} of Params, and has a value")
    return found


def check(package: str, entry: Any) -> None:
    """Refuse an entry of a registry that does not satisfy its interfaces.

    Raises
    ------
    MerError
        Naming the file, the first fault and what must be there.
    """
    found = faults(entry, REGISTRIES[package]) or _wrong_params(package, entry)
    if not found and package == "models" and entry.trainer not in MODEL_OF_TRAINER:
        found = [f"must have a trainer of {sorted(MODEL_OF_TRAINER)}, not {entry.trainer!r}"]
    if not found and package == "models":
        found = _wrong_values(entry) or _wrong_inputs(entry)
    if not found:
        found = [
            f for interface in further_interfaces(package, entry) for f in faults(entry, interface)
        ]
    if not found and package == "models":
        found = _lacks_sections(entry)
    if found:
        raise MerError(f"{package}: {entry.__file__} {found[0]}; see docs/contributing.md")
