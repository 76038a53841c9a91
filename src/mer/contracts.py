"""Protocols of all parts: one per registry, checked by mypy and by the tests of each registry.

A part is a module: its file name is its name in params.yaml, and the attributes of the protocol are
names in the module. ``mer.registry.get`` returns it as its protocol. The stage ``validate`` checks the
models, so that a new one is told what it lacks before anything runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from pydantic import BaseModel

from mer.errors import MerError

if TYPE_CHECKING:
    from pathlib import Path

    from sklearn.base import BaseEstimator
    from torch import nn

    from mer.learn.context import FittedFold, FoldContext
    from mer.learn.data import TrainingData
    from mer.learn.result import FoldResult
    from mer.schema import Block
    from mer.schema.augmentation import Masking
    from mer.types import Clip, Track


class Model(Protocol):
    """A module of ``mer.models``: a network or an estimator.

    Attributes
    ----------
    Params : type of Block
        The section ``models.<model>`` of params.yaml. Its optional ``restarts`` is the number of trainings
        per fold.
    trainer : str
        The module of ``mer.learn.trainers`` that trains the model; it says which of the protocols below
        the model must satisfy.
    reads : tuple of str
        The inputs of the model, of ``spectrogram``, ``table``, ``families`` (of the columns of the table),
        ``waveform`` (then ``Params`` have ``waveform``) and ``weights`` (then ``Params`` have ``weights``,
        pretrained ones).
    augments : str
        Which training uses augmented versions of the clips: ``training``, ``pretraining`` or ``no``.
    predicts : tuple of str
        The kinds of target that the model serves: ``classes``, ``values`` (of valence and arousal).
    fidelities : tuple of str
        ``described``, the system of the paper, and ``released`` where the authors' code differs.
    """

    Params: type[Block]
    trainer: str
    reads: tuple[str, ...]
    augments: Literal["training", "pretraining", "no"]
    predicts: tuple[str, ...]
    fidelities: tuple[str, ...]


class EstimatorModel(Model, Protocol):
    """A model of the trainers ``sklearn_estimator`` and ``autoencoder_codes``.

    It may also have ``fitted(params, attributes)``: the fitted estimator of the attributes that ``fit`` has
    added to its parts, by name, where predictions need no scikit-learn.
    """

    def build(self, params: Any, *, seed: int, fidelity: str, predicts: str) -> BaseEstimator:
        """An unfitted classifier, or with ``predicts="values"`` a regressor, of rows [shape=(n, d)].

        A fitted classifier has ``classes_`` and ``predict_proba`` or ``decision_function``. A regressor is
        fitted to values in 0..1 [shape=(n, outputs)]. Either has ``get_support`` where it selects columns.
        """


class FusionModel(Model, Protocol):
    """An estimator that reads a table and the family of each of its columns."""

    def build(
        self, params: Any, *, families: Sequence[str], seed: int, fidelity: str, predicts: str
    ) -> BaseEstimator:
        """As that of ``EstimatorModel``; ``families`` has the family of each column [length d]."""


class ReleasedEstimatorModel(EstimatorModel, Protocol):
    """An estimator that reads a table and has the fidelity ``released``."""

    def released(self, rows: np.ndarray, n_train: int) -> np.ndarray:
        """The table [shape=(n, d)] as the authors' code scales it; training clips are its first rows."""


class SearchedModel(EstimatorModel, Protocol):
    """An estimator whose ``Params`` have ``search: bayes``, ``trials`` and the inner ``folds``.

    Attributes
    ----------
    SPACE : mapping of str to (float, float)
        Keys of ``Params`` -> the limits of their candidates, which are uniform in the logarithm.
    """

    SPACE: Mapping[str, tuple[float, float]]


class NetworkModel(Model, Protocol):
    """A model of the trainers ``supervised`` and ``segment_sequence``."""

    def build(self, params: Any, *, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """An untrained network for examples of this shape, which returns one logit per output.

        The target turns logits into class probabilities or values. ``shape`` is (frames, mels) for a
        spectrogram, or a segment of one, and (samples,) for a waveform.
        """


class ChunkModel(Model, Protocol):
    """A model of the trainer ``random_chunks``, which reads chunks of a waveform."""

    def build(self, params: Any, *, outputs: int) -> nn.Module:
        """An untrained network for chunks of ``params.chunk_ms``, which returns one logit per output."""


class PretrainedModel(Model, Protocol):
    """A model of the trainer ``finetune``."""

    def build(
        self,
        params: Any,
        *,
        weights: Mapping[str, np.ndarray],
        shape: tuple[int, ...],
        outputs: int,
        fidelity: str,
    ) -> nn.Module:
        """A network with a pretrained ``backbone``, frozen or not, and an untrained ``head``."""


class TwoStageModel(NetworkModel, Protocol):
    """A model of the trainer ``two_stage``; ``build`` returns the classifier of a clip's codes."""

    def autoencoder(
        self, params: Any, *, shape: tuple[int, int], masking: Masking | None
    ) -> nn.Module:
        """An untrained autoencoder of segments with an ``encoder`` and a ``regularization``."""

    def layers(self, params: Any, shape: tuple[int, int]) -> dict[str, tuple[int, int, int]]:
        """Frames, mels and feature maps after each layer of the autoencoder, for a published table."""


class HybridModel(Model, Protocol):
    """A model of the trainer ``hybrid``."""

    def build(
        self, params: Any, *, shape: tuple[int, int], features: int, outputs: int
    ) -> tuple[nn.Module, nn.Module, Callable[..., nn.Module]]:
        """The untrained network of the table, that of the spectrogram, and the class of their fusion.

        The class is called with the trained network of the spectrogram, that of the table, and the number
        of outputs.
        """


class Trainer(Protocol):
    """A module of ``mer.learn.trainers``: how a kind of model is trained on one fold.

    Attributes
    ----------
    uses_device : bool
        Whether it trains networks: on a GPU, folds are then trained one after the other.
    """

    uses_device: bool

    def fit_predict(self, context: FoldContext[Any], data: TrainingData) -> FoldResult:
        """Train on the training clips of the fold and predict its test clips."""

    def predict(
        self, fitted: FittedFold[Any], data: TrainingData, ids: Sequence[str]
    ) -> np.ndarray:
        """Predictions for any clips by the model of the first restart [shape=(len(ids), outputs)].

        It reads ``fitted.weights``, and neither labels nor inputs of training clips.
        """


class Family(Protocol):
    """A package of ``mer.features``: a family of features.

    Attributes
    ----------
    Params : type of Block
        The section ``families.<family>`` of params.yaml.
    """

    Params: type[Block]

    def names(self, params: Any) -> list[str]:
        """The columns of the table, in their order."""


class ExtractedFamily(Family, Protocol):
    """A family that is computed from audio; ``Params`` have ``sample_rate``, in Hz or None.

    It may also have ``missing(params) -> str | None``, the reason why it cannot be computed, and
    ``on_gpu() -> bool``, whether clips must be processed one after the other.
    """

    def extract(self, clip: Clip, params: Any) -> np.ndarray:
        """The features of one clip [shape=(d,)], finite."""

    def versions(self) -> dict[str, str]:
        """Everything that decides the values besides the parameters: versions of libraries."""


class PublishedFamily(Family, Protocol):
    """A family whose tables are published with corpora.

    Attributes
    ----------
    published : bool
        True.
    """

    published: bool


class CataloguedFamily(Family, Protocol):
    """A family whose columns can be selected by grade, dimension and channel."""

    def catalogue(self) -> Mapping[str, Any]:
        """Facts of each column, by its name."""


class Layout(Protocol):
    """A module of ``mer.datasets``: how the files of a corpus are laid out.

    It may also have ``thresholds(root) -> (float, float)``, the values above which valence and arousal are
    high, which the manifest of the index records. The layout of a corpus with tables of features also has
    ``published(root) -> dict[str, FeatureSet]``, the tables by family, and ``published_families``, the
    families.
    """

    def tracks(self, root: Path) -> list[Track]:
        """The labelled clips of the corpus in ``root``.

        Raises
        ------
        MerError
            If a file is missing or malformed; the message says what must lie where.
        """


class Transform(Protocol):
    """A module of ``mer.augment``: one audio transform of augmentation policies.

    Attributes
    ----------
    Params : type of Block
        The ranges of the random arguments; params.yaml gives them in a policy.
    """

    Params: type[Block]

    def sample_parameters(self, rng: np.random.Generator, params: Any) -> Mapping[str, Any]:
        """Random keyword arguments of ``apply``, JSON-serialisable."""

    def apply(self, x: np.ndarray, sample_rate: int, **arguments: Any) -> np.ndarray:
        """The transformed samples, a new array [shape=(n,), dtype=float32]."""


MODEL_OF_TRAINER: dict[str, type] = {
    "autoencoder_codes": EstimatorModel,
    "finetune": PretrainedModel,
    "hybrid": HybridModel,
    "random_chunks": ChunkModel,
    "segment_sequence": NetworkModel,
    "sklearn_estimator": EstimatorModel,
    "supervised": NetworkModel,
    "two_stage": TwoStageModel,
}  # trainer -> the protocol of its models


SECTIONS_OF_TRAINER: dict[str, tuple[str, ...]] = {
    "autoencoder_codes": ("training",),
    "finetune": ("training",),
    "hybrid": ("dnn", "pretraining", "fusion"),
    "random_chunks": ("training", "waveform"),
    "segment_sequence": ("training",),
    "supervised": ("training",),
    "two_stage": ("autoencoder", "classifier"),
}  # trainer -> what it reads of the ``Params`` of its models


INPUTS_OF_TRAINER: dict[str, tuple[set[str], ...]] = {
    "autoencoder_codes": ({"spectrogram"},),
    "finetune": ({"spectrogram"},),
    "hybrid": ({"spectrogram", "table"},),
    "random_chunks": ({"waveform"},),
    "segment_sequence": ({"spectrogram"},),
    "sklearn_estimator": ({"table"}, set()),
    "supervised": ({"spectrogram"}, {"waveform"}),
    "two_stage": ({"spectrogram"},),
}  # trainer -> the inputs of clips that it trains on, of which the ``reads`` of its models has one set


VALUES_OF_MODEL: dict[str, tuple[str, ...]] = {
    "reads": ("spectrogram", "table", "families", "waveform", "weights"),
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
}  # package -> the protocol of its entries

EMPTY_FAMILY = "mer.features.none"
FAMILY_WITH: dict[str, type] = {
    "catalogue": CataloguedFamily,
    "extract": ExtractedFamily,
    "published": PublishedFamily,
}  # attribute of a family -> the protocol of families that have it


def further_protocols(package: str, entry: Any) -> list[type]:
    """The protocols that an entry must satisfy beside that of its registry, which it satisfies."""
    if package == "models":
        return _protocols_of_model(entry)
    if package == "features":
        return [protocol for name, protocol in FAMILY_WITH.items() if hasattr(entry, name)]
    return []


def applied_parts(model: Model) -> set[str]:
    """The fields of an augmentation policy, such as ``masking``, that the trainer of a model applies."""
    applied = {
        "synthesis": model.augments == "training",
        "oversampling": model.trainer == "sklearn_estimator",
        "masking": model.trainer == "two_stage",
        "spec_augment": model.trainer == "supervised" and "spectrogram" in model.reads,
    }
    return {part for part, is_applied in applied.items() if is_applied}


def _protocols_of_model(model: Model) -> list[type]:
    found = [FusionModel if "families" in model.reads else MODEL_OF_TRAINER[model.trainer]]
    released = model.trainer == "sklearn_estimator" and "released" in model.fidelities
    return [*found, ReleasedEstimatorModel] if released else found


def _stated(protocol: type) -> tuple[set[str], dict[str, Callable[..., Any]]]:
    """The attributes and the functions that a protocol, and those that it extends, state."""
    classes = [c for c in protocol.__mro__ if c.__module__ == __name__]
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


def faults(entry: Any, protocol: type) -> list[str]:
    """How an entry of a registry differs from a protocol, each in half a sentence."""
    attributes, functions = _stated(protocol)
    missing = {name for name in attributes | functions.keys() if not hasattr(entry, name)}
    found = [f"must define {name}, and does not" for name in sorted(missing)]
    for name in sorted(functions.keys() - missing):
        wanted, own = _call(name, functions[name], skip=1), _call(name, getattr(entry, name))
        too_few = own.count(",") < wanted.count(",") - 1
        if too_few if "**" in wanted else own != wanted:
            found.append(f"must define {wanted}, and defines {own}")
    return found


def _wrong_params(package: str, entry: Any) -> list[str]:
    """Faults of ``Params`` of an entry, each in half a sentence."""
    if "Params" not in _stated(REGISTRIES[package])[0]:
        return []
    if not (inspect.isclass(entry.Params) and issubclass(entry.Params, BaseModel)):
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
    """Refuse an entry of a registry that does not satisfy its protocols.

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
            f for protocol in further_protocols(package, entry) for f in faults(entry, protocol)
        ]
    if not found and package == "models":
        found = _lacks_sections(entry)
    if found:
        raise MerError(f"{package}: {entry.__file__} {found[0]}; see docs/contributing.md")
