"""The typed sections of params.yaml and params/*.yaml."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

Key = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
NamedProtocol = Literal[
    "grouped", "cv10x10", "cv10", "tvt_70_15_15", "tvt_40_30_30", "song_80_20", "own"
]
ProtocolName = Literal["default", NamedProtocol]  # default: that of the corpus

TargetName = Literal[
    "quadrant", "valence", "arousal", "label", "valence_value", "arousal_value", "valence_arousal"
]

PeakDb = Annotated[float, Field(le=0)] | None  # dBFS; None keeps the level
NO_NUMBER = PydanticCustomError("no_number", "this must be a number")


def _leaves(annotation: Any) -> Iterator[Any]:
    """The plain types of an annotation: ``int`` and ``NoneType`` of ``tuple[int, ...] | None``."""
    if get_origin(annotation) is Literal:
        return
    if inner := get_args(annotation):
        for each in inner:
            yield from _leaves(each)
    else:
        yield annotation


def _bool_for_number(annotation: Any, value: Any) -> bool:
    """Whether a value is ``true`` or ``false``, or a list with one, where a number must be."""
    values = value if isinstance(value, list | tuple) else [value]
    types = {*_leaves(annotation)}
    is_number = bool({int, float} & types) and bool not in types
    return is_number and any(isinstance(each, bool) for each in values)


class Block(BaseModel):
    """A section of params.yaml: its values never change.

    Unknown keys, infinite numbers and ``true`` in place of a number are errors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_bool_for_number(cls, values: Any) -> Any:
        """Refuse ``true`` where pydantic would take it for 1."""
        given = values.items() if isinstance(values, dict) else ()
        faults = [
            InitErrorDetails(type=NO_NUMBER, loc=(name,), input=value)
            for name, value in given
            if name in cls.model_fields
            and _bool_for_number(cls.model_fields[name].annotation, value)
        ]
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return values
