"""The outputs of a network for batches of examples, in training and in prediction."""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from mer.errors import MerError, blaming
from mer.runtime.device import computes_in_bfloat16
from mer.schema.training import TrainingConfig

EVALUATION_BATCH = 32
MODELS = "mer/models"  # in the paths of the files of networks
OF_THE_DEVICE = (torch.OutOfMemoryError, torch.AcceleratorError)  # errors that no model causes

Network = Callable[..., Tensor]


class Examples(Protocol):
    """A tensor [shape=(n, ...)], or a sequence that is indexed like one."""

    @property
    def device(self) -> torch.device:
        """The device of the batches."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Tensor, /) -> Tensor: ...


def everything(examples: Examples) -> Tensor:
    """The indices of all examples."""
    return torch.arange(len(examples), device=examples.device)


def autocast(config: TrainingConfig, where: torch.device) -> torch.autocast:
    """A context in which networks compute in the precision of the configuration, not in float32."""
    lower = config.precision == "bfloat16" and computes_in_bfloat16(where)
    return torch.autocast(where.type, torch.bfloat16, enabled=lower)


def forward(network: Network, inputs: Sequence[Examples], rows: Tensor) -> Tensor:
    """The outputs of the network for a batch, in float32."""
    batch = [x[rows].float() for x in inputs]
    shapes = ", ".join(str(tuple(x.shape)) for x in batch)
    rule = f"models: forward of the network must take float32 of shape {shapes}"
    with blaming(rule, MODELS, "correct the model", passing=OF_THE_DEVICE):
        outputs = network(*batch)
    if not isinstance(outputs, Tensor):
        raise MerError(
            f"models: forward of the network must return one tensor, not {type(outputs).__name__}; correct "
            "`build` of the model"
        )
    return outputs.float()
