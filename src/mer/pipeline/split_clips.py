"""A segmented corpus: its clips are equal parts of another corpus' clips (Pandrea et al.: four each).

A part is a clip with an id of its own, ``<clip>#<number>``, and the label and artist of its clip. Folds are
split over clips; then every clip is replaced by its parts, which therefore stay on one side.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mer.errors import MerError
from mer.io import artefacts
from mer.io.feature_tables import write_published
from mer.io.files import read_json, write_json, writing
from mer.io.folds import read_folds, write_folds
from mer.io.standard import Standard, StandardClip, quarantined, scale_to_peak, write_quarantine
from mer.io.tracks import read_digests, read_tracks, write_tracks
from mer.schema.corpora import SegmentedCorpus
from mer.types import Fold, Track, clip_of, part_ids


def _tracks(tracks: Sequence[Track], parts: int) -> Iterator[Track]:
    for track in tracks:
        for id_ in part_ids(track.id, parts):
            yield replace(track, id=id_, artist=track.artist or track.id)


def split_index(index: Path, target: Path, cut: SegmentedCorpus) -> None:
    """Write ``data/index/<segmented corpus>``: the parts of every track.

    A track without an artist becomes the artist of its parts, so that ``grouped`` keeps them together.
    Published feature tables describe whole clips, and are not copied.

    Parameters
    ----------
    index, target : Path
        ``data/index/<dataset>`` of the corpus and of the segmented corpus.
    """
    tracks = list(_tracks(read_tracks(index), cut.parts))
    digests = read_digests(index)
    songs = {track.id: clip_of(track.id) for track in tracks}
    with writing(target) as folder:
        files = {part: digests[song] for part, song in songs.items() if song in digests}
        write_tracks(folder / "tracks.csv", tracks, files)
        write_published(folder, {})
        shutil.copyfile(index / "unlabelled.csv", folder / "unlabelled.csv")
        facts = {k: v for k, v in read_json(index / artefacts.MANIFEST).items() if k == "range"}
        artefacts.write_manifest(folder, n=len(tracks), of=index.name, parts=cut.parts, **facts)


def _parts(corpus: Standard, cut: SegmentedCorpus) -> Iterator[StandardClip]:
    """The parts of every clip; where the length is no multiple, they differ by a sample."""
    for clip in corpus.ids:
        pcm, scale = corpus.pcm(clip), corpus.scale(clip)
        if len(pcm) < cut.parts:
            raise MerError(
                f"a clip must have a sample for each of its {cut.parts} parts, and {clip!r} has {len(pcm)}"
                "; remove the clip, or lower `parts` of the segmented corpus"
            )
        edges = np.arange(cut.parts + 1) * len(pcm) // cut.parts
        for id_, start, end in zip(part_ids(clip, cut.parts), edges, edges[1:], strict=False):
            yield id_, pcm[start:end], scale_to_peak(pcm[start:end], scale, cut.peak_db)


def split_standard(standard: Path, target: Path, cut: SegmentedCorpus) -> None:
    """Write ``data/standard/<segmented corpus>``: the same samples, with a level for each part.

    The artefact is absent where ``standard`` is.
    """
    if reason := artefacts.absent(standard):
        artefacts.write_absent(target, reason)
        return
    facts = {**read_json(standard / artefacts.MANIFEST), "of": standard.name, "parts": cut.parts}
    left_out = quarantined(standard).to_numpy().tolist()
    with writing(target) as folder:
        clips = _parts(Standard.read(standard), cut)
        written = Standard.write(folder, clips)
        faults = (
            (part, path, reason)
            for id_, path, reason in left_out
            for part in part_ids(id_, cut.parts)
        )
        write_quarantine(folder, faults)
        artefacts.write_manifest(folder, **{**facts, **written})


def _expanded(clips: Sequence[str], parts: int) -> tuple[str, ...]:
    return tuple(part for clip in clips for part in part_ids(clip, parts))


def split_folds(folds: Path, target: Path, parts: int) -> None:
    """Write ``data/folds/<protocol>/<segmented corpus>.json``: the folds, each clip replaced by its
    parts."""
    content = read_json(folds)
    if content["status"] == "absent":
        write_json(target, content)
        return
    segmented = [
        Fold(f.repeat, f.fold, *(_expanded(side, parts) for side in (f.train, f.val, f.test)))
        for f in read_folds(folds)
    ]
    facts = {key: content[key] for key in ("protocol", "shares_artists")}
    write_folds(target, segmented, **facts)
