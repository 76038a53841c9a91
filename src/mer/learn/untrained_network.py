"""The untrained network that a model builds for a fold."""

from typing import Any

from torch import nn

from mer.errors import MerError, blaming
from mer.learn.context import FoldContext


def build(context: FoldContext[Any], **options: Any) -> nn.Module:
    """The network that ``build`` of the model makes from its parameters and these arguments.

    Raises
    ------
    MerError
        If that is no network, or ``build`` raises another error.
    """
    file = context.model.__file__
    with blaming(f"models: build of {file} must return a network", str(file), "correct it"):
        network = context.model.build(context.params, **options)
    if not isinstance(network, nn.Module):
        raise MerError(
            f"models: build of {file} must return a torch.nn.Module, not "
            f"{type(network).__name__}; correct it"
        )
    return network
