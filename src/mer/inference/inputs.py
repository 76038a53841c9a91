"""The inputs of a model, computed from clips in memory as the stages compute them from a corpus."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator
from threadpoolctl import threadpool_limits

from mer import config, registry
from mer.contracts import checks
from mer.dsp.mel import padded, prepare, segments, spectrogram
from mer.errors import MerError
from mer.io import pretrained
from mer.io.spectrograms import Mels
from mer.learn.data import TrainingData
from mer.learn.waveforms import SegmentedWaveforms, Waveforms
from mer.pipeline.features import row
from mer.pipeline.join_features import joined_columns
from mer.runtime import interrupts
from mer.schema import Block
from mer.schema.feature_selection import JoinedFamilies
from mer.schema.spectrograms import View, Waveform
from mer.targets.target import Target
from mer.types import Clip, FeatureTable

_turn = threading.RLock()


class Families(Block):
    """A family of features, or a concatenation of families, with the parameters of each.

    Attributes
    ----------
    name : the family, or the name of one of ``joins``
    params : parameters of each family
    joins : the concatenations that ``name`` consists of
    """

    name: str
    params: dict[str, dict[str, Any]]
    joins: Annotated[tuple[JoinedFamilies, ...], Field(max_length=100)] = ()

    @field_validator("joins")
    @classmethod
    def _end(cls, joins: tuple[JoinedFamilies, ...]) -> tuple[JoinedFamilies, ...]:
        """Refuse a concatenation that consists of itself."""
        left = joins
        while names := {join.name for join in left}:
            inner = tuple(join for join in left if names & {join.left, join.right})
            if inner == left:
                raise ValueError(f"must not consist of itself, as {left[0].name!r} does")
            left = inner
        return joins

    def sides(self, name: str) -> tuple[str, str] | None:
        """The two sides of a concatenation, or None for a family."""
        return next(((j.left, j.right) for j in self.joins if j.name == name), None)

    def typed(self, name: str) -> Any:
        """The parameters of a family as the ``Params`` of its module."""
        return config.check_block("families", name, self.params[name])


def families(name: str) -> Families:
    """A family or concatenation with the parameters of params.yaml.

    Raises
    ------
    MerError
        If it is unknown, exists only as a published table, or needs a file that is missing, or it is a
        network and ``MER_DEVICE`` is no device of this machine.
    """
    path = config.params_file()
    joins = {join.name: join for join in config.read("joined_families", path=path)[0]}
    known = sorted({*registry.names("features"), *joins} - {"none"})
    if name not in known:
        raise MerError(f"family: {name!r} is not one of {known}; choose one of them")
    queue, used, params = [name], [], {}
    while queue:
        part = queue.pop()
        if part in joins:
            used.append(joins[part])
            queue += [joins[part].left, joins[part].right]
            continue
        module = registry.get("features", part)
        checks.check("features", module)
        if not hasattr(module, "extract"):
            raise MerError(
                f"family={part!r} exists only as a published table and cannot be extracted from songs; "
                "select panda1714 or compare"
            )
        (block,) = config.read(f"families.{part}", path=path)
        if hasattr(module, "missing") and (reason := module.missing(block)):
            raise MerError(f"family={part!r} cannot be extracted: {reason}")
        if hasattr(module, "on_gpu"):
            module.on_gpu()
        params[part] = block.model_dump(mode="json")
    return Families(name=name, params=params, joins=tuple(used))


@contextmanager
def _alone() -> Iterator[None]:
    """One call at a time: what it changes, and puts back, holds for all threads of the process.

    As in ``mer.runtime.parallel``, libraries have one thread: their number changes the last digits.
    """
    with _turn, threadpool_limits(1), interrupts.kept():
        yield


@_alone()
def table(clips: Sequence[Clip], chosen: Families, name: str | None = None) -> FeatureTable:
    """The features of clips, a row each.

    Parameters
    ----------
    name : str or None
        A part of the concatenation; None for all of it.
    """
    name = name or chosen.name
    if sides := chosen.sides(name):
        left, right = (table(clips, chosen, side) for side in sides)
        return joined_columns(left, right, sides[1])
    params = chosen.typed(name)
    names = registry.get("features", name).names(params)
    rows = [row(clip, name, params) for clip in clips]
    values = np.stack(rows) if rows else np.empty((0, len(names)), np.float32)
    source = {"source": "extracted", "family": name}
    return FeatureTable(tuple(clip.id for clip in clips), tuple(names), values, source)


def _mels(clips: Sequence[Clip], view: View) -> Mels:
    found = [spectrogram(prepare(clip, view), view) for clip in clips]
    values = np.stack([padded(mel, view.frames or mel.shape[-2], view) for mel in found])
    frames = np.array([mel.shape[-2] for mel in found])
    return Mels(tuple(clip.id for clip in clips), frames, values.astype("<f2"))


def _waveforms(clips: Sequence[Clip], form: Waveform) -> SegmentedWaveforms | Waveforms:
    ids = tuple(clip.id for clip in clips)
    samples = [prepare(clip, form).samples for clip in clips]
    if form.segment_samples:
        return SegmentedWaveforms(ids, np.stack([segments(s, form) for s in samples]).astype("<f2"))
    lengths = np.array([len(s) for s in samples])
    return Waveforms(ids, np.concatenate(samples).astype("<f2"), lengths)


def inputs(
    clips: Sequence[Clip],
    params: Any,
    reads: Sequence[str],
    target: Target,
    *,
    view: View | None,
    features: Families | None,
) -> TrainingData:
    """The inputs that a model reads, of clips without labels.

    Parameters
    ----------
    params : Block
        The model's ``Params``.
    reads : sequence of str
        ``mer.contracts.interfaces.Model.reads``.
    view, features
        Where the model reads a spectrogram or a table.
    """
    found: dict[str, Any] = {}
    if "table" in reads and features:
        found["table"] = table(clips, features)
    if "spectrogram" in reads and view:
        found["mel"] = _mels(clips, view)
    if "waveform" in reads:
        cut = bool(params.waveform.segment_samples)
        found["segmented_waveforms" if cut else "waveforms"] = _waveforms(clips, params.waveform)
    if "weights" in reads:
        found["pretrained"] = pretrained.load(params.weights)
    return TrainingData({}, target, **found)


def on_gpu(chosen: Families) -> bool:
    """Whether any of the families runs on a GPU, so that clips must be processed one after the other."""
    modules: list[Any] = [registry.get("features", name) for name in chosen.params]
    return any(module.on_gpu() for module in modules if hasattr(module, "on_gpu"))


def versions(chosen: Families) -> Mapping[str, str]:
    """Versions of everything that decides the values of the features."""
    modules: Mapping[str, Any] = {n: registry.get("features", n) for n in chosen.params}
    return {k: v for module in modules.values() for k, v in module.versions().items()}
