"""Every entry of a registry offers what its interface in ``mer.contracts.interfaces`` states."""

import importlib.util
import inspect
import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from mer import registry
from mer.augment import time_shift
from mer.contracts import checks, interfaces, trainers
from mer.errors import MerError
from mer.features import compare
from mer.learn.result import FoldResult, TrainingPhase, Trial


def entries(package):
    return [(package, name) for name in registry.names(package)]


ALL = [entry for package in checks.REGISTRIES for entry in entries(package)]


@pytest.mark.parametrize(("package", "name"), ALL)
def test_an_entry_satisfies_its_interfaces(package, name):
    entry = registry.get(package, name)
    own = checks.REGISTRIES[package]
    for interface in (own, *checks.further_interfaces(package, entry)):
        assert checks.faults(entry, interface) == [], interface.__name__
    checks.check(package, entry)


@pytest.mark.parametrize("model", registry.names("models"))
def test_every_model_implements_the_paper_as_described(model):
    assert "described" in registry.get("models", model).fidelities


def test_every_trainer_has_an_interface_of_its_models():
    assert sorted(trainers.MODEL_OF_TRAINER) == registry.names("learn.trainers")


def test_a_module_that_lacks_a_function_is_found():
    svm = registry.get("models", "svm")
    assert checks.faults(svm, interfaces.EstimatorModel) == []
    assert checks.faults(svm, interfaces.NetworkModel) != []
    assert checks.faults(svm, interfaces.Transform) == [
        "must define apply, and does not",
        "must define sample_parameters, and does not",
    ]


def check_new(folder, source, fault):
    """Check a model of this source, which must have the fault, or none."""
    path = folder / "new.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("new", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if fault is None:
        checks.check("models", module)
        return
    with pytest.raises(MerError, match=f"models: .*new.py {fault}"):
        checks.check("models", module)


MODEL = """
from pydantic import BaseModel

from mer.schema import Block

trainer = "sklearn_estimator"
reads = ("table",)
augments = "no"
predicts = ("classes",)
fidelities = ("described",)


class Params(Block):
    pass


def build(params, *, seed, fidelity, predicts):
    pass
"""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("", ""), None),
        (
            (", fidelity, predicts", ""),
            r"must define build\(params, \*, fidelity, predicts, seed\), and ",
        ),
        (('predicts = ("classes",)', ""), "must define predicts, and does not; see docs/contrib"),
        (
            ('("table",)', '("spectrogram",)'),
            r"must have in reads the inputs that the trainer 'sklearn_estimator' trains on, \['table'\] or",
        ),
        (
            ('augments = "no"', 'augments = "pretraining"'),
            r"must have augments of \['training', 'no'\] with the trainer 'sklearn_estimator'",
        ),
        (
            ("sklearn_estimator", "sklearn"),
            r"must have a trainer of \['autoencoder_codes', .*'sklearn'",
        ),
        (("class Params", "class Settings"), "must define Params, and does not"),
        (("Params(Block)", "Params"), "must have Params, a class that extends mer.schema.Block"),
        (
            ("Params(Block)", "Params(BaseModel)"),
            "must have Params, a class that extends mer.schema",
        ),
        (('("classes",)', "()"), r"must have in predicts one of \['classes', 'values'\] at least"),
        (('("table",)', '("table")'), r"must have reads, a tuple of some of \[.*\], not 'table'"),
        (('("classes",)', '("class",)'), r"must have predicts, a tuple .*, not \('class',\)"),
        (('augments = "no"', 'augments = "never"'), r"must have augments of \[.*\], not 'never'"),
        (
            ('"sklearn_estimator"', '"autoencoder_codes"'),
            r"must have in reads the inputs that the trainer 'autoencoder_codes' trains on, \['spectrog",
        ),
    ],
)
def test_a_new_model_is_told_in_a_sentence_what_it_lacks(tmp_path, change, fault):
    check_new(tmp_path, MODEL.replace(*change), fault)


@pytest.mark.parametrize(
    ("package", "fault"),
    [
        ("augment", "must define apply, and does not"),
        ("datasets", "must define tracks, and does not"),
        ("features", "must define names, and does not"),
    ],
)
def test_a_part_of_another_kind_is_told_too(package, fault):
    with pytest.raises(MerError, match=f"{package}: .*svm.py {fault}; see docs/contributing.md"):
        checks.check(package, registry.get("models", "svm"))


NETWORK = MODEL.replace("sklearn_estimator", "supervised").replace(
    "*, seed, fidelity, predicts", "*, shape, outputs"
)


@pytest.mark.parametrize(
    ("reads", "params", "fault"),
    [
        (
            "spectrogram",
            "pass",
            "must have training in Params, which the trainer 'supervised' reads",
        ),
        (
            "spectrogram",
            "training: dict",
            "must have a section of mer.schema as training of Params",
        ),
        (
            "waveform",
            "training: Section",
            "must have waveform in Params, which the trainer 'supervised' r",
        ),
        ("spectrogram", "training: Section", None),
    ],
)
def test_the_sections_that_a_trainer_reads_are_there(tmp_path, reads, params, fault):
    text = NETWORK.replace('"table"', f'"{reads}"').replace(
        "    pass\n\n\ndef", f"    {params}\n\n\ndef"
    )
    section = "class Section(Block):\n    pass\n\n\nclass Params"
    check_new(tmp_path, text.replace("class Params", section), fault)


def test_a_family_that_computes_nothing_and_has_no_table_is_told(monkeypatch):
    monkeypatch.delattr(compare, "extract")
    with pytest.raises(MerError, match=r"must define extract\(clip, params\), or published = True"):
        checks.check("features", compare)


def test_a_family_without_a_sample_rate_is_told(monkeypatch):
    monkeypatch.setattr(compare, "Params", time_shift.Params)
    with pytest.raises(
        MerError, match=r"features: .* must have sample_rate in Params, in Hz or None"
    ):
        checks.check("features", compare)


def test_a_transform_that_takes_too_few_arguments_is_told(monkeypatch):
    monkeypatch.setattr(time_shift, "apply", lambda x: x)
    with pytest.raises(
        MerError, match=r"must define apply\(x, sample_rate, \*\*arguments\), and def"
    ):
        checks.check("augment", time_shift)


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
        TrainingPhase("fusion", rng.uniform(size=(1, 2)), 0.1, 9, position=3),
    ]
    return FoldResult(
        rng.uniform(size=(5, 4)),
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
    smallest = FoldResult(np.ones((2, 4)))
    back = FoldResult.from_arrays(*smallest.to_arrays())
    assert plain(back) == plain(smallest)
    assert back.segments is None
    assert [back.phases, back.trials, dict(back.weights), back.selected_columns] == [[], [], {}, []]


def test_a_module_that_cannot_be_imported_is_named(monkeypatch):
    def broken(_name):
        raise ModuleNotFoundError("No module named 'torchaudio'")

    monkeypatch.setattr(registry, "names", lambda _package: ["cnn"])
    monkeypatch.setattr("importlib.import_module", broken)
    message = (
        r"src/mer/models/cnn must import, and raises ModuleNotFoundError: No module named 'torcha"
    )
    with pytest.raises(MerError, match=message):
        registry.get("models", "cnn")
