"""Train a network on random chunks of one fold's training clips, as Ravanelli & Bengio train SincNet.

All samples lie on the device; a batch is gathered there by the places where its chunks begin. A clip's
class follows from all its chunks, at a fixed hop: their log-posteriors are summed (methods C4). Chunks
are many and alike: unlike other networks' examples they are classified in the precision of the training.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor, nn

from mer.errors import MerError
from mer.learn import loop, tensors
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.runtime.device import device
from mer.schema.profiles import Profile
from mer.schema.training import TrainingConfig

uses_device = True
predict_reads: tuple[str, ...] = ()
BATCH = 256  # chunks classified at once

log = logging.getLogger("mer")


@dataclass(frozen=True)
class Chunks:
    """Pieces of one long row of samples, gathered when they are asked for.

    Attributes
    ----------
    values : Tensor [shape=(samples,)]
        Of all clips, end to end.
    starts : Tensor [shape=(n,), dtype=int64]
        Where chunks begin.
    size : int
        Samples of a chunk.
    factors : Tensor [shape=(n,)] or None
        What each is multiplied by.
    """

    values: Tensor
    starts: Tensor
    size: int
    factors: Tensor | None = None

    @property
    def device(self) -> torch.device:
        """Where the samples are."""
        return self.values.device

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: Tensor) -> Tensor:
        found = self.values.unfold(0, self.size, 1)[self.starts[rows]].float()
        return found if self.factors is None else found * self.factors[rows, None]


@dataclass(frozen=True)
class Clips:
    """The clips of one side of a fold, within the samples of all.

    Attributes
    ----------
    values : Tensor [shape=(samples,)]
    starts, lengths : Tensor [shape=(n,), dtype=int64]
    """

    values: Tensor
    starts: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, material: TrainingData, ids: Sequence[str], values: Tensor, size: int) -> "Clips":
        """The clips of ``ids``.

        Raises
        ------
        MerError
            If one is shorter than a chunk.
        """
        assert material.signals is not None
        starts, lengths = material.signals.places(ids)
        short = int(lengths.argmin())
        if lengths[short] < size:
            raise MerError(
                f"a clip must last a chunk, {size} samples, and {ids[short]!r} has {lengths[short]}; "
                "leave it out, or make models.<model>.chunk_ms smaller"
            )
        places = (torch.from_numpy(a.astype(np.int64)).to(values.device) for a in (starts, lengths))
        return cls(values, *places)

    def draw(
        self, count: int, size: int, amplitude: float, generator: torch.Generator
    ) -> tuple[Chunks, Tensor]:
        """Random chunks, clips with replacement, and which clip each is of."""
        where = self.values.device
        clip = torch.randint(len(self.starts), (count,), generator=generator).to(where)
        share, level = torch.rand(2, count, dtype=torch.float64, generator=generator).to(where)
        starts = self.starts[clip] + (share * (self.lengths[clip] - size + 1)).long()
        factors = (1 + amplitude * (2 * level - 1)).float()
        return Chunks(self.values, starts, size, factors), clip

    def every(self, size: int, hop: int) -> tuple[Chunks, np.ndarray]:
        """All whole chunks at a hop, clip after clip, and the number of each clip's."""
        counts = 1 + (self.lengths - size) // hop
        first = (counts.cumsum(0) - counts).repeat_interleave(counts)
        step = torch.arange(len(first), device=first.device) - first
        starts = self.starts.repeat_interleave(counts) + hop * step
        return Chunks(self.values, starts, size), counts.cpu().numpy()


@torch.no_grad()
def classify(network: nn.Module, clips: Clips, size: int, hop: int) -> np.ndarray:
    """Probabilities of clips, of the summed log-posteriors of their chunks [shape=(n, classes)].

    Every batch is as large, the last one with its last chunk again and again: no answer depends on how
    many chunks there are.
    """
    network.eval()
    chunks, counts = clips.every(size, hop)
    whole = torch.arange(-(-len(chunks) // BATCH) * BATCH, device=chunks.device)
    batches = whole.clamp(max=len(chunks) - 1).split(BATCH)
    logits = torch.cat([loop.forward(network, [chunks], rows).cpu() for rows in batches])
    posteriors = logits[: len(chunks)].double().log_softmax(1).numpy()
    return softmax(np.add.reduceat(posteriors, counts.cumsum() - counts), axis=1)


def _network(module: Any, params: Any, material: TrainingData, where: torch.device) -> nn.Module:
    """An untrained network, or one that goes on from the given weights."""
    network: nn.Module = module.build(params, classes=len(material.classes))
    return (
        network.to(where)
        if material.initial is None
        else loop.load_weights(network, material.initial, where)
    )


def _fit(
    network: nn.Module,
    draw: Callable[[torch.Generator], tuple[Chunks, Tensor]],
    y: Tensor,
    config: TrainingConfig,
    *,
    seed: int,
    update_batchnorm_stats: bool,
) -> np.ndarray:
    """Train in place on what ``draw`` gives for each epoch; the learning curve [shape=(epochs, 2)].

    Parameters
    ----------
    y : Tensor [shape=(clips,)]
    update_batchnorm_stats : whether batch norms end with the statistics of one more epoch's chunks
    """
    generator, optimizer = torch.Generator().manual_seed(seed), loop.optimizer_of(network, config)
    network.train()
    called = loop.trained(network, config, y.device)
    curve = []
    for _ in range(config.max_epochs):
        x, clip = draw(generator)
        batches = torch.arange(len(x), device=y.device).split(config.batch_size)
        curve.append(loop.epoch(called, [x], y[clip], batches, loop.CLASSIFICATION, optimizer))
        log.info("epoch %d: loss %.4f, accuracy %.3f", len(curve), *curve[-1])
    if update_batchnorm_stats:
        loop.update_batchnorm_stats(network, [draw(generator)[0]])
    return np.array(curve)


def _answers(network: nn.Module, clips: Clips, params: Any, profile: Profile) -> np.ndarray:
    """Probabilities of clips, at the profile's hop [shape=(n, classes)]."""
    hop = params.samples(params.smoke_test_hop_ms if profile.short else params.hop_ms)
    with loop.precision(tensors.apply_profile(params.training, profile), clips.values.device):
        return classify(network, clips, params.samples(params.chunk_ms), hop)


def predict(fitted: FittedFold, material: TrainingData, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the network that a training left.

    See ``mer.learn.cross_validation``.
    """
    where, params = device(), fitted.params
    assert material.signals is not None
    values = torch.from_numpy(material.signals.values).to(where)
    clips = Clips.of(material, ids, values, params.samples(params.chunk_ms))
    network = fitted.module.build(params, classes=len(material.classes))
    return _answers(
        loop.load_weights(network, fitted.weights, where), clips, params, fitted.profile
    )


def fit_predict(context: FoldContext, material: TrainingData) -> dict[str, np.ndarray]:
    """Train on chunks of the fold's training clips, once per round; see ``mer.learn.cross_validation``.

    With ``material.initial`` all weights are trained further from there (methods C6), in every round
    from the same: rounds of a transfer differ by its own training, not by its parent's.
    """
    params, fold, profile = context.params, context.fold, context.profile
    where, size = device(), params.samples(params.chunk_ms)
    assert material.signals is not None
    values = torch.from_numpy(material.signals.values).to(where)
    train, test = (Clips.of(material, ids, values, size) for ids in (fold.train, fold.test))
    y = torch.tensor([material.labels[i] for i in fold.train], device=where)
    config = tensors.apply_profile(params.training, profile)
    count = config.batch_size * (params.smoke_test_steps if profile.short else params.steps)
    draw = partial(train.draw, count, size, params.amplitude)
    arrays: dict[str, np.ndarray] = {}
    answers = []
    for number, own in enumerate(context.seeds):
        torch.manual_seed(own)
        network = _network(context.module, params, material, where)
        fitted = partial(
            _fit, network, draw, y, config, seed=own, update_batchnorm_stats=context.described
        )
        arrays |= loop.timed(f"1_training.{number}", count, fitted)
        answers.append(_answers(network, test, params, profile))
        if number == 0:
            arrays |= loop.weights(network)
    return {"probabilities": np.stack(answers), **arrays}
