"""Pretrained weights: checked in data/raw/weights, converted to safetensors and loaded into a network.

params.yaml names the file, its sha256 and its source. The digest pins the content, so that DVC needs no
dependency on a file that may be missing. The experiments of papers/ depend on the artefact that
``check_weights`` writes, which exists with and without the file. Files of PyTorch (``.pth``), of Keras
(``.h5``, ``.h5.gz``) and checkpoints of TensorFlow inside a wheel (``.whl``) are read once, without
executing code, and stored under ``.mer/weights``.
"""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from mer.errors import MerError
from mer.io import tf_checkpoint
from mer.io.artefacts import write_absent, write_manifest
from mer.io.files import reading, sha256, writing, writing_file
from mer.schema import Block

if TYPE_CHECKING:
    import h5py
    from torch import nn

FOLDER = Path("data/raw/weights")
CONVERTED = Path(".mer/weights")
SHIPPED = Path(__file__).parents[1] / "defaults/pretrained/weights"  # converted, with the package
MAX_BYTES = 2**30  # of the arrays of a file; the largest known weights take 20 MB
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
    file : name of the file in data/raw/weights
    member : folder of the checkpoint within a wheel; null for other files
    sha256 : digest of the file; null for a file that this project has not seen, until you have it
    source : where to get the file
    license : license of the file
    """

    file: Annotated[str, Field(pattern=r"^[\w.-]+\.(pth|h5|h5\.gz|whl)$")]
    member: str | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    source: str
    license: str


def shipped(weights: Weights) -> Path | None:
    """The converted file that comes with the package; None where none was made from this file."""
    path = SHIPPED / f"{weights.file}.safetensors"
    if not path.is_file():
        return None
    with safe_open(path, "numpy") as file:
        made_from = (file.metadata() or {}).get("sha256")
    return path if made_from == weights.sha256 else None


def unusable_reason(weights: Weights, folder: Path | None = None) -> str | None:
    """The reason why the file cannot be used, and what to do; None if it can be used, or is not needed."""
    if shipped(weights):
        return None
    path = (folder or FOLDER) / weights.file
    if not path.is_file():
        pin = "" if weights.sha256 else ", then put its sha256 into params.yaml"
        return (
            f"weights must lie in {path}, and there are none; get them from {weights.source}{pin}"
        )
    found = sha256(path)
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


def check_weights(weights: Weights, target: Path) -> None:
    """Write ``data/weights/<name>``: the digest of the file, or the reason why it cannot be used."""
    if reason := unusable_reason(weights):
        write_absent(target, reason)
        return
    with writing(target) as folder:
        write_manifest(folder, sha256=weights.sha256)


def load(weights: Weights, folder: Path | None = None) -> dict[str, np.ndarray]:
    """Read the arrays of a file: those of PyTorch by name, those of Keras as ``<number>.<layer>.<name>``.

    The numbers count the Keras layers that have weights. Keras arrays get PyTorch's names (``weight``,
    ``bias``, ``running_mean``, ``running_var``) and PyTorch's order of axes.

    Raises
    ------
    MerError
        If the file is missing, has another digest or is damaged.
    """
    if reason := unusable_reason(weights, folder):
        raise MerError(reason)
    kept = shipped(weights) or CONVERTED / f"{weights.sha256}.safetensors"
    if not kept.exists():
        convert((folder or FOLDER) / weights.file, weights, kept)
    with reading(kept, "a file of converted weights", "delete it and run again"):
        return load_file(kept)


def convert(path: Path, weights: Weights, target: Path) -> None:
    """Write the arrays of a file as safetensors, whose metadata name the digest of the file.

    Raises
    ------
    MerError
        If the file is damaged.
    """
    with reading(path, "a file of weights", f"get it again from {weights.source}"):
        arrays = _arrays(path, weights.member)
    with writing_file(target) as new:
        save_file(arrays, new, {"sha256": str(weights.sha256), "license": weights.license})


def check_finite(arrays: Arrays, path: Path) -> None:
    """Refuse weights that hold NaN or infinity, whose every prediction would be NaN.

    Raises
    ------
    MerError
        Naming the array.
    """
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise MerError(
                f"{path} must hold finite weights, and {name!r} holds NaN or infinity; get another "
                "copy, or train again"
            )


def _arrays(path: Path, member: str | None) -> dict[str, np.ndarray]:
    if zipfile.is_zipfile(path):  # a wheel, or a file of torch.save
        with zipfile.ZipFile(path) as archive:
            _check_size(sum(entry.file_size for entry in archive.infolist()))
    if path.suffix == ".whl":
        arrays = _tensorflow(path, member or "")
    else:
        arrays = _torch(path) if path.suffix == ".pth" else _keras(path)
    check_finite(arrays, path)
    return arrays


def _check_size(size: int) -> None:
    """Raise a ValueError if arrays take more memory than any known weights."""
    if size > MAX_BYTES:
        raise ValueError(f"its arrays take {size} bytes, more than {MAX_BYTES}")


def _tensorflow(path: Path, member: str) -> dict[str, np.ndarray]:
    """Read a checkpoint inside a wheel as ``<layer>.<name>``, without the state of the optimizer."""
    with zipfile.ZipFile(path) as wheel:
        files = [wheel.read(f"{member}/.{name}") for name in ("index", "data-00000-of-00001")]
    arrays = {}
    for name, array in tf_checkpoint.read(*files).items():
        layer, _, kind = name.rpartition("/")
        if layer and kind in KERAS_NAMES:
            arrays[f"{layer}.{KERAS_NAMES[kind]}"] = _axes(array)
    return arrays


def _torch(path: Path) -> dict[str, np.ndarray]:
    """Read a state dict; ``weights_only`` unpickles no code."""
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    if not all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in state.items()):
        raise ValueError("a state dict has names and tensors only")
    # A view may repeat a value.
    _check_size(sum(v.numel() * v.element_size() for v in state.values()))
    return {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in state.items()}


def _keras(path: Path) -> dict[str, np.ndarray]:
    """Read weights saved by Keras 2, with or without their model."""
    import h5py

    content = path.read_bytes()
    if path.suffix == ".gz":
        with gzip.open(path) as stream:
            content = stream.read(MAX_BYTES + 1)
        _check_size(len(content))
    arrays: dict[str, np.ndarray] = {}
    with h5py.File(io.BytesIO(content)) as file:
        root = file.get("model_weights", file)
        _check_hdf5(file)
        layers = [root[layer] for layer in root.attrs["layer_names"]]
        filled = [layer for layer in layers if len(layer.attrs["weight_names"])]
        for number, layer in enumerate(filled):
            for name in map(_text, layer.attrs["weight_names"]):
                kind = KERAS_NAMES[name.split("/")[-1].removesuffix(":0")]
                array = layer[name][()].astype(np.float32)
                key = f"{number:03d}.{layer.name.split('/')[-1]}.{kind}"
                arrays[key] = _axes(array)
    return arrays


def _check_hdf5(file: "h5py.File") -> None:
    """Raise a ValueError if datasets are too large or lie outside of the file, as HDF5 allows."""
    import h5py

    size, groups, seen = 0, [file], set()
    while groups:
        group = groups.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{name!r} is a link, and weights must lie in the file itself")
            entry = group[name]
            if isinstance(entry, h5py.Dataset):
                if entry.external or entry.is_virtual:
                    raise ValueError(f"{name!r} lies in another file, and must lie in this one")
                size += entry.size * entry.dtype.itemsize
            elif (address := h5py.h5o.get_info(entry.id).addr) not in seen:
                seen.add(address)  # a group may hold itself
                groups.append(entry)
    _check_size(size)


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _axes(array: np.ndarray) -> np.ndarray:
    """A kernel [shape=(..., in, out)] as PyTorch has it [shape=(out, in, ...)]."""
    if array.ndim < 2:
        return array
    return np.ascontiguousarray(np.moveaxis(array, (-1, -2), (0, 1)))


def renamed(arrays: Arrays, prefixes: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The arrays whose names begin with a key of ``prefixes``, with its value in place of the key."""
    return {
        ours + name.removeprefix(theirs): array
        for theirs, ours in prefixes.items()
        for name, array in arrays.items()
        if name.startswith(theirs)
    }


def in_order(network: "nn.Module", arrays: Arrays) -> dict[str, np.ndarray]:
    """Rename the arrays of Keras, layer by layer, to the names of ``network``.

    Further layers of the file, mostly a classifier, are left out.
    """
    ours, theirs = (
        dict.fromkeys(name.rpartition(".")[0] for name in names)
        for names in (network.state_dict(), sorted(arrays))
    )
    return renamed(arrays, {f"{t}.": f"{o}." for t, o in zip(theirs, ours)})


def load_weights(network: "nn.Module", arrays: Arrays, file: str) -> None:
    """Load weights into all layers of a network.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        Arrays by the names of ``network``'s state dict.
    file : str
        Name of the file, for error messages.

    Raises
    ------
    MerError
        If an array is missing or has another shape.
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
                "view is not the one that it was trained on; take the file and the view that "
                "docs/pretrained_weights.md names"
            )
        state[name] = tensor.new_tensor(got)
    network.load_state_dict(state)
