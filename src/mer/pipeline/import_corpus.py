"""Archives of a published corpus, checked and unpacked into ``data/raw/<key>``."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mer import registry
from mer.errors import MerError
from mer.io import archives, audio_files
from mer.io.files import beside, is_file, sha256
from mer.runtime.processes import removed_at_end
from mer.schema.corpora import Corpus


class Imported(NamedTuple):
    """An imported corpus.

    Attributes
    ----------
    files, size : int
        Number of files, and their bytes.
    clips, with_file : int
        Labelled clips, and those of them whose audio file is there.
    verified : list of str
        Archives with a known digest.
    """

    files: int
    size: int
    clips: int
    with_file: int
    verified: list[str]


def _verified(paths: Sequence[Path], digests: Mapping[str, str]) -> list[str]:
    """The names of the archives with a known digest; raise if one has another digest."""
    known = [path for path in paths if path.name in digests]
    for path in known:
        if (found := sha256(path)) != digests[path.name]:
            raise MerError(
                f"{path} must have the SHA-256 {digests[path.name]}, not {found}; get it again, or correct "
                "corpora.<key>.sha256 in params/corpora.yaml"
            )
    return [path.name for path in known]


def _check_absent(target: Path) -> None:
    """Refuse a corpus that is there already."""
    if os.path.lexists(target):
        raise MerError(
            f"{target} must not exist yet; move it away, and give all archives in one command"
        )


def unpack(paths: Sequence[Path], corpus: Corpus, target: Path) -> Imported:
    """Write a corpus that is not there yet; nothing is left after a refusal or a kill.

    Parameters
    ----------
    paths : sequence of Path
        All archives of the corpus: zip, tar (also gz, bz2, xz), or tables as .csv.
    corpus : Corpus
        Its block in params/corpora.yaml.
    target : Path
        ``data/raw/<key>``.

    Raises
    ------
    MerError
        If ``target`` exists, an archive has another digest than the known one or is not safe (see
        ``mer.io.archives.check``), or the files do not follow the layout of the corpus.
    """
    _check_absent(target)
    for path in paths:
        if path.is_dir():
            raise MerError(
                f"{path} must be an archive, and is a folder; link or copy it to {target}"
            )
        if not path.is_file():
            raise MerError(f"{path} must be an archive, and there is no such file")
    verified = _verified(paths, corpus.sha256)
    with beside(target) as temporary, removed_at_end(temporary):
        files, size = archives.check(paths, shutil.disk_usage(temporary).free)
        new = temporary / target.name
        archives.unpack(paths, new)
        try:
            tracks = registry.get("datasets", corpus.layout).tracks(new)
        except MerError as error:
            raise MerError(
                f"{' '.join(map(str, paths))}: {error}".replace(f"{temporary}/", "")
            ) from error
        named = audio_files.of_tracks(tracks, audio_files.find(new))
        with_file = sum(is_file(new / track.path) for track in named if track.path)
        try:
            new.rename(target)
        except OSError:
            _check_absent(target)  # as it is once another command has imported it
            raise
    return Imported(files, size, len(tracks), with_file, verified)
