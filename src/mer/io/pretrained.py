"""Weights that a user brings: found in data/raw/weights, checked, converted, put into a network.

params.yaml names the file, its sha256 and where to get it; the digest pins the content, so DVC needs
no dependency on a file that may not be there. What runs without it, too, the experiments of papers/,
depends on what ``look`` leaves. PyTorch's ``.pth``, Keras' ``.h5`` (or ``.h5.gz``) and TensorFlow's
checkpoints inside a wheel are read without trust, once, and kept as safetensors under ``.mer/weights``.
"""

import gzip
import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field
from safetensors.numpy import load_file, save_file

from mer.errors import MerError
from mer.io import tf_checkpoint
from mer.io.artefacts import write_absent, write_manifest
from mer.io.files import reading, writing
from mer.schema import Block

if TYPE_CHECKING:
    from torch import nn

FOLDER = Path("data/raw/weights")
CONVERTED = Path(".mer/weights")
KERAS_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}

Arrays = Mapping[str, np.ndarray]


class Weights(Block):
    """``weights`` of a model or family.

    Attributes
    ----------
    file : its name in data/raw/weights
    member : folder of the checkpoint within a wheel; null for other files
    sha256 : of its content; null where this project has not seen the file, until you have it
    source : where to get it
    license : under which it is given
    """

    file: Annotated[str, Field(pattern=r"^[\w.-]+\.(pth|h5|h5\.gz|whl)$")]
    member: str | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    source: str
    license: str


def fault(weights: Weights, folder: Path | None = None) -> str | None:
    """Why the file cannot be used, with what to do; None where it can."""
    path = (folder or FOLDER) / weights.file
    if not path.is_file():
        pin = "" if weights.sha256 else ", then put its sha256 into params.yaml"
        return (
            f"weights must lie in {path}, and there are none; get them from {weights.source}{pin}"
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if weights.sha256 is None:
        return (
            f"the weights in {path} must be pinned: put sha256: {found} beside their name in "
            f"params.yaml if they are from {weights.source}"
        )
    if found != weights.sha256:
        return (
            f"{path} must have the sha256 {weights.sha256}, not {found}; get it from "
            f"{weights.source}, or put the new digest into params.yaml"
        )
    return None


def lacking(weights: Weights, folder: Path | None = None) -> str | None:
    """The same in a table's few words, where it is only that the file is not there."""
    if not ((folder or FOLDER) / weights.file).is_file():
        return f"weights not present: {weights.file}, see README"
    return fault(weights, folder)


def look(weights: Weights, target: Path) -> None:
    """Write ``data/weights/<name>``: of what content the file is, or why there is none to use."""
    if reason := lacking(weights):
        write_absent(target, reason)
        return
    with writing(target) as folder:
        write_manifest(folder, sha256=weights.sha256)


def load(weights: Weights, folder: Path | None = None) -> dict[str, np.ndarray]:
    """The arrays of the file: PyTorch's under their names, Keras' as ``<number>.<layer>.<name>``.

    Layers of Keras that have weights are numbered in their order; the names are PyTorch's (``weight``,
    ``bias``, ``running_mean``, ``running_var``), and so is the order of a kernel's axes.

    Raises
    ------
    MerError
        If the file is missing, has another digest or is damaged.
    """
    if reason := fault(weights, folder):
        raise MerError(reason)
    kept, path = CONVERTED / f"{weights.sha256}.safetensors", (folder or FOLDER) / weights.file
    if not kept.exists():
        with reading(path, "a file of weights"):
            arrays = _arrays(path, weights.member)
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_name(f".{kept.name}.{os.getpid()}")
        save_file(arrays, temporary)
        temporary.replace(kept)
    with reading(kept, "converted weights; remove it"):
        return load_file(kept)


def _arrays(path: Path, member: str | None) -> dict[str, np.ndarray]:
    if path.suffix == ".whl":
        return _tensorflow(path, member or "")
    return _torch(path) if path.suffix == ".pth" else _keras(path)


def _tensorflow(path: Path, member: str) -> dict[str, np.ndarray]:
    """A checkpoint inside a wheel: ``<layer>.<name>``, without what an optimizer keeps."""
    with zipfile.ZipFile(path) as wheel:
        files = [wheel.read(f"{member}/.{name}") for name in ("index", "data-00000-of-00001")]
    arrays = {}
    for name, array in tf_checkpoint.read(*files).items():
        layer, _, kind = name.rpartition("/")
        if layer and kind in KERAS_NAMES:
            arrays[f"{layer}.{KERAS_NAMES[kind]}"] = _axes(array)
    return arrays


def _torch(path: Path) -> dict[str, np.ndarray]:
    """A state dict; nothing else, and no code, is unpickled."""
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in state.items()}


def _keras(path: Path) -> dict[str, np.ndarray]:
    """Weights saved by Keras 2, alone or with their model."""
    import h5py

    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    arrays: dict[str, np.ndarray] = {}
    with h5py.File(io.BytesIO(content)) as file:
        root = file.get("model_weights", file)
        layers = [root[layer] for layer in root.attrs["layer_names"]]
        filled = [layer for layer in layers if len(layer.attrs["weight_names"])]
        for number, layer in enumerate(filled):
            for name in map(_text, layer.attrs["weight_names"]):
                kind = KERAS_NAMES[name.split("/")[-1].removesuffix(":0")]
                array = layer[name][()].astype(np.float32)
                key = f"{number:03d}.{layer.name.split('/')[-1]}.{kind}"
                arrays[key] = _axes(array)
    return arrays


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _axes(array: np.ndarray) -> np.ndarray:
    """A kernel [shape=(..., in, out)] as PyTorch has it [shape=(out, in, ...)]."""
    if array.ndim < 2:
        return array
    return np.ascontiguousarray(np.moveaxis(array, (-1, -2), (0, 1)))


def renamed(arrays: Arrays, prefixes: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, with our prefix in place of theirs."""
    return {
        ours + name.removeprefix(theirs): array
        for theirs, ours in prefixes.items()
        for name, array in arrays.items()
        if name.startswith(theirs)
    }


def in_order(network: "nn.Module", arrays: Arrays) -> dict[str, np.ndarray]:
    """Keras' arrays under the names of ``network``, whose layers are those of the file, in order.

    Layers that the file has beyond them, a classifier mostly, are left.
    """
    ours, theirs = (
        dict.fromkeys(name.rpartition(".")[0] for name in names)
        for names in (network.state_dict(), sorted(arrays))
    )
    return renamed(arrays, {f"{t}.": f"{o}." for t, o in zip(theirs, ours)})


def fill(network: "nn.Module", arrays: Arrays, file: str) -> None:
    """Put weights into a network, every one of it.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        By the names of ``network``.
    file : str
        For the error's sake.

    Raises
    ------
    MerError
        If one is missing or has another shape.
    """
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        got, wanted = arrays.get(name), tuple(tensor.shape)
        if got is None or got.shape != wanted:
            raise MerError(
                f"{file} must hold {name!r} of the shape {wanted}, not "
                f"{got.shape if got is not None else 'nothing'}: it is of another network, or the "
                "view is not the one that it was trained on"
            )
        state[name] = tensor.new_tensor(got)
    network.load_state_dict(state)
