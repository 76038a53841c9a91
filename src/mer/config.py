"""The only reader of params.yaml: typed sections, unknown keys refused, the choices named.

A stage reads exactly the sections that it declares in its dvc.yaml, as in
``read("corpora.demo.rate", "audio")``. ``validate`` reads the whole file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BeforeValidator,
    Field,
    FiniteFloat,
    PositiveFloat,
    PositiveInt,
    SerializeAsAny,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mer import registry
from mer.block import Block
from mer.errors import MerError
from mer.recipe import Precision, Recipe

PARAMS = Path("params.yaml")
Key = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
Protocol = Literal[
    "default", "grouped", "cv10x10", "cv10", "tvt_70_15_15", "tvt_40_30_30", "song_80_20"
]


class Corpus(Block):
    """``corpora.<key>``: what is in ``data/raw/<key>`` and how to prepare it.

    Attributes
    ----------
    layout : module of ``mer.datasets`` that reads it
    rate : the highest rate any reader needs, in Hz
    peak_db : level of each clip's peak after standardization in dBFS, or null to leave the level
    protocol : what ``protocol: default`` means here; ``own`` is the split that the labels carry
    counts : clips per quadrant, or in all, that the paper prints, checked; null to accept any
    """

    layout: str
    rate: PositiveInt
    peak_db: Annotated[float, Field(le=0)] | None
    protocol: Literal["own", Protocol]
    counts: dict[Literal["Q1", "Q2", "Q3", "Q4"], int] | PositiveInt | None
    citation: str
    license: str
    source: str


class Demo(Block):
    """``demos.<key>``: a corpus that a stage renders.

    Attributes
    ----------
    release : which of its archives, where the layout has several
    """

    seed: int
    seconds: PositiveFloat
    release: str | None = None


class Union(Block):
    """``unions.<key>``: a corpus that a stage makes of three others.

    Attributes
    ----------
    of : keys of corpora
    """

    of: tuple[Key, Key, Key]


class Cut(Block):
    """``cuts.<key>``: a corpus that a stage makes of another one's clips, each cut into equal parts.

    Attributes
    ----------
    of : key of corpora
    parts : of each clip
    peak_db : level of each part's peak in dBFS, or null to leave the level
    """

    of: Key
    parts: Annotated[int, Field(ge=2)]
    peak_db: Annotated[float, Field(le=0)] | None


class Audio(Block):
    """``audio``: what standardization accepts of a file, and what decoding it may take.

    Attributes
    ----------
    min_seconds : shorter clips are quarantined
    max_pcm_mib : of a file's samples, all channels, as float32
    max_wall_seconds, max_cpu_seconds, max_memory_mib : of the process that decodes; beyond them it
        is ended and the file quarantined
    """

    min_seconds: PositiveFloat
    max_pcm_mib: PositiveInt
    max_wall_seconds: PositiveFloat
    max_cpu_seconds: PositiveFloat
    max_memory_mib: PositiveInt


class Quarantine(Block):
    """``quarantine``: what is left out.

    Attributes
    ----------
    max_fraction : share of the existing files beyond which the stage fails
    duplicates : of files with the same bytes, ``drop`` all but the first id or ``keep`` all
    """

    max_fraction: Annotated[float, Field(ge=0, le=1)]
    duplicates: Literal["drop", "keep"]


class Profile(Block):
    """``profiles.<key>``: how much of a protocol is run; null leaves its own number.

    Attributes
    ----------
    folds, repeats : of a cross-validation
    first : train on this many folds only, where a whole protocol is too dear
    batch : examples per training step of a network
    short : whether networks train for their ``short_epochs`` only, an autoencoder of segments on the
        first of each clip
    precision : ``bfloat16`` trains convolutions and dense layers in it where the device computes in it
        (GPUs, processors with AVX512-BF16 or AMX), and in float32 elsewhere; answers are computed in
        float32, but for those on chunks (``mer.learn.chunks``)
    """

    folds: Annotated[int, Field(ge=2)] | None
    repeats: PositiveInt | None
    first: PositiveInt | None
    batch: PositiveInt | None
    short: bool
    precision: Precision


class Waveform(Block):
    """What becomes of a clip before a model, or a spectrogram, takes it.

    Attributes
    ----------
    rate : Hz the clip is resampled to; never above the corpus' rate
    peak_db : level of the waveform's peak in dBFS, or null to leave the level
    seconds : longer clips are cropped to this length; null keeps each clip's own
    keep : which part of a longer clip stays
    short : a shorter clip is repeated from its start, or padded
    segment : samples of each segment that the clip is then cut into, from its start and without
        overlap, what remains at its end dropped; null for the whole clip
    """

    rate: PositiveInt
    peak_db: Annotated[float, Field(le=0)] | None
    seconds: PositiveFloat | None
    keep: Literal["start", "middle", "end"]
    short: Literal["pad", "repeat"]
    segment: PositiveInt | None

    @field_validator("segment")
    @classmethod
    def _fits(cls, segment: int | None, info: ValidationInfo) -> int | None:
        rate, seconds = info.data.get("rate"), info.data.get("seconds")
        if segment and rate and not (seconds and segment <= round(seconds * rate)):
            raise ValueError(f"must be null or at most rate * seconds, with seconds={seconds}")
        return segment

    @property
    def samples(self) -> int | None:
        """The length a clip is brought to at ``rate``, or None where it keeps its own."""
        return round(self.seconds * self.rate) if self.seconds else None

    @property
    def segments(self) -> int | None:
        """Segments of every clip, or None where it stays whole."""
        return self.samples // self.segment if self.samples and self.segment else None


class View(Waveform):
    """``views.<key>``: one spectrogram view; ``{}`` is a view without a spectrogram.

    Attributes
    ----------
    n_fft, hop : length of the Hann window and step in samples; windows are centred
    mels, fmin, fmax : number of bands and the range they cover in Hz
    bank : ``slaney``, triangles of unit area on Slaney's scale (librosa), or ``htk``, of unit height
        on HTK's (torchaudio)
    filter_rate : Hz the bands are built for where that is not ``rate``; null where it is
    power : 1 for magnitudes, 2 for powers
    scale : ``db``, relative to 1.0 and floored at -100, ``log10p1``, log10(1 + S), or ``log10p10``,
        log10(1 + 10 S)
    top_db : range below the maximum of the clip, or segment, in dB; null for no such floor
    fill : what pads, a number in units of ``scale`` or the clip's own minimum
    reverse : whether time, padding included, runs backwards
    """

    n_fft: Annotated[int, Field(gt=0, multiple_of=2)]
    hop: PositiveInt
    mels: PositiveInt
    bank: Literal["slaney", "htk"]
    fmin: Annotated[float, Field(ge=0)]
    filter_rate: PositiveInt | None
    fmax: PositiveFloat
    power: Literal[1, 2]
    scale: Literal["db", "log10p1", "log10p10"]
    top_db: PositiveFloat | None
    fill: FiniteFloat | Literal["minimum"]
    reverse: bool

    @field_validator("fmax")
    @classmethod
    def _covers_bands(cls, fmax: float, info: ValidationInfo) -> float:
        rate = info.data.get("filter_rate") or info.data.get("rate")
        if rate and not info.data.get("fmin", 0) < fmax <= rate / 2:
            raise ValueError(f"must lie above fmin and not above {rate / 2:g}, half the rate")
        return fmax

    @property
    def frames(self) -> int | None:
        """Frames of every spectrogram, or None where each clip keeps its own length."""
        length = self.segment or self.samples
        return 1 + length // self.hop if length else None


MaybeView = Annotated[View | None, BeforeValidator(lambda block: None if block == {} else block)]


class Join(Block):
    """An entry of ``joins``: the tables of two families side by side, selected as a family.

    Attributes
    ----------
    name : of the family that they make
    left, right : keys of ``families``
    """

    name: Key
    left: str
    right: str


class Columns(Block):
    """``columns``: which columns of the table a model sees.

    Attributes
    ----------
    grades, dimension, channel : of the family's catalogue; see ``mer.panda.Column``
    select : how columns are ranked inside each training part: by ReliefF or by chi-squared
    k : so many of the best stay
    neighbours : of each class, that ReliefF looks at
    """

    grades: Literal["A", "AB", "ABC"]
    dimension: Literal[
        "all",
        "melody",
        "harmony",
        "rhythm",
        "dynamics",
        "tone_colour",
        "expressive_techniques",
        "texture",
        "musical_form",
        "vocals",
    ]
    channel: Literal["all", "original", "voice"]
    select: Literal["none", "relieff", "chi2"]
    k: PositiveInt
    neighbours: PositiveInt

    @property
    def restricts(self) -> dict[str, str]:
        """What of the catalogue is asked for, where that is not everything."""
        chosen = {key: getattr(self, key) for key in ("grades", "dimension", "channel")}
        return {key: value for key, value in chosen.items() if value not in ("ABC", "all")}

    @property
    def used(self) -> dict[str, str | int]:
        """What narrows the table; nothing where a model sees all of it."""
        ranked = {"none": [], "chi2": ["select", "k"], "relieff": ["select", "k", "neighbours"]}
        return {**self.restricts, **{key: getattr(self, key) for key in ranked[self.select]}}


EVERY_COLUMN = Columns(
    grades="ABC", dimension="all", channel="all", select="none", k=100, neighbours=10
)


class Step(Block):
    """One transform of a copy: ``transform: <module of mer.augment>`` and its ``Params`` beside it."""

    transform: str
    params: SerializeAsAny[Block]

    @model_validator(mode="before")
    @classmethod
    def _typed_by_module(cls, block: Any) -> Any:
        if not isinstance(block, dict) or "transform" not in block:
            raise ValueError(f"must name its transform, one of {registry.names('augment')}")
        params = dict(block)
        name = params.pop("transform")
        try:
            module = registry.get("augment", name)
        except MerError as error:
            raise ValueError(str(error)) from error
        return {"transform": name, "params": module.Params.model_validate(params)}


class Synthesis(Block):
    """``policies.<key>.synthesis``: new examples that each training makes from its own clips.

    Attributes
    ----------
    per_class : how many
    neighbours : a new one lies between the codes of a clip and one of its nearest of the same class
    training : of the autoencoder that makes the codes
    """

    per_class: PositiveInt
    neighbours: PositiveInt
    training: Recipe


class Noise(Block):
    """``policies.<key>.rows``: a second row of each clip, its features with Gaussian noise.

    Attributes
    ----------
    deviation : of the noise, in standard deviations of each column
    """

    method: Literal["noise"]
    deviation: PositiveFloat


class Smote(Block):
    """``policies.<key>.rows``: as many rows again, each between a clip's and a neighbour's of its class.

    Attributes
    ----------
    neighbours : how many of the nearest are candidates
    """

    method: Literal["smote"]
    neighbours: PositiveInt


class Masking(Block):
    """``policies.<key>.masking``: spans of a segment that an autoencoder has to fill, drawn in training.

    Attributes
    ----------
    bands, frames : beyond the longest span, over frequency and over time
    fill : what they are filled with, the segment's mean or zero
    """

    bands: PositiveInt
    frames: PositiveInt
    fill: Literal["mean", "zero"]


class Stripes(Block):
    """``policies.<key>.stripes``: spans of a spectrogram hidden from a network, drawn in training.

    Attributes
    ----------
    count : of each kind
    frames, bands : beyond the longest, over time and over frequency
    """

    count: PositiveInt
    frames: PositiveInt
    bands: PositiveInt


class Policy(Block):
    """``policies.<key>``: one policy of augmented copies; ``{}`` makes none.

    Attributes
    ----------
    copies : the transforms of each copy, by its name; they are applied in their order
    synthesis : spectrograms that depend on the fold, and are therefore not made before its training
    rows : the same for estimators on a table of features
    masking : the same for the autoencoder of a model of two stages
    stripes : the same for a network of whole spectrograms, or of segments one by one
    leak : a diagnostic of what a mistake buys. ``before_split``: rows are made of test clips, too.
        ``mismatched_folds``: pre-training takes its clips from the folds of another list
    """

    copies: dict[Key, Annotated[tuple[Step, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    synthesis: Synthesis | None = None
    rows: Annotated[Noise | Smote, Field(discriminator="method")] | None = None
    masking: Masking | None = None
    stripes: Stripes | None = None
    leak: Literal["none", "before_split", "mismatched_folds"] = "none"


class Params(Block):
    """The whole file; ``models`` and ``families`` are typed by their modules' ``Params``."""

    model: str
    dataset: str
    target: Literal["quadrant", "valence", "arousal"]
    view: str
    family: str
    augment: str
    protocol: Protocol
    fidelity: Literal["described", "released"]
    profile: str
    seed: Annotated[int, Field(ge=0)]
    miniature: Literal["demo_", ""]
    columns: Columns
    corpora: dict[Key, Corpus]
    demos: dict[Key, Demo]
    unions: dict[Key, Union]
    cuts: dict[Key, Cut]
    audio: Audio
    quarantine: Quarantine
    views: dict[Key, MaybeView]
    families: dict[Key, dict[str, Any]]
    joins: tuple[Join, ...]
    policies: dict[Key, Policy]
    models: dict[Key, dict[str, Any]]
    profiles: dict[Key, Profile]


TYPED_BY_MODULE = {"models": "models", "families": "features"}
CHOICES = {
    "model": "models",
    "dataset": "corpora",
    "view": "views",
    "family": "families",
    "augment": "policies",
    "profile": "profiles",
}


def _load(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MerError(f"{path} is not in {Path.cwd()}; run this in the project's folder") from None
    except (OSError, yaml.YAMLError) as error:
        raise MerError(f"{path} must be a readable YAML file ({error})") from error
    if not isinstance(content, dict):
        raise MerError(f"{path} must hold a mapping, not {type(content).__name__}")
    return content


def _check(schema: Any, value: Any, where: str, path: Path) -> Any:
    """``value`` as ``schema``, or one sentence on its first fault."""
    try:
        return TypeAdapter(schema).validate_python(value)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join([*([where] if where else []), *map(str, fault["loc"])])
        if fault["type"] == "extra_forbidden":
            raise MerError(
                f"{path}: {key!r} is not a known key; remove it or mend its name"
            ) from None
        if fault["type"] == "missing":
            raise MerError(f"{path}: the key {key!r} is missing") from None
        raise MerError(f"{path}: {key}={fault['input']!r}: {fault['msg']}") from None


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
    """The named sections, typed; nothing else of the file is looked at.

    Parameters
    ----------
    keys : str
        Dotted, as in dvc.yaml: ``seed``, ``corpora.demo.rate``, ``models.svm``.

    Raises
    ------
    MerError
        If a section is missing, has an unknown key or a value of another type.
    """
    content = _load(path)
    values = []
    for key in keys:
        value: Any = content
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                raise MerError(f"{path}: the key {key!r} is missing")
            value = value[part]
        values.append(_check(_schema(key.split(".")), value, key, path))
    return values


def changed(params: Block, settings: Mapping[str, Any]) -> Block:
    """A section with some of its values replaced, checked as the whole is.

    Parameters
    ----------
    settings : mapping of str to value
        Dotted keys below the section: ``chunk_ms``, ``training.batch``.

    Raises
    ------
    MerError
        If it has no such key, or the value is none for it.
    """
    values = params.model_dump()
    for key, value in settings.items():
        *parents, last = key.split(".")
        inner = values
        for parent in parents:
            inner = inner.get(parent, {})
        if last not in inner:
            raise MerError(f"settings: {key!r} is not a key of {type(params).__module__}")
        inner[last] = value
    found: Block = _check(type(params), values, "settings", PARAMS)
    return found


def read_all(path: Path = PARAMS) -> Params:
    """The whole file, every block typed and every selector one of its choices.

    Raises
    ------
    MerError
        Naming the key, and the choices where there are some.
    """
    content = _load(path)
    params: Params = _check(Params, content, "", path)
    for block, package in TYPED_BY_MODULE.items():
        for name, values in getattr(params, block).items():
            module = registry.get(package, name)
            _check(module.Params, values, f"{block}.{name}", path)
    for key, corpus in params.corpora.items():
        if corpus.layout not in registry.names("datasets"):
            known = registry.names("datasets")
            raise MerError(f"{path}: corpora.{key}.layout={corpus.layout!r} is not one of {known}")
    for key, union in params.unions.items():
        known = sorted(params.corpora.keys() - params.unions.keys())
        for member in union.of:
            if member not in known:
                raise MerError(f"{path}: unions.{key}.of: {member!r} is not one of {known}")
        if key not in params.corpora or params.corpora[key].layout != "folder":
            raise MerError(f"{path}: corpora.{key} must be there with layout=folder, for the union")
    for key, cut in params.cuts.items():
        if cut.of not in params.corpora:
            known = sorted(params.corpora)
            raise MerError(f"{path}: cuts.{key}.of: {cut.of!r} is not one of {known}")
        if key in params.corpora:
            raise MerError(f"{path}: cuts.{key} must not have the name of a corpus")
    _check_joins(params, path)
    for selector, block in CHOICES.items():
        chosen, known = getattr(params, selector), sorted(getattr(params, block))
        if selector == "family":
            known += [join.name for join in params.joins]
        if chosen not in known:
            if block in TYPED_BY_MODULE and chosen in registry.names(TYPED_BY_MODULE[block]):
                raise MerError(
                    f"{path}: {selector}={chosen!r} needs a block {block}.{chosen}; add it"
                )
            raise MerError(f"{path}: {selector}={chosen!r} is not one of {known}")
    return params


def _check_joins(params: Params, path: Path) -> None:
    taken = list(params.families)
    for join in params.joins:
        if join.name in taken:
            raise MerError(
                f"{path}: joins: the name {join.name!r} must not be that of another family"
            )
        for side in (join.left, join.right):
            if side not in taken:
                raise MerError(
                    f"{path}: joins: {join.name!r} joins {side!r}, not one of {sorted(taken)}"
                )
        taken.append(join.name)
