"""How far a network's test score depends on the epoch at which its training ends, and on rounding.

    python benchmarks/training_noise.py cnn_4qaed [--fold 0] [--layers torch] [--late 0.8]

The key is an experiment of ``papers/`` with a network of spectrograms, whose inputs are prepared. The
program trains one fold under the profile ``quick``. After every second epoch whose training accuracy
exceeds ``--late`` it prints macro-F1 of the test clips twice: with the batch norms' statistics of the
training clips, as ``fidelity=described`` has them, and with running averages, as ``released`` has them.
Mean and standard deviation over these epochs follow. ``--layers torch`` computes the first block with
PyTorch's own layers, whose sums are rounded in another way. No score of a test clip decides anything.

docs/evaluation.md, "Training noise", has what it printed for ``cnn_4qaed``.
"""

import argparse
import copy
from collections.abc import Sequence
from unittest import mock

import numpy as np
import torch
from costs import composition
from rich.console import Console
from sklearn.metrics import f1_score

from mer import registry
from mer.io.folds import read_folds
from mer.learn import loop, tensors, trained_network
from mer.learn.context import FoldContext
from mer.learn.cross_validation import fold_seed
from mer.learn.data import TrainingData, gather
from mer.networks import first_block
from mer.runtime.device import device

EVERY = 2  # epochs


def prepared(key: str, number: int) -> tuple[FoldContext, TrainingData]:
    """The context of one fold of an experiment, and the data of its corpus."""
    chosen, params, policy, profile, columns = composition(key, "quick")
    module, fold = registry.get("models", chosen.model), read_folds(chosen.folds)[number]
    seed = fold_seed(chosen.seed, fold)
    context = FoldContext(module, params, fold, seed, chosen.fidelity, profile)
    return context, gather(chosen, params, policy, columns)


def late_scores(
    context: FoldContext, data: TrainingData, late: float, console: Console
) -> list[tuple[float, float]]:
    """Macro-F1 after late epochs, with the statistics of the training clips and with running averages."""
    where, fold = device(), context.fold
    x = tensors.examples(data, fold.train, where, augmented=True)
    y = tensors.targets(data, fold.train, where, augmented=True)
    test = tensors.examples(data, fold.test, where, augmented=False)
    truth, found = [data.labels[id_] for id_ in fold.test], list[tuple[float, float]]()
    shape, outputs = tuple(x.shape[1:]), data.target.outputs
    torch.manual_seed(context.seed)
    network = context.model.build(context.params, shape=shape, outputs=outputs).to(where)

    def score(trained: torch.nn.Module) -> float:
        answers = trained_network.predict(trained, [test], data.target).argmax(1)
        return float(f1_score(truth, answers, average="macro"))

    def after_epoch(curve: Sequence[tuple[float, float]], _: object) -> None:
        if curve[-1][1] > late and len(curve) % EVERY == 0:
            trained = copy.deepcopy(network)
            running = score(trained)
            trained_network.update_bn(trained, [x])
            found.append((score(trained), running))
            console.print(len(curve), *(f"{value:.4f}" for value in (curve[-1][1], *found[-1])))

    config = context.effective_config(context.params.training)
    with mock.patch.object(loop, "log_epoch", after_epoch):
        loop.fit(network, [x], y, config, seed=context.seed, objective=data.target)
    return found


def main() -> None:
    """Print the scores of the epochs, then their mean and standard deviation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("key", help="an experiment of papers/")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--layers", choices=["own", "torch"], default="own")
    parser.add_argument("--late", type=float, default=0.8, help="training accuracy")
    given, console = parser.parse_args(), Console()
    if given.layers == "torch":
        first_block.applies = lambda *_: False
    console.print(
        "epoch, training accuracy, macro-F1 (statistics of training clips, running averages)"
    )
    found = np.array(late_scores(*prepared(given.key, given.fold), given.late, console))
    for name, scores in zip(("training clips", "running averages"), found.T, strict=True):
        console.print(
            f"{name}: {scores.mean():.3f} ± {scores.std(ddof=1):.3f}, {len(scores)} epochs"
        )


if __name__ == "__main__":
    main()
