"""features.musicnn and io.tf_checkpoint: the network of the paper, with weights read from bytes alone."""

import hashlib
import io
import struct
import zipfile

import numpy as np
import pytest
import torch

from mer.errors import MerError
from mer.features import musicnn
from mer.features.musicnn.network import NAMES, UNITS, MusiCNN
from mer.io import pretrained, tf_checkpoint
from mer.types import Clip

WHEEL = "musicnn-0.1.0-py3-none-any.whl"


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A block of a LevelDB table whose keys share what they have in common with the one before."""
    out, before = b"", b""
    for key, value in pairs:
        shared = next(
            (i for i, (a, b) in enumerate(zip(before, key)) if a != b), min(len(before), len(key))
        )
        rest = key[shared:]
        out += varint(shared) + varint(len(rest)) + varint(len(value)) + rest + value
        before = key
    return out + struct.pack("<II", 0, 1)


def checkpoint(arrays: dict[str, np.ndarray]) -> tuple[bytes, bytes]:
    """Index and data of a checkpoint, as TensorFlow writes them."""
    data, pairs = b"", [(b"", field(1, 1))]
    for name, array in sorted(arrays.items()):
        shape = b"".join(field(2, field(1, n)) for n in array.shape)
        raw = array.astype("<f4").tobytes()
        entry = field(1, 1) + field(2, shape) + field(4, len(data)) + field(5, len(raw))
        pairs.append((name.encode(), entry))
        data += raw
    first = block(pairs)
    handle = varint(0) + varint(len(first))
    second = block([(b"z", handle)])
    index = first + bytes(5)
    top = varint(len(index)) + varint(len(second))
    index += second + bytes(5)
    footer = (varint(0) + varint(0) + top).ljust(40, b"\0")
    return index + footer + struct.pack("<Q", tf_checkpoint.MAGIC), data


def saved(network: MusiCNN) -> dict[str, np.ndarray]:
    """The network's weights under TensorFlow's names and in its order of axes."""
    kinds = {
        "convolution.weight": "kernel",
        "convolution.bias": "bias",
        "dense.weight": "kernel",
        "dense.bias": "bias",
        "norm.weight": "gamma",
        "norm.bias": "beta",
        "norm.running_mean": "moving_mean",
        "norm.running_var": "moving_variance",
    }
    arrays = {}
    for name, tensor in network.state_dict().items():
        layer = name.rpartition(".")[0]
        kind = next((v for k, v in kinds.items() if name.endswith(k)), None)
        if kind is None:
            continue
        theirs = NAMES[f"{layer}."].removesuffix(".")
        array = tensor.numpy()
        if kind == "kernel":
            array = np.moveaxis(array, (0, 1), (-1, -2))
        arrays[f"{theirs}/{kind}"] = array
        arrays[f"{theirs}/{kind}/Adam"] = np.zeros_like(array)
    return arrays


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A random network, and the block that names a wheel with its checkpoint."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    monkeypatch.setattr(pretrained, "CONVERTED", tmp_path / "converted")
    torch.manual_seed(0)
    network = MusiCNN().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    index, data = checkpoint(saved(network))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        wheel.writestr("musicnn/MSD/.index", index)
        wheel.writestr("musicnn/MSD/.data-00000-of-00001", data)
    (tmp_path / "x.whl").write_bytes(content.getvalue())
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    block = pretrained.Weights(
        file="x.whl", member="musicnn/MSD", sha256=digest, source="s", license="ISC"
    )
    return network, block


def test_a_checkpoint_in_a_wheel_fills_the_whole_network(weights):
    network, block = weights
    found = musicnn._network(block).state_dict()
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(found[name], tensor), name


def test_embedding_is_the_mean_over_patches(weights):
    network, block = weights
    params = musicnn.Params(sample_rate=None, pooling="mean_std", weights=block)
    samples = np.random.default_rng(0).normal(0, 0.1, 16000 * 7).astype(np.float32)
    found = musicnn.extract(Clip("x", samples, 16000), params)
    mel = musicnn.spectrogram(samples)
    with torch.no_grad():
        patches = [network(torch.from_numpy(mel[s : s + 187][None]))[0] for s in (0, 187)]
    expected = torch.stack(patches).numpy()
    np.testing.assert_allclose(found[:UNITS], expected.mean(0), atol=1e-4)
    np.testing.assert_allclose(found[UNITS:], expected.std(0), atol=1e-4)
    assert len(musicnn.names(params)) == len(found) == 2 * UNITS


@pytest.mark.parametrize(("peak_db", "same"), [(0.0, True), (None, False)])
def test_a_peak_makes_embeddings_independent_of_the_level(weights, peak_db, same):
    _, block = weights
    params = musicnn.Params(sample_rate=None, weights=block, peak_db=peak_db)
    samples = np.random.default_rng(0).normal(0, 0.1, 16000 * 4).astype(np.float32)
    loud, quiet = (
        musicnn.extract(Clip("x", samples * np.float32(gain), 16000), params) for gain in (1, 0.1)
    )
    assert np.allclose(loud, quiet, atol=1e-4) == same
    peak = {0.0: 1.0, None: np.abs(samples).max()}[peak_db]
    at_peak = samples * np.float32(peak / np.abs(samples).max())
    expected = musicnn.embed(at_peak, params).mean(axis=0)
    np.testing.assert_allclose(loud, expected, atol=1e-4)


def test_spectrogram_is_librosas():
    from librosa.feature import melspectrogram

    samples = np.random.default_rng(0).normal(0, 0.1, 20000).astype(np.float32)
    mel = melspectrogram(y=samples, sr=16000, hop_length=256, n_fft=512, n_mels=96).T
    np.testing.assert_allclose(musicnn.spectrogram(samples), np.log10(1 + 10000 * mel), atol=1e-4)


def test_a_short_clip_is_repeated_and_a_last_short_patch_dropped():
    assert musicnn.patches(np.zeros((100, 96), np.float32)).shape == (1, 187, 96)
    assert musicnn.patches(np.zeros((187 * 2 + 186, 96), np.float32)).shape == (2, 187, 96)


def test_an_even_filter_is_padded_more_behind():
    network = MusiCNN()
    assert network.front[2].padding == (0, 0, 63, 64)
    assert sum(p.numel() for p in network.parameters()) == 777_109


def test_maximum_and_mean_of_a_feature_stand_side_by_side():
    """As TensorFlow flattens them; the published dense layer has its weights in this order."""
    torch.manual_seed(0)
    network, seen = MusiCNN().eval(), []
    network.pooled_norm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        network(torch.rand(2, 187, 96))
    assert (seen[0][:, 0::2] >= seen[0][:, 1::2]).all()


@pytest.mark.parametrize(
    ("index", "data", "message"),
    [
        (b"short", b"", "LevelDB"),
        (checkpoint({"a/kernel": np.ones(3)})[0], b"1234", "must lie in the data file"),
    ],
)
def test_a_damaged_checkpoint_is_refused(index, data, message):
    with pytest.raises(ValueError, match=message):
        tf_checkpoint.read(index, data)


def test_a_wheel_without_the_checkpoint_is_named(weights):
    _, block = weights
    with pytest.raises(MerError, match=r"x\.whl"):
        pretrained.load(block.model_copy(update={"member": "musicnn/other"}))


def test_the_published_weights_are_those_of_the_keras_conversion(real_data, root):
    wheel = root / "data/raw/weights" / WHEEL
    if not wheel.exists():
        pytest.skip("the wheel of musicnn is not there")
    import h5py

    arrays = pretrained._tensorflow(wheel, "musicnn/MSD_musicnn")
    with h5py.File(real_data / "weights/musicnn_msd.h5") as file:
        theirs = file["model_weights/midend_conv1/midend_conv1/kernel:0"][()]
    assert (np.moveaxis(theirs, (-1, -2), (0, 1)) == arrays["conv2d_5.weight"]).all()
