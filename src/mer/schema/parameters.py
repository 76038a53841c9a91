"""All sections of params.yaml and params/*.yaml, and the file that holds each."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from mer.schema import Block, Key, ProtocolName, TargetName
from mer.schema.augmentation import Policy
from mer.schema.corpora import Audio, Corpus, Demo, MergedCorpus, Quarantine, SegmentedCorpus
from mer.schema.feature_selection import Columns, JoinedFamilies
from mer.schema.profiles import Profile
from mer.schema.spectrograms import MaybeView

PARAMS = Path("params.yaml")
# Sections that lie in files of their own, in the folder params/ beside params.yaml.
FILES = {
    "audio": "params/audio.yaml",
    "quarantine": "params/audio.yaml",
    "corpora": "params/corpora.yaml",
    "segmented_corpora": "params/corpora.yaml",
    "merged_corpora": "params/corpora.yaml",
    "demos": "params/demos.yaml",
    "joined_families": "params/features.yaml",
    "views": "params/views.yaml",
    "policies": "params/augmentation.yaml",
}
TYPED_BY_MODULE = {  # block -> package whose modules type its entries
    "models": "models",
    "families": "features",
}
CHOICES = {  # selector -> the block whose keys it can name
    "model": "models",
    "dataset": "corpora",
    "view": "views",
    "family": "families",
    "augment": "policies",
    "profile": "profiles",
    "papers_profile": "profiles",
}


class Params(Block):
    """All sections. A block of ``models`` or ``families`` is typed by the ``Params`` of its module."""

    model: str
    dataset: str
    target: TargetName
    view: str
    family: str
    augment: str
    protocol: ProtocolName
    fidelity: Literal["described", "released"]
    profile: str
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    miniature: Literal["demo_", ""]
    papers_profile: str
    columns: Columns
    corpora: dict[Key, Corpus]
    demos: dict[Key, Demo]
    merged_corpora: dict[Key, MergedCorpus]
    segmented_corpora: dict[Key, SegmentedCorpus]
    audio: Audio
    quarantine: Quarantine
    views: dict[Key, MaybeView]
    families: dict[Key, dict[str, Any]]
    joined_families: tuple[JoinedFamilies, ...]
    policies: dict[Key, Policy]
    models: dict[Key, dict[str, Any]]
    profiles: dict[Key, Profile]

    def sharing_songs(self, dataset: str) -> set[str]:
        """A corpus, and those that it is said to share songs with."""
        return {dataset, *self.corpora[dataset].shares_songs_with}

    def recorded(self, dataset: str) -> str:
        """The corpus whose recordings a corpus has: of a segmented one, that which is split."""
        segmented = self.segmented_corpora.get(dataset)
        return segmented.of if segmented else dataset


def file_of(key: str, path: Path = PARAMS) -> Path:
    """The file that holds a dotted key: ``path``, or one of the folder ``params`` beside it."""
    section = key.partition(".")[0]
    return path.parent / FILES[section] if section in FILES else path
