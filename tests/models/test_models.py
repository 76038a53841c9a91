"""One battery over the registry of models: a new model is tested the moment its file exists."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import yaml
from safetensors.numpy import load, save

from conftest import profile_of
from helpers import weights
from mer import config, registry
from mer.errors import MerError
from mer.io.spectrograms import AugmentedMels, Mels
from mer.learn.context import FittedFold
from mer.learn.cross_validation import cross_validate, fold_seed
from mer.learn.data import TrainingData
from mer.learn.waveforms import SegmentedWaveforms, Waveforms
from mer.metrics import summary
from mer.runtime import parallel
from mer.schema.training import TrainingConfig
from mer.splits import split
from mer.targets.classes import Classes
from mer.types import QUADRANTS, FeatureTable

SHAPE = (96, 96)
QUICK = TrainingConfig(
    optimizer="adam", lr=0.005, batch_size=8, max_epochs=3, smoke_test_epochs=3, stop_accuracy=None
)  # the published recipes, and the published width, take minutes
LONGER = QUICK.model_copy(update={"max_epochs": 16, "smoke_test_epochs": 16})
QUICK_SEGMENTS = {"filters": (4, 4), "units": 32, "restarts": 1, "validation": 0.25}
QUICK_BLOCKS = {
    "ae_bilstm": {
        **QUICK_SEGMENTS,
        "penalty": "decay",
        "autoencoder": QUICK,
        "classifier": LONGER,
    },
    "cnn_bilstm": {**QUICK_SEGMENTS, "training": LONGER},
    "autoencoder_rf": {
        "training": QUICK.model_copy(update={"max_epochs": 1, "smoke_test_epochs": 1})
    },
    "cnn": {"training": QUICK},
    "cnn_gru": {"training": QUICK},
    "crnn": {"training": QUICK, "filters": (8, 8, 8, 8)},
    "mlp": {"k": 4},
    "sincnet": {
        "chunk_ms": 25,
        "smoke_test_hop_ms": 5,
        "smoke_test_steps": 30,
        "hidden": (64,),
        "training": QUICK.model_copy(
            update={"optimizer": "rmsprop", "max_epochs": 5, "smoke_test_epochs": 5}
        ),
    },
    "short_chunk_cnn": {
        "training": QUICK.model_copy(update={"lr": 0.01, "max_epochs": 6, "smoke_test_epochs": 6}),
        "filters": (4, 4, 32),
    },
    "sample_cnn": {"training": LONGER, "filters": (8, 8, 8)},
    "crnn_mtat": {"head": LONGER},
    "artists_cnn": {"training": LONGER},
}
MODELS = registry.names("models")
OF_TRAINER = {registry.get("models", m).trainer: m for m in reversed(MODELS) if m != "constant"}
ENDED_BY_VALIDATION = ("two_stage", "segment_sequence")
UNVALIDATED = [m for trainer, m in OF_TRAINER.items() if trainer not in ENDED_BY_VALIDATION]
DEMO = profile_of(folds=2, repeats=1, batch_size=8, smoke_test=True)


@pytest.fixture(scope="module")
def data(corpus):
    """Inputs that tell the quadrant, with noise: columns, bands and level of mels, level of waveforms."""
    rng = np.random.default_rng(0)
    ids = tuple(t.id for t in corpus)
    labels = {t.id: QUADRANTS.index(t.quadrant) for t in corpus}
    y = np.array(list(labels.values()))
    values = rng.standard_normal((len(y), 6))
    values[np.arange(len(y)), y] += 3
    mel = rng.normal(0, 0.3, (len(y), *SHAPE))
    for clip, quadrant in enumerate(y):
        mel[clip, :, 16 * quadrant : 16 * (quadrant + 1)] += 1
        mel[clip] += quadrant
    copies = mel[:, None] + rng.standard_normal((len(y), 1, 1, 1))
    frames = np.full(len(y), SHAPE[0])
    waves = rng.standard_normal((len(y), 2, 81)) * (1 + y[:, None, None])
    periods = np.array([267, 80, 27, 9])[y][:, None]  # of impulses, in samples
    signals = (np.arange(600) + rng.integers(periods)) % periods == 0
    signals = signals + 0.02 * rng.standard_normal(signals.shape)
    return TrainingData(
        labels,
        Classes(QUADRANTS),
        FeatureTable(ids, tuple("abcdef"), values),
        Mels(ids, frames, mel.astype(np.float16)),
        AugmentedMels(ids, frames, copies.astype(np.float16), ("louder",)),
        SegmentedWaveforms(ids, waves.astype(np.float16)),
        Waveforms(ids, signals.astype(np.float16).ravel(), np.full(len(y), signals.shape[1])),
    )


def as_read(data, model):
    """The data with what ``gather`` would have loaded for this model."""
    reads = registry.get("models", model).reads
    if "waveform" in reads:
        return replace(data, mel=None, augmented=None)
    if "weights" in reads:
        longer = np.concatenate([data.mel.values] * 2, axis=1)
        mel = replace(data.mel, values=longer)
        return replace(
            data,
            segmented_waveforms=None,
            waveforms=None,
            mel=mel,
            pretrained=weights.of(model, SHAPE[1]),
        )
    return replace(data, segmented_waveforms=None, waveforms=None)


def altered(data, victim):
    """The same data with everything about one clip changed: label, features, spectrogram, copies."""
    row = data.table.ids.index(victim)
    arrays = [
        data.table.values.copy(),
        data.mel.values.copy(),
        data.augmented.values.copy(),
        data.segmented_waveforms.values.copy(),
        data.waveforms.values.copy().reshape(len(data.labels), -1),
    ]
    for array in arrays:
        array[row] = array[row] * 3 + 50
    return replace(
        data,
        labels={**data.labels, victim: (data.labels[victim] + 1) % 4},
        table=replace(data.table, values=arrays[0]),
        mel=replace(data.mel, values=arrays[1]),
        augmented=replace(data.augmented, values=arrays[2]),
        segmented_waveforms=replace(data.segmented_waveforms, values=arrays[3]),
        waveforms=replace(data.waveforms, values=arrays[4].ravel()),
    )


def params(root, model):
    (block,) = config.read(f"models.{model}", path=root / "params.yaml")
    of_others = {"training": LONGER} if "training" in type(block).model_fields else {}
    return block.model_copy(update=QUICK_BLOCKS.get(model, of_others))


def run(root, model, data, folds, fidelity="described", seed=1, chosen=None):
    return cross_validate(
        model,
        chosen or params(root, model),
        as_read(data, model),
        folds,
        seed=seed,
        fidelity=fidelity,
        profile=DEMO,
        fold_map=parallel.parallel_map,
    )


@pytest.fixture(scope="module")
def folds(corpus):
    return split(corpus, "cv10", seed=1, folds=2)


@pytest.fixture(scope="module")
def trained(root, data, folds):
    """What a model leaves on the data, trained once."""
    return cache(lambda model: run(root, model, data, folds))


def left_by(trained, fold):
    """What a fold's training leaves: the answers to its test clips but the first, the weights."""
    answers = trained.predictions.frame.set_index("id").loc[list(fold.test[1:])]
    return [answers.to_numpy(), *trained.weights.get((fold.repeat, fold.fold), {}).values()]


def same(some, others):
    return all(np.array_equal(a, b) for a, b in zip(some, others, strict=True))


@pytest.mark.parametrize("model", MODELS)
def test_one_row_per_test_clip_with_probabilities(trained, model, data):
    found = trained(model).predictions
    assert Counter(found.frame["id"]) == Counter(dict.fromkeys(data.labels, 1))
    assert found.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("model", [m for m in MODELS if registry.get("models", m).reads])
def test_what_can_be_learned_is_learned(trained, model):
    assert summary(trained(model).predictions, 1)["f1_macro"] > 0.7


@pytest.mark.parametrize("model", MODELS)
def test_every_phase_of_a_training_says_how_long_it_took(trained, model):
    curves, timings = trained(model).curves, trained(model).timings
    epochs = curves["phase"].str.replace(r"^\d_", "", regex=True).value_counts()
    told = timings[timings["phase"] != "encoding"].groupby("phase")["epochs"].sum()
    assert dict(epochs) == dict(told)
    assert (timings["seconds"] > 0).all()


@pytest.mark.parametrize("model", MODELS)
def test_permuted_labels_fall_to_the_constant_row(root, model, data, folds, rng):
    ids = list(data.labels)
    permuted = dict(zip(ids, rng.permutation(list(data.labels.values())), strict=True))
    blind = replace(data, labels=permuted)
    figures = summary(run(root, model, blind, folds[:1]).predictions, 1)
    assert figures["accuracy"] < figures["constant_accuracy"] + 0.12


@pytest.mark.parametrize("model", MODELS)
def test_a_test_clip_and_its_copies_never_enter_training(root, trained, model, data, folds):
    """All is as after the first training, so two trainings give the same, too."""
    after = run(root, model, altered(data, folds[0].test[0]), folds[:1])
    assert same(left_by(after, folds[0]), left_by(trained(model), folds[0]))


@pytest.mark.parametrize("model", UNVALIDATED)
def test_without_a_search_a_validation_clip_never_enters_training(
    root, trained, model, data, folds
):
    """All is as after the training of a fold without it."""
    fold, chosen = folds[0], params(root, model)
    if "search" in type(chosen).model_fields:
        chosen = chosen.model_copy(update={"search": "none"})
    held_out = replace(fold, val=fold.test[:1], test=fold.test[1:])
    after = run(root, model, altered(data, fold.test[0]), [held_out], chosen=chosen)
    assert same(left_by(after, fold), left_by(trained(model), fold))


@pytest.mark.parametrize("model", [m for m in MODELS if registry.get("models", m).reads])
def test_a_training_clip_does_enter_training(root, trained, model, data, folds):
    after = run(root, model, altered(data, folds[0].train[0]), folds[:1])
    assert not same(left_by(after, folds[0]), left_by(trained(model), folds[0]))


@pytest.mark.parametrize("model", [m for m in MODELS if registry.get("models", m).augments != "no"])
def test_copies_of_training_clips_enter_training(root, trained, model, data, folds):
    after = run(root, model, replace(data, augmented=None), folds[:1])
    assert not same(left_by(after, folds[0]), left_by(trained(model), folds[0]))


@pytest.mark.parametrize("model", MODELS)
def test_what_a_training_leaves_answers_as_it_did(root, trained, model, data, folds):
    """Its test clips in another order, weights back from a file's bytes, no label of any clip."""
    module, fold, left = registry.get("models", model), folds[0], trained(model)
    kept = FittedFold(
        module,
        params(root, model),
        fold,
        fold_seed(1, fold),
        "described",
        DEMO,
        load(save(dict(left.weights.get((0, 0), {})))),
    )
    known = replace(data, labels={id_: data.labels[id_] for id_ in fold.train})
    asked, trainer = fold.test[::-1], registry.get("learn.trainers", module.trainer)
    found = trainer.predict(kept, as_read(known, model), asked)
    answers = left.predictions.frame.set_index("id").loc[list(asked)]
    assert found == pytest.approx(answers[left.predictions.prediction_columns].to_numpy(), abs=1e-4)
    assert kept.weights


@pytest.mark.parametrize("model", ["svm", "hybrid", "autoencoder_rf"])
def test_only_the_released_reading_lets_test_clips_change_the_others(root, model, data, folds):
    before, after = (
        left_by(run(root, model, m, folds[:1], "released"), folds[0])
        for m in (data, altered(data, folds[0].test[0]))
    )
    assert not same(before, after)


def test_update_bn_changes_the_statistics_of_batch_norms_only(root, data, folds):
    default = params(root, "cnn")
    running = default.training.model_copy(update={"update_bn": False})
    updated, kept = (
        run(root, "cnn", data, folds[:1], chosen=chosen).weights[0, 0]
        for chosen in (default, default.model_copy(update={"training": running}))
    )
    changed = {name for name in updated if (updated[name] != kept[name]).any()}
    assert changed
    assert all("running_" in name or "num_batches" in name for name in changed)


def test_svm_search_chooses_inside_the_training_part(root, data, folds):
    module = registry.get("models", "svm")
    content = yaml.safe_load((root / "params.yaml").read_text())["models"]["svm"]
    searching = module.Params(**{**content, "search": "grid", "c": 1e-6})
    found = run(root, "svm", data, folds, chosen=searching)
    assert summary(found.predictions, 1)["f1_macro"] > 0.7
    assert set(
        module.build(searching, seed=1, fidelity="described", predicts="classes").param_grid
    ) == {
        "svm__C",
        "svm__gamma",
    }


def test_a_table_without_a_clip_is_refused(root, data, folds):
    first = data.table
    short = FeatureTable(first.ids[1:], first.names, first.values[1:])
    with pytest.raises(
        MerError, match="must have a row of features, and 1 have none, the first is 't000'"
    ):
        run(root, "svm", replace(data, table=short), folds)


def test_the_seed_of_a_fold_depends_on_seed_repeat_and_fold(corpus):
    folds = split(corpus, "cv10x10", seed=1)
    seeds = {fold_seed(s, f) for s in (1, 2) for f in folds}
    assert len(seeds) == 200
    assert np.ptp(list(seeds)) > 2**31
