"""The training loop of all networks; ``random_chunks`` samples the examples of each epoch anew.

Examples are moved to the device before the first epoch and stay there: an epoch copies only the order of
its examples to the device, and only its loss and accuracy back. Examples that do not fit into memory
(``mer.learn.memmap``) are read from disk, batch by batch.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from mer.errors import MerError
from mer.learn.forward import EVALUATION_BATCH, Examples, Network, autocast, everything, forward
from mer.learn.result import TrainingPhase
from mer.runtime.device import keep_memory
from mer.runtime.portable import instructions_are_limited
from mer.runtime.progress import note_epoch
from mer.schema.training import TrainingConfig
from mer.targets.target import Target

KERAS_ADAM_EPSILON = 1e-7

log = logging.getLogger("mer")


def _no_accuracy(_outputs: Tensor, _targets: Tensor) -> float:
    return math.nan


@dataclass(frozen=True)
class Objective:
    """The objective of a training that predicts no target, such as that of an autoencoder.

    Attributes
    ----------
    loss : callable (outputs, targets) -> Tensor
        Mean loss over the examples.
    hits : callable (outputs, targets) -> Tensor or float
        Number of correct examples; NaN where there is no accuracy.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    hits: Callable[[Tensor, Tensor], Tensor | float] = _no_accuracy


@dataclass(frozen=True)
class EarlyStopping:
    """Early stopping: validation ends the training, and the weights of its best epoch are restored.

    Attributes
    ----------
    inputs, targets : validation examples, in the form that ``fit`` takes
    monitor : the validation figure, ``loss`` (lower is better) or ``accuracy`` (higher is better)
    patience : number of epochs without an improvement after which training ends
    """

    inputs: Sequence[Examples]
    targets: Examples
    monitor: Literal["loss", "accuracy"]
    patience: int


def optimizer_of(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimizer that the configuration names, over the parameters that require a gradient."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=config.lr)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=config.lr, alpha=0.95, eps=1e-8)
    # Rounds alike on all processors, see mer.runtime.portable.
    fused = instructions_are_limited() or None
    return torch.optim.Adam(parameters, lr=config.lr, eps=KERAS_ADAM_EPSILON, fused=fused)


def _batches(order: Tensor, size: int) -> list[Tensor]:
    """Batches of ``order``; a last batch of one example, too small for batch norm, joins the one before."""
    pieces = list(order.split(size))
    if len(pieces) > 1 and len(pieces[-1]) == 1:
        pieces[-2:] = [torch.cat(pieces[-2:])]
    return pieces


def training_forward(network: nn.Module, config: TrainingConfig, where: torch.device) -> Network:
    """The forward pass of a training, in the precision of the configuration, compiled on a GPU.

    A batch of another size than that of the configuration goes through the network as it is: torch compiles
    anew for each size and, after eight sizes, no longer, so that its rounding would depend on the trainings
    before.
    """
    uncompiled: Network = autocast(config, where)(network)
    if where.type != "cuda":
        return uncompiled
    torch._dynamo.config.suppress_errors = True  # falls back to eager mode
    compiled: Network = autocast(config, where)(torch.compile(network, dynamic=False))

    @wraps(uncompiled)  # which keeps the attributes of the network
    def forward_pass(*inputs: Tensor) -> Tensor:
        full = len(inputs[0]) == config.batch_size
        return (compiled if full else uncompiled)(*inputs)

    return forward_pass


def _check_outputs(outputs: Tensor, n: int, objective: Target | Objective) -> None:
    """Refuse outputs of another shape than the loss of a target reads."""
    if isinstance(objective, Target) and outputs.shape != (n, objective.outputs):
        raise MerError(
            f"models: forward of the network must return logits of shape {(n, objective.outputs)}, a row "
            f"per example and a column per output, not {tuple(outputs.shape)}; correct `build` of the model"
        )


@cache
def _say_softmax() -> None:
    log.warning(
        "models: forward of the network should return logits, and returns probabilities, whose rows sum to "
        "1; leave out its softmax, for the target applies one"
    )


def _warn_of_probabilities(outputs: Tensor, objective: Target | Objective) -> None:
    """Warn once of a network that ends in a softmax, which learns slowly."""
    if not isinstance(objective, Target) or objective.outputs == 1:
        return
    sums = outputs.sum(1)
    if (outputs >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-2):
        _say_softmax()


def run_epoch(
    network: Network,
    inputs: Sequence[Examples],
    targets: Examples,
    batches: Sequence[Tensor],
    objective: Target | Objective,
    optimizer: torch.optim.Optimizer | None,
) -> tuple[float, float]:
    """One pass over the batches; with an optimizer, each batch is a training step.

    Parameters
    ----------
    inputs : sequence of Examples [each of shape=(n, ...)]
        One per argument of the network.
    targets : Examples [shape=(n,) or (n, outputs)]
        What the outputs are compared with.
    batches : sequence of Tensor [each of shape=(examples of the batch,)]
        Indices into the examples.

    Returns
    -------
    (float, float)
        Mean loss and accuracy over the examples of all batches; the accuracy is NaN without classes.

    Raises
    ------
    MerError
        If the network returns no single tensor, or outputs of another shape than a target has.
    """
    sums = torch.zeros(2, device=targets.device)
    for rows in batches:
        outputs, wanted = forward(network, inputs, rows), targets[rows]
        _check_outputs(outputs, len(rows), objective)
        if rows is batches[0] and not getattr(network, "ends_in_softmax", False):
            _warn_of_probabilities(outputs.detach(), objective)
        loss = objective.loss(outputs, wanted)
        if optimizer is not None:
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        sums[0] += loss.detach() * len(rows)
        sums[1] += objective.hits(outputs.detach(), wanted)
    mean_loss, accuracy = (sums / sum(map(len, batches))).tolist()
    return mean_loss, accuracy


def _log_epoch(curve: Sequence[tuple[float, float]], config: TrainingConfig) -> None:
    """Log the last epoch of a training, and show it beside the progress bar."""
    note_epoch(len(curve), config.max_epochs)
    loss, accuracy = curve[-1]
    text = f"epoch {len(curve)}: loss {loss:.4f}"
    if not np.isnan(accuracy):  # a target of values has none
        text += f", accuracy {accuracy:.3f}"
    log.info(text)


def _has_diverged(curve: Sequence[tuple[float, float]]) -> bool:
    """Whether the loss of the last epoch is NaN, which is logged: no later epoch mends the weights."""
    if math.isnan(curve[-1][0]):
        log.warning("the loss of epoch %d is NaN: the training diverged and ends", len(curve))
        return True
    return False


def run_epochs(
    epoch: Callable[[], tuple[float, float]],
    config: TrainingConfig,
    is_last: Callable[[float], bool] = lambda _accuracy: False,
) -> np.ndarray:
    """Run epochs up to the limit of the configuration, or to one whose loss is NaN.

    Parameters
    ----------
    epoch : callable
        Trains for an epoch and returns its loss and accuracy, see ``run_epoch``.
    is_last : callable
        Whether the training ends after an epoch with the given accuracy.

    Returns
    -------
    np.ndarray [shape=(epochs, 2)]
        Loss and accuracy of each epoch.
    """
    keep_memory()
    curve: list[tuple[float, float]] = []
    for _ in range(config.max_epochs):
        curve.append(epoch())
        _log_epoch(curve, config)
        if _has_diverged(curve) or is_last(curve[-1][1]):
            break
    return np.array(curve)


class _BestWeights:
    """The weights of the epoch with the best validation figure, and the epochs since then."""

    def __init__(
        self, network: nn.Module, stopping: EarlyStopping, objective: Target | Objective
    ) -> None:
        self.network, self.stopping, self.objective = network, stopping, objective
        self.best_figure, self.epochs_since_best = -float("inf"), 0
        self.weights: dict[str, Tensor] = {}

    @torch.no_grad()
    def _validation_figure(self) -> float:
        """The monitored figure of the network as it is now; higher is better."""
        stopping = self.stopping
        self.network.eval()
        batches = everything(stopping.targets).split(EVALUATION_BATCH)
        loss, accuracy = run_epoch(
            self.network, stopping.inputs, stopping.targets, batches, self.objective, None
        )
        self.network.train()
        return accuracy if stopping.monitor == "accuracy" else -loss

    def validate_epoch(self) -> bool:
        """Validate after an epoch, and keep the best weights; return whether the patience is exhausted."""
        figure = self._validation_figure()
        self.epochs_since_best += 1
        if figure > self.best_figure:
            self.best_figure, self.epochs_since_best = figure, 0
            self.weights = {k: v.clone() for k, v in self.network.state_dict().items()}
        return self.epochs_since_best >= self.stopping.patience

    def restore(self) -> None:
        """Load the weights of the best epoch into the network.

        Raises
        ------
        MerError
            If no epoch has a validation figure that is a number.
        """
        if not self.weights:
            raise MerError(
                f"validation {self.stopping.monitor} must be a number in some epoch, and is in none: the "
                "training diverged; lower its lr"
            )
        self.network.load_state_dict(self.weights)


def fit(
    network: nn.Module,
    inputs: Sequence[Examples],
    targets: Examples,
    config: TrainingConfig,
    *,
    seed: int,
    objective: Target | Objective,
    early_stopping: EarlyStopping | None = None,
) -> np.ndarray:
    """Train a network in place. A loss that is NaN ends the training, for no later epoch mends the weights.

    Parameters
    ----------
    inputs : sequence of Examples
        One per argument of the network, all on the network's device.
    targets : Examples
        What the outputs are compared with; ``Target.array`` gives it for a target.
    seed : int
        Seed of dropout and of the order of the examples.
    objective : Target or Objective
        The loss that the training minimises, and the accuracy that it reports.
    early_stopping : EarlyStopping or None
        None keeps the weights of the last epoch.

    Returns
    -------
    np.ndarray [shape=(epochs, 2)]
        Mean loss and accuracy of each epoch, over its batches as they were trained, with dropout. This
        accuracy is compared with ``stop_accuracy``, as in Louro et al.'s code. It is NaN without classes.
    """
    torch.manual_seed(seed)
    shuffle = torch.Generator().manual_seed(seed)
    optimizer = optimizer_of(network, config)
    best = _BestWeights(network, early_stopping, objective) if early_stopping else None
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    forward_pass = training_forward(network, config, targets.device)

    def epoch() -> tuple[float, float]:
        order = torch.randperm(len(targets), generator=shuffle).to(targets.device)
        batches = _batches(order, config.batch_size)
        return run_epoch(forward_pass, inputs, targets, batches, objective, optimizer)

    def is_last(accuracy: float) -> bool:
        out_of_patience = best is not None and best.validate_epoch()
        return out_of_patience or (
            config.stop_accuracy is not None and accuracy >= config.stop_accuracy
        )

    curve = run_epochs(epoch, config, is_last)
    if best:
        best.restore()
    return curve


def timed(
    name: str,
    examples: int,
    train: Callable[[], np.ndarray],
    *,
    position: int | None = None,
) -> TrainingPhase:
    """Call ``train``, which returns a learning curve, and measure its duration.

    Parameters
    ----------
    examples : int
        Examples of an epoch.
    name, position : see ``TrainingPhase``
    """
    started = time.perf_counter()
    curve = train()
    seconds = time.perf_counter() - started
    return TrainingPhase(name, curve, seconds, examples, position)
