"""The untrained network that a model builds for a fold."""

from typing import Any

from torch import nn

from mer.errors import MerError, described
from mer.learn.context import FoldContext


def build(context: FoldContext[Any], **options: Any) -> nn.Module:
    """The network that ``build`` of the model makes from its parameters and these arguments.

    Raises
    ------
    MerError
        If that is no network, or ``build`` raises another error.
    """
    file = context.model.__file__
    try:
        network = context.model.build(context.params, **options)
    except MerError:
        raise
    except Exception as error:
        raise MerError(
            f"models: build of {file} must return a network, and raises {described(error, str(file))}; "
            "correct it"
        ) from error
    if not isinstance(network, nn.Module):
        raise MerError(
            f"models: build of {file} must return a torch.nn.Module, not "
            f"{type(network).__name__}; correct it"
        )
    return network
