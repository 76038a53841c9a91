"""Bytes from elsewhere are numbers and text: nothing of them runs, and a lie in a header is named."""

import ast
import io
import json
import pickle
import random
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import save

from conftest import ROOT
from mer.errors import MerError
from mer.io import checkpoints, parquet
from mer.io.feature_tables import read_features, write_features
from mer.io.files import write_json
from mer.io.folds import read_folds, write_folds
from mer.io.predictions import read_predictions, write_predictions
from mer.io.spectrograms import AugmentedMels, Mels
from mer.io.standard import Standard
from mer.io.tracks import read_tracks, write_tracks
from mer.predictions import Predictions
from mer.types import FeatureTable, Fold

REFUSED = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "jsonpickle"}
CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "joblib.load", "yaml.load",
    "yaml.unsafe_load", "yaml.full_load", "pd.read_pickle", "tempfile.mktemp",
}  # fmt: skip
ENDINGS = (".extractall", ".unpack_archive", ".read_pickle", ".to_pickle")
SAFE = {"np.load": ("allow_pickle", False), "torch.load": ("weights_only", True)}


def faults(source: str) -> list[str]:
    """What in a source could run bytes that it reads."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in REFUSED]
        if isinstance(node, ast.ImportFrom):
            found += [node.module] if str(node.module).split(".")[0] in REFUSED else []
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {
                k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)
            }
            key, value = SAFE.get(name.replace("numpy.", "np."), (None, None))
            unsafe = name in CALLS or name.endswith(ENDINGS) or given.get("shell")
            if unsafe or (key and given.get(key) is not value):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def sources() -> list[Path]:
    root = ROOT
    return [p for folder in ("src", "stages") for p in sorted((root / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)
def test_no_code_runs_what_it_reads(path):
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from dill import load",
        "import cloudpickle.cloudpickle as c",
        "joblib.load(x)",
        "np.load(x)",
        "numpy.load(x, allow_pickle=True)",
        "torch.load(x)",
        "torch.load(x, weights_only=False)",
        "yaml.load(x, Loader=yaml.Loader)",
        "eval(x)",
        "exec(x)",
        "os.system(x)",
        "subprocess.run(x, shell=True)",
        "tarfile.open(x).extractall()",
        "shutil.unpack_archive(x)",
        "pd.read_pickle(x)",
    ],
)
def test_the_walk_sees(line):
    assert faults(line) != []


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def bombs(fuse: Path) -> dict[str, bytes]:
    """A pickle that touches ``fuse``, as each kind of file that may hold one."""
    array = np.array([Bomb(fuse)], dtype=object)
    streams = {kind: io.BytesIO() for kind in ("npy", "npz", "pth", "pth_legacy")}
    np.save(streams["npy"], array, allow_pickle=True)
    np.savez(streams["npz"], array)
    torch.save(Bomb(fuse), streams["pth"])
    torch.save(Bomb(fuse), streams["pth_legacy"], _use_new_zipfile_serialization=False)
    return {**{k: s.getvalue() for k, s in streams.items()}, "pkl": pickle.dumps(Bomb(fuse))}


@pytest.mark.parametrize("kind", ["npy", "npz", "pth", "pth_legacy", "pkl"])
def test_the_bombs_are_live(tmp_path, kind):
    content = io.BytesIO(bombs(tmp_path / "fuse")[kind])
    if kind.startswith("pth"):
        torch.load(content, weights_only=False)
    else:
        loaded = np.load(content, allow_pickle=True)
        loaded["arr_0"] if kind == "npz" else loaded
    assert (tmp_path / "fuse").exists()


@pytest.fixture
def good(tmp_path):
    """One of each artefact, in order."""
    manifest = {"status": "present", "rate": 8, "versions": ["a"]}
    for name in ("standard", "mel"):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "manifest.json", manifest)
    clips = {"id": ["a", "b"], "offset": [0, 3], "length": [3, 2], "scale": [1.0, 1.0]}
    pd.DataFrame(clips).to_csv(tmp_path / "standard/clips.csv", index=False)
    np.save(tmp_path / "standard/audio.npy", np.arange(5, dtype="<i2"))
    pd.DataFrame({"id": ["a", "b"], "frames": [2, 2]}).to_csv(tmp_path / "mel/ids.csv", index=False)
    np.save(tmp_path / "mel/mel.npy", np.zeros((2, 2, 4), "<f2"))
    features = FeatureTable(("a", "b"), ("x", "y"), np.arange(4.0).reshape(2, 2), {"family": "f"})
    write_features(tmp_path / "features.parquet", features)
    rows = {"id": ["a", "b"], "repeat": 0, "fold": 0, "y_true": 0, "p_0": 1.0, "p_1": 0.0}
    write_predictions(tmp_path / "predictions.parquet", Predictions(pd.DataFrame(rows), ("l", "r")))
    write_folds(tmp_path / "folds.json", [Fold(0, 0, ("a",), (), ("b",))])
    write_tracks(tmp_path / "tracks.csv", [], {})
    return tmp_path


READERS = {
    "standard/audio.npy": lambda root: Standard.read(root / "standard"),
    "standard/clips.csv": lambda root: Standard.read(root / "standard"),
    "standard/manifest.json": lambda root: Standard.read(root / "standard"),
    "mel/mel.npy": lambda root: Mels.read(root / "mel"),
    "mel/ids.csv": lambda root: AugmentedMels.read(root / "mel"),
    "features.parquet": lambda root: read_features(root / "features.parquet"),
    "predictions.parquet": lambda root: read_predictions(root / "predictions.parquet"),
    "folds.json": lambda root: read_folds(root / "folds.json"),
    "tracks.csv": lambda root: read_tracks(root),
}


@pytest.mark.parametrize("name", READERS)
def test_what_is_whole_is_read(good, name):
    READERS[name](good)


@pytest.mark.parametrize("kind", ["npy", "npz", "pth", "pth_legacy", "pkl"])
@pytest.mark.parametrize("name", READERS)
def test_a_bomb_is_refused_and_does_not_go_off(good, name, kind):
    (good / name).write_bytes(bombs(good / "fuse")[kind])
    with pytest.raises(MerError, match=name):
        READERS[name](good)
    assert not (good / "fuse").exists()


@pytest.mark.parametrize("name", [name for name in READERS if name != "tracks.csv"])
@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_a_truncated_file_is_named(good, name, share):
    content = (good / name).read_bytes()
    (good / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(MerError, match=name):
        READERS[name](good)


@pytest.mark.parametrize("name", READERS)
def test_a_missing_file_is_named(good, name):
    (good / name).unlink()
    with pytest.raises(MerError, match=name):
        READERS[name](good)


@pytest.mark.parametrize("name", READERS)
def test_flipped_bits_give_a_reason_or_a_value_but_never_another_error(good, name):
    content, rng = (good / name).read_bytes(), random.Random(name)
    for _ in range(100):
        flipped = bytearray(content)
        for _ in range(rng.choice([1, 1, 2, 8])):
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        (good / name).write_bytes(flipped)
        try:
            READERS[name](good)
        except MerError as error:
            assert str(good) in str(error) or "must" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f2', 'fortran_order': False, 'shape': (1099511627776, 1000, 128), }",
        "{'descr': '<f2', 'fortran_order': False, 'shape': (-1, 4), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f2', 'fortran_order': False, 'shape': (2**70,), }",
        "((((((((((" * 900,
    ],
)
def test_a_lying_npy_header_is_refused(good, header):
    text = header.encode().ljust(9990) + b"\n"
    (good / "mel/mel.npy").write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(32)
    )
    with pytest.raises(MerError, match=r"mel\.npy must be a \.npy file of numbers"):
        Mels.read(good / "mel")


def parquet_bomb(path: Path, rows: int) -> None:
    """A valid file of few bytes that unpacks to ``rows`` rows."""
    ones = pa.chunked_array([pa.array(np.zeros(2**20))] * (rows // 2**20))
    pq.write_table(pa.table({"id": ones}), path, compression="zstd")
    assert path.stat().st_size < rows / 100


def test_a_parquet_file_that_unpacks_to_gigabytes_is_refused(good, monkeypatch):
    monkeypatch.setattr(parquet, "MAX_CELLS", 2**21)
    parquet_bomb(good / "features.parquet", 2**22)
    with pytest.raises(MerError, match=r"features\.parquet .*4194304 rows of 1 columns"):
        READERS["features.parquet"](good)


def test_a_parquet_file_whose_texts_unpack_to_gigabytes_is_refused(good):
    """One text, which a few bytes repeat: as an array, it would be there for every row."""
    places = pa.array(np.zeros(2**20, np.int32))
    ids = pa.DictionaryArray.from_arrays(places, pa.array(["x" * 2**20]))
    path = good / "features.parquet"
    pq.write_table(pa.table({"id": ids}), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 2**12
    with pytest.raises(MerError, match=r"features\.parquet .*bytes or more of texts"):
        READERS["features.parquet"](good)


@pytest.mark.parametrize(
    "cells", [[[1.0]], [{"a": 1}], [b"x"], pa.array(["x"]).dictionary_encode()]
)
def test_a_parquet_file_of_other_cells_than_numbers_and_texts_is_refused(good, cells):
    pq.write_table(pa.table({"id": cells}), good / "features.parquet")
    with pytest.raises(MerError, match="neither numbers nor texts"):
        READERS["features.parquet"](good)


@pytest.mark.parametrize("length", [0, 2**31 - 1, 2**32 - 1])
@pytest.mark.parametrize("name", ["features.parquet", "predictions.parquet"])
def test_a_parquet_footer_of_absurd_length_is_refused(good, name, length):
    content = (good / name).read_bytes()
    (good / name).write_bytes(content[:-8] + struct.pack("<I", length) + b"PAR1")
    with pytest.raises(MerError, match=name):
        READERS[name](good)


def seven(item):
    return checkpoints.Arrays(value=np.full(3, 7.0))


def lying(**changes: object) -> bytes:
    entry = {"dtype": "F64", "shape": [3], "data_offsets": [0, 24], **changes}
    header = json.dumps({"value": entry}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(24)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 99_999_999) + b"{}",
        lying(shape=[2**62, 2**62]),
        lying(data_offsets=[0, 2**63]),
        lying(dtype="F128"),
        save({"value": np.zeros(3)})[:-1],
        pickle.dumps(1),
    ],
)
def test_a_damaged_result_is_computed_again(tmp_path, monkeypatch, content):
    monkeypatch.setattr(checkpoints, "SCRATCH", tmp_path)
    with checkpoints.checkpointed_map("key", checkpoints.Arrays) as work:
        (kept,) = tmp_path.iterdir()
        (kept / "0.safetensors").write_bytes(content)
        (found,) = work(seven, [0], label="seven", sequential=True)
    assert (found["value"] == 7).all()


@pytest.mark.parametrize(
    "manifest",
    ["null", "[]", "7", "{}", '{"status": "maybe"}', '{"status": ["absent"]}', '"present"'],
)
def test_a_malformed_manifest_is_named(good, manifest):
    (good / "mel/manifest.json").write_text(manifest)
    with pytest.raises(MerError, match=r"mel/manifest\.json must be the manifest"):
        Mels.read(good / "mel")


@pytest.mark.parametrize(
    "folds",
    ["[]", "{}", '{"status": "present"}', '{"status": "present", "folds": [{"repeat": 0}]}'],
)
def test_malformed_folds_are_named(good, folds):
    (good / "folds.json").write_text(folds)
    with pytest.raises(MerError, match=r"folds\.json must be a list of folds"):
        read_folds(good / "folds.json")


def test_a_manifest_without_the_names_of_the_versions_is_named(good):
    (good / "mel/manifest.json").write_text('{"status": "present"}')
    with pytest.raises(
        MerError, match=r"must be a manifest with the names of the augmented versions"
    ):
        AugmentedMels.read(good / "mel")


def test_a_zip_bomb_is_no_array(good):
    with zipfile.ZipFile(good / "mel/mel.npy", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mel.npy", bytes(10**7))
    with pytest.raises(MerError, match=r"mel\.npy"):
        Mels.read(good / "mel")
