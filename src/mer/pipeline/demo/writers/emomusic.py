"""A synthetic corpus as the layout ``emomusic`` reads it."""

from collections.abc import Sequence
from pathlib import Path

from mer.datasets.emomusic import ANNOTATIONS, AUDIO, INFO, RATINGS, SET, SIDES
from mer.pipeline.demo.writers import _archives
from mer.types import Clip, Track

VALENCE, AROUSAL = RATINGS.valence, RATINGS.arousal
INFO_COLUMNS = (
    *("song_id", "file_name", "Artist", "Song title", "start of the segment (min.sec)"),
    *("end of the segment (min.sec)", "Genre", SET),
)


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout; every third song is of the evaluation set."""
    order = sorted(songs, key=lambda song: _archives.number(song[0].id, 7))
    named = [(3 * n + 2, track, clip) for n, (track, clip) in enumerate(order)]
    info: list[Sequence[object]] = [INFO_COLUMNS]
    points: list[Sequence[object]] = [("song_id", AROUSAL, "std_arousal", VALENCE, "std_valence")]
    for n, track, _ in named:
        side = [*SIDES][n % 9 == 8]
        info.append((n, f"{n}.mp3", track.artist or "", track.id, "0.0", "0.45", "", side))
        valence, arousal = _archives.in_scale(track, *RATINGS.scale)
        points.append((n, arousal, 1.0, valence, 1.0))
    tables = {f"annotations/{INFO}": info, f"annotations/{ANNOTATIONS}": points}
    _archives.write(root, tables, {f"{AUDIO}/{n}.mp3": clip for n, _, clip in named})
