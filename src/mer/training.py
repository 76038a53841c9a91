"""The train stage: the selected system over all folds of its protocol."""

from pathlib import Path

import joblib
from safetensors.numpy import save_file

from mer.artefacts import (
    quarantined,
    read_folds,
    read_json,
    write_json,
    write_predictions,
    writing,
)
from mer.config import EVERY_COLUMN, Block, Columns, Profile
from mer.learn.crossval import Trained, cross_validate
from mer.learn.material import gather
from mer.selection import Selection


def run(
    chosen: Selection,
    params: Block,
    profile: Profile,
    target: Path,
    columns: Columns = EVERY_COLUMN,
) -> None:
    """Train and write ``data/runs/<key>``.

    ``predictions.parquet``, and where a clip's prediction comes from those of its segments, these in
    ``segments.parquet``, with ids ``<clip>#<segment>``; ``run.json``, which says of what;
    ``curves.csv``, the networks' learning curves; ``weights/r0_f<fold>.safetensors``, the networks
    of the first repeat.

    Raises
    ------
    MerError
        If an input of the model, or the protocol, is absent for this corpus.
    """
    material = gather(chosen, params, columns)
    folds, facts = read_folds(chosen.folds)[: profile.first], read_json(chosen.folds)
    trained = cross_validate(
        chosen.model,
        params,
        material,
        folds,
        seed=chosen.seed,
        fidelity=chosen.fidelity,
        profile=profile,
        key=joblib.hash([chosen.used, params.model_dump(), profile.model_dump(), material, folds]),
    )
    described = {
        **chosen.used,
        "protocol": facts["protocol"],
        "shares_artists": facts["shares_artists"],
        "n_quarantined": len(quarantined(chosen.folder("standard"))),
    }
    if columns.used:
        described["columns"] = columns.used
    _write(target, trained, described)


def _write(target: Path, trained: Trained, described: dict) -> None:
    with writing(target) as folder:
        write_predictions(folder / "predictions.parquet", trained.predictions)
        if trained.segments is not None:
            write_predictions(folder / "segments.parquet", trained.segments)
        write_json(folder / "run.json", described)
        trained.curves.to_csv(folder / "curves.csv", index=False, lineterminator="\n")
        (folder / "weights").mkdir()
        for (repeat, fold), arrays in trained.weights.items():
            save_file(dict(arrays), folder / "weights" / f"r{repeat}_f{fold}.safetensors")
