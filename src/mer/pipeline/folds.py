"""The stage ``folds``: every protocol of one corpus, over the clips that are not quarantined."""

from pathlib import Path
from typing import get_args

from mer.errors import MerError
from mer.io.artefacts import quarantined, read_tracks, write_folds, write_json
from mer.schema import Protocol
from mer.schema.profiles import Profile
from mer.splits import shares_groups, split


def make(
    index: Path, standard: Path, target: Path, *, own: str, profile: Profile, seed: int
) -> None:
    """Write ``<target>/<protocol>/<dataset>.json`` for every protocol.

    A protocol that the corpus does not allow is written as absent, with the reason.

    Parameters
    ----------
    index, standard : Path
        ``data/index/<dataset>``, ``data/standard/<dataset>``; quarantined clips are left out.
    target : Path
        ``data/folds``.
    own : str
        The protocol that ``default`` means for this corpus.
    """
    left_out = set(quarantined(standard)["id"])
    tracks = [t for t in read_tracks(index) if t.id not in left_out]
    for protocol in get_args(Protocol):
        path = target / protocol / f"{index.name}.json"
        name = own if protocol == "default" else protocol
        try:
            folds = split(
                tracks,
                name,
                index.name,
                seed=seed,
                folds=profile.folds,
                repeats=profile.repeats,
            )
        except MerError as error:
            write_json(path, {"status": "absent", "reason": str(error)})
            continue
        write_folds(path, folds, protocol=name, shares_artists=shares_groups(tracks, folds))
