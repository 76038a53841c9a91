"""Bayesian optimisation of a training configuration with Optuna.

Louro et al. search the fusion of their Hybrid on MERGE so (docs/methods.md, "Louro's Hybrid on MERGE").
The name of a study is a digest of everything that decides its trials, and each trial has its own seed. A
search that was killed continues after its last complete trial, and its result is the same.
"""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer.errors import MerError
from mer.learn.result import Trial
from mer.parallel import code
from mer.schema.profiles import Profile
from mer.schema.training import TrainingConfig, Tuning

if TYPE_CHECKING:
    import optuna
    from torch import Tensor

STUDIES = Path(".mer/studies")
STARTUP = 3  # random trials before the sampler learns from them; Optuna's default, 10, would be all


def key(parts: Iterable[Any], tensors: "Iterable[Tensor]") -> str:
    """The name of a study: a digest of the code, of ``parts`` and of the tensors that it reads."""
    digest = hashlib.sha256(repr([code(), *parts]).encode())
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _study(tuning: Tuning, name: str) -> "optuna.Study":
    """The study of that name, new or continued."""
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
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # left by a killed process
    return study


def search(
    tuning: Tuning,
    config: TrainingConfig,
    objective: Callable[[TrainingConfig], float],
    *,
    name: str,
    seed: int,
    profile: Profile,
) -> tuple[TrainingConfig, list[Trial]]:
    """The best configuration of as many trials as ``tuning`` allows.

    Parameters
    ----------
    config : TrainingConfig
        The configuration whose other values stay.
    objective : callable
        The figure to maximise; it must not read test clips.
    name : str
        Name of the study, from ``key``.

    Returns
    -------
    config : TrainingConfig
        The configuration of the best trial, the first of equals.
    trials : list of Trial
    """
    import optuna

    study = _study(tuning, name)
    count = tuning.smoke_test_trials if profile.smoke_test else tuning.trials
    batch_sizes = (profile.batch_size,) if profile.batch_size else tuning.batch_size
    while len(done := _complete(study)) < count:
        own = (seed + len(done)) % 2**32
        study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=own)
        trial = study.ask()
        choice = {
            "batch_size": trial.suggest_categorical("batch_size", batch_sizes),
            "optimizer": trial.suggest_categorical("optimizer", tuning.optimizer),
            "lr": trial.suggest_categorical("lr", tuning.lr),
        }
        study.tell(trial, objective(config.model_copy(update=choice)))
    done = done[:count]
    best = max(done, key=lambda trial: trial.value or 0)
    trials = [Trial(**t.params, objective=t.value or 0.0, chosen=t is best) for t in done]
    return config.model_copy(update=best.params), trials


def _complete(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    import optuna

    return study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
