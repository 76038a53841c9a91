"""The hyperparameter search: its best trial, its continuation after a kill, and the clips it may read."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
import torch
from sklearn.exceptions import FitFailedWarning

from conftest import ROOT, profile_of
from mer import config, registry
from mer.errors import MerError
from mer.io.spectrograms import AugmentedMels, Mels
from mer.learn import hyperparameter_search
from mer.learn.context import FoldContext
from mer.learn.cross_validation import cross_validate
from mer.learn.data import TrainingData
from mer.learn.result import Trial
from mer.learn.trainers import hybrid, sklearn_estimator, supervised
from mer.runtime.parallel import parallel_map
from mer.schema.augmentation import SpectrogramMasks
from mer.schema.training import TrainingConfig, Tuning
from mer.targets.classes import Classes
from mer.types import QUADRANTS, FeatureTable, Fold

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


def test_the_best_trial_is_taken_and_the_rest_of_the_configuration_stays():
    training_config, trials = search()
    assert len(trials) == 10
    (chosen,) = (trial for trial in trials if trial.chosen)
    best = max(trial.objective for trial in trials)
    assert chosen.objective == best == pytest.approx(merit(training_config))
    for key in ("batch_size", "optimizer", "lr"):
        assert getattr(training_config, key) == getattr(chosen, key)
    assert (training_config.max_epochs, training_config.smoke_test_epochs) == (3, 2)


def test_of_equals_the_first_is_taken():
    _, trials = search(lambda _: 0.0)
    assert [trial.chosen for trial in trials] == [True] + 9 * [False]


@pytest.mark.parametrize("seed", range(5))
def test_no_combination_is_tried_twice(seed):
    _, trials = search(name=f"study {seed}", seed=seed)
    assert len({(trial.batch_size, trial.optimizer, trial.lr) for trial in trials}) == 10


def test_a_search_ends_when_every_combination_was_tried():
    small = SPACE.model_copy(update={"batch_size": (32,), "lr": (1e-3, 1e-1)})
    _, trials = search(space=small)
    tried = {(trial.batch_size, trial.optimizer, trial.lr) for trial in trials}
    assert len(trials) == len(tried) == 2 * len(SPACE.optimizer)


def test_trials_learn_from_those_before():
    """A configuration drawn at random from this space has a merit of 0.35."""
    space = SPACE.model_copy(
        update={
            "trials": 40,
            "batch_size": tuple(2**n for n in range(2, 12)),
            "lr": tuple(10.0**n for n in range(-9, 3)),
        }
    )
    found = [search(space=space, name=f"study {seed}", seed=seed)[1] for seed in (1000, 2000, 3000)]
    assert np.mean([trial.objective for trials in found for trial in trials[10:]]) > 0.39


def test_the_same_search_gives_the_same_trials(studies, monkeypatch):
    first = search()[1]
    monkeypatch.setattr(hyperparameter_search, "STUDIES", studies / "elsewhere")
    assert search()[1] == first


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
    assert after == whole
    search(dies)  # a finished search tries nothing


def test_two_runs_of_one_search_take_turns():
    """The second finds the trials of the first, whose trial is not one of a killed process."""
    seen, begun, go = [], threading.Event(), threading.Event()

    def slow(training_config):
        seen.append(training_config)
        begun.set()
        assert go.wait(60)
        return merit(training_config)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(search, slow)
        assert begun.wait(60)
        second = pool.submit(search, slow)
        time.sleep(0.2)
        go.set()
        assert first.result() == second.result()
    assert len(seen) == 10


def test_a_short_profile_tries_less_with_its_own_batch():
    training_config, trials = search(profile=DEMO)
    assert len(trials) == 2
    assert training_config.batch_size == DEMO.batch_size


def test_a_grid_tries_every_combination_once():
    small = SPACE.model_copy(update={"batch_size": (32, 64), "lr": (1e-3, 1e-1)})
    found, trials = hyperparameter_search.search(
        small, CONFIG, merit, name="grid", seed=1, profile=PAPER, method="grid"
    )
    tried = {(trial.batch_size, trial.optimizer, trial.lr) for trial in trials}
    assert len(trials) == len(tried) == 8
    assert (found.batch_size, found.optimizer, found.lr) == (64, "adam", 1e-3)


def test_a_grid_killed_before_a_trial_begins_leaves_no_combination_out(monkeypatch):
    def grid(name):
        small = SPACE.model_copy(update={"batch_size": (32, 64), "lr": (1e-3, 1e-1)})
        return hyperparameter_search.search(
            small, CONFIG, merit, name=name, seed=1, profile=PAPER, method="grid"
        )

    def dies(_study):
        raise KeyboardInterrupt

    whole = grid("whole")
    with monkeypatch.context() as patched:
        patched.setattr(optuna.Study, "ask", dies)
        with pytest.raises(KeyboardInterrupt):
            grid("killed")
    assert grid("killed") == whole


def test_a_grid_tries_what_a_killed_process_has_begun(tmp_path):
    """On a database, its trial stays a running one."""
    storage = f"sqlite:///{tmp_path}/t.db"
    small = SPACE.model_copy(
        update={"batch_size": (32, 64), "lr": (1e-3, 1e-1), "storage": storage}
    )

    def dies_in_the_third(config):
        called.append(config)
        if len(called) == 3:
            raise KeyboardInterrupt
        return merit(config)

    def grid(objective):
        return hyperparameter_search.search(
            small, CONFIG, objective, name="grid", seed=1, profile=PAPER, method="grid"
        )[1]

    called = []
    with pytest.raises(KeyboardInterrupt):
        grid(dies_in_the_third)
    tried = {(trial.batch_size, trial.optimizer, trial.lr) for trial in grid(merit)}
    assert len(tried) == 8


def test_machines_that_share_a_grid_try_other_combinations(tmp_path):
    """While the first one trains, the second one tries all others, then the first one's, too."""
    small = SPACE.model_copy(update={"batch_size": (32,), "storage": f"sqlite:///{tmp_path}/t.db"})

    def grid(objective):
        return hyperparameter_search.search(
            small, CONFIG, objective, name="both", seed=1, profile=PAPER, method="grid"
        )

    second = []

    def busy(training_config):
        if not second:
            second.append(None)
            second[0] = grid(merit)
        return merit(training_config)

    first = grid(busy)
    for _, trials in (first, second[0]):
        assert len({(trial.optimizer, trial.lr) for trial in trials}) == len(trials) == 12
    assert first[0] == second[0][0]


def test_an_objective_that_is_no_number_ends_the_search():
    """Optuna takes such a trial for failed, and the search would try it again for ever."""
    with pytest.raises(
        MerError, match=r"must have a number as its objective, and .*'lr'.* has NaN"
    ):
        search(lambda _: float("nan"))


def test_an_inner_part_of_one_class_ends_the_search(data):
    ids = tuple(data.labels)
    labels = {id_: int(id_ in (ids[0], ids[-1])) for id_ in ids}
    few = replace(data, labels=labels, target=Classes(("low", "high")))
    context = replace(context_of("svm", search="bayes"), fold=Fold(0, 0, ids[:-4], (), ids[-4:]))
    fails = pytest.warns(FitFailedWarning)
    with fails, pytest.raises(MerError, match="label more clips of the rarest class"):
        sklearn_estimator.fit_predict(context, few)


def test_a_range_is_searched_in_its_logarithm():
    trials = hyperparameter_search.optimize(
        {"c": hyperparameter_search.LogUniform(1e-6, 100.0)},
        lambda choice: -abs(np.log10(choice["c"]) + 2),
        trials=30,
        name="range",
        seed=1,
    )
    assert all(1e-6 <= trial.params["c"] <= 100 for trial in trials)
    assert abs(np.log10(hyperparameter_search.best_of(trials).params["c"]) + 2) < 0.5


@pytest.mark.parametrize("moved", ["train", "test"])
def test_the_svm_is_searched_inside_the_training_part(data, fold, moved):
    """With a C of 1e-6 an SVM learns nothing; the search finds a better one."""
    module = registry.get("models", "svm")
    (block,) = config.read("models.svm", path=ROOT / "params.yaml")
    chosen = block.model_copy(update={"search": "bayes", "c": 1e-6, "trials": 8, "folds": 2})
    context = FoldContext(module, chosen, fold, 1, "described", profile_of())
    x, y = data.table.rows(fold.train), data.targets_of(fold.train)
    found = sklearn_estimator._searched(context, data, x, y)
    assert found.search == "none"
    assert found.c > 1e-6
    other = altered(data, getattr(fold, moved)[0])
    again = sklearn_estimator._searched(
        context, other, other.table.rows(fold.train), other.targets_of(fold.train)
    )
    assert (again == found) is (moved == "test")


def test_a_database_may_keep_the_trials(tmp_path):
    space = SPACE.model_copy(update={"storage": f"sqlite:///{tmp_path}/trials.db", "trials": 2})
    first = search(space=space)[1]
    assert (tmp_path / "trials.db").exists()
    assert search(space=space)[1] == first
    assert search(space=space.model_copy(update={"storage": None}))[1] == first


def test_a_database_that_is_none_is_refused():
    with pytest.raises(MerError, match="storage='nonsense' must be null or the URL of a database"):
        search(space=SPACE.model_copy(update={"storage": "nonsense"}))


def context_of(model="cnn", **changes):
    (params,) = config.read(f"models.{model}", path=ROOT / "params.yaml")
    fold = Fold(0, 0, ("a",), (), ("b",))
    params = params.model_copy(update=changes)
    return FoldContext(registry.get("models", model), params, fold, 1, "described", DEMO)


def test_the_name_of_a_study_tells_models_settings_and_inputs_apart():
    def key(context, parts=(), value=0.0):
        return hyperparameter_search.study_name(context, parts, [torch.full((3,), value)])

    cnn, namesake = context_of(), replace(context_of(), model=SimpleNamespace(__name__="other"))
    others = (context_of(search="grid"), replace(cnn, seed=2), replace(cnn, profile=PAPER))
    names = {key(context) for context in (cnn, namesake, *others)}
    assert len(names | {key(cnn, [1]), key(cnn, [2]), key(cnn, value=1.0)}) == 8
    elsewhere = cnn.params.tuning.model_copy(update={"storage": "sqlite:///trials.db"})
    assert key(cnn) == key(context_of()) == key(context_of(tuning=elsewhere))


SHAPE = (96, 96)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    ids = tuple(f"c{i:02d}" for i in range(32))
    y = np.arange(32) % 4
    table = rng.standard_normal((32, 5)) + 2 * np.eye(5)[y]
    mels = (rng.standard_normal((32, *SHAPE)) + y[:, None, None]).astype(np.float16)
    frames = np.full(32, SHAPE[0])
    return TrainingData(
        dict(zip(ids, y.tolist())),
        Classes(QUADRANTS),
        FeatureTable(ids, tuple("abcde"), table),
        Mels(ids, frames, mels),
        AugmentedMels(ids, frames, mels[:, None] + np.float16(0.5), ("louder",)),
    )


@pytest.fixture(scope="module")
def fold(data):
    ids = tuple(data.labels)
    return Fold(0, 0, ids[:16], ids[16:24], ids[24:])


def run(data, fold, fidelity="described", **changes):
    (params,) = config.read("models.hybrid", path=ROOT / "params.yaml")
    quick = dict.fromkeys(("dnn", "pretraining", "fusion"), CONFIG)
    return cross_validate(
        "hybrid",
        params.model_copy(update={**quick, **changes}),
        data,
        [fold],
        seed=1,
        fidelity=fidelity,
        profile=DEMO,
        fold_map=parallel_map,
    )


def altered(data, *victims):
    """The same with other labels, rows and spectrograms of some clips."""
    rows = [data.table.ids.index(victim) for victim in victims]
    values, mels = data.table.values.copy(), data.mel.values.copy()
    values[rows] += 50
    mels[rows] += 50
    return replace(
        data,
        labels=data.labels | {v: (data.labels[v] + 1) % 4 for v in victims},
        table=replace(data.table, values=values),
        mel=replace(data.mel, values=mels),
    )


def test_validation_decides_and_test_is_not_looked_at(data, fold):
    before = run(data, fold)
    assert before.trials["chosen"].tolist().count(1) == 1
    assert list(before.trials["trial"]) == [1, 2]
    same = run(altered(data, fold.test[0]), fold)
    assert same.trials.equals(before.trials)
    others = same.predictions.frame["id"] != fold.test[0]
    assert same.predictions.frame[others].equals(before.predictions.frame[others])
    others = run(altered(data, *fold.val), fold).trials
    assert not others["objective"].equals(before.trials["objective"])


def test_the_chosen_recipe_is_the_one_that_is_trained(data, fold, monkeypatch):
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
        lambda *_, **__: (chosen, [Trial(8, "adam", 0.01, 0.5, chosen=True)]),
    )
    searched = run(data, fold).predictions.frame
    plain = run(data, fold, search="none", fusion=chosen)
    assert searched.equals(plain.predictions.frame)
    assert plain.trials.empty


@pytest.mark.parametrize("validated", [True, False])
def test_a_network_is_searched_without_its_test_clips(data, fold, validated, studies):
    """By the validation part of the fold, or by a part of its training clips."""
    if not validated:
        fold = Fold(0, 0, (*fold.train, *fold.val), (), fold.test)
    (block,) = config.read("models.cnn", path=ROOT / "params.yaml")
    chosen = block.model_copy(update={"training": CONFIG, "search": "grid"})
    mels = replace(data, table=None, augmented=None)

    def searched(given):
        context = FoldContext(registry.get("models", "cnn"), chosen, fold, 1, "described", DEMO)
        return supervised.fit_predict(context, given)

    found, moved = searched(mels), searched(relabelled(mels, fold.test))
    assert len(found.trials) == 2
    assert [trial.chosen for trial in found.trials].count(True) == 1
    assert moved.trials == found.trials
    masks = SpectrogramMasks(n_masks=1, time_mask_param=48, freq_mask_param=48)
    searched(replace(mels, spec_augment=masks))
    assert len([*studies.glob("*.journal")]) == 2
    asked = fold.val if validated else fold.train
    other = searched(relabelled(mels, asked)).trials
    assert [trial.objective for trial in other] != [trial.objective for trial in found.trials]


def test_a_search_of_too_few_training_clips_says_so(data, fold):
    context = replace(context_of(search="grid"), fold=Fold(0, 0, fold.train[:5], (), fold.test))
    with pytest.raises(MerError, match=r"the 5 of fold 0 of repeat 0 are too few .* set `search`"):
        supervised.fit_predict(context, replace(data, table=None, augmented=None))


def relabelled(data, victims):
    """The same data with the next class of some clips."""
    moved = {victim: (data.labels[victim] + 1) % 4 for victim in victims[::2]}
    return replace(data, labels=data.labels | moved)


def test_a_trial_may_configure_all_trainings(data, fold):
    """The branches are trained as the fusion is: with the chosen learning rate."""
    fusion, every = run(data, fold), run(data, fold, tunes="all")
    (chosen,) = every.trials.query("chosen == 1").to_dict("records")
    same = {"batch_size": chosen["batch"], "optimizer": ("sgd", "adam")[int(chosen["adam"])]}
    trained = CONFIG.model_copy(update={**same, "lr": chosen["lr"]})
    plain = run(data, fold, search="none", dnn=trained, pretraining=trained, fusion=trained)
    assert every.predictions.frame.equals(plain.predictions.frame)
    assert not every.trials["objective"].equals(fusion.trials["objective"])


def test_without_a_validation_part_nothing_is_searched(data, fold):
    joined = Fold(0, 0, (*fold.train, *fold.val), (), fold.test)
    assert run(data, joined).trials.empty


def test_released_takes_the_training_accuracy(data, fold):
    found = run(data, fold, "released")
    last = found.curves.query("phase == '3_fusion'")["accuracy"].iloc[-1]
    assert found.trials["objective"].max() == pytest.approx(last)


def test_every_column_of_the_search_is_in_params():
    (params,) = config.read("models.hybrid", path=ROOT / "params.yaml")
    assert params.tuning == SPACE
    assert registry.get("models", "hybrid").trainer == "hybrid"
