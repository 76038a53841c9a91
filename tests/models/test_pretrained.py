"""Weights that a user brings: what is refused, how files are read, and the networks they go into."""

import gzip
import hashlib
import math
import zipfile

import h5py
import numpy as np
import pytest
import torch
from torch.nn import functional

from conftest import ROOT
from helpers import weights
from helpers.clone import fresh_clone
from mer import compatibility, config
from mer.dsp import mel
from mer.errors import MerError
from mer.io import artefacts, pretrained
from mer.io.files import read_json
from mer.learn import loop
from mer.learn.trainers import finetune
from mer.models import artists_cnn, crnn_mtat
from mer.schema.training import TrainingConfig
from mer.targets.classes import Classes
from mer.types import QUADRANTS

STEP = TrainingConfig(
    optimizer="adam", lr=0.01, batch_size=8, max_epochs=12, smoke_test_epochs=1, stop_accuracy=None
)


@pytest.fixture(autouse=True)
def converted(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "CONVERTED", tmp_path / "converted")


def params(model, **changes):
    (block,) = config.read(f"models.{model}", path=ROOT / "params.yaml")
    return block.model_copy(update=changes)


def block(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return pretrained.Weights(file=path.name, sha256=digest, source="the moon", license="none")


@pytest.fixture
def state_dict(tmp_path):
    """A file as PyTorch saves it."""
    path = tmp_path / "crnn.pth"
    torch.save({name: torch.from_numpy(a) for name, a in weights.crnn().items()}, path)
    return path


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory):
    """Won et al.'s own weights."""
    folder = real_data / "weights"
    if not (folder / "won_crnn_mtat.pth").exists():
        pytest.skip(f"no won_crnn_mtat.pth in {folder}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "CONVERTED", tmp_path_factory.mktemp("converted"))
        return pretrained.load(params("crnn_mtat").weights, folder)


def test_a_missing_file_gets_what_where_and_whence(tmp_path):
    chosen = params("crnn_mtat").weights
    with pytest.raises(
        MerError, match=r"must lie in .*won_crnn_mtat\.pth.*none; get them from .*best_model_mtat"
    ):
        pretrained.load(chosen, tmp_path)


def test_another_digest_names_both(state_dict):
    chosen = block(state_dict)
    state_dict.write_bytes(b"another")
    other = hashlib.sha256(b"another").hexdigest()
    with pytest.raises(
        MerError, match=f"sha256 {chosen.sha256}, not {other}; get it from the moon"
    ):
        pretrained.load(chosen, state_dict.parent)


def test_a_file_without_a_pin_says_which_to_set(state_dict):
    chosen = block(state_dict)
    with pytest.raises(MerError, match=f"put sha256: {chosen.sha256} beside"):
        pretrained.load(chosen.model_copy(update={"sha256": None}), state_dict.parent)


def test_a_selection_without_its_weights_is_refused(tmp_path):
    whole = config.read_all(ROOT / "params.yaml")
    chosen = whole.model_copy(update={"model": "crnn_mtat", "view": "mtat"})
    with pytest.raises(MerError, match=r"crnn_mtat: weights must lie in .*weights/won_crnn_mtat"):
        compatibility.check(chosen, raw=tmp_path)


def test_what_is_there_is_told_from_what_is_not(state_dict, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    chosen, found = block(state_dict), []
    for content in (state_dict.read_bytes(), b"another", None):
        state_dict.unlink()
        if content is not None:
            state_dict.write_bytes(content)
        pretrained.check_weights(chosen, tmp_path / "looked")
        found.append(artefacts.absent(tmp_path / "looked"))
    assert found[0] is None
    assert f"must have the sha256 {chosen.sha256}, not " in found[1]
    assert f"weights must lie in {state_dict}, and there are none; get them from" in found[2]


def test_weights_brought_later_are_looked_at(root, tmp_path):
    """Whatever DVC remembers of runs without them."""
    clone, target = fresh_clone(root, tmp_path), "papers/corpora/dvc.yaml:weights@crnn_mtat"
    file = clone.folder / "data/raw/weights/brought.pth"
    file.parent.mkdir(parents=True)
    digest = hashlib.sha256(b"weights").hexdigest()
    clone.edit(
        models__crnn_mtat__weights__file=file.name, models__crnn_mtat__weights__sha256=digest
    )
    found = []
    for content in (None, b"weights", None):
        file.write_bytes(content) if content else file.unlink(missing_ok=True)
        clone.run("mer", "papers", "repro", target)
        found.append(read_json(clone.folder / "data/weights/crnn_mtat/manifest.json"))
    assert found[0] == found[2]
    assert found[0]["status"] == "absent"
    assert found[1] == {"status": "present", "sha256": digest}


def test_a_pickle_that_is_code_is_not_run(tmp_path):
    path, mark = tmp_path / "evil.pth", tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return mark.touch, ()

    torch.save({"a": Evil()}, path)
    with pytest.raises(MerError, match=r"evil\.pth must be a file of weights"):
        pretrained.load(block(path), tmp_path)
    assert not mark.exists()


def test_a_state_dict_is_read_and_converted_once(state_dict, monkeypatch):
    chosen = block(state_dict)
    first = pretrained.load(chosen, state_dict.parent)
    monkeypatch.setattr(pretrained, "_torch", None)
    again = pretrained.load(chosen, state_dict.parent)
    for arrays in (first, again):
        assert {k: v.shape for k, v in arrays.items()} == {
            k: v.shape for k, v in weights.crnn().items()
        }
        assert all(np.array_equal(arrays[k], v) for k, v in weights.crnn().items())


def keras_file(path, under):
    """A file as Keras writes it, of two convolutions, a norm and a dense layer, and what it must give."""
    rng = np.random.default_rng(0)
    layers = {
        "input_1": {},
        "conv1d_2": {"kernel": (4, 3, 5), "bias": (5,)},
        "batch_normalization_1": dict.fromkeys(
            ("gamma", "beta", "moving_mean", "moving_variance"), (5,)
        ),
        "conv2d_1": {"kernel": (3, 2, 5, 7), "bias": (7,)},
        "dense_1": {"kernel": (7, 2), "bias": (2,)},
    }
    found = {}
    with h5py.File(path, "w") as file:
        root = file.create_group(under) if under else file
        root.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, shapes in layers.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{kind}:0".encode() for kind in shapes]
            for kind, shape in shapes.items():
                found[layer, kind] = group[f"{layer}/{kind}:0"] = rng.standard_normal(shape)
    return found


@pytest.mark.parametrize("under", ["", "model_weights"])
@pytest.mark.parametrize("suffix", [".h5", ".h5.gz"])
def test_keras_weights_are_numbered_and_turned(tmp_path, under, suffix):
    raw, path = tmp_path / "raw", tmp_path / f"keras{suffix}"
    wanted = keras_file(raw, under)
    path.write_bytes(raw.read_bytes() if suffix == ".h5" else gzip.compress(raw.read_bytes()))
    found = pretrained.load(block(path), tmp_path)
    assert sorted(found) == [
        "000.conv1d_2.bias",
        "000.conv1d_2.weight",
        *(f"001.batch_normalization_1.{n}" for n in ("bias", "running_mean", "running_var")),
        "001.batch_normalization_1.weight",
        "002.conv2d_1.bias",
        "002.conv2d_1.weight",
        "003.dense_1.bias",
        "003.dense_1.weight",
    ]
    x = torch.randn(1, 9, 3, dtype=torch.float64)
    kernel = wanted["conv1d_2", "kernel"]
    by_hand = sum(x[0, 2 + k].numpy() @ kernel[k] for k in range(4))
    by_torch = functional.conv1d(x.mT, torch.from_numpy(found["000.conv1d_2.weight"]).double())
    assert by_torch[0, :, 2].numpy() == pytest.approx(by_hand, abs=1e-5)
    assert found["002.conv2d_1.weight"][6, 4, 2, 1] == np.float32(
        wanted["conv2d_1", "kernel"][2, 1, 4, 6]
    )
    assert np.array_equal(
        found["001.batch_normalization_1.running_var"],
        wanted["batch_normalization_1", "moving_variance"].astype(np.float32),
    )


def test_a_damaged_keras_file_is_refused(tmp_path):
    path = tmp_path / "bad.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n and nothing else")
    with pytest.raises(MerError, match=r"bad\.h5 must be a file of weights"):
        pretrained.load(block(path), tmp_path)


def nan(path):
    torch.save({"a": torch.tensor([1.0, math.nan])}, path)


def repeated(path):
    torch.save({"a": torch.zeros(1).expand(2**31)}, path)


def numbered(path):
    torch.save({1: torch.zeros(1)}, path)


def deflated(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**20 + 1))


def unpacked(path):
    path.write_bytes(gzip.compress(bytes(2**20 + 1)))


def hdf5(make):
    def write(path):
        with h5py.File(path, "w") as file:
            file.attrs["layer_names"] = ["a"]
            make(file)

    return write


outside = hdf5(lambda file: file.create_dataset("x", (4,), "f4", external=[("/etc/passwd", 0, 16)]))
linked = hdf5(lambda file: file.update({"x": h5py.ExternalLink("/etc/passwd", "/")}))
vast = hdf5(lambda file: file.create_dataset("x", (2**40,), "f4", chunks=(1024,)))


@pytest.mark.parametrize(
    ("name", "write", "match"),
    [
        ("a.pth", nan, "'a' holds NaN or infinity; get another copy"),
        ("a.pth", repeated, "its arrays take 8589934592 bytes, more than"),
        ("a.pth", numbered, "a state dict has names and tensors only"),
        ("a.pth", deflated, "its arrays take 1048577 bytes"),
        ("a.h5.gz", unpacked, "its arrays take 1048577 bytes"),
        ("a.h5", outside, "'x' lies in another file, and must lie in this one"),
        ("a.h5", linked, "'x' is a link, and weights must lie in the file itself"),
        ("a.h5", vast, "its arrays take 4398046511104 bytes"),
    ],
)
def test_weights_that_cannot_be_are_refused_before_memory_is_taken(
    tmp_path, monkeypatch, name, write, match
):
    monkeypatch.setattr(pretrained, "MAX_BYTES", 2**20)
    write(tmp_path / name)
    digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    brought = pretrained.Weights(file=name, sha256=digest, source="nowhere", license="none")
    with pytest.raises(MerError, match=match):
        pretrained.load(brought, tmp_path)


@pytest.mark.parametrize(
    ("model", "shape", "backbone", "head"),
    [("crnn_mtat", (192, 96), 392_450, 132), ("artists_cnn", (129, 128), 264_448, 1028)],
)
def test_only_the_head_is_trained(model, shape, backbone, head):
    module = {"crnn_mtat": crnn_mtat, "artists_cnn": artists_cnn}[model]
    brought = weights.of(model, shape[1])
    network = module.build(
        params(model), weights=brought, shape=shape, outputs=4, fidelity="described"
    )
    assert sum(p.numel() for p in network.backbone.parameters()) == backbone
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == head


def test_all_may_be_trained():
    chosen = params("crnn_mtat", tune="all")
    network = crnn_mtat.build(
        chosen, weights=weights.crnn(), shape=(192, 96), outputs=4, fidelity="described"
    )
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 392_450 + 132
    assert chosen.training == chosen.all


@pytest.mark.parametrize(
    ("model", "shape", "match"),
    [
        ("crnn_mtat", (942, 128), "must have 96 mels .*not 128 and 942; select view=mtat"),
        ("artists_cnn", (116, 128), "must have 128 frames, not 116; select view=artists"),
        (
            "artists_cnn",
            (129, 96),
            r"'layers\.0\.weight' of the shape \(128, 96, 4\), not \(128, 128, 4\)",
        ),
    ],
)
def test_another_view_is_refused(model, shape, match):
    module = {"crnn_mtat": crnn_mtat, "artists_cnn": artists_cnn}[model]
    with pytest.raises(MerError, match=match):
        module.build(
            params(model),
            weights=weights.of(model, 128),
            shape=shape,
            outputs=4,
            fidelity="described",
        )


def test_released_reads_frames_that_are_not_standardized():
    given, mel = weights.of("artists_cnn", 128), torch.rand(2, 129, 128)
    described, released = (
        artists_cnn.build(
            params("artists_cnn"), weights=given, shape=(129, 128), outputs=4, fidelity=fidelity
        ).backbone.eval()
        for fidelity in ("described", "released")
    )
    standardized = (mel - artists_cnn.MEAN) / artists_cnn.DEVIATION
    assert torch.allclose(described(mel), released(standardized), atol=1e-5)


def test_released_reads_the_rotated_spectrogram_and_applies_softmax():
    """Of 96 x 96 values the described tagger reads the transposed spectrogram as the released one does."""
    given, square = weights.crnn(), torch.rand(2, 942, 128)
    chosen = {"weights": given, "shape": (942, 128), "outputs": 4}
    released = crnn_mtat.build(params("crnn_mtat"), **chosen, fidelity="released").eval()
    assert torch.allclose(released(square).sum(dim=1), torch.ones(2))
    described = crnn_mtat.build(
        params("crnn_mtat"), weights=given, shape=(96, 96), outputs=4, fidelity="described"
    ).eval()
    mel = torch.rand(2, 96, 96)
    same = released.backbone(mel), described.backbone(mel.transpose(1, 2))
    assert torch.allclose(*same, atol=1e-6)
    with pytest.raises(MerError, match=r"must have 128 mels .*select view=louro_released"):
        crnn_mtat.build(params("crnn_mtat"), **{**chosen, "shape": (942, 96)}, fidelity="released")


def test_a_missing_layer_is_named():
    brought = {k: v for k, v in weights.crnn().items() if k != "layer3.bn.bias"}
    with pytest.raises(
        MerError, match=r"must hold 'blocks\.2\.1\.bias' of the shape \(128,\), not noth"
    ):
        crnn_mtat.build(
            params("crnn_mtat"), weights=brought, shape=(96, 96), outputs=4, fidelity="described"
        )


def test_artists_frames_shrink_as_the_paper_says():
    """129 -> 32 -> 8 -> 2 -> 1."""
    lengths, x = [], torch.zeros(1, 128, 129)
    for layer in artists_cnn.Backbone(128, standardized=True).eval().layers:
        x = layer(x)
        lengths.append(x.shape[2])
    assert lengths[3::4] == [32, 8, 2, 1, 1]


def test_artists_convolution_pads_as_keras_does():
    layer = artists_cnn.Conv1dSame(1, 1, 4, bias=False)
    torch.nn.init.ones_(layer.weight)
    impulse = torch.zeros(1, 1, 9)
    impulse[0, 0, 4] = 1
    assert layer(impulse)[0, 0].tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(("view", "shape"), [("mtat", (1813, 96)), ("artists", (10, 129, 128))])
def test_views_have_the_shape_that_the_networks_were_trained_on(view, shape):
    (chosen,) = config.read(f"views.{view}", path=ROOT / "params.yaml")
    parts = [chosen.segments] if chosen.segments else []
    assert (*parts, chosen.frames, chosen.n_mels) == shape


def test_the_view_has_the_filters_of_the_checkpoint(real):
    (view,) = config.read("views.mtat", path=ROOT / "params.yaml")
    ours, theirs = mel._filters(view).toarray().T, real["spec.mel_scale.fb"]
    assert ours.shape == theirs.shape == (257, 96)
    assert np.abs(ours - theirs).max() < 2e-5


def tags(arrays, x):
    """The 50 tags' logits of spectrograms [shape=(n, frames, 96)], layer by layer."""
    w = {k: torch.from_numpy(v) for k, v in arrays.items()}

    def norm(x, at):
        return functional.batch_norm(
            x, *(w[f"{at}.{n}"] for n in ("running_mean", "running_var", "weight", "bias"))
        )

    x = norm(x.mT[:, None], "spec_bn")
    for n, pool in zip((1, 2, 3, 4), (2, 3, 4, 4)):
        x = functional.conv2d(x, w[f"layer{n}.conv.weight"], w[f"layer{n}.conv.bias"], padding=1)
        x = functional.max_pool2d(torch.relu(norm(x, f"layer{n}.bn")), pool)
    x = x[:, :, 0].mT
    for n in (0, 1):
        wi, wh, bi, bh = (
            w[f"layer5.{k}_l{n}"] for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        state, states = torch.zeros(len(x), 32), []
        for step in x.unbind(1):
            ri, zi, ni = (step @ wi.T + bi).chunk(3, 1)
            rh, zh, nh = (state @ wh.T + bh).chunk(3, 1)
            reset, keep = torch.sigmoid(ri + rh), torch.sigmoid(zi + zh)
            state = (1 - keep) * torch.tanh(ni + reset * nh) + keep * state
            states.append(state)
        x = torch.stack(states, 1)
    return x[:, -1] @ w["dense.weight"].T + w["dense.bias"]


def test_the_real_weights_give_the_tags_computed_by_hand(real, rng):
    chosen = params("crnn_mtat")
    network = crnn_mtat.build(
        chosen, weights=real, shape=(400, 96), outputs=4, fidelity="described"
    ).eval()
    x = torch.from_numpy(rng.uniform(-60, 30, (2, 400, 96)).astype(np.float32))
    with torch.no_grad():
        codes = network.backbone(x)
        found = codes @ torch.from_numpy(real["dense.weight"]).T + torch.from_numpy(
            real["dense.bias"]
        )
    assert codes.std() > 0.01
    assert found.numpy() == pytest.approx(tags(real, x).numpy(), abs=1e-4)


def test_every_weight_but_front_end_and_tags_is_used(real):
    names = pretrained.renamed(real, crnn_mtat.NAMES)
    unused = {k for k in real if not k.startswith(tuple(crnn_mtat.NAMES))}
    assert unused == {
        "dense.bias",
        "dense.weight",
        "spec.mel_scale.fb",
        "spec.spectrogram.window",
    }
    assert set(names) == set(crnn_mtat.Backbone(rotated=False).state_dict())


def test_the_head_learns_and_the_rest_stays(rng):
    torch.manual_seed(0)
    network = crnn_mtat.build(
        params("crnn_mtat"), weights=weights.crnn(), shape=(96, 96), outputs=4, fidelity="described"
    )
    before = {k: v.clone() for k, v in network.backbone.state_dict().items()}
    y = torch.arange(16) % 4
    x = torch.from_numpy(rng.standard_normal((16, 96, 96)).astype(np.float32)) + y[:, None, None]
    codes = finetune.encode_once(network.backbone, x, "described")
    losses = loop.fit(network.head, [codes], y, STEP, seed=1, objective=Classes(QUADRANTS))[:, 0]
    assert losses[-1] < losses[0]
    after = network.backbone.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items())


def test_all_of_it_learns_where_it_may(rng):
    """192 frames are two steps of the GRUs, without which their recurrent weights would rest."""
    network = crnn_mtat.build(
        params("crnn_mtat", tune="all"),
        weights=weights.crnn(),
        shape=(192, 96),
        outputs=4,
        fidelity="described",
    )
    before = {k: v.clone() for k, v in network.named_parameters()}
    y = torch.arange(8) % 4
    x = torch.from_numpy(rng.standard_normal((8, 192, 96)).astype(np.float32)) + y[:, None, None]
    losses = loop.fit(
        network,
        [x],
        y,
        STEP.model_copy(update={"max_epochs": 6}),
        seed=1,
        objective=Classes(QUADRANTS),
    )[:, 0]
    assert losses[-1] < losses[0]
    assert not any(torch.equal(v, before[k]) for k, v in network.named_parameters())


def test_a_code_does_not_depend_on_the_others(rng):
    network = crnn_mtat.build(
        params("crnn_mtat"), weights=weights.crnn(), shape=(96, 96), outputs=4, fidelity="described"
    )
    x = torch.from_numpy(rng.standard_normal((5, 96, 96)).astype(np.float16))
    whole = finetune.encode_once(network.backbone, x, "described")
    finetune._codes.clear()
    assert torch.equal(finetune.encode_once(network.backbone, x[3:], "described"), whole[3:])
    assert not torch.equal(whole[3], whole[4])


def test_a_code_is_not_that_of_another_fidelity():
    """The same weights read an example otherwise under another fidelity."""
    described, released = (artists_cnn.Backbone(128, standardized=flag) for flag in (True, False))
    released.load_state_dict(described.state_dict())
    x = torch.randn(2, 192, 128)
    first = finetune.encode_once(described, x, "described")
    assert not torch.equal(finetune.encode_once(released, x, "released"), first)
    assert torch.equal(finetune.encode_once(described, x, "described"), first)
