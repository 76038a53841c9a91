"""Train a network on the spectrograms, or waveforms, of the training part of one fold.

Where clips are cut into segments, each segment is an example, and the prediction of a clip is made from
those of its segments.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mer.learn import deepsmote, loop, tensors, trained_network, untrained_network, validation
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.hyperparameter_search import search, study_name
from mer.learn.result import FoldResult, Trial
from mer.learn.spec_augment import SpecAugment
from mer.learn.trainers._voting import clip_predictions
from mer.runtime.device import arithmetic, device
from mer.schema.training import TrainingConfig

if TYPE_CHECKING:
    from mer.contracts.interfaces import NetworkModel

uses_device = True


def _build(context: "FoldContext[NetworkModel]", data: TrainingData, x: Tensor) -> nn.Module:
    """An untrained network for examples like ``x``."""
    shape, outputs = tuple(x.shape[1:]), data.target.outputs
    return untrained_network.build(context, shape=shape, outputs=outputs)


def predict(
    fitted: "FittedFold[NetworkModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips by the trained network [shape=(len(ids), outputs)]."""
    x = tensors.examples(data, ids, device(), augmented=False)
    network = trained_network.load_weights(_build(fitted, data, x), fitted.weights, x.device)
    examples = trained_network.predict(network, [x], data.target)
    return clip_predictions(examples, data.segments_per_clip, fitted.fidelity).clips


def _searched(
    context: "FoldContext[NetworkModel]", data: TrainingData
) -> tuple[TrainingConfig, list[Trial]]:
    """The configuration that is best on validation clips, which no trial trains on, and the trials."""
    fold, params = context.fold, context.params
    train, val = validation.search_part(context, data)
    inner = replace(fold, train=tuple(train), val=(), test=tuple(val))

    def objective(config: TrainingConfig) -> float:
        chosen = params.model_copy(update={"training": config, "search": "none"})
        found = fit_predict(replace(context, fold=inner, params=chosen), data).predicted
        return data.target.quality(found, [data.labels[id_] for id_ in val])

    decides = inner, data.synthesis, data.spec_augment, arithmetic(device())
    inputs = (data.mel, data.augmented, data.segmented_waveforms)
    arrays = [
        data.targets_of((*train, *val)),
        *(part.values for part in inputs if part is not None),
    ]
    return search(
        params.tuning,
        params.training,
        objective,
        name=study_name(context, decides, arrays),
        seed=context.seed,
        profile=context.profile,
        method=params.search,
    )


def fit_predict(context: "FoldContext[NetworkModel]", data: TrainingData) -> FoldResult:
    """Train on the training clips and their augmented versions, and predict the test clips.

    Batch norms end with the statistics of the training examples, unless ``update_bn`` is false or the
    fidelity is ``released``.
    """
    where, fold, seed = device(), context.fold, context.restart_seed
    chosen, trials = context.params.training, list[Trial]()
    if getattr(context.params, "search", "none") != "none":
        chosen, trials = _searched(context, data)
    x = tensors.examples(data, fold.train, where, augmented=True)
    y = tensors.targets(data, fold.train, where, augmented=True)
    phases = []
    if data.synthesis:
        new_x, new_y, phase = deepsmote.synthesise(x, y, data.synthesis, context.profile, seed=seed)
        x, y = torch.cat([x, new_x]), torch.cat([y, new_y])
        phases.append(phase)
    torch.manual_seed(seed)
    network = _build(context, data, x).to(where)
    inputs = SpecAugment(x, data.spec_augment) if data.spec_augment else x
    config = context.effective_config(chosen)
    fit = partial(loop.fit, network, [inputs], y, config, seed=seed, objective=data.target)
    phases.append(loop.timed("training", len(y), fit, position=1))
    if config.update_bn:
        trained_network.update_bn(network, [x])
    test = tensors.examples(data, fold.test, where, augmented=False)
    examples = trained_network.predict(network, [test], data.target)
    clips, segments = clip_predictions(examples, data.segments_per_clip, context.fidelity)
    return FoldResult(
        clips, segments, phases, trials=trials, weights=trained_network.weights(network)
    )
