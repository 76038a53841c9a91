"""Train a network on random chunks of the training clips of one fold, as Ravanelli & Bengio train SincNet.

All samples lie on the device, and a batch is gathered there from the positions of its chunks. The class of
a clip follows from all its chunks at a fixed hop: their log-posteriors are summed (docs/methods.md,
"Pandrea's SincNet"). Chunks are many and redundant, so they are classified in the precision of the
training, unlike the examples of other networks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor, nn

from mer.errors import MerError
from mer.learn import loop, trained_network, untrained_network
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.forward import autocast, forward
from mer.learn.result import FoldResult
from mer.runtime.device import device
from mer.schema.training import TrainingConfig
from mer.targets.target import Target

if TYPE_CHECKING:
    from mer.contracts.interfaces import ChunkModel

uses_device = True
BATCH = 256  # chunks classified at once


@dataclass(frozen=True)
class Chunks:
    """Chunks of one long array of samples, gathered when they are indexed.

    Attributes
    ----------
    values : Tensor [shape=(samples,)]
        Samples of all clips, one clip after the other.
    starts : Tensor [shape=(n,), dtype=int64]
        First sample of each chunk.
    size : int
        Samples of a chunk.
    factors : Tensor [shape=(n,)] or None
        Gain of each chunk.
    """

    values: Tensor
    starts: Tensor
    size: int
    factors: Tensor | None = None

    @property
    def device(self) -> torch.device:
        """The device of the samples."""
        return self.values.device

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: Tensor) -> Tensor:
        found = self.values.unfold(0, self.size, 1)[self.starts[rows]].float()
        return found if self.factors is None else found * self.factors[rows, None]


@dataclass(frozen=True)
class Clips:
    """The clips of one part of a fold, within the samples of all clips.

    Attributes
    ----------
    values : Tensor [shape=(samples,)]
        Samples of all clips.
    starts, lengths : Tensor [shape=(n,), dtype=int64]
        First sample and number of samples of each clip.
    """

    values: Tensor
    starts: Tensor
    lengths: Tensor

    @classmethod
    def select(cls, data: TrainingData, ids: Sequence[str], values: Tensor, size: int) -> "Clips":
        """The clips ``ids``, whose chunks have ``size`` samples.

        Raises
        ------
        MerError
            If a clip is shorter than a chunk.
        """
        assert data.waveforms is not None
        starts, lengths = data.waveforms.spans(ids)
        shortest = int(lengths.argmin())
        if lengths[shortest] < size:
            raise MerError(
                f"a clip must last a chunk, {size} samples, and {ids[shortest]!r} has "
                f"{lengths[shortest]}; leave it out, or make models.<model>.chunk_ms smaller"
            )
        spans = (torch.from_numpy(a.astype(np.int64)).to(values.device) for a in (starts, lengths))
        return cls(values, *spans)

    def sample_chunks(
        self, count: int, size: int, amplitude: float, generator: torch.Generator
    ) -> tuple[Chunks, Tensor]:
        """Random chunks of random clips, with replacement, and the number of each chunk's clip."""
        where = self.values.device
        clip = torch.randint(len(self.starts), (count,), generator=generator).to(where)
        share, level = torch.rand(2, count, dtype=torch.float64, generator=generator).to(where)
        starts = self.starts[clip] + (share * (self.lengths[clip] - size + 1)).long()
        factors = (1 + amplitude * (2 * level - 1)).float()
        return Chunks(self.values, starts, size, factors), clip

    def all_chunks(self, size: int, hop: int) -> tuple[Chunks, np.ndarray]:
        """All complete chunks at a hop, clip by clip, and the number of chunks of each clip."""
        counts = 1 + (self.lengths - size) // hop
        first = (counts.cumsum(0) - counts).repeat_interleave(counts)
        step = torch.arange(len(first), device=first.device) - first
        starts = self.starts.repeat_interleave(counts) + hop * step
        return Chunks(self.values, starts, size), counts.cpu().numpy()


@torch.no_grad()
def classify(network: nn.Module, clips: Clips, size: int, hop: int) -> np.ndarray:
    """Class probabilities of clips, from the mean log-posteriors of their chunks [shape=(n, classes)].

    The class is that of the summed log-posteriors (thesis, section 3.3.1). Their softmax would be 0 or 1,
    as if neighbouring chunks were independent; that of the mean tells how sure the network is.

    All batches have the same size, the last one is filled with its last chunk: the probabilities do not
    depend on the number of chunks.
    """
    network.eval()
    chunks, counts = clips.all_chunks(size, hop)
    whole = torch.arange(-(-len(chunks) // BATCH) * BATCH, device=chunks.device)
    batches = whole.clamp(max=len(chunks) - 1).split(BATCH)
    logits = torch.cat([forward(network, [chunks], rows).cpu() for rows in batches])
    posteriors = logits[: len(chunks)].double().log_softmax(1).numpy()
    sums = np.add.reduceat(posteriors, counts.cumsum() - counts)
    return softmax(sums / counts[:, None], axis=1)


def _build(context: "FoldContext[ChunkModel]", data: TrainingData) -> nn.Module:
    return untrained_network.build(context, outputs=data.target.outputs)


def _initial_network(
    context: "FoldContext[ChunkModel]", data: TrainingData, where: torch.device
) -> nn.Module:
    """An untrained network, or one with the initial weights that the data give."""
    network = _build(context, data)
    if data.initial_weights is None:
        return network.to(where)
    return trained_network.load_weights(network, data.initial_weights, where)


def _samples(data: TrainingData, where: torch.device) -> Tensor:
    """The samples of all clips on the device."""
    assert data.waveforms is not None
    return torch.from_numpy(data.waveforms.values).to(where)


def _fit(
    network: nn.Module,
    sample: Callable[[torch.Generator], tuple[Chunks, Tensor]],
    y: Tensor,
    target: Target,
    config: TrainingConfig,
    *,
    seed: int,
) -> np.ndarray:
    """Train in place on the chunks that ``sample`` returns for each epoch.

    With ``config.update_bn``, batch norms end with the statistics of the chunks of one more epoch.

    Parameters
    ----------
    y : Tensor [shape=(clips,)]
        Class indices of the clips.

    Returns
    -------
    np.ndarray [shape=(epochs, 2)]
        Loss and accuracy of each epoch.
    """
    generator, optimizer = torch.Generator().manual_seed(seed), loop.optimizer_of(network, config)
    network.train()
    forward_pass = loop.training_forward(network, config, y.device)

    def epoch() -> tuple[float, float]:
        x, clip = sample(generator)
        batches = torch.arange(len(x), device=y.device).split(config.batch_size)
        return loop.run_epoch(forward_pass, [x], y[clip], batches, target, optimizer)

    curve = loop.run_epochs(epoch, config)
    if config.update_bn:
        trained_network.update_bn(network, [sample(generator)[0]])
    return curve


def _probabilities(context: FoldContext[Any], network: nn.Module, clips: Clips) -> np.ndarray:
    """Class probabilities of clips, at the hop of the profile [shape=(n, classes)]."""
    params, short = context.params, context.profile.smoke_test
    hop = params.samples(params.smoke_test_hop_ms if short else params.hop_ms)
    with autocast(context.effective_config(params.training), clips.values.device):
        return classify(network, clips, params.samples(params.chunk_ms), hop)


def predict(fitted: "FittedFold[ChunkModel]", data: TrainingData, ids: Sequence[str]) -> np.ndarray:
    """Class probabilities of any clips by the trained network [shape=(len(ids), C)]."""
    where, params = device(), fitted.params
    clips = Clips.select(data, ids, _samples(data, where), params.samples(params.chunk_ms))
    network = trained_network.load_weights(_build(fitted, data), fitted.weights, where)
    return _probabilities(fitted, network, clips)


def fit_predict(context: "FoldContext[ChunkModel]", data: TrainingData) -> FoldResult:
    """Train a network on chunks of the training clips and predict the test clips.

    Where the data have initial weights, all weights are trained further from these (docs/methods.md,
    "Pandrea's transfer learning"), in every restart from the same.
    """
    params, fold, short = context.params, context.fold, context.profile.smoke_test
    where, size = device(), params.samples(params.chunk_ms)
    values = _samples(data, where)
    train, test = (Clips.select(data, ids, values, size) for ids in (fold.train, fold.test))
    y = torch.from_numpy(data.targets_of(fold.train)).to(where)
    config = context.effective_config(params.training)
    count = config.batch_size * (params.smoke_test_steps if short else params.steps)
    sample = partial(train.sample_chunks, count, size, params.amplitude)
    torch.manual_seed(seed := context.restart_seed)
    network = _initial_network(context, data, where)
    fit = partial(_fit, network, sample, y, data.target, config, seed=seed)
    phase = loop.timed("training", count, fit, position=1)
    probabilities = _probabilities(context, network, test)
    return FoldResult(probabilities, phases=[phase], weights=trained_network.weights(network))
