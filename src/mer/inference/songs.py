"""Your own songs: files and folders -> artefacts like those of a corpus, in a temporary folder.

The id of a song is its path as given. A song has no label: its row in ``tracks.csv`` has no quadrant, and
``mer.learn.data.read`` gives it none.
"""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from mer import config, registry
from mer.errors import MerError
from mer.io import artefacts, audio_files
from mer.io.files import beside
from mer.pipeline import join_features
from mer.pipeline.features import TABLE, extract
from mer.pipeline.standardize import standardize
from mer.schema.corpora import Audio, Quarantine
from mer.types import FeatureSet, Track

SCRATCH = Path(".mer/songs")
ALL_BUT_DAMAGED = Quarantine(max_fraction=1.0, max_missing=1.0, duplicates="keep")

log = logging.getLogger("mer")


def scratch() -> AbstractContextManager[Path]:
    """A temporary folder with the layout of ``data``, removed after the block."""
    return beside(SCRATCH)


def files(places: Sequence[str]) -> list[str]:
    """The given files and the audio files in the given folders, sorted, without duplicates.

    Raises
    ------
    MerError
        If there is none, or a name is not UTF-8.
    """
    found: set[str] = set()
    for place in places:
        if not Path(place).is_dir():
            found.add(place)
            continue
        inside = audio_files.find(Path(place))
        found |= {str(Path(place, name)) for name in inside.audio}
        if inside.others:
            log.warning("%d files in %r are not audio, by their suffix", len(inside.others), place)
    if not found:
        known = " ".join(sorted(audio_files.READABLE))
        raise MerError(f"{', '.join(places)} must hold audio files ({known})")
    for path in found:
        if path != path.encode("utf-8", "replace").decode():
            raise MerError(f"the name of a file must be UTF-8, not {path!r}; rename it")
    return sorted(found)


def standardize_songs(
    paths: Sequence[str],
    data: Path,
    dataset: str,
    *,
    sample_rate: int,
    peak_db: float | None,
    limits: Audio,
) -> dict[str, str]:
    """Write ``<data>/{index,standard}/<dataset>``; files that cannot be used are logged and left out.

    Parameters
    ----------
    sample_rate, peak_db, limits : see ``mer.pipeline.standardize.standardize``

    Returns
    -------
    dict of str to str
        Path -> reason, for the files left out.

    Raises
    ------
    MerError
        If no file can be used.
    """
    index, standard = data / "index" / dataset, data / "standard" / dataset
    with artefacts.writing(index) as folder:
        tracks = [Track(path, quadrant="", path=path) for path in paths]
        artefacts.write_tracks(folder / "tracks.csv", tracks, {})
        artefacts.write_manifest(folder, n=len(tracks))
    standardize(
        index,
        Path(),
        standard,
        sample_rate=sample_rate,
        peak_db=peak_db,
        limits=limits,
        quarantine=ALL_BUT_DAMAGED,
    )
    if artefacts.absent(standard):
        raise MerError(f"there is no such file: {paths[0]!r}")
    table = artefacts.quarantined(standard)
    left_out = dict(zip(table["path"], table["reason"], strict=True))
    for path, reason in left_out.items():
        if not Path(path).exists():
            log.warning("%r is left out: %s", path, reason)  # standardize names the others
    return left_out


def extractable(family: str) -> list[str]:
    """The families of a feature concatenation; for other families, the family itself.

    Raises
    ------
    MerError
        If one of them exists only as a published table.
    """
    (joined,) = config.read("joined_families")
    sides = {join.name: (join.left, join.right) for join in joined}
    if family in sides:
        return [part for side in sides[family] for part in extractable(side)]
    if not hasattr(registry.get("features", family), "extract"):
        known = [
            n for n in registry.names("features") if hasattr(registry.get("features", n), "extract")
        ]
        raise MerError(
            f"family={family!r} exists only as a published table and cannot be extracted from audio; "
            f"take family=panda1714 (4QAED's columns, re-extracted), compare or another of {known}"
        )
    return [family]


def features(data: Path, family: str, dataset: str) -> Path:
    """Write ``<data>/features/<family>/<dataset>`` for a family or a concatenation; return the path.

    Raises
    ------
    MerError
        If the family needs pretrained weights that are missing.
    """
    target = data / "features" / family / dataset
    for join in config.read("joined_families")[0]:
        if join.name == family:
            left, right = (features(data, side, dataset) for side in (join.left, join.right))
            join_features.join(left, right, target)
            return target
    (params,) = config.read(f"families.{family}")
    standard, index = (data / kind / dataset for kind in ("standard", "index"))
    extract(standard, index, target, family=family, params=params)
    if reason := artefacts.absent(target):
        raise MerError(f"family={family!r} cannot be extracted: {reason}")
    return target


def _rate(family: str, sample_rate: int | None) -> int:
    """The sample rate for songs: the requested one, else the highest that the family reads."""
    parts = extractable(family)
    own = {part: config.read(f"families.{part}")[0].sample_rate for part in parts}
    if sample_rate is None and (free := [part for part in parts if own[part] is None]):
        raise MerError(
            f"family={free[0]!r} reads songs at any sample rate; give one in Hz: "
            "--sample-rate 44100"
        )
    highest = max((value for value in own.values() if value), default=0)
    if sample_rate is not None and sample_rate < highest:
        raise MerError(
            f"--sample-rate must be at least {highest}, which family={family!r} reads, not {sample_rate}"
        )
    return sample_rate or highest


def table(
    places: Sequence[str], family: str, sample_rate: int | None = None
) -> tuple[FeatureSet, dict[str, str]]:
    """Extract the features of audio files and of the audio files in folders.

    Parameters
    ----------
    family : str
        A key of ``families`` in params.yaml, or the name of one of ``joined_families``.
    sample_rate : int or None
        Sample rate in Hz that songs are resampled to first; None for the sample rate of the family.

    Returns
    -------
    FeatureSet
        The ids are the paths.
    dict of str to str
        Path -> reason, for the files left out.
    """
    (limits,) = config.read("audio")
    chosen, paths = _rate(family, sample_rate), files(places)
    with scratch() as data:
        left_out = standardize_songs(
            paths, data, "songs", sample_rate=chosen, peak_db=None, limits=limits
        )
        folder = features(data, family, "songs")
        return artefacts.read_features(folder / TABLE), left_out
