"""What every section of params.yaml is."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A section of params.yaml: an unknown key is an error, and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
