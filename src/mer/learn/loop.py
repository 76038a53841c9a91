"""The training loop of every network.

Examples lie on the device before the first epoch and stay there; an epoch copies nothing from the host
but the order of its examples, and nothing back but two numbers at its end. Only those that are too many
for that, ``mer.learn.memmap``, are read from the disk, batch by batch.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from mer.errors import MerError
from mer.runtime.device import computes_in_bfloat16
from mer.schema.training import TrainingConfig

EVALUATION_BATCH = 32
KERAS_ADAM_EPSILON = 1e-7

log = logging.getLogger("mer")

Network = Callable[..., Tensor]
Filled = TypeVar("Filled", bound=nn.Module)


class Examples(Protocol):
    """A tensor [shape=(n, ...)], or what is indexed as one."""

    @property
    def device(self) -> torch.device:
        """Where batches come to lie."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Tensor, /) -> Tensor: ...


@dataclass(frozen=True)
class Objective:
    """What a training lowers, and what it counts beside it.

    Attributes
    ----------
    loss : callable (outputs, targets) -> Tensor
        Mean over the examples.
    hits : callable (outputs, targets) -> Tensor, or None
        How many examples are right; None where that means nothing, and the accuracy is not a number.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    hits: Callable[[Tensor, Tensor], Tensor] | None = None


CLASSIFICATION = Objective(
    functional.cross_entropy, lambda logits, targets: (logits.argmax(1) == targets).sum()
)


@dataclass(frozen=True)
class EarlyStopping:
    """Validation examples that end a training, and choose the epoch whose weights stay.

    Attributes
    ----------
    inputs, targets : as those of ``fit``
    monitor : ``loss``, to be low, or ``accuracy``, to be high
    patience : epochs without a better figure after which training ends
    """

    inputs: Sequence[Examples]
    targets: Examples
    monitor: Literal["loss", "accuracy"]
    patience: int


def optimizer_of(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """The config's optimizer of the parameters that are trained."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=config.lr)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=config.lr, alpha=0.95, eps=1e-8)
    return torch.optim.Adam(parameters, lr=config.lr, eps=KERAS_ADAM_EPSILON)


def _batches(order: Tensor, size: int) -> list[Tensor]:
    """``order`` in pieces; a last piece of one example, which no batch norm can take, joins another."""
    pieces = list(order.split(size))
    if len(pieces) > 1 and len(pieces[-1]) == 1:
        pieces[-2:] = [torch.cat(pieces[-2:])]
    return pieces


def _everything(examples: Examples) -> Tensor:
    """The numbers of all examples."""
    return torch.arange(len(examples), device=examples.device)


def precision(config: TrainingConfig, where: torch.device) -> torch.autocast:
    """A context of the config's precision; outside of it networks compute in float32."""
    lower = config.precision == "bfloat16" and computes_in_bfloat16(where)
    return torch.autocast(where.type, torch.bfloat16, enabled=lower)


def trained(network: nn.Module, config: TrainingConfig, where: torch.device) -> Network:
    """The network as a training calls it, in the config's precision; on a GPU with its kernels fused."""
    if where.type == "cuda":
        torch._dynamo.config.suppress_errors = True  # what cannot be compiled runs as it is
        network = torch.compile(network, dynamic=False)  # type: ignore[assignment]
    called: Network = precision(config, where)(network)
    return called


def forward(network: Network, inputs: Sequence[Examples], rows: Tensor) -> Tensor:
    """Outputs in float32."""
    return network(*(x[rows].float() for x in inputs)).float()


def epoch(
    network: Network,
    inputs: Sequence[Examples],
    targets: Examples,
    batches: Sequence[Tensor],
    objective: Objective,
    optimizer: torch.optim.Optimizer | None,
) -> tuple[float, float]:
    """Mean loss and accuracy over the batches, with a step after each where there is an optimizer."""
    sums = torch.zeros(2, device=targets.device)
    for rows in batches:
        outputs, wanted = forward(network, inputs, rows), targets[rows]
        loss = objective.loss(outputs, wanted)
        if optimizer is not None:
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        sums[0] += loss.detach() * len(rows)
        sums[1] += objective.hits(outputs.detach(), wanted) if objective.hits else torch.nan
    mean_loss, accuracy = (sums / sum(map(len, batches))).tolist()
    return mean_loss, accuracy


class _Best:
    """The weights of the epoch with the best validation figure."""

    def __init__(
        self, network: nn.Module, early_stopping: EarlyStopping, objective: Objective
    ) -> None:
        self.network, self.early_stopping, self.objective = network, early_stopping, objective
        self.figure, self.age = -float("inf"), 0
        self.weights: dict[str, Tensor] = {}

    @property
    def chosen(self) -> dict[str, Tensor]:
        """The weights of the best epoch."""
        if not self.weights:
            raise MerError(
                f"validation {self.early_stopping.monitor} must be a number in some epoch, and is none in all "
                f"{self.age}: the training diverged; lower its lr"
            )
        return self.weights

    @torch.no_grad()
    def over(self) -> bool:
        """Look at the network after an epoch: whether its patience is over."""
        self.network.eval()
        batches = _everything(self.early_stopping.targets).split(EVALUATION_BATCH)
        loss, accuracy = epoch(
            self.network,
            self.early_stopping.inputs,
            self.early_stopping.targets,
            batches,
            self.objective,
            None,
        )
        self.network.train()
        figure = accuracy if self.early_stopping.monitor == "accuracy" else -loss
        self.age += 1
        if figure > self.figure:
            self.figure, self.age = figure, 0
            self.weights = {k: v.clone() for k, v in self.network.state_dict().items()}
        return self.age >= self.early_stopping.patience


def fit(
    network: nn.Module,
    inputs: Sequence[Examples],
    targets: Examples,
    config: TrainingConfig,
    *,
    seed: int,
    objective: Objective = CLASSIFICATION,
    early_stopping: EarlyStopping | None = None,
) -> np.ndarray:
    """Train in place.

    Parameters
    ----------
    inputs : sequence of Examples
        One per argument of the network, all on the network's device.
    targets : Examples
        What ``objective`` compares the outputs with; class indices of a classification.
    seed : int
        Of dropout and of the order of the examples.
    early_stopping : EarlyStopping or None
        Without one the last epoch's weights stay.

    Returns
    -------
    np.ndarray [shape=(epochs, 2)]
        Mean loss and accuracy of each epoch, over its batches as they were trained, dropout on: the
        figure that the stopping rule looks at (Louro et al.).
    """
    torch.manual_seed(seed)
    shuffle = torch.Generator().manual_seed(seed)
    optimizer = optimizer_of(network, config)
    best = _Best(network, early_stopping, objective) if early_stopping else None
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    called = trained(network, config, targets.device)
    curve = []
    for _ in range(config.max_epochs):
        order = torch.randperm(len(targets), generator=shuffle).to(targets.device)
        batches = _batches(order, config.batch_size)
        curve.append(epoch(called, inputs, targets, batches, objective, optimizer))
        log.info("epoch %d: loss %.4f, accuracy %.3f", len(curve), *curve[-1])
        if config.stop_accuracy is not None and curve[-1][1] >= config.stop_accuracy:
            break
        if best and best.over():
            break
    if best:
        network.load_state_dict(best.chosen)
    return np.array(curve)


def timed(phase: str, examples: int, train: Callable[[], np.ndarray]) -> dict[str, np.ndarray]:
    """Call ``train``, which gives a learning curve, and look at the clock.

    Parameters
    ----------
    examples : int
        Of an epoch.

    Returns
    -------
    dict of str to np.ndarray
        ``curve.<phase>``, and ``timing.<phase>``: seconds, epochs and examples of one.
    """
    started = time.perf_counter()
    curve = train()
    timing = np.array([time.perf_counter() - started, len(curve), examples])
    return {f"curve.{phase}": curve, f"timing.{phase}": timing}


def weights(network: nn.Module) -> dict[str, np.ndarray]:
    """Parameters and buffers by name, under ``weights.``, in the order of memory that files have."""
    state = network.state_dict().items()
    return {f"weights.{name}": tensor.cpu().contiguous().numpy() for name, tensor in state}


def load_weights(network: Filled, weights: Mapping[str, np.ndarray], where: torch.device) -> Filled:
    """The network with the weights that a training left, as it was at its end.

    Raises
    ------
    MerError
        If they are of another network.
    """
    try:
        network.load_state_dict({k: torch.from_numpy(array) for k, array in weights.items()})
    except RuntimeError as error:
        fault = str(error).splitlines()[-1].strip()
        raise MerError(
            "the weights of a run must be of the network that params.yaml describes, and are of another "
            f"({fault}); run `dvc repro`"
        ) from error
    return network.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]


@torch.no_grad()
def update_batchnorm_stats(network: nn.Module, inputs: Sequence[Examples]) -> None:
    """Set every trained batch norm's statistics to those of the given examples.

    Keras' momentum of 0.99 leaves them far from the data after few steps. Dropout is off. Statistics are
    means over batches of about the same size, whose examples are drawn: those in a row are alike.
    """
    network.eval()
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.weight.requires_grad]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch: the average over all batches
        norm.train()
    order = torch.randperm(len(inputs[0]), generator=torch.Generator().manual_seed(0))
    count = math.ceil(len(order) / EVALUATION_BATCH)
    for rows in order.to(inputs[0].device).tensor_split(count):
        forward(network, inputs, rows)
    network.eval()


@torch.no_grad()
def predict(
    network: nn.Module, inputs: Sequence[Examples], batch: int = EVALUATION_BATCH
) -> np.ndarray:
    """Class probabilities [shape=(n, classes)]; the size of a batch does not matter."""
    network.eval()
    logits = [forward(network, inputs, rows) for rows in _everything(inputs[0]).split(batch)]
    return torch.cat(logits).softmax(1).cpu().numpy()
