"""The stage ``features``: it computes a feature family of a corpus, or copies the published table."""

import hashlib
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mer import audio, registry
from mer.errors import MerError
from mer.io import artefacts, checkpoints
from mer.io.feature_tables import read_features, write_features
from mer.io.files import writing
from mer.io.standard import Standard, read_clip
from mer.schema import Block
from mer.types import Clip, FeatureSet

if TYPE_CHECKING:
    from mer.contracts import ExtractedFamily, Family

TABLE = "features.parquet"


def extract(standard: Path, index: Path, target: Path, *, family: str, params: Any) -> None:
    """Write ``data/features/<family>/<dataset>``.

    A family without a function ``extract`` was published as a table, which is copied from the index of the
    corpus. The artefact is absent where the corpus has no audio or no such table, or where the function
    ``missing`` of the module returns a reason.

    Parameters
    ----------
    standard, index, target : Path
        ``data/standard/<dataset>``, ``data/index/<dataset>`` and the output folder.
    family : str
        Name of a package of ``mer.features``.
    params : the module's ``Params``
        Its ``sample_rate`` in Hz is at most that of the corpus; None keeps the latter.

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
        _compute(standard, target, cast("ExtractedFamily", module), family, params)


def _missing(module: "Family", params: Block) -> str | None:
    return module.missing(params) if hasattr(module, "missing") else None


def _copy(index: Path, target: Path, family: str) -> None:
    table = index / f"{family}.parquet"
    if not table.exists():
        artefacts.write_absent(target, f"{index.name} has no published table {family!r}")
        return
    features = read_features(table)
    with writing(target) as folder:
        shutil.copyfile(table, folder / TABLE)
        _describe(folder, features)


def _compute(
    standard: Path, target: Path, module: "ExtractedFamily", family: str, params: Block
) -> None:
    ids, digest = Standard.read(standard).ids, _digest(standard)
    chosen = params.model_dump_json()
    source = {"source": "extracted", "family": family, "params": chosen, **module.versions()}
    work = partial(_row, standard.absolute(), family, params)
    sequential = hasattr(module, "on_gpu") and module.on_gpu()
    with checkpoints.checkpointed_map([source, digest], checkpoints.Arrays) as checkpointed:
        found = checkpointed(work, ids, label=f"{family} {target.name}", sequential=sequential)
        rows = [arrays["row"] for arrays in found if arrays is not None]
        features = FeatureSet(ids, tuple(module.names(params)), np.stack(rows), source)
        with writing(target) as folder:
            write_features(folder / TABLE, features)
            _describe(folder, features)


def _describe(folder: Path, features: FeatureSet) -> None:
    counts = {"clips": len(features.ids), "features": len(features.names)}
    artefacts.write_manifest(folder, **counts, source=dict(features.source))


def _digest(standard: Path) -> str:
    """A digest of a standardized corpus; its manifest holds the digest of the audio."""
    files = [standard / artefacts.MANIFEST, standard / "clips.csv"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def row(clip: Clip, family: str, params: Any) -> np.ndarray:
    """The features of a clip at the sample rate of the family [shape=(d,)].

    Raises
    ------
    MerError
        If the sample rate of the clip is too low, or a feature is not finite.
    """
    module = cast("ExtractedFamily", registry.get("features", family))
    if params.sample_rate is not None:
        clip = audio.resample(clip, params.sample_rate)
    values = module.extract(clip, params)
    for number in np.flatnonzero(~np.isfinite(values)):
        name, seconds = module.names(params)[number], len(clip.samples) / clip.sample_rate
        raise MerError(
            f"{family}: the feature {name!r} of the clip {clip.id!r} must be finite, not {values[number]}; "
            f"listen to the clip, which lasts {seconds:.2f} s, or leave it out"
        )
    return values


def _row(standard: Path, family: str, params: Any, clip: str) -> checkpoints.Arrays:
    """The features of a clip of a corpus; runs in a worker, which maps the audio itself."""
    return checkpoints.Arrays(row=row(read_clip(standard, clip), family, params))
