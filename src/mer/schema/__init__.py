"""The typed sections of params.yaml and params/*.yaml."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    """A section of params.yaml: its values never change.

    Unknown keys, infinite numbers and ``true`` in place of a number are errors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_bool_as_number(cls, values: Any) -> Any:
        """Refuse ``true`` where pydantic would take it for 1."""
        for name, value in values.items() if isinstance(values, dict) else ():
            field = cls.model_fields.get(name)
            if isinstance(value, bool) and field and field.annotation is not bool:
                raise ValueError(f"{name} must not be {str(value).lower()}")
        return values
