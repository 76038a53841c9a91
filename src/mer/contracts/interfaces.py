"""Interfaces of all parts: one per registry, checked by mypy and by the tests of each registry.

A part is a module: its file name is its name in params.yaml, and the attributes of the interface are names
in the module. ``mer.registry.get`` returns it as its interface. The stage ``validate`` checks the models,
so that a new one is told what it lacks before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

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
        The module of ``mer.learn.trainers`` that trains the model; it says which of the interfaces below
        the model must satisfy.
    reads : tuple of str
        The inputs of the model, of ``spectrogram``, ``table``, ``families`` (of the columns of the table),
        ``sources`` (of the rows: members of a merged corpus), ``waveform`` (then ``Params`` have
        ``waveform``) and ``weights`` (then ``Params`` have ``weights``, pretrained ones).
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

    It may also have ``restore(params, attributes)``: the fitted estimator of the attributes that ``fit``
    has added to its parts, by name, where predictions need no scikit-learn.
    """

    def build(self, params: Any, *, seed: int, fidelity: str, predicts: str) -> BaseEstimator:
        """An unfitted classifier, or with ``predicts="values"`` a regressor, of rows [shape=(n, d)].

        A fitted classifier has ``classes_`` and ``predict_proba`` or ``decision_function``. A regressor is
        fitted to values in 0..1 [shape=(n, outputs)]. Either has ``get_support`` where it selects columns.
        The ``fit`` of a model that reads ``sources`` has an optional argument of that name: the member of a
        merged corpus that each row comes from [shape=(n,)].
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
    ``published(root) -> dict[str, FeatureTable]``, the tables by family, and ``published_families``, the
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
