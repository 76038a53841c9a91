"""The typed sections of params.yaml and params/*.yaml."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Key = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
NamedProtocol = Literal[
    "grouped", "cv10x10", "cv10", "tvt_70_15_15", "tvt_40_30_30", "song_80_20", "own"
]
Protocol = Literal["default", NamedProtocol]  # default: that of the corpus

TargetName = Literal[
    "quadrant", "valence", "arousal", "label", "valence_value", "arousal_value", "valence_arousal"
]

PeakDb = Annotated[float, Field(le=0)] | None  # dBFS; None keeps the level


class Block(BaseModel):
    """A section of params.yaml: unknown keys and infinite numbers are errors, and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
