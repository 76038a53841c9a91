"""Every entry of a registry offers what its protocol in ``mer.contracts`` states."""

import inspect
import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from mer import contracts, registry
from mer.learn.result import FoldResult, TrainingPhase, Trial


def entries(package):
    return [(package, name) for name in registry.names(package)]


def protocols(package, name):
    """The protocols that an entry must satisfy."""
    entry = registry.get(package, name)
    if package == "models":
        found = [contracts.Model, contracts.MODEL_OF_TRAINER[entry.trainer]]
        released = entry.trainer == "sklearn_estimator" and "released" in entry.fidelities
        return [*found, contracts.ReleasedEstimatorModel] if released else found
    if package == "features":
        optional = {
            "extract": contracts.ExtractedFamily,
            "published": contracts.PublishedFamily,
            "catalogue": contracts.CataloguedFamily,
        }
        return [contracts.Family, *(p for key, p in optional.items() if hasattr(entry, key))]
    one = {
        "learn.trainers": contracts.Trainer,
        "datasets": contracts.Layout,
        "augment": contracts.Transform,
    }
    return [one[package]]


def stated(protocol):
    """The attributes and functions that a protocol, and those that it extends, state."""
    classes = [c for c in protocol.__mro__ if c.__module__ == contracts.__name__]
    attributes = {name for c in classes for name in inspect.get_annotations(c)}
    functions = {}
    for c in reversed(classes):
        functions |= {k: v for k, v in vars(c).items() if inspect.isfunction(v) and k[0] != "_"}
    return attributes, functions


def parameters(function, *, skip=0):
    """Names of the positional parameters, without leading underscores, and of the keyword-only ones."""
    found = list(inspect.signature(function).parameters.values())[skip:]
    keyword = {p.name for p in found if p.kind is p.KEYWORD_ONLY}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in found)
    positional = [p.name.lstrip("_") for p in found if p.kind is p.POSITIONAL_OR_KEYWORD]
    return positional, keyword, open_ended


def faults(entry, protocol):
    """How an entry differs from a protocol."""
    attributes, functions = stated(protocol)
    missing = {name for name in attributes | functions.keys() if not hasattr(entry, name)}
    found = [f"{name} is missing" for name in sorted(missing)]
    for name in functions.keys() - missing:
        positional, keyword, open_ended = parameters(functions[name], skip=1)
        own, own_keyword, _ = parameters(getattr(entry, name))
        if own[: len(positional)] != positional or own_keyword != keyword:
            found.append(f"{name}{inspect.signature(getattr(entry, name))}")
        if len(own) > len(positional) and not open_ended:
            found.append(f"{name} has parameters too many")
    return found


ALL = [
    entry
    for package in ("models", "learn.trainers", "features", "datasets", "augment")
    for entry in entries(package)
]


@pytest.mark.parametrize(("package", "name"), ALL)
def test_an_entry_satisfies_its_protocols(package, name):
    entry = registry.get(package, name)
    for protocol in protocols(package, name):
        assert faults(entry, protocol) == [], protocol.__name__


@pytest.mark.parametrize("model", registry.names("models"))
def test_the_values_of_a_model_are_among_those_that_the_protocol_names(model):
    entry = registry.get("models", model)
    assert set(entry.reads) <= {"table", "spectrogram", "waveform", "weights"}
    assert entry.augments in ("no", "training", "pretraining")
    assert set(entry.fidelities) <= {"described", "released"}
    assert "described" in entry.fidelities


def test_every_trainer_has_a_protocol_of_its_models():
    assert sorted(contracts.MODEL_OF_TRAINER) == registry.names("learn.trainers")


def test_a_module_that_lacks_a_function_is_found():
    svm = registry.get("models", "svm")
    assert faults(svm, contracts.EstimatorModel) == []
    assert faults(svm, contracts.NetworkModel) != []
    assert faults(svm, contracts.Transform) == ["apply is missing", "sample_parameters is missing"]


def test_the_accessor_names_a_protocol_for_each_registry():
    """What ``registry.get`` is overloaded with."""
    package = inspect.getsource(registry)
    for name in ("models", "learn.trainers", "features", "datasets", "augment"):
        assert f'get(package: Literal["{name}"]' in package


@pytest.fixture
def result(rng):
    phases = [
        TrainingPhase("pretraining", rng.uniform(size=(3, 2)), 1.5, 12, position=2),
        TrainingPhase("encoding", np.empty((0, 2)), 0.25, 7),
        TrainingPhase("fusion", rng.uniform(size=(1, 2)), 0.1, 9, position=3, restart=1),
    ]
    return FoldResult(
        rng.uniform(size=(2, 5, 4)),
        rng.uniform(size=(5, 3, 4)),
        phases,
        [Trial(32, "sgd", 1e-6, 1 / 3, chosen=False), Trial(64, "adam", 0.1, 0.5, chosen=True)],
        {"a.weight": rng.uniform(size=(2, 2)), "steps": np.array(3)},
        ("first column", "second"),
    )


def plain(result):
    """A result as nested lists, which can be compared."""
    arrays, facts = result.to_arrays()
    return {name: array.tolist() for name, array in arrays.items()}, facts


def test_a_result_of_a_fold_comes_back_from_disk(result):
    arrays, facts = result.to_arrays()
    back = FoldResult.from_arrays(load(save(dict(arrays))), json.loads(json.dumps(facts)))
    assert plain(back) == plain(result)
    assert list(back.trials) == result.trials
    assert [phase.label for phase in back.phases] == ["2_pretraining", "encoding", "3_fusion"]
    assert [phase.epochs for phase in back.phases] == [3, 1, 1]


def test_a_result_with_nothing_optional_comes_back():
    smallest = FoldResult(np.ones((1, 2, 4)))
    back = FoldResult.from_arrays(*smallest.to_arrays())
    assert plain(back) == plain(smallest)
    assert back.segments is None
    assert [back.phases, back.trials, dict(back.weights), back.selected_columns] == [[], [], {}, []]
