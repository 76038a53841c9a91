"""Train an autoencoder on the segments of a fold's training clips, then a classifier on its codes.

The encoder is frozen when its training ends and goes over the clips of the fold once; the codes wait in a
file without a name, which ends with the process.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mer.learn import loop, memmap, restarts, tensors
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.loop import Examples, Objective, weights
from mer.networks.segments import Encoder, MaskedAutoencoder
from mer.parallel import SCRATCH
from mer.runtime.device import device
from mer.types import positions

BATCH = 32

uses_device = True
predict_reads: tuple[str, ...] = ()


def huber(network: MaskedAutoencoder) -> Objective:
    """Huber loss with delta 1 against the whole segment, and the network's regularization."""

    def loss(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return functional.huber_loss(found, wanted.float()) + network.regularization

    return Objective(loss)


def segments(
    material: TrainingData, ids: Sequence[str], where: torch.device, first: int | None = None
) -> Examples:
    """Every segment of the clips, or the ``first``, clip by clip [shape=(n * segments, frames, mels)]."""
    values = restarts.sequences(material)
    assert material.mel is not None
    clips = np.array(positions(material.mel.ids, ids, "spectrogram"))
    per_clip = values.shape[1]
    numbers = clips[:, None] * per_clip + np.arange(per_clip)[:first]
    return memmap.examples(values.reshape(-1, *values.shape[2:]), numbers.ravel(), where)


@contextmanager
def encoded(encoder: Encoder, examples: Examples, per_clip: int) -> Iterator[np.ndarray]:
    """The codes of segments [shape=(n / per_clip, per_clip, values), dtype=float16], memory-mapped."""
    encoder.eval()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=SCRATCH) as stream:
        for numbers in torch.arange(len(examples), device=examples.device).split(BATCH):
            with torch.no_grad():
                codes, _ = encoder(examples[numbers].float())
            stream.write(codes.flatten(1).half().cpu().numpy().tobytes())
        stream.flush()
        shape = (len(examples) // per_clip, per_clip, codes[0].numel())
        yield np.memmap(stream, np.float16, "r", shape=shape)


def predict(fitted: FittedFold, material: TrainingData, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the first round's classifier; see ``mer.learn.cross_validation``."""
    where, (_, per_clip, *shape) = device(), restarts.sequences(material).shape
    first: dict[str, np.ndarray] = {}
    second: dict[str, np.ndarray] = {}
    for name, array in fitted.weights.items():
        own = name.removeprefix("encoder.")
        (second if own == name else first)[own] = array
    encoder = fitted.module.autoencoder(fitted.params, shape=shape, masking=None).encoder
    classifier = fitted.module.build(fitted.params, shape=shape, classes=len(material.classes))
    encoder, classifier = (
        loop.load_weights(encoder, first, where),
        loop.load_weights(classifier, second, where),
    )
    with encoded(encoder, segments(material, ids, where), per_clip) as codes:
        return loop.predict(classifier, [memmap.examples(codes, np.arange(len(ids)), where)])


def fit_predict(context: FoldContext, material: TrainingData) -> dict[str, np.ndarray]:
    """Both stages end by the same validation clips; see ``mer.learn.cross_validation``."""
    where, shape = device(), restarts.sequences(material).shape
    module, params, profile = context.module, context.params, context.profile
    train, val = restarts.validation(context, material.labels)
    torch.manual_seed(context.seed)
    network = module.autoencoder(params, shape=shape[2:], masking=material.masking).to(where)
    first = 1 if profile.short else None
    shown, kept = (segments(material, ids, where, first) for ids in (train, val))
    arrays = restarts.fit(
        network,
        restarts.Part(shown, shown),
        restarts.Part(kept, kept),
        tensors.apply_profile(params.autoencoder, profile),
        "stage1",
        seed=context.seed,
        patience=params.patience,
        monitor="loss",
        objective=huber(network),
    )
    arrays |= weights(nn.ModuleDict({"encoder": network.encoder}))
    sides = train, val, context.fold.test
    ids = tuple(dict.fromkeys(id_ for side in sides for id_ in side))
    started = time.perf_counter()
    with encoded(network.encoder, segments(material, ids, where), shape[1]) as codes:
        seconds = time.perf_counter() - started
        arrays["timing.encoding"] = np.array([seconds, 1, len(ids) * shape[1]])
        return arrays | restarts.classify(
            lambda: module.build(params, shape=shape[2:], classes=len(material.classes)),
            restarts.parts(codes, ids, sides, material.labels, where),
            tensors.apply_profile(params.classifier, profile),
            "stage2",
            seeds=context.seeds,
            patience=params.patience,
        )
