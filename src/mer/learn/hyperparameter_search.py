"""Bayesian optimisation of a config with Optuna (Louro et al.'s poster on MERGE; methods B).

A study's name is a digest of all that decides its trials, and each trial has a seed of its own: a
search that was killed goes on behind its last complete trial and ends as it would have.
"""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mer.errors import MerError
from mer.parallel import code
from mer.schema.profiles import Profile
from mer.schema.training import TrainingConfig, Tuning

if TYPE_CHECKING:
    import optuna
    from torch import Tensor

STUDIES = Path(".mer/studies")
STARTUP = 3  # trials at random before the sampler learns from them; Optuna's 10 would be all
COLUMNS = ("trial", "batch", "adam", "lr", "objective", "chosen")


def key(parts: Iterable[Any], tensors: "Iterable[Tensor]") -> str:
    """A study's name, from what decides it beside this project's code."""
    digest = hashlib.sha256(repr([code(), *parts]).encode())
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _study(tuning: Tuning, name: str) -> "optuna.Study":
    """The study of that name, begun or gone on with."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage: Any = tuning.storage
    try:
        if storage is None:
            STUDIES.mkdir(parents=True, exist_ok=True)
            backend = JournalFileBackend(str(STUDIES / f"{name}.journal"))
            storage = optuna.storages.JournalStorage(backend)
        study = optuna.create_study(
            study_name=name, storage=storage, direction="maximize", load_if_exists=True
        )
    except Exception as error:
        raise MerError(
            f"tuning.storage={tuning.storage!r} must be null or the URL of a database that can be "
            f"reached ({type(error).__name__}: {error})"
        ) from error
    if tuning.storage is None:
        for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # of a killed process
    return study


def search(
    tuning: Tuning,
    config: TrainingConfig,
    objective: Callable[[TrainingConfig], float],
    *,
    name: str,
    seed: int,
    profile: Profile,
) -> tuple[TrainingConfig, np.ndarray]:
    """The best config of as many trials as ``tuning`` allows.

    Parameters
    ----------
    config : TrainingConfig
        For what is not searched.
    objective : callable
        To be high; it must not look at test clips.
    name : str
        By ``key``.

    Returns
    -------
    config : TrainingConfig
        Of equally good trials, the first.
    trials : np.ndarray [shape=(trials, 6)]
        ``COLUMNS``; ``adam`` is 1 or, for SGD, 0.
    """
    import optuna

    study, count = (
        _study(tuning, name),
        tuning.smoke_test_trials if profile.short else tuning.trials,
    )
    batches = (profile.batch,) if profile.batch else tuning.batch_size
    while len(done := _complete(study)) < count:
        own = (seed + len(done)) % 2**32
        study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=own)
        trial = study.ask()
        choice = {
            "batch_size": trial.suggest_categorical("batch_size", batches),
            "optimizer": trial.suggest_categorical("optimizer", tuning.optimizer),
            "lr": trial.suggest_categorical("lr", tuning.lr),
        }
        study.tell(trial, objective(config.model_copy(update=choice)))
    done = done[:count]
    best = max(done, key=lambda trial: trial.value or 0)
    rows = [
        (
            n,
            t.params["batch_size"],
            t.params["optimizer"] == "adam",
            t.params["lr"],
            t.value,
            t is best,
        )
        for n, t in enumerate(done, 1)
    ]
    return config.model_copy(update=best.params), np.array(rows, float)


def _complete(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    import optuna

    return study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
