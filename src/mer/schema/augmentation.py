"""``policies``."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, SerializeAsAny, model_validator

from mer import registry
from mer.errors import MerError
from mer.schema import Block, Key
from mer.schema.training import TrainingConfig


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
    training: TrainingConfig


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
