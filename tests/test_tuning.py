"""The search for a training configuration: what it finds, how it goes on after a kill, and what it may look at."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import ROOT
from mer import config, registry
from mer.errors import MerError
from mer.io.spectrograms import Copies, Mels
from mer.learn import hyperparameter_search
from mer.learn.cross_validation import cross_validate
from mer.learn.data import TrainingData
from mer.learn.trainers import hybrid
from mer.parallel import parallel_map
from mer.schema.training import TrainingConfig, Tuning
from mer.types import QUADRANTS, FeatureSet, Fold

CONFIG = TrainingConfig(
    optimizer="sgd", lr=0.5, batch_size=7, max_epochs=3, smoke_test_epochs=2, stop_accuracy=None
)
SPACE = Tuning(
    trials=10,
    smoke_test_trials=2,
    batch_size=(32, 64, 128, 256),
    optimizer=("sgd", "adam"),
    lr=(1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
    storage=None,
)
PAPER, DEMO = (
    config.read(f"profiles.{name}", path=ROOT / "params.yaml")[0] for name in ("paper", "demo")
)


@pytest.fixture(autouse=True)
def studies(tmp_path, monkeypatch):
    monkeypatch.setattr(hyperparameter_search, "STUDIES", tmp_path / "studies")
    return tmp_path / "studies"


def merit(training_config):
    """Highest, 1, for Adam at 1e-3 and a batch of 64."""
    distance = abs(np.log10(training_config.lr) + 3) + abs(np.log2(training_config.batch_size) - 6)
    return float(1 - 0.1 * distance - 0.2 * (training_config.optimizer == "sgd"))


def search(objective=merit, space=SPACE, name="study", profile=PAPER, seed=1):
    return hyperparameter_search.search(
        space, CONFIG, objective, name=name, seed=seed, profile=profile
    )


def test_the_best_trial_is_taken_and_the_rest_of_the_recipe_stays():
    training_config, trials = search()
    assert trials.shape == (10, len(hyperparameter_search.COLUMNS))
    (chosen,) = trials[trials[:, -1] == 1]
    assert chosen[4] == trials[:, 4].max() == pytest.approx(merit(training_config))
    assert (
        training_config.batch_size,
        training_config.optimizer == "adam",
        training_config.lr,
    ) == tuple(chosen[1:4])
    assert (training_config.max_epochs, training_config.smoke_test_epochs) == (3, 2)


def test_of_equals_the_first_is_taken():
    _, trials = search(lambda _: 0.0)
    assert trials[:, -1].tolist() == [1] + 9 * [0]


def test_trials_learn_from_those_before():
    """A configuration drawn at random has a merit of 0.65."""
    longer = SPACE.model_copy(update={"trials": 30})
    found = [
        search(space=longer, name=f"study {seed}", seed=seed)[1] for seed in (1000, 2000, 3000)
    ]
    assert np.mean([trials[10:, 4] for trials in found]) > 0.72


def test_the_same_search_gives_the_same_trials(studies, monkeypatch):
    first = search()[1]
    monkeypatch.setattr(hyperparameter_search, "STUDIES", studies / "elsewhere")
    assert np.array_equal(search()[1], first)


def test_a_killed_search_goes_on_and_ends_the_same(studies, monkeypatch):
    whole, seen = search(name="whole")[1], []

    def dies(training_config):
        if len(seen) == 4:
            raise KeyboardInterrupt
        seen.append(training_config)
        return merit(training_config)

    with pytest.raises(KeyboardInterrupt):
        search(dies)
    seen.clear()
    after = search(lambda training_config: seen.append(training_config) or merit(training_config))[
        1
    ]
    assert len(seen) == 6
    assert np.array_equal(after, whole)
    search(dies)  # a finished search tries nothing


def test_a_short_profile_tries_less_with_its_own_batch():
    training_config, trials = search(profile=DEMO)
    assert len(trials) == 2
    assert training_config.batch_size == DEMO.batch


def test_a_database_may_keep_the_trials(tmp_path):
    space = SPACE.model_copy(update={"storage": f"sqlite:///{tmp_path}/trials.db", "trials": 2})
    first = search(space=space)[1]
    assert (tmp_path / "trials.db").exists()
    assert np.array_equal(search(space=space)[1], first)
    assert np.array_equal(search(space=space.model_copy(update={"storage": None}))[1], first)


def test_a_database_that_is_none_is_refused():
    with pytest.raises(MerError, match="storage='nonsense' must be null or the URL of a database"):
        search(space=SPACE.model_copy(update={"storage": "nonsense"}))


def test_the_name_of_a_study_tells_its_inputs_apart():
    a, b = torch.zeros(3), torch.ones(3)
    assert hyperparameter_search.key([1], [a]) == hyperparameter_search.key([1], [a.clone()])
    assert (
        len(
            {
                hyperparameter_search.key([1], [a]),
                hyperparameter_search.key([2], [a]),
                hyperparameter_search.key([1], [b]),
            }
        )
        == 3
    )


SHAPE = (96, 96)


@pytest.fixture(scope="module")
def material():
    rng = np.random.default_rng(0)
    ids = tuple(f"c{i:02d}" for i in range(32))
    y = np.arange(32) % 4
    table = rng.standard_normal((32, 5)) + 2 * np.eye(5)[y]
    mels = (rng.standard_normal((32, *SHAPE)) + y[:, None, None]).astype(np.float16)
    frames = np.full(32, SHAPE[0])
    return TrainingData(
        dict(zip(ids, y.tolist())),
        QUADRANTS,
        FeatureSet(ids, tuple("abcde"), table),
        Mels(ids, frames, mels),
        Copies(ids, frames, mels[:, None] + np.float16(0.5), ("louder",)),
    )


@pytest.fixture(scope="module")
def fold(material):
    ids = tuple(material.labels)
    return Fold(0, 0, ids[:16], ids[16:24], ids[24:])


def run(material, fold, fidelity="described", **changes):
    (params,) = config.read("models.hybrid", path=ROOT / "params.yaml")
    quick = dict.fromkeys(("dnn", "pretraining", "fusion"), CONFIG)
    return cross_validate(
        "hybrid",
        params.model_copy(update={**quick, **changes}),
        material,
        [fold],
        seed=1,
        fidelity=fidelity,
        profile=DEMO,
        each=parallel_map,
    )


def altered(material, *victims):
    """The same with other labels, rows and spectrograms of some clips."""
    rows = [material.table.ids.index(victim) for victim in victims]
    values, mels = material.table.values.copy(), material.mel.values.copy()
    values[rows] += 50
    mels[rows] += 50
    return replace(
        material,
        labels=material.labels | {v: (material.labels[v] + 1) % 4 for v in victims},
        table=replace(material.table, values=values),
        mel=replace(material.mel, values=mels),
    )


def test_validation_decides_and_test_is_not_looked_at(material, fold):
    before = run(material, fold)
    assert before.trials["chosen"].tolist().count(1) == 1
    assert list(before.trials["trial"]) == [1, 2]
    same = run(altered(material, fold.test[0]), fold)
    assert same.trials.equals(before.trials)
    others = same.predictions.frame["id"] != fold.test[0]
    assert same.predictions.frame[others].equals(before.predictions.frame[others])
    others = run(altered(material, *fold.val), fold).trials
    assert not others["objective"].equals(before.trials["objective"])


def test_the_chosen_recipe_is_the_one_that_is_trained(material, fold, monkeypatch):
    chosen = TrainingConfig(
        optimizer="adam",
        lr=0.01,
        batch_size=8,
        max_epochs=3,
        smoke_test_epochs=2,
        stop_accuracy=None,
    )
    monkeypatch.setattr(
        hybrid.hyperparameter_search,
        "search",
        lambda *_, **__: (chosen, np.zeros((1, len(hyperparameter_search.COLUMNS)))),
    )
    searched = run(material, fold).predictions.frame
    plain = run(material, fold, search="none", fusion=chosen)
    assert searched.equals(plain.predictions.frame)
    assert plain.trials.empty


def test_without_a_validation_part_nothing_is_searched(material, fold):
    joined = Fold(0, 0, (*fold.train, *fold.val), (), fold.test)
    assert run(material, joined).trials.empty


def test_released_takes_the_training_accuracy(material, fold):
    found = run(material, fold, "released")
    last = found.curves.query("phase == '3_fusion'")["accuracy"].iloc[-1]
    assert found.trials["objective"].max() == pytest.approx(last)


def test_every_column_of_the_search_is_in_params():
    (params,) = config.read("models.hybrid", path=ROOT / "params.yaml")
    assert params.tuning == SPACE
    assert registry.get("models", "hybrid").trainer == "hybrid"
