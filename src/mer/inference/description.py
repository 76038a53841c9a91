"""The description of a trained system, its ``system.json``."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PositiveFloat, field_validator

from mer.inference.inputs import Families
from mer.inference.songs import FORMULA
from mer.schema import Block, PeakDb
from mer.schema.profiles import Profile
from mer.schema.spectrograms import MaybeView

Unit = Annotated[float, Field(ge=0, le=1)]


def _no_formula(text: str) -> str:
    """A text that a spreadsheet shows in a cell and does not run."""
    if text.startswith(FORMULA):
        raise ValueError(f"must not begin like the formula of a spreadsheet, with {text[0]!r}")
    return text


Cell = Annotated[str, AfterValidator(_no_formula)]


class Calibration(Block):
    """How probabilities become answers; fitted on predictions of clips that were not trained on.

    Attributes
    ----------
    temperature : divisor of the logarithms of the probabilities
    threshold : classes of at least this probability are in the conformal set ``possible``
    coverage : frequency with which the possible classes hold the true one
    """

    temperature: PositiveFloat
    threshold: Unit
    coverage: Unit


class Description(Block):
    """``system.json``.

    Attributes
    ----------
    format : version of this description; it is 1, and another one is refused
    title : in a few words
    model, params, fidelity, profile : the model, and how it was trained
    target : what it predicts
    outputs, scale : the classes, or the values and the lowest and highest value
    dataset : corpus that it was trained on
    warning : what every answer must say, such as that the corpus is a rendered demo; null for nothing
    sample_rate, peak_db, seconds : how the clips of the corpus were standardized, and their median length
    view, features : what the model reads of a clip
    calibration : of probabilities; null for values
    distance_limit : 0.99 quantile of the training clips' own distances; null without a table
    columns : names of the columns that each member reads; null for all of them
    members : number of networks or estimators
    code : digests of the code that its weights fit, see ``mer.pipeline.code_digests``; empty for none
    commit : Git commit of the code that exported it; empty where that is not known
    sha256 : digest of each other file of the system
    """

    format: Literal[1] = 1
    title: str
    model: str
    params: dict[str, Any]
    fidelity: str
    profile: Profile
    target: str
    outputs: Annotated[tuple[Cell, ...], Field(min_length=1)]
    scale: tuple[float, float] | None
    dataset: str
    warning: Cell | None
    sample_rate: Annotated[int, Field(ge=1, le=768_000)]
    peak_db: PeakDb
    seconds: Annotated[float, Field(ge=1, le=3600)]
    view: MaybeView
    features: Families | None
    columns: tuple[tuple[str, ...], ...] | None
    calibration: Calibration | None
    distance_limit: Annotated[float, Field(ge=1e-6)] | None
    members: Annotated[int, Field(ge=1, le=1000)]
    code: dict[str, str] = Field(default_factory=dict)
    commit: str = ""
    sha256: dict[str, str] = Field(default_factory=dict)

    @field_validator("outputs")
    @classmethod
    def _differ(cls, outputs: tuple[str, ...]) -> tuple[str, ...]:
        if len({*outputs}) < len(outputs):
            raise ValueError("must be different names")
        return outputs
