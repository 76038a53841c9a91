"""Predictions of the selected, trained system for your own songs.

The run has stored a network for each fold of its first repeat; an estimator of scikit-learn is fitted again
on the training clips of the fold. The probabilities of all folds are averaged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer import config, parallel, registry
from mer.errors import MerError
from mer.inference import songs
from mer.inference.excerpts import Excerpt, write_excerpts
from mer.inference.trained_system import System, Weights
from mer.io import artefacts
from mer.io.files import read_json
from mer.learn.context import FittedFold
from mer.learn.cross_validation import PREDICTION_DIGITS, fold_seed, runs_sequentially, trainer_of
from mer.learn.data import TrainingData, concat_songs, prefix_ids, read
from mer.pipeline import mel
from mer.schema.profiles import Profile
from mer.selection import DATA, Selection
from mer.targets.target import Target
from mer.types import Fold

TOLERANCE = (
    0.01  # of the probabilities of an estimator that is fitted again, perhaps on another machine
)
PREPARED = {
    "standard": "rate",
    "mel": "view",
    "features": "source",
}  # kind of artefact -> the key of its manifest that describes its preparation


def seconds_of_clips(standard: Path) -> float:
    """The median length of the clips of a corpus in seconds."""
    corpus = artefacts.Standard.read(standard)
    return float(np.median(corpus.lengths)) / corpus.sample_rate


def _prepared(system: System, data: Path) -> TrainingData:
    """Inputs of the model for the excerpts, prepared like those of the corpus."""
    chosen, reads = system.chosen, system.model.reads
    kinds = ["standard"] if reads else []
    if "spectrogram" in reads:
        (view,) = config.read(f"views.{chosen.view}")
        mel.compute(chosen.folder("standard", data), chosen.folder("mel", data), view)
        kinds.append("mel")
    if "table" in reads:
        songs.features(data, chosen.family, chosen.dataset)
        kinds.append("features")
    for kind in kinds:
        ours, theirs = (
            read_json(chosen.folder(kind, root) / artefacts.MANIFEST).get(PREPARED[kind])
            for root in (data, DATA)
        )
        if ours != theirs:
            raise MerError(
                f"songs must be prepared as the corpus was, and {chosen.folder(kind)} was made with "
                f"another {PREPARED[kind]} than params.yaml, or this machine, has; run `dvc repro`"
            )
    return read(chosen, system.params, system.columns, reads, data)


def _answer(
    chosen: Selection,
    params: Any,
    profile: Profile,
    material: TrainingData,
    ids: Sequence[str],
    member: tuple[Fold, Weights],
) -> np.ndarray:
    """One member's probabilities [shape=(len(ids), C)]; where it is fitted anew, of its test clips too."""
    fold, weights = member
    name, trainer = chosen.dataset, trainer_of(chosen.model)
    train, val, test = (prefix_ids(name, side) for side in (fold.train, fold.val, fold.test))
    kept = FittedFold(
        registry.get("models", chosen.model),
        params,
        Fold(fold.repeat, fold.fold, train, val, test),
        fold_seed(chosen.seed, fold),
        chosen.fidelity,
        profile,
        weights,
    )
    asked = ids if weights else (*ids, *test)
    found: np.ndarray = trainer.predict(kept, material.with_ranked_columns(train), asked)
    return found


def _check_fitted(run: Path, fold: Fold, answers: np.ndarray) -> None:
    """Raise if an estimator that was fitted again does not reproduce the predictions of the run."""
    predictions = artefacts.read_predictions(run / "predictions.parquet")
    frame = predictions.frame.query(f"repeat == 0 and fold == {fold.fold}").set_index("id")
    then = frame.reindex(list(fold.test))[predictions.prediction_columns].to_numpy(float)
    if not np.allclose(then, answers, atol=TOLERANCE):
        raise MerError(
            f"an estimator fitted again must predict as in {run}, and predicts otherwise: its "
            "parameters, features or folds have changed since; run `dvc repro`"
        )


def probabilities(system: System, data: Path, ids: Sequence[str]) -> np.ndarray:
    """The members' mean for the excerpts ``ids`` that lie prepared in ``data`` [shape=(len(ids), C)]."""
    chosen = system.chosen
    material = concat_songs(system.known, _prepared(system, data), chosen.dataset)
    work = partial(_answer, chosen, system.params, system.profile, material, tuple(ids))
    sequential = runs_sequentially(chosen.model)
    answers = parallel.parallel_map(
        work, system.members, label=f"predict {chosen.model}", sequential=sequential
    )
    found = []
    for (fold, weights), answer in zip(system.members, answers, strict=True):
        if not weights:
            _check_fitted(system.run, fold, answer[len(ids) :])
        found.append(answer[: len(ids)])
    return np.mean(found, axis=0)


@dataclass(frozen=True)
class SongPredictions:
    """Predictions for songs.

    Attributes
    ----------
    rows : pd.DataFrame
        ``id, start, end`` (seconds), then ``Target.answers``: for each song its mean, then its excerpts.
    whole : sequence of bool
        Whether a row is a whole song.
    left_out : mapping of str to str
        Path -> reason, of the files that could not be used.
    """

    rows: pd.DataFrame
    whole: Sequence[bool]
    left_out: Mapping[str, str]


def _rows(
    excerpts: Sequence[Excerpt], sample_rate: int, found: np.ndarray, target: Target
) -> tuple[pd.DataFrame, list[bool]]:
    spans: list[tuple[str, float, float]] = []
    answers: list[np.ndarray] = []
    whole: list[bool] = []
    for song, pairs in groupby(zip(excerpts, found, strict=True), lambda pair: pair[0].song):
        own, values = zip(*pairs, strict=True)
        parts = [(e.id, e.start / sample_rate, (e.start + e.length) / sample_rate) for e in own]
        spans += [(song, parts[0][1], parts[-1][2]), *parts]
        answers += [np.mean(values, axis=0), *values]
        whole += [True] + [False] * len(own)
    table = target.answers(np.array(answers)).round(PREDICTION_DIGITS)
    frame = pd.DataFrame(spans, columns=["id", "start", "end"]).round(3)
    return pd.concat([frame, table], axis=1), whole


def predict(system: System, places: Sequence[str], seconds: float | None = None) -> SongPredictions:
    """Predict the emotion of audio files and of the audio files in folders.

    Parameters
    ----------
    seconds : float or None
        Length of the excerpts of a song; None for the median length of the corpus' clips.
    """
    chosen, paths = system.chosen, songs.files(places)
    limits, corpus = config.read("audio", f"corpora.{chosen.dataset}")
    length = seconds or seconds_of_clips(chosen.folder("standard"))
    with songs.scratch() as data:
        whole = {"sample_rate": corpus.sample_rate, "peak_db": None, "limits": limits}
        left_out = songs.standardize_songs(paths, data / "whole", chosen.dataset, **whole)
        standards = [chosen.folder("standard", root) for root in (data / "whole", data)]
        excerpts, sample_rate = write_excerpts(*standards, seconds=length, peak_db=corpus.peak_db)
        found = probabilities(system, data, [excerpt.id for excerpt in excerpts])
    return SongPredictions(*_rows(excerpts, sample_rate, found, system.known.target), left_out)
