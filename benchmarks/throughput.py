"""Examples per second of training on a GPU: of a plain loop, and of this project's loop.

``benchmarks/gpu.py --steps throughput`` runs this.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import cast

import torch
import training as loops
from torch import Tensor, nn

from mer import config, registry
from mer.contracts.interfaces import TwoStageModel
from mer.learn import loop, reconstruction
from mer.learn.trainers import two_stage
from mer.networks.autoencoder import Autoencoder
from mer.networks.segments import MaskedAutoencoder
from mer.pipeline import experiment_queue
from mer.schema.training import TrainingConfig

EPOCHS = 3
CLASSES = 4
# Network -> the view whose shape its inputs have.
VIEWS = {
    "cnn": "louro",
    "cnn_gru": "louro",
    "crnn": "louro",
    "short_chunk_cnn": "louro_segments",
    "sample_cnn": None,
}

log = logging.getLogger("gpu")


def shape_of(model: str, view: str | None) -> tuple[int, ...]:
    """Shape of one example of a network."""
    if view is None:
        (params,) = config.read(f"models.{model}")
        return (params.waveform.segment_samples,)
    (params,) = config.read(f"views.{view}")
    return params.frames, params.n_mels


def plain(
    network: nn.Module, x: Tensor, y: Tensor, training_config: TrainingConfig, where: torch.device
) -> Callable[[], object]:
    """A function that trains one epoch in a plain loop: see ``benchmarks/training.py``."""
    network = loops.with_torch_layers(network).to(where)
    return lambda: loops.plain(network, x, y, training_config, where)


def speed(epoch: Callable[[], object], count: int, where: torch.device) -> float:
    """Examples per second: the median of ``EPOCHS`` epochs after a warm-up epoch."""
    epoch()
    seconds = [loops.seconds(epoch, where) for _ in range(EPOCHS)]
    return round(count / median(seconds), 1)


@contextmanager
def cudnn_defaults() -> Iterator[None]:
    """PyTorch's defaults for cuDNN: TF32, and no search for the fastest convolution."""
    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = False, True


def compiled_speed(
    epoch: Callable[[], object], count: int, where: torch.device
) -> dict[str, float]:
    """Throughput of compiled epochs, and how many parts could not be compiled, if any."""
    frames = torch._dynamo.utils.counters["frames"]
    frames.clear()
    found = {"compiled": speed(epoch, count, where)}
    failed = frames["total"] - frames["ok"]
    return found | ({"failed_compilations": failed} if failed else {})


def classifier(model: str, view: str | None, batches: int, where: torch.device) -> dict[str, float]:
    """Throughput of a network that classifies its inputs."""
    shape = shape_of(model, view)
    network, training_config = loops.build(model, shape)
    once = {"max_epochs": 1, "stop_accuracy": None, "precision": "bfloat16"}
    training_config = training_config.model_copy(update=once)
    count = training_config.batch_size * batches
    x, y = 10 * torch.randn(count, *shape) - 40, torch.arange(count) % CLASSES
    with cudnn_defaults():
        found = {"plain": speed(plain(network, x, y, training_config, where), count, where)}
    resident = [x.half().to(where)], y.to(where)

    def epoch_of_new_network() -> Callable[[], object]:
        network = loops.build(model, shape)[0].to(where)
        return partial(
            loop.fit, network, *resident, training_config, seed=1, objective=loops.TARGET
        )

    with torch.compiler.set_stance("force_eager"):
        found["eager"] = speed(epoch_of_new_network(), count, where)
    return found | compiled_speed(epoch_of_new_network(), count, where)


def segment_autoencoder(batches: int, where: torch.device) -> dict[str, float]:
    """Throughput of He & Ferguson's autoencoder on segments of 10 s."""
    params, view, policy = config.read("models.ae_bilstm", "views.4qaed_10s", "policies.masked")
    shape, training_config = (view.frames, view.n_mels), params.autoencoder
    training_config = training_config.model_copy(update={"max_epochs": 1, "precision": "bfloat16"})
    count = training_config.batch_size * batches
    x = torch.rand(count, *shape).half().to(where)
    module = cast(TwoStageModel, registry.get("models", "ae_bilstm"))
    untrained = module.autoencoder(params, shape=shape, masking=policy.masking)
    network = cast(MaskedAutoencoder, untrained.to(where))
    objective = two_stage.huber(network)

    def epoch() -> object:
        return loop.fit(network, [x], x, training_config, seed=1, objective=objective)

    return compiled_speed(epoch, count, where)


def clip_autoencoder(batches: int, where: torch.device) -> dict[str, float]:
    """Throughput of Louro et al.'s autoencoder of whole spectrograms."""
    (params,) = config.read("models.autoencoder_rf")
    training_config = params.training.model_copy(update={"max_epochs": 1, "precision": "bfloat16"})
    count = training_config.batch_size * batches
    x = (2 * torch.rand(count, *shape_of("cnn", "louro")) - 1).half().to(where)
    network = Autoencoder().to(where)

    def epoch() -> object:
        return loop.fit(
            network, [x], x, training_config, seed=1, objective=reconstruction.RECONSTRUCTION
        )

    return compiled_speed(epoch, count, where)


def measure(target: Path, batches: int, where: torch.device) -> None:
    """Measure one network after the other; write the figures after each."""
    found = json.loads(target.read_text()) if target.exists() else {}
    networks: dict[str, Callable[[], dict[str, float]]] = {
        model: lambda model=model, view=view: classifier(model, view, batches, where)  # type: ignore[misc]
        for model, view in VIEWS.items()
    }
    networks["ae_bilstm_autoencoder"] = lambda: segment_autoencoder(batches, where)
    networks["autoencoder_rf"] = lambda: clip_autoencoder(batches, where)
    for name, speeds in networks.items():
        if name in found and "error" not in found[name]:
            continue
        try:
            found[name] = speeds()
        except Exception as error:
            found[name] = {"error": experiment_queue.summary(error)}
            log.warning("%s failed", name, exc_info=True)
        log.info("%s: %s", name, found[name])
        target.write_text(json.dumps(found, indent=1))
        if where.type == "cuda":
            torch.cuda.empty_cache()
