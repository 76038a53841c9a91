"""Every model learns every kind of target that it declares: one battery over the registry."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_models import DEMO, MODELS, SHAPE, as_read, data, params, run  # noqa: F401

from mer import registry
from mer.learn.context import FittedFold
from mer.learn.cross_validation import fold_seed
from mer.learn.data import TrainingData
from mer.metrics import summary
from mer.networks.segments import code_values
from mer.splits import split
from mer.targets.classes import Classes
from mer.targets.values import Values

SCALE = (1.0, 9.0)
DANCES = ("Tango", "polka", "slow waltz")
OF_VALUES = [m for m in MODELS if "values" in registry.get("models", m).predicts]


@pytest.fixture(scope="module")
def folds(corpus):
    return split(corpus, "cv10", seed=1, folds=2)


@pytest.fixture(scope="module")
def valued(data: TrainingData) -> TrainingData:  # noqa: F811
    """The clips of the battery with valence and arousal, whose centre is that of the quadrant."""
    rng = np.random.default_rng(0)
    centres = np.array([[7.5, 7.0], [2.5, 7.0], [2.5, 3.0], [7.5, 3.0]])
    points = {
        id_: tuple((centres[q] + rng.normal(0, 0.2, 2)).round(2).tolist())
        for id_, q in data.labels.items()
    }
    return replace(data, labels=points, target=Values(("valence", "arousal"), SCALE))


@pytest.mark.parametrize("model", OF_VALUES)
def test_a_model_learns_two_values_in_the_scale(root, model, valued, folds):
    found = run(root, model, valued, folds[:1])
    predicted = found.predictions.part("p")
    assert ((predicted >= SCALE[0]) & (predicted <= SCALE[1])).all()
    figures = summary(found.predictions, 1)
    if registry.get("models", model).reads:
        assert figures["rmse"] < figures["constant_rmse"]
        assert figures["pearson"] > 0.3
    else:
        assert figures["rmse"] == pytest.approx(figures["constant_rmse"], abs=1e-4)


ESTIMATORS = ("svm", "ridge", "mlp", "constant")


@pytest.mark.parametrize("model", ESTIMATORS)
def test_an_estimator_predicts_one_value(root, model, valued, folds):
    one = {id_: point[1:] for id_, point in valued.labels.items()}
    arousal = replace(valued, labels=one, target=Values(("arousal",), SCALE))
    found = run(root, model, arousal, folds[:1])
    assert found.predictions.names == ("arousal",)
    figures = summary(found.predictions, 1)
    assert (figures["r2"] > 0.5) is (model != "constant")


def networks(root, model, outputs):
    """The networks of a model, each with a batch of inputs."""
    module, block = registry.get("models", model), params(root, model)
    x = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(0))
    if model == "hybrid":
        dnn, cnn, fusion = module.build(block, shape=SHAPE, features=5, outputs=outputs)
        table = x[:, 0, :5]
        return [(dnn, [table]), (cnn, [x]), (fusion(cnn, dnn, outputs), [x, table])]
    if model == "ae_bilstm":
        codes = x[:, :3].new_ones(6, 3, code_values(block.filters, SHAPE)) * x[:, :3, :1]
        return [(module.build(block, shape=SHAPE, outputs=outputs), [codes])]
    if model == "cnn_bilstm":
        return [(module.build(block, shape=SHAPE, outputs=outputs), [torch.stack([x, x], 1)])]
    x = x[:, 0, :81] if model == "sample_cnn" else x
    return [(module.build(block, shape=tuple(x.shape[1:]), outputs=outputs), [x])]


TARGETS = {
    "label": (Classes(DANCES), [0, 1, 2, 0, 1, 2]),
    "valence_value": (Values(("valence",), SCALE), [(float(v),) for v in range(1, 7)]),
    "valence_arousal": (Values(("valence", "arousal"), SCALE), [(float(v), 9.0) for v in range(6)]),
}
TRAINERS = ("supervised", "segment_sequence", "two_stage", "hybrid")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "model", [m for m in OF_VALUES if registry.get("models", m).trainer in TRAINERS]
)
def test_a_step_lowers_the_loss(root, model, target):
    kind, labels = TARGETS[target]
    wanted = torch.from_numpy(kind.array(labels))
    torch.manual_seed(0)
    for network, inputs in networks(root, model, kind.outputs):
        network.eval()
        parameters = [p for p in network.parameters() if p.requires_grad]
        optimizer = torch.optim.SGD(parameters, lr=1e-3)
        before = kind.loss(network(*inputs), wanted)
        before.backward()
        optimizer.step()
        assert kind.loss(network(*inputs), wanted) < before


@pytest.mark.parametrize("model", MODELS)
def test_classes_of_any_names_keep_them(root, model, data, folds):  # noqa: F811
    named = {id_: quadrant % 3 for id_, quadrant in data.labels.items()}
    found = run(root, model, replace(data, labels=named, target=Classes(DANCES)), folds[:1])
    assert found.predictions.classes == DANCES
    assert {"f1_tango", "f1_polka", "f1_slow waltz"} <= summary(found.predictions, 1).keys()
    assert found.predictions.probabilities.shape[1] == 3


@pytest.mark.parametrize("model", OF_VALUES)
def test_what_a_training_leaves_predicts_the_same_values(root, model, valued, folds):
    module, fold = registry.get("models", model), folds[0]
    left = run(root, model, valued, [fold])
    kept = FittedFold(
        module,
        params(root, model),
        fold,
        fold_seed(1, fold),
        "described",
        DEMO,
        left.weights.get((0, 0), {}),
    )
    trainer = registry.get("learn.trainers", module.trainer)
    found = trainer.predict(kept, as_read(valued, model), fold.test)
    rows = left.predictions.frame.set_index("id").loc[list(fold.test)]
    expected = rows[left.predictions.prediction_columns].to_numpy()
    assert found == pytest.approx(expected, abs=1e-3)
