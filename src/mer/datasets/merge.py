"""MERGE: AllMusic clips with a quadrant and split lists (Louro et al., Zenodo 13939205, v1.1.0).

::

    <root>/
    ├── merge_audio_complete_metadata.csv              Song,Quadrant,…,Artist,Title,…
    ├── merge_audio_complete_av_values.csv             Song,Arousal,Valence, in 0..1
    ├── Q1/ Q2/ Q3/ Q4/                                <Song>.mp3; may be missing, all four
    └── tvt_dataframes/
        ├── tvt_70_15_15/                              or tvt_701515
        │   └── tvt_70_15_15_{train,validate,test}_audio_complete.csv       Song,Quadrant
        └── tvt_40_30_30/                              or tvt_403030; the same three

All of it may lie in a folder of the root, as unpacked. The balanced release says ``balanced`` for
``complete``; the bimodal ones say ``bimodal`` for ``audio`` and ``Audio_Song`` for ``Song``, and have
the quadrants' folders in ``audio``: only their audio is used. A song is ``MT`` and ten digits, ``A001``
or ``A061-66``. Its quadrant is the one in the file, not that of its valence and arousal.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mer.datasets import _archives
from mer.errors import MerError
from mer.io import spreadsheets
from mer.types import QUADRANTS, Track

METADATA = re.compile(r"merge_((audio|bimodal)_(complete|balanced))_metadata\.csv")
PROTOCOLS = ("tvt_70_15_15", "tvt_40_30_30")
SIDES = {"train": "train", "validate": "val", "test": "test"}
COLUMNS = (
    *("Song", "Quadrant", "AllMusic Id", "AllMusic Extraction Date", "Artist", "Title"),
    *("Relevance", "Year", "LowestYear", "Duration", "Moods", "MoodsAll", "MoodsAllWeights"),
    *("Genres", "GenreWeights", "Themes", "ThemeWeights", "Styles", "StyleWeights"),
    *("AppearancesTrackIDs", "AppearancesAlbumIDs", "Sample", "SampleURL", "ActualYear"),
    *("num_Genres", "num_MoodsAll"),
)
REMEDY = "unpack one release of MERGE (https://zenodo.org/records/13939205) here"

log = logging.getLogger("mer")


@dataclass(frozen=True)
class Release:
    """One of the four archives: its folder and the names of its files.

    Attributes
    ----------
    base : Path
    name : str
        ``audio_complete``, ``audio_balanced``, ``bimodal_complete`` or ``bimodal_balanced``.
    """

    base: Path
    name: str

    @classmethod
    def find(cls, root: Path) -> "Release":
        file = _archives.find(root, "merge_*_metadata.csv", REMEDY)
        match = METADATA.fullmatch(file.name)
        if match is None:
            raise MerError(
                f"{file} must be of an audio or bimodal release, complete or balanced; {REMEDY}"
            )
        return cls(file.parent, match[1])

    @property
    def song(self) -> str:
        """The column that identifies a clip."""
        return "Audio_Song" if self.name.startswith("bimodal") else "Song"

    @property
    def audio(self) -> Path:
        """The folder that has the folders of the quadrants."""
        return self.base / "audio" if self.name.startswith("bimodal") else self.base

    def table(self, kind: str) -> Path:
        """The file of a table: ``metadata`` or ``av_values``."""
        return self.base / f"merge_{self.name}_{kind}.csv"

    def split(self, protocol: str, side: str) -> Path:
        """The file of a split list, in the spelling that exists."""
        short = "tvt_" + protocol.removeprefix("tvt_").replace("_", "")
        lists = self.base / "tvt_dataframes"
        candidates = [
            lists / folder / f"{name}_{side}_{self.name}.csv"
            for folder in (protocol, short)
            for name in (protocol, short)
        ]
        return next((file for file in candidates if file.is_file()), candidates[0])


def _rows(file: Path, column: str, *others: str) -> dict[str, spreadsheets.Row]:
    """The rows of a file by song."""
    rows = spreadsheets.read(file, [column, *others], REMEDY)
    return spreadsheets.by_id(rows, lambda row: _archives.allmusic_song(row, column))


def _sides(release: Release, protocol: str, quadrants: Mapping[str, str]) -> dict[str, str]:
    """Song -> ``train``, ``val`` or ``test``; every listed song is one of the release, once."""
    found: dict[str, str] = {}
    for spelling, side in SIDES.items():
        file = release.split(protocol, spelling)
        rows = _rows(file, "Song", "Quadrant")
        _archives.same_songs(file, rows, quadrants.keys() & rows.keys(), "the metadata")
        _archives.same_quadrants(rows, quadrants, "the metadata")
        if twice := found.keys() & rows.keys():
            raise MerError(
                f"{file}: the song {min(twice)!r} must be on one side of {protocol} and is also in "
                f"{found[min(twice)]}; restore the authors' lists"
            )
        found |= dict.fromkeys(rows, side)
    if missing := quadrants.keys() - found.keys():
        log.warning("%s leaves out %d songs, the first is %r", protocol, len(missing), min(missing))
    return found


def tracks(root: Path) -> list[Track]:
    """The songs of the metadata, sorted by id; a song whose audio file is missing keeps its path.

    Raises
    ------
    MerError
        If a file or column is missing, a song is duplicated, or files and folders do not agree.
    """
    release = Release.find(root)
    metadata = _rows(release.table("metadata"), release.song, "Quadrant", "Artist")
    quadrants = {song: row.choice("Quadrant", QUADRANTS) for song, row in sorted(metadata.items())}
    points = _rows(release.table("av_values"), release.song, "Arousal", "Valence")
    _archives.same_songs(release.table("av_values"), points, quadrants, "the metadata")
    sides = {protocol: _sides(release, protocol, quadrants) for protocol in PROTOCOLS}
    audio = _archives.has_folders(release.audio, quadrants, "the metadata")
    folder = release.audio.relative_to(root)
    return [
        Track(
            id=song,
            quadrant=q,
            path=(folder / q / f"{song}.mp3").as_posix() if audio else None,
            valence=points[song].number("Valence"),
            arousal=points[song].number("Arousal"),
            artist=metadata[song].text("Artist"),
            splits={p: listed[song] for p, listed in sides.items() if song in listed},
        )
        for song, q in quadrants.items()
    ]
