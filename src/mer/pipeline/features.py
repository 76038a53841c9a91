"""The stage ``features``: it computes a feature family of a corpus, or copies the published table."""

import hashlib
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mer import audio, registry
from mer.errors import MerError, noting
from mer.io import artefacts, checkpoints
from mer.io.feature_tables import read_features, write_features
from mer.io.files import writing
from mer.io.standard import Standard, read_clip
from mer.schema import Block
from mer.types import Clip, FeatureTable, array_text

if TYPE_CHECKING:
    from mer.contracts.interfaces import ExtractedFamily, Family

TABLE = "features.parquet"


def extract(standard: Path, tables: Path, target: Path, *, family: str, params: Any) -> None:
    """Write ``data/features/<family>/<dataset>``.

    A family without a function ``extract`` was published as a table, which is copied. The artefact is
    absent where the corpus has no audio or no such table, or where the function ``missing`` of the module
    returns a reason.

    Parameters
    ----------
    standard, tables, target : Path
        ``data/standard/<dataset>``, ``data/index/<dataset>/tables`` and the output folder.
    family : str
        Name of a package of ``mer.features``.
    params : the module's ``Params``
        Its ``sample_rate`` in Hz is at most that of the corpus; None keeps the latter.

    Raises
    ------
    MerError
        If the sample rate of the corpus is too low, a sample or a feature of a clip is not finite, or the
        module returns names or features that do not fit together.
    """
    module = registry.get("features", family)
    if not hasattr(module, "extract"):
        _copy(tables, target, family)
    elif reason := artefacts.absent(standard) or _missing(module, params):
        artefacts.write_absent(target, reason)
    else:
        _compute(standard, target, cast("ExtractedFamily", module), family, params)


def _missing(module: "Family", params: Block) -> str | None:
    return module.missing(params) if hasattr(module, "missing") else None


def _copy(tables: Path, target: Path, family: str) -> None:
    table = tables / f"{family}.parquet"
    if not table.exists():
        artefacts.write_absent(target, f"{target.name} has no published table {family!r}")
        return
    features = read_features(table)
    with writing(target) as folder:
        shutil.copyfile(table, folder / TABLE)
        _describe(folder, features)


def _compute(
    standard: Path, target: Path, module: "ExtractedFamily", family: str, params: Block
) -> None:
    ids, digest = Standard.read(standard).ids, _digest(standard)
    _check_names(module.names(params), family)
    _check_versions(module.versions(), family)
    chosen = params.model_dump_json()
    source = {"source": "extracted", "family": family, "params": chosen, **module.versions()}
    work = partial(_row, standard.absolute(), family, params)
    sequential = hasattr(module, "on_gpu") and module.on_gpu()
    with checkpoints.checkpointed_map([source, digest], checkpoints.Arrays) as checkpointed:
        found = checkpointed(work, ids, label=f"{family} {target.name}", sequential=sequential)
        rows = [arrays["row"] for arrays in found if arrays is not None]
        features = FeatureTable(ids, tuple(module.names(params)), np.stack(rows), source)
        with writing(target) as folder:
            write_features(folder / TABLE, features)
            _describe(folder, features)


def _check_names(names: object, family: str) -> None:
    """Refuse names of columns that a table cannot have."""
    found = names if isinstance(names, list) else []
    if not found or not all(isinstance(name, str) and name for name in found):
        raise MerError(
            f"features: names of {family!r} must return a list of strings, one per column, not {names!r}; "
            "correct it"
        )
    if "id" in found:
        raise MerError(
            f"features: names of {family!r} must leave 'id' to the column of clips, and hold it; rename it"
        )
    if len({*found}) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise MerError(
            f"features: names of {family!r} must return different names, and {twice!r} is there "
            f"{found.count(twice)} times; rename one"
        )


def _check_versions(versions: object, family: str) -> None:
    """Refuse versions that a table cannot name."""
    found = versions if isinstance(versions, dict) else {None: None}
    if not all(isinstance(text, str) for pair in found.items() for text in pair):
        raise MerError(
            f"features: versions of {family!r} must return a dict of strings by strings, not {versions!r}; "
            "correct it"
        )


def _check_values(values: Any, n_names: int, family: str) -> None:
    """Refuse what is no array with a number per name."""
    is_array = isinstance(values, np.ndarray)
    if not is_array or values.dtype.kind not in "fiu" or values.shape != (n_names,):
        raise MerError(
            f"features: extract of {family!r} must return an array of numbers of shape {(n_names,)}, one "
            f"for each of its names, not {array_text(values)}; correct it"
        )


def _describe(folder: Path, features: FeatureTable) -> None:
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
        If a sample is not finite, the sample rate of the clip is too low, a feature is not finite, or there
        is not one per name.
    """
    if unusable := int((~np.isfinite(clip.samples)).sum()):
        raise MerError(
            f"{family}: the samples of the clip {clip.id!r} must be finite, and {unusable} of "
            f"{clip.samples.size} are NaN or infinite; mend the clip, or leave it out"
        )
    module = cast("ExtractedFamily", registry.get("features", family))
    if params.sample_rate is not None:
        clip = audio.resample(clip, params.sample_rate)
    with noting(f"in the clip {clip.id!r}, features of {family!r}"):
        values = module.extract(clip, params)
    _check_values(values, len(module.names(params)), family)
    if not np.isfinite(values).all():
        number = int(np.isfinite(values).argmin())
        name, seconds = module.names(params)[number], len(clip.samples) / clip.sample_rate
        raise MerError(
            f"{family}: the feature {name!r} of the clip {clip.id!r} must be finite, not {values[number]}; "
            f"listen to the clip, which lasts {seconds:.2f} s, and leave it out, or correct `extract`"
        )
    return values


def _row(standard: Path, family: str, params: Any, clip: str) -> checkpoints.Arrays:
    """The features of a clip of a corpus; runs in a worker, which maps the audio itself."""
    return checkpoints.Arrays(row=row(read_clip(standard, clip), family, params))
