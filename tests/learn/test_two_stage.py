"""He & Ferguson's two stages: views, masks, networks, what validates, and what a fold leaves."""

import tempfile
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional

from conftest import ROOT, profile_of
from mer import config
from mer.dsp.mel import spectrogram
from mer.errors import MerError
from mer.io import checkpoints
from mer.io.spectrograms import Mels
from mer.learn import early_stopping, loop, memmap, reuse, tensors, trained_network, validation
from mer.learn.context import FoldContext
from mer.learn.cross_validation import cross_validate
from mer.learn.data import TrainingData
from mer.learn.trainers import segment_sequence, two_stage
from mer.models import ae_bilstm, cnn_bilstm
from mer.networks.segments import (
    PENALTY,
    Joint,
    MaskedAutoencoder,
    Recurrent,
    UpConv,
    code_values,
    masked,
)
from mer.pipeline.train import timing
from mer.reproduction import spec
from mer.runtime import parallel
from mer.schema.augmentation import Masking
from mer.schema.training import TrainingConfig
from mer.targets.classes import Classes
from mer.targets.values import Values
from mer.types import Clip, Fold

TWO = Classes(("low", "high"))
CPU = torch.device("cpu")
PAPER, FILTERS = (216, 128), (128, 64, 32)
VIEWS = {f"pmemo_{s}s": s for s in (1, 3, 5, 10)} | {f"4qaed_{s}s": s for s in (3, 5, 10)}
MASKING = Masking(freq_mask_param=30, time_mask_param=32, mask_value="mean")
SMALL, SMALL_MASKING = (16, 16), Masking(freq_mask_param=4, time_mask_param=4, mask_value="mean")
STEP = TrainingConfig(
    optimizer="adam", lr=0.01, batch_size=8, max_epochs=2, smoke_test_epochs=2, stop_accuracy=None
)
WHOLE = profile_of(folds=2)


@cache
def view(name):
    return config.read(f"views.{name}", path=ROOT / "params.yaml")[0]


def small(**changes):
    """The model's block with a net of seconds."""
    (block,) = config.read("models.ae_bilstm", path=ROOT / "params.yaml")
    tiny = {"filters": (4, 4), "units": 8, "restarts": 2, "autoencoder": STEP, "classifier": STEP}
    return block.model_copy(update=tiny | changes)


@pytest.fixture
def data(rng):
    """16 clips of 3 segments; a band and the level of the first segment tell the class."""
    ids = tuple(f"c{i:02d}" for i in range(16))
    labels = {id_: i % 2 for i, id_ in enumerate(ids)}
    values = rng.uniform(0, 0.5, (16, 3, *SMALL))
    values[1::2, :, :, :8] += 1
    mels = Mels(ids, np.full(16, 16), values.astype(np.float16))
    return TrainingData(labels, TWO, mel=mels, masking=SMALL_MASKING)


@pytest.fixture
def fold(data):
    ids = data.mel.ids
    return Fold(0, 0, ids[:10], (), ids[10:])


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Scratch files go into a folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MER_DEVICE", "cpu")


def trained(data, fold, params=None, fidelity="described", profile=WHOLE):
    context = FoldContext(ae_bilstm, params or small(), fold, 1, fidelity, profile)
    return two_stage.fit_predict(context, data)


def validated(fold, labels, seed=1, fidelity="described"):
    """Training and validation clips, a tenth of a class where none are given."""
    context = FoldContext(ae_bilstm, small(validation=0.1), fold, seed, fidelity, WHOLE)
    return validation.early_stopping_part(context, TrainingData(labels, TWO))


def cross_validated(folds, data, count):
    """What a cross-validation leaves, each fold trained so many times."""
    settings = {
        "seed": 1,
        "fidelity": "described",
        "profile": WHOLE,
        "fold_map": parallel.parallel_map,
    }
    return cross_validate("ae_bilstm", small(restarts=count), data, folds, **settings)


# Views


@pytest.mark.parametrize(("name", "seconds"), VIEWS.items())
def test_every_setting_of_table_1_gives_216_frames_of_128_bands(name, seconds, rng):
    found = view(name)
    second = rng.uniform(-1, 1, found.sample_rate).astype(np.float32)
    mel = spectrogram(
        Clip("a", np.resize(second, 30 * found.sample_rate), found.sample_rate), found
    )
    assert mel.shape == (30 // seconds, *PAPER)
    assert mel.min() >= 0
    assert (mel.max(axis=(0, 1)) > 0).all()  # no band is empty


def test_no_hop_gives_216_frames_of_one_second_at_22050_hz():
    second = view("pmemo_1s").model_copy(update={"segment_samples": 22050})
    hops = (second.model_copy(update={"hop_length": hop}) for hop in (101, 102, 103))
    assert [found.frames for found in hops] == [219, 217, 215]


def test_short_clips_are_repeated_and_only_4qaed_is_levelled():
    for name in VIEWS:
        found = view(name)
        assert (found.pad_mode, found.crop_from, found.seconds) == ("repeat", "start", 30)
        assert found.peak_db == (0 if name.startswith("4qaed") else None)


# Masks


def spans(hidden):
    """Lengths of the hidden spans over frames and bands [shape=(n,)], of masks [shape=(n, t, f)]."""
    rows_, columns = hidden.all(2), hidden.all(1)
    for lines in (rows_, columns):
        edges = functional.pad(lines.int(), (1, 1)).diff(dim=1)
        assert ((edges == 1).sum(1) <= 1).all()  # one span
    assert torch.equal(hidden, rows_[:, :, None] | columns[:, None, :])
    return rows_.sum(1), columns.sum(1)


def test_one_span_of_each_kind_is_masked_up_to_its_limit():
    torch.manual_seed(0)
    mel = torch.full((3000, 60, 50), 2.0)
    lengths = spans(masked(mel, MASKING.model_copy(update={"mask_value": "zero"})) == 0)
    for found, most in zip(lengths, (32, 30), strict=True):
        counts = torch.bincount(found, minlength=most)
        assert len(counts) == most  # 0 … most - 1
        assert counts.min() > 0
        assert found.float().mean().item() == pytest.approx((most - 1) / 2, rel=0.05)


def test_a_span_may_stand_anywhere():
    torch.manual_seed(0)
    hidden = (
        masked(torch.ones(3000, 60, 50), MASKING.model_copy(update={"mask_value": "zero"})) == 0
    )
    assert hidden.all(2).any(0)[:-1].all()
    assert hidden.all(1).any(0)[:-1].all()


@pytest.mark.parametrize("fill", ["mean", "zero"])
def test_what_masks_are_filled_with(fill, rng):
    mel = torch.from_numpy(rng.uniform(1, 2, (8, *PAPER)).astype(np.float32))
    seen = masked(mel, MASKING.model_copy(update={"mask_value": fill}))
    for one, other in zip(mel, seen, strict=True):
        hidden = one != other
        expected = one.mean() if fill == "mean" else torch.tensor(0.0)
        assert hidden.any()
        assert torch.allclose(other[hidden], expected)


def test_masks_are_drawn_at_every_call_in_training_and_never_otherwise():
    torch.manual_seed(0)
    network, seen = MaskedAutoencoder((2,), "decay", SMALL_MASKING), []
    network.encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    mel = torch.rand(32, *SMALL)
    network(mel), network(mel)
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], mel)
    network.eval()(mel)
    assert torch.equal(seen[2], mel)


# Networks


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_the_autoencoder_has_the_parameters_and_shapes_of_table_2():
    network, shapes = MaskedAutoencoder(FILTERS, "activity", None), []
    assert parameters(network) == 196_289
    assert parameters(network.encoder) == 93_536
    layers = [*network.encoder.convolutions, network.narrow, *network.up]
    for layer in layers:
        layer.register_forward_hook(lambda _, __, found: shapes.append(tuple(found.shape[1:])))
    with torch.no_grad():
        codes, _ = network.encoder(torch.zeros(1, *PAPER))
        shapes.clear()
        assert network.eval()(torch.zeros(1, *PAPER)).shape == (1, *PAPER)
    assert codes.shape == (1, 32, 27, 16)
    assert shapes == [
        (128, 216, 128),
        (64, 108, 64),
        (32, 54, 32),
        (32, 27, 16),
        (64, 54, 32),
        (128, 108, 64),
        (1, 216, 128),
    ]


def test_the_layers_that_a_table_shows_are_those_of_table_2():
    every = spec.load(ROOT / "papers").tables["he_two_stage_table2"].rows
    found = ae_bilstm.layers(small(filters=FILTERS), PAPER)
    printed = {
        name: tuple(row.published["value"][size] for size in ("frames", "mels", "maps"))
        for name, row in every.items()
    }
    assert found == {name: sizes for name, sizes in printed.items() if "up" not in name}


@pytest.mark.parametrize(
    ("head", "recurrent", "width"),
    [
        ("bilstm", 2 * 4 * 512 * (13_824 + 512 + 2), 1024),
        ("lstm", 4 * 512 * (13_824 + 512 + 2), 512),
        ("gru", 3 * 512 * (13_824 + 512 + 2), 512),
    ],
)
def test_a_head_has_the_papers_parameters_and_a_second_bias(head, recurrent, width):
    with torch.device("meta"):
        network = Recurrent(head, code_values(FILTERS, PAPER), 512, 2)
    assert parameters(network.recurrent) == recurrent
    assert parameters(network.logits) == 2 * (width + 1)
    if head == "bilstm":
        keras = parameters(network.recurrent) - 2 * 4 * 512  # with one bias vector per gate
        assert keras == 58_724_352


def test_up_sampling_and_convolution_in_one_are_as_one_after_the_other():
    torch.manual_seed(0)
    layer, maps = UpConv(3, 5), torch.randn(2, 3, 6, 4)
    large = functional.interpolate(maps, scale_factor=2, mode="nearest")
    expected = functional.conv2d(large, layer.weight, layer.bias, padding=1)
    assert torch.allclose(layer(maps), expected, atol=1e-6)


def test_the_first_layers_activity_is_penalised_per_segment():
    torch.manual_seed(0)
    network, mel = MaskedAutoencoder((2, 2), "activity", None), torch.rand(9, *SMALL)
    network(mel)
    first = network.encoder.convolutions[0]
    by_hand = 0.001 * first(mel[:, None]).clamp(min=0).square().sum() / 9
    assert PENALTY == 0.001
    assert torch.allclose(network.regularization, by_hand)
    (own,) = torch.autograd.grad(network.regularization, first.weight)
    (expected,) = torch.autograd.grad(by_hand, first.weight)
    assert torch.allclose(own, expected, atol=1e-6)
    network.eval()(mel)
    assert network.regularization == 0


def test_the_other_reading_penalises_the_first_layers_weights():
    network = MaskedAutoencoder((2, 2), "decay", None)
    network(torch.rand(3, *SMALL))
    by_hand = 0.001 * network.encoder.convolutions[0].weight.square().sum()
    assert torch.allclose(network.regularization, by_hand)


def test_the_objective_is_huber_with_delta_1():
    network = MaskedAutoencoder((2,), "activity", None)
    loss = two_stage.huber(network).loss(torch.tensor([0.0, 0.0]), torch.tensor([0.5, 3.0]).half())
    assert loss.item() == pytest.approx((0.5 * 0.5**2 + (3 - 0.5)) / 2)


@pytest.mark.parametrize("penalty", ["activity", "decay"])
def test_the_autoencoder_learns_to_give_its_input_back(penalty, rng):
    base = rng.uniform(0, 1, (1, *SMALL)) + 2 * (np.arange(16) % 4 == 0)
    mel = torch.from_numpy(base.repeat(16, 0)).half()
    torch.manual_seed(3)
    network = MaskedAutoencoder((8, 8), penalty, SMALL_MASKING)
    training_config = STEP.model_copy(update={"max_epochs": 40})
    curve = loop.fit(
        network, [mel], mel, training_config, seed=1, objective=two_stage.huber(network)
    )
    with torch.no_grad():
        left = functional.huber_loss(network.eval()(mel.float()), mel.float())
    assert curve[-1, 0] < 0.3 * curve[0, 0]
    assert left < 0.3 * functional.huber_loss(torch.zeros(16, *SMALL), mel.float())


@pytest.mark.parametrize("head", ["bilstm", "lstm", "gru"])
def test_a_head_learns_eight_clips_by_heart(head, rng):
    codes = torch.from_numpy(rng.standard_normal((8, 3, 20)).astype(np.float32))
    y = torch.arange(8) % 2
    torch.manual_seed(0)
    network = Recurrent(head, 20, 16, 2)
    loop.fit(network, [codes], y, STEP.model_copy(update={"max_epochs": 40}), seed=1, objective=TWO)
    assert (trained_network.predict(network, [codes], TWO).argmax(1) == y.numpy()).all()


def test_both_directions_of_the_bilstm_end_where_they_have_seen_all():
    torch.manual_seed(0)
    network = Recurrent("bilstm", 4, 8, 2).eval()
    sequence_ = torch.randn(1, 5, 4, requires_grad=True)
    last = []
    network.dropout.register_forward_hook(lambda _, __, found: last.append(found))
    network(sequence_)
    for half in (last[0][:, :8], last[0][:, 8:]):
        (gradient,) = torch.autograd.grad(half.sum(), sequence_, retain_graph=True)
        assert (gradient.abs().sum(2) > 0).all()


@pytest.mark.parametrize("batch", [1, 3])
def test_predictions_do_not_depend_on_the_batch(batch, monkeypatch):
    torch.manual_seed(0)
    network, mel = Joint((4, 4), "bilstm", 8, SMALL, 2), torch.rand(7, 3, *SMALL)
    expected = trained_network.predict(network, [mel], TWO)
    monkeypatch.setattr(trained_network, "EVALUATION_BATCH", batch)
    assert trained_network.predict(network, [mel], TWO) == pytest.approx(expected, abs=1e-6)


def test_segments_that_the_pools_do_not_divide_are_refused():
    with pytest.raises(MerError, match="multiples of 8, not 116 x 128; choose a view"):
        code_values(FILTERS, (116, 128))


def test_masks_longer_than_a_segment_are_refused():
    with pytest.raises(MerError, match="masks must be shorter than the segments of 16 frames"):
        ae_bilstm.autoencoder(small(), shape=SMALL, masking=MASKING)


# Data


def test_rows_of_a_file_are_those_of_a_tensor(tmp_path, rng):
    np.save(tmp_path / "a.npy", rng.standard_normal((10, 3, 4)).astype(np.float16))
    values = np.load(tmp_path / "a.npy", mmap_mode="r")
    found = memmap.examples(values, np.array([7, 2, 5]), CPU)
    assert len(found) == 3
    assert torch.equal(found[torch.tensor([2, 0])], torch.from_numpy(values[[5, 7]]))


def test_segments_stand_clip_by_clip(data):
    found = two_stage.segments(data, ("c03", "c01"), CPU)
    values = torch.from_numpy(data.mel.values)
    assert torch.equal(found[torch.arange(6)], torch.cat([values[3], values[1]]))
    assert len(two_stage.segments(data, ("c03", "c01"), CPU, first=1)) == 2


def test_validation_is_a_tenth_of_each_class_of_the_training_clips():
    ids = tuple(f"{i:03d}" for i in range(100))
    labels = {id_: int(i < 30) for i, id_ in enumerate(ids)}
    fold = Fold(0, 0, ids[:90], (), ids[90:])
    train, val = validated(fold, labels)
    assert Counter(labels[i] for i in val) == {1: 3, 0: 6}
    assert sorted(train + val) == sorted(fold.train)
    assert not set(val) & set(fold.test)
    again = validated(fold, labels, seed=2)[1]
    assert again != val


def test_one_clip_of_each_class_cannot_be_validated():
    with pytest.raises(
        MerError, match="fold 0 of repeat 0 must have two training clips of some class"
    ):
        validated(Fold(0, 0, ("a", "b"), (), ("c",)), {"a": 0, "b": 1, "c": 0})


def test_the_protocols_own_validation_comes_first():
    fold, labels = Fold(0, 0, ("a", "b"), ("c",), ("d",)), dict.fromkeys("abcd", 0)
    found = validated(fold, labels)
    assert found == (("a", "b"), ("c",))


def test_released_is_validated_by_the_test_clips(data, fold):
    found = validated(fold, data.labels, fidelity="released")
    assert found == (fold.train, fold.test)


@pytest.mark.parametrize(("fidelity", "moves"), [("described", False), ("released", True)])
def test_only_released_lets_test_clips_decide_when_a_training_ends(data, fold, fidelity, moves):
    """A test clip that cannot be given back changes which epoch's weights stay."""
    other = data.mel.values.copy()
    other[-1] = 100 - other[-1] * 40
    changed = TrainingData(
        data.labels,
        data.target,
        mel=Mels(data.mel.ids, data.mel.frames, other),
        masking=data.masking,
    )
    params = small(autoencoder=STEP.model_copy(update={"max_epochs": 12, "lr": 0.05}))
    before, after = (trained(m, fold, params, fidelity) for m in (data, changed))
    name = "encoder.convolutions.0.weight"
    assert np.array_equal(before.weights[name], after.weights[name]) is not moves


# A fold


def test_stage_two_keeps_the_encoder_and_codes_are_made_once(data, fold, monkeypatch):
    encoders, made = [], two_stage.encoded

    def counted(encoder, examples, per_clip):
        encoders.append(({k: v.clone() for k, v in encoder.state_dict().items()}, encoder))
        assert len(examples) == 16 * 3
        return made(encoder, examples, per_clip)

    monkeypatch.setattr(two_stage, "encoded", counted)
    result = trained(data, fold)
    ((before, encoder),) = encoders
    assert result.predicted.shape == (6, 2)
    for name, weights in encoder.state_dict().items():
        assert torch.equal(weights, before[name])
        assert np.array_equal(result.weights[f"encoder.{name}"], weights.numpy())


def test_codes_are_the_encoders(data):
    torch.manual_seed(0)
    encoder = MaskedAutoencoder((4, 4), "activity", None).encoder
    examples = two_stage.segments(data, data.mel.ids, CPU)
    with two_stage.encoded(encoder, examples, 3) as codes, torch.no_grad():
        expected, _ = encoder(examples[torch.arange(48)].float())
        assert isinstance(codes, np.memmap)
        assert codes.shape == (16, 3, 64)
        assert np.array_equal(codes, expected.flatten(1).half().numpy().reshape(16, 3, 64))


def test_codes_leave_no_file(data, fold, tmp_path):
    trained(data, fold)
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if not path.is_relative_to(reuse.FOLDER)] == []
    assert tempfile.gettempdir() not in str(checkpoints.SCRATCH)


@pytest.mark.parametrize(("known", "networks"), [(True, 1), (False, 2)])
def test_targets_share_the_autoencoder_where_they_share_the_validation_clips(
    data, fold, tmp_path, known, networks
):
    """Without quadrants, each target validates on its own share of its own classes."""
    quadrants = {id_: i % 4 for i, id_ in enumerate(data.labels)} if known else None
    for divisor in (1, 2):
        labels = {id_: i // divisor % 2 for i, id_ in enumerate(data.labels)}
        trained(replace(data, labels=labels, quadrants=quadrants), fold)
    assert len(list((tmp_path / reuse.FOLDER).iterdir())) == networks


def test_masks_change_what_is_learned(data, fold):
    plain = TrainingData(data.labels, data.target, mel=data.mel)
    found = [trained(m, fold).weights["encoder.convolutions.0.weight"] for m in (data, plain)]
    assert not np.array_equal(*found)


def test_restarts_are_repeats_of_a_fold(data, fold):
    ids = data.mel.ids
    folds = [fold, Fold(0, 1, ids[6:], (), ids[:6])]
    found = cross_validated(folds, data, count=3)
    frame = found.predictions.frame
    assert found.restarts == 3
    assert sorted(set(zip(frame["repeat"], frame["fold"], strict=True))) == [
        (r, f) for r in range(3) for f in range(2)
    ]
    one, other = (frame[frame["repeat"] == r]["p_0"].to_numpy() for r in (0, 1))
    assert not np.array_equal(one, other)
    stage2 = found.curves[found.curves["phase"] == "stage2"]
    assert set(stage2["repeat"]) == {0, 1, 2}
    assert set(found.curves[found.curves["phase"] == "stage1"]["repeat"]) == {0}
    assert Counter(found.timings["phase"]) == {"stage1": 2, "encoding": 2, "stage2": 6}
    figures = timing(found)
    assert figures["stage1_epochs"] == 2
    assert figures["encoding_examples_per_second"] > 0
    sums = found.timings[found.timings["phase"] == "stage2"][["seconds", "epochs"]].sum()
    expected = sums["seconds"] / sums["epochs"]
    assert figures["stage2_seconds_per_epoch"] == pytest.approx(expected, abs=1e-3)


def test_restarts_come_one_after_the_other_each_with_all_repeats(data):
    """As the paired tests take them: the mean over the restarts of a fold is not one over repeats."""
    ids = data.mel.ids
    folds = [Fold(0, 0, ids[4:], (), ids[:4]), Fold(1, 0, ids[:-4], (), ids[-4:])]
    found = cross_validated(folds, data, count=2)
    tested = found.predictions.frame.groupby("repeat")["id"].agg(tuple)
    assert [tested[repeat] for repeat in range(4)] == [f.test for f in (*folds, *folds)]


@pytest.mark.parametrize(
    ("target", "monitor"), [(TWO, "accuracy"), (Values(("valence",), (0, 1)), "loss")]
)
def test_classes_end_a_training_by_accuracy_and_values_by_loss(target, monitor, fold, monkeypatch):
    monitors = []

    def fit(*_, early_stopping, **__):
        monitors.append(early_stopping.monitor)
        return np.zeros((1, 2))

    monkeypatch.setattr(loop, "fit", fit)
    clips = tensors.Parts(*[tensors.Part(torch.zeros(4, 3), torch.zeros(4))] * 3)
    context = FoldContext(ae_bilstm, small(), fold, 1, "described", WHOLE)
    network = torch.nn.Linear(3, target.outputs)
    early_stopping.fit_clips(context, lambda: network, clips, target, STEP, "stage2")
    assert monitors == [monitor]


def test_the_baseline_learns_both_parts_together(data, fold):
    training_config = STEP.model_copy(update={"max_epochs": 15})
    params = cnn_bilstm.Params(
        filters=(4, 4),
        head="bilstm",
        units=8,
        patience=10,
        validation=0.1,
        restarts=1,
        training=training_config,
    )
    context = FoldContext(cnn_bilstm, params, fold, 1, "described", WHOLE)
    found = segment_sequence.fit_predict(context, data)
    y = [data.labels[i] for i in fold.test]
    assert found.predicted.argmax(1).tolist() == y
    assert any("encoder" in name for name in found.weights)
    assert any("classifier" in name for name in found.weights)
