"""A family of features for a whole corpus: computed from its audio, or the table it brings."""

import hashlib
import shutil
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mer import audio, parallel, registry
from mer.io import artefacts
from mer.schema import Block
from mer.types import FeatureSet

TABLE = "features.parquet"


def extract(standard: Path, index: Path, target: Path, *, family: str, params: Any) -> None:
    """Write ``data/features/<family>/<dataset>``.

    A family without ``extract`` was published as a table, which is copied from the index of the corpus. The
    artefact is absent if the corpus has no audio or no such table, or if ``missing`` of the module gives a
    reason, such as missing pretrained weights.

    Parameters
    ----------
    standard, index, target : Path
        ``data/standard/<dataset>``, ``data/index/<dataset>`` and the folder to write.
    family : str
        Package of ``mer.features``.
    params : the module's ``Params``
        ``rate`` in Hz is at most the sample rate of the corpus; None keeps the sample rate of the corpus.

    Raises
    ------
    MerError
        If the sample rate of the corpus is too low, or a feature of a clip is not finite.
    """
    module = registry.get("features", family)
    if not hasattr(module, "extract"):
        _copy(index, target, family)
    elif reason := artefacts.absent(standard) or _missing(module, params):
        artefacts.write_absent(target, reason)
    else:
        _compute(standard, target, module, family, params)


def _missing(module: ModuleType, params: Block) -> str | None:
    return module.missing(params) if hasattr(module, "missing") else None


def _copy(index: Path, target: Path, family: str) -> None:
    table = index / f"{family}.parquet"
    if not table.exists():
        artefacts.write_absent(target, f"{index.name} has no published table {family!r}")
        return
    features = artefacts.read_features(table)
    with artefacts.writing(target) as folder:
        shutil.copyfile(table, folder / TABLE)
        _describe(folder, features)


def _compute(standard: Path, target: Path, module: ModuleType, family: str, params: Block) -> None:
    ids, digest = artefacts.Standard.read(standard).ids, _digest(standard)
    chosen = params.model_dump_json()
    source = {"source": "extracted", "family": family, "params": chosen, **module.versions()}
    work = partial(_row, standard.absolute(), digest, family, params)
    sequential = hasattr(module, "on_gpu") and module.on_gpu()
    with parallel.checkpointed_map([source, digest]) as run_each:
        found = run_each(
            work, range(len(ids)), label=f"{family} {target.name}", sequential=sequential
        )
        rows = [arrays["row"] for arrays in found]
        features = FeatureSet(ids, tuple(module.names(params)), np.stack(rows), source)
        with artefacts.writing(target) as folder:
            artefacts.write_features(folder / TABLE, features)
            _describe(folder, features)


def _describe(folder: Path, features: FeatureSet) -> None:
    counts = {"clips": len(features.ids), "features": len(features.names)}
    artefacts.write_manifest(folder, **counts, source=dict(features.source))


def _digest(standard: Path) -> str:
    """A digest of a standardized corpus; its manifest has the digest of the audio."""
    files = [standard / artefacts.MANIFEST, standard / "clips.csv"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@lru_cache(maxsize=1)
def _open(standard: Path, digest: str) -> artefacts.Standard:  # noqa: ARG001 (new content, new entry)
    return artefacts.Standard.read(standard)


def _row(
    standard: Path, digest: str, family: str, params: Any, number: int
) -> dict[str, np.ndarray]:
    """Features of one clip [shape=(d,)]; runs in a worker, which memory-maps the audio."""
    clip = _open(standard, digest).clip(number)
    if params.rate is not None:
        clip = audio.resample(clip, params.rate)
    return {"row": registry.get("features", family).extract(clip, params)}
