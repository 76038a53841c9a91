"""The section ``policies``: how the training clips are augmented."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, SerializeAsAny, model_validator

from mer import registry
from mer.errors import MerError
from mer.schema import Block, Key
from mer.schema.training import TrainingConfig


class Step(Block):
    """One transform of an augmented version: a module of ``mer.augment`` and its ``Params``."""

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


SmoteMethod = Literal["smote", "borderline_smote2"]


class Synthesis(Block):
    """``policies.<key>.synthesis``: synthetic spectrograms that each training makes from its own clips.

    Attributes
    ----------
    method : ``smote``, or ``borderline_smote2`` as in the authors' code
    samples_per_class : number of synthetic spectrograms of each class
    k_neighbors : nearest neighbours of a clip; a new code lies between its code and that of one of them
    training : training of the autoencoder that computes the codes
    """

    method: SmoteMethod
    samples_per_class: PositiveInt
    k_neighbors: PositiveInt
    training: TrainingConfig


class Noise(Block):
    """``policies.<key>.oversampling``: a second row of each clip, whose features have Gaussian noise.

    Attributes
    ----------
    std : standard deviation of the noise, in standard deviations of each column
    """

    method: Literal["noise"]
    std: PositiveFloat


class Smote(Block):
    """``policies.<key>.oversampling``: SMOTE doubles the number of rows of each class.

    Attributes
    ----------
    method : ``smote``, or ``borderline_smote2``, which samples at the borders between classes
    k_neighbors : nearest rows that a new row may be interpolated with; see ``mer.learn.smote``
    """

    method: SmoteMethod
    k_neighbors: PositiveInt


class Masking(Block):
    """``policies.<key>.masking``: random masks of a segment that an autoencoder learns to restore.

    Attributes
    ----------
    freq_mask_param, time_mask_param : exclusive upper limits of the mask lengths, in bands and in frames
    mask_value : value under the mask: the ``mean`` of the segment, or ``zero``
    """

    freq_mask_param: PositiveInt
    time_mask_param: PositiveInt
    mask_value: Literal["mean", "zero"]


class SpectrogramMasks(Block):
    """``policies.<key>.spec_augment``: random masks of spectrograms in the training of a network.

    Attributes
    ----------
    n_masks : masks over time, and as many over frequency
    time_mask_param, freq_mask_param : exclusive upper limits of the mask lengths, in frames and in bands
    """

    n_masks: PositiveInt
    time_mask_param: PositiveInt
    freq_mask_param: PositiveInt


class Policy(Block):
    """``policies.<key>``: one augmentation policy; ``{}`` augments nothing.

    Attributes
    ----------
    versions : augmented version -> its transforms, in the order in which they are applied
    synthesis : synthetic spectrograms, made inside each fold from its training clips
    oversampling : synthetic rows of a table of features, made inside each fold
    masking : masks for the autoencoder of a two-stage model
    spec_augment : masks for a network that reads whole spectrograms, or segments one by one
    leak : a diagnostic of what a mistake gains. ``before_split``: synthetic rows are made from test
        clips, too. ``mismatched_folds``: pre-training uses the training clips of another split into folds,
        which hold most test clips of the fold
    """

    versions: dict[Key, Annotated[tuple[Step, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    synthesis: Synthesis | None = None
    oversampling: Annotated[Noise | Smote, Field(discriminator="method")] | None = None
    masking: Masking | None = None
    spec_augment: SpectrogramMasks | None = None
    leak: Literal["none", "before_split", "mismatched_folds"] = "none"
