"""4QAED: clips of AllMusic with a quadrant each (Panda, Malheiro & Paiva, IEEE TAFFC 2020).

Original-4QAED has 900 clips, 225 a quadrant; New-4QAED, from the same authors, 1629 (C) or 1372 (B).

::

    <root>/
    ├── MER_audio_taffc_dataset/
    │   ├── panda_dataset_taffc_annotations.csv     Song,Quadrant; any *annotations.csv
    │   ├── panda_dataset_taffc_metadata.csv        Song,Artist,…; any *metadata.csv; may be missing
    │   └── Q1/ Q2/ Q3/ Q4/                         <Song>.mp3; may be missing, all four
    └── Features - Audio MER/                       may be missing
        ├── top100_features.csv                     SongID (or IDSong), 100 features, Quadrant
        ├── all_features_decorrelated.csv           IDSong, 1714 features
        └── all_features.csv                        IDSong, those and more; read where that is missing

The two folders may have other names. Their files may lie in the root instead, which is searched first.
``Song`` is ``MT`` and ten digits, ``A001`` or ``A061-66``. Without audio folders the
published tables serve alone.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from mer import registry
from mer.datasets import _archives
from mer.errors import MerError
from mer.io import spreadsheets
from mer.io.files import sha256
from mer.types import QUADRANTS, FeatureTable, Track

AUDIO, FEATURES = "MER_audio_taffc_dataset", "Features - Audio MER"
ANNOTATIONS = "panda_dataset_taffc_annotations.csv"
METADATA = "panda_dataset_taffc_metadata.csv"
METADATA_COLUMNS = (
    *("Song", "Artist", "Title", "Quadrant", "PQuad", "MoodsTotal", "Moods", "MoodsFoundStr"),
    *("MoodsStr", "MoodsStrSplit", "Genres", "GenresStr", "Sample", "SampleURL"),
)
SUPERSET = "all_features.csv"
TABLES = {
    "top100": ("top100_features.csv",),
    "published1714": ("all_features_decorrelated.csv", SUPERSET),
}
REMEDY = "unpack the authors' MER_audio_taffc_dataset.zip and 'Features - Audio MER' here"

published_families: tuple[str, ...] = tuple(TABLES)


def _places(root: Path) -> list[Path]:
    """Folders that may have the files, the root first."""
    return [root, *sorted(folder for folder in root.glob("*") if folder.is_dir())]


def _find(root: Path, *patterns: str) -> Path | None:
    """The file that matches the first matching pattern, or None."""
    for pattern in patterns:
        for place in _places(root):
            if files := sorted(place.glob(pattern)):
                if len(files) > 1:
                    raise MerError(
                        f"{place} must hold one {pattern}, not {[file.name for file in files]}; "
                        "give each release a folder of its own in data/raw"
                    )
                return files[0]
    return None


def _song(row: spreadsheets.Row) -> str:
    return _archives.allmusic_song(row, "Song")


def _quadrants(root: Path) -> dict[str, str]:
    """Song -> quadrant, as annotated, sorted."""
    file = _find(root, "*annotations.csv") or root / AUDIO / ANNOTATIONS
    rows = spreadsheets.by_id(spreadsheets.read(file, ["Song", "Quadrant"], REMEDY), _song)
    return {song: row.choice("Quadrant", QUADRANTS) for song, row in sorted(rows.items())}


def _check_songs(
    file: Path, rows: Mapping[str, spreadsheets.Row], quadrants: Mapping[str, str]
) -> None:
    """Raise if the rows are not the annotated songs, or have other quadrants."""
    _archives.same_songs(file, rows, quadrants, ANNOTATIONS)
    if "Quadrant" in next(iter(rows.values())).cells:
        _archives.same_quadrants(rows, quadrants, ANNOTATIONS)


def _artists(root: Path, quadrants: Mapping[str, str]) -> dict[str, str | None]:
    """Song -> artist; empty if there is no metadata."""
    file = _find(root, "*metadata.csv")
    if file is None:
        return {}
    rows = spreadsheets.by_id(spreadsheets.read(file, ["Song", "Artist"], REMEDY), _song)
    _check_songs(file, rows, quadrants)
    return {song: row.text("Artist") for song, row in rows.items()}


def _audio(root: Path, quadrants: Mapping[str, str]) -> str | None:
    """The folder of ``Q1`` to ``Q4``, relative to the root; None if there is no such folder."""
    for base in _places(root):
        if _archives.has_folders(base, quadrants, ANNOTATIONS):
            return base.relative_to(root).as_posix()
    return None


def tracks(root: Path) -> list[Track]:
    """The annotated songs, sorted by id; a song whose audio file is missing keeps its path.

    Raises
    ------
    MerError
        If the annotations are missing, a song is duplicated, or annotations, metadata and folders do
        not agree.
    """
    quadrants = _quadrants(root)
    artists = _artists(root, quadrants)
    folder = _audio(root, quadrants)
    return [
        Track(
            id=song,
            quadrant=q,
            path=None if folder is None else Path(folder, q, f"{song}.mp3").as_posix(),
            artist=artists.get(song),
        )
        for song, q in quadrants.items()
    ]


def _check_names(file: Path, found: set[str], names: Iterable[str]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise MerError(
            f"{file} must have the feature {missing[0]!r}, the first of {len(missing)} that it "
            "lacks; restore the authors' file"
        )
    extra = found.difference(names)
    if extra and file.name != SUPERSET:
        raise MerError(
            f"{file} must not have the column {min(extra)!r}, the first of {len(extra)} that are "
            "not of the published set; restore the authors' file"
        )


def published_names(family: str) -> list[str]:
    """The published columns of a family."""
    module = registry.get("features", family)
    return module.names(module.Params())


def _table(file: Path, family: str, quadrants: Mapping[str, str]) -> FeatureTable:
    """A published table, its rows sorted by song, its columns in the published order."""
    table = spreadsheets.read(file, [], REMEDY)
    key = "IDSong" if "IDSong" in table[0].cells else "SongID"
    if key not in table[0].cells:
        raise MerError(f"{file} must have a column 'SongID' or 'IDSong'; {REMEDY}")
    rows = spreadsheets.by_id(table, lambda row: row.text(key) or "")
    _check_songs(file, rows, quadrants)
    names = published_names(family)
    _check_names(file, set(table[0].cells) - {key, "Quadrant"}, names)
    values = np.array([[rows[song].number(name) for name in names] for song in quadrants])
    digest = sha256(file)
    source = {"source": "published", "file": file.name, "family": family, "sha256": digest}
    return FeatureTable(tuple(quadrants), tuple(names), values, source)


def published(root: Path) -> dict[str, FeatureTable]:
    """The authors' tables that are there, by family.

    Raises
    ------
    MerError
        If a table's songs or features are not exactly the published ones.
    """
    quadrants = _quadrants(root)
    found = {family: _find(root, *files) for family, files in TABLES.items()}
    return {family: _table(file, family, quadrants) for family, file in found.items() if file}
