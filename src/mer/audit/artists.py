"""Artists of a corpus, and how many test clips of a split have theirs in training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mer.types import Fold, Track, groups


@dataclass(frozen=True)
class Artists:
    """Counts of the artists of a corpus, or of its source songs.

    Attributes
    ----------
    named : int
        Different artists.
    repeated : int
        Artists with more than one clip.
    clips_of_repeated : int
        Clips of these.
    in_several_classes : int
        Artists whose clips have different labels.
    clips_without : int
        Clips without an artist; a grouped split takes each as a group of its own.
    """

    named: int
    repeated: int
    clips_of_repeated: int
    in_several_classes: int
    clips_without: int


def count(tracks: Sequence[Track], labels: Mapping[str, str]) -> Artists:
    """Count the artists of a corpus.

    Parameters
    ----------
    labels : mapping of str to str
        Track id -> class.
    """
    group = groups(tracks)
    clips = Counter(group[track.id] for track in tracks if track.artist)
    classes = Counter(
        artist for artist, _ in {(group[t.id], labels[t.id]) for t in tracks if t.artist}
    )
    repeated = [n for n in clips.values() if n > 1]
    return Artists(
        named=len(clips),
        repeated=len(repeated),
        clips_of_repeated=sum(repeated),
        in_several_classes=sum(n > 1 for n in classes.values()),
        clips_without=sum(not track.artist for track in tracks),
    )


def overlap(tracks: Sequence[Track], folds: Sequence[Fold]) -> float:
    """The share of the test clips, over all folds, whose artist also has training or validation clips."""
    group = groups(tracks)
    shared = total = 0
    for fold in folds:
        known = {group[id_] for id_ in (*fold.train, *fold.val)}
        shared += sum(group[id_] in known for id_ in fold.test)
        total += len(fold.test)
    return shared / total
