"""A corpus whose clips are the equal parts of another's: Pandrea et al. cut each song into four.

A part is a clip of its own, ``<clip>#<part>``, and keeps its song's label and artist. Folds are drawn over
songs, then every song gives way to its parts: those of one song stand on one side.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mer.errors import MerError
from mer.io import artefacts
from mer.io.files import read_json, write_csv, write_json
from mer.schema.corpora import Cut
from mer.types import Fold, Track, clip_of, part_ids


def _tracks(tracks: Sequence[Track], parts: int) -> Iterator[Track]:
    for track in tracks:
        for id_ in part_ids(track.id, parts):
            yield replace(track, id=id_, artist=track.artist or track.id)


def cut_index(index: Path, target: Path, cut: Cut) -> None:
    """Write ``data/index/<cut>``: every track's parts, a song without an artist being its own group.

    Parameters
    ----------
    index, target : Path
        ``data/index/<dataset>`` of the corpus that is cut, and of its parts. Published tables describe
        songs, and stay there.
    """
    tracks = list(_tracks(artefacts.read_tracks(index), cut.parts))
    digests = artefacts.read_digests(index)
    songs = {track.id: clip_of(track.id) for track in tracks}
    with artefacts.writing(target) as folder:
        files = {part: digests[song] for part, song in songs.items() if song in digests}
        artefacts.write_tracks(folder / "tracks.csv", tracks, files)
        shutil.copyfile(index / "unlabelled.csv", folder / "unlabelled.csv")
        artefacts.write_manifest(folder, n=len(tracks), of=index.name, parts=cut.parts)


def _scale(pcm: np.ndarray, scale: float, peak_db: float | None) -> float:
    """The factor that takes int16 samples to the level asked for, or to their own."""
    peak = int(np.abs(pcm.astype(np.int32)).max())
    return scale if peak_db is None or peak == 0 else 10 ** (peak_db / 20) / peak


def _parts(corpus: artefacts.Standard, cut: Cut) -> Iterator[tuple[str, int, int, float]]:
    """Id, offset, length and scale of every part."""
    for row, clip in enumerate(corpus.ids):
        offset, length = int(corpus.offsets[row]), int(corpus.lengths[row])
        if length < cut.parts:
            raise MerError(
                f"a clip cut into {cut.parts} parts must be as long; {clip!r} is {length}"
            )
        edges = offset + np.arange(cut.parts + 1) * length // cut.parts
        for id_, start, end in zip(part_ids(clip, cut.parts), edges, edges[1:], strict=False):
            scale = _scale(corpus.audio[start:end], float(corpus.scales[row]), cut.peak_db)
            yield id_, int(start), int(end - start), scale


def cut_standard(standard: Path, target: Path, cut: Cut) -> None:
    """Write ``data/standard/<cut>``: the same samples, each part with a level of its own.

    Where the length is no multiple, parts differ by a sample. Absent where ``standard`` is.
    """
    if reason := artefacts.absent(standard):
        artefacts.write_absent(target, reason)
        return
    facts = {**read_json(standard / artefacts.MANIFEST), "of": standard.name, "parts": cut.parts}
    left_out = artefacts.quarantined(standard).to_numpy().tolist()
    with artefacts.writing(target) as folder:
        rows = list(_parts(artefacts.Standard.read(standard), cut))
        shutil.copyfile(standard / "audio.npy", folder / "audio.npy")
        write_csv(folder / "clips.csv", [("id", "offset", "length", "scale"), *rows])
        faults = [
            (part, path, reason)
            for id_, path, reason in left_out
            for part in part_ids(id_, cut.parts)
        ]
        write_csv(folder / "quarantine.csv", [("id", "path", "reason"), *faults])
        artefacts.write_manifest(folder, **{**facts, "clips": len(rows)})


def _expanded(songs: Sequence[str], parts: int) -> tuple[str, ...]:
    return tuple(part for song in songs for part in part_ids(song, parts))


def cut_folds(folds: Path, target: Path, parts: int) -> None:
    """Write ``data/folds/<protocol>/<cut>.json``: the folds of the songs, every song as its parts."""
    content = read_json(folds)
    if content["status"] == "absent":
        write_json(target, content)
        return
    found = [
        Fold(f.repeat, f.fold, *(_expanded(side, parts) for side in (f.train, f.val, f.test)))
        for f in artefacts.read_folds(folds)
    ]
    facts = {key: content[key] for key in ("protocol", "shares_artists")}
    artefacts.write_folds(target, found, **facts)
