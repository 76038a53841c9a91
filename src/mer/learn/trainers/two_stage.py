"""Train an autoencoder on the segments of the training clips of a fold, then a classifier on its codes.

The encoder is frozen after its training and encodes the clips of the fold once per restart. The codes lie
in an unnamed temporary file, which ends with the process.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mer.io.checkpoints import SCRATCH
from mer.learn import (
    early_stopping,
    memmap,
    tensors,
    trained_network,
    untrained_network,
    validation,
)
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.forward import Examples
from mer.learn.loop import Objective
from mer.learn.result import FoldResult, TrainingPhase, split_by_prefix
from mer.learn.reuse import trained_once
from mer.networks.segments import Encoder, MaskedAutoencoder
from mer.runtime.device import device
from mer.types import positions

if TYPE_CHECKING:
    from mer.contracts.interfaces import TwoStageModel

BATCH = 32
ENCODER = "encoder."  # prefix of the names of the encoder's weights

uses_device = True


def huber(network: MaskedAutoencoder) -> Objective:
    """Huber loss with delta 1 against the unmasked segment, plus the regularization of the network."""

    def loss(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return functional.huber_loss(found, wanted.float()) + network.regularization

    return Objective(loss)


def segments(
    data: TrainingData, ids: Sequence[str], where: torch.device, first: int | None = None
) -> Examples:
    """All segments of the clips, or the ``first`` of each [shape=(n * segments, frames, mels)]."""
    values = tensors.sequences(data)
    assert data.mel is not None
    clips = np.array(positions(data.mel.ids, ids, "spectrogram"))
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


def _autoencoder(context: "FoldContext[TwoStageModel]", data: TrainingData) -> MaskedAutoencoder:
    shape = tensors.sequences(data).shape[2:]
    network = context.model.autoencoder(context.params, shape=shape, masking=data.masking)
    return cast(MaskedAutoencoder, network)


def _classifier(context: "FoldContext[TwoStageModel]", data: TrainingData) -> nn.Module:
    shape = tensors.sequences(data).shape[2:]
    return untrained_network.build(context, shape=shape, outputs=data.target.outputs)


def predict(
    fitted: "FittedFold[TwoStageModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips by the trained networks [shape=(len(ids), outputs)]."""
    where, per_clip = device(), tensors.sequences(data).shape[1]
    of_encoder, of_classifier = split_by_prefix(fitted.weights, ENCODER)
    encoder = trained_network.load_weights(_autoencoder(fitted, data).encoder, of_encoder, where)
    classifier = trained_network.load_weights(_classifier(fitted, data), of_classifier, where)
    with encoded(encoder, segments(data, ids, where), per_clip) as codes:
        examples = memmap.examples(codes, np.arange(len(ids)), where)
        return trained_network.predict(classifier, [examples], data.target)


def _train_autoencoder(
    context: "FoldContext[TwoStageModel]",
    data: TrainingData,
    train: Sequence[str],
    val: Sequence[str],
) -> tuple[Encoder, TrainingPhase]:
    """The encoder after the first stage, shared by all targets, restarts and classifiers of its codes.

    A smoke test uses the first segment of each clip only.
    """
    where, params = device(), context.params
    torch.manual_seed(context.seed)
    network = _autoencoder(context, data).to(where)
    first = 1 if context.profile.smoke_test else None
    inputs, val_inputs = (segments(data, ids, where, first) for ids in (train, val))
    config = context.effective_config(params.autoencoder)
    fit = partial(
        early_stopping.fit,
        network,
        tensors.Part(inputs, inputs),
        tensors.Part(val_inputs, val_inputs),
        config,
        "stage1",
        seed=context.seed,
        patience=params.patience,
        monitor="loss",
        objective=huber(network),
    )
    masks = data.masking.model_dump() if data.masking else None
    facts = {"seed": context.seed, "patience": params.patience, "penalty": params.penalty}
    phase = trained_once(network, (inputs, val_inputs), config, fit, **facts, masks=masks)
    return network.encoder, phase


def fit_predict(context: "FoldContext[TwoStageModel]", data: TrainingData) -> FoldResult:
    """Train both stages with the same validation clips and predict the test clips.

    The first restart reports the autoencoder's phases, because all restarts share its training.
    """
    where, per_clip = device(), tensors.sequences(data).shape[1]
    train, val = validation.early_stopping_part(context, data)
    encoder, stage1 = _train_autoencoder(context, data, train, val)
    encoder_weights = trained_network.weights(nn.ModuleDict({ENCODER.removesuffix("."): encoder}))
    sides = train, val, context.fold.test
    ids = tuple(dict.fromkeys(id_ for side in sides for id_ in side))
    started = time.perf_counter()
    with encoded(encoder, segments(data, ids, where), per_clip) as codes:
        seconds, nothing_trained = time.perf_counter() - started, np.empty((0, 2))
        encoding = TrainingPhase("encoding", nothing_trained, seconds, len(ids) * per_clip)
        result = early_stopping.fit_clips(
            context,
            lambda: _classifier(context, data),
            tensors.parts(codes, ids, sides, data, where),
            data.target,
            context.effective_config(context.params.classifier),
            "stage2",
        )
    shared = [stage1, encoding] if context.restart == 0 else []
    weights = {**encoder_weights, **result.weights}
    return replace(result, phases=[*shared, *result.phases], weights=weights)
