"""Search for hyperparameters with Optuna: Bayesian optimisation, or every combination of a grid.

Louro et al. search their SVM and their Hybrid on MERGE by Bayesian optimisation, and their networks by a
grid (docs/methods.md). The name of a study is a digest of everything that decides its trials, and each
trial has its own seed. A search that was killed continues after its last complete trial, and its result is
the same.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mer.errors import MerError
from mer.io.checkpoints import package_digest
from mer.learn.context import FoldContext
from mer.learn.result import Trial
from mer.runtime.locks import wait_for_lock
from mer.schema.profiles import Profile
from mer.schema.training import TrainingConfig, Tuning

if TYPE_CHECKING:
    import optuna
    from torch import Tensor

STUDIES = Path(".mer/studies")
STARTUP = 3  # random trials before the sampler learns from them; Optuna's default, 10, would be all


@dataclass(frozen=True)
class LogUniform:
    """Values between two positive limits, uniform in their logarithm."""

    low: float
    high: float


Space = Mapping[str, Sequence[Any] | LogUniform]


def study_name(
    context: FoldContext[Any], parts: Iterable[Any], arrays: "Iterable[Tensor | np.ndarray]"
) -> str:
    """The name of a study: a digest of everything that decides its trials.

    Parameters
    ----------
    context : FoldContext
        The model with its parameters, the seed, the fidelity and the profile; where trials are stored does
        not count.
    parts : iterable of objects whose ``repr`` is stable
        What else decides the trials, such as the augmentation, or the device of a network.
    arrays : iterable of arrays
        All arrays that the trials read.
    """
    settings = context.params.model_dump(exclude={"tuning": {"storage"}})
    own = context.model.__name__, settings, context.seed, context.fidelity, context.profile
    versions = [metadata.version(library) for library in ("optuna", "scikit-learn")]
    digest = hashlib.sha256(repr([package_digest(), *versions, *own, *parts]).encode())
    for array in arrays:
        host = array if isinstance(array, np.ndarray) else array.cpu().numpy()
        digest.update(np.ascontiguousarray(host).tobytes())
    return digest.hexdigest()[:16]


def _study(url: str | None, name: str) -> "optuna.Study":
    """The study of that name, new or continued."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage: Any = url
    try:
        if storage is None:
            backend = JournalFileBackend(str(STUDIES / f"{name}.journal"))
            storage = optuna.storages.JournalStorage(backend)
        study = optuna.create_study(
            study_name=name, storage=storage, direction="maximize", load_if_exists=True
        )
    except Exception as error:
        if url is None:  # of the file in STUDIES, which the error names
            raise
        raise MerError(
            f"tuning.storage={url!r} must be null or the URL of a database that can be "
            f"reached ({type(error).__name__}: {error}); start the database, or set it to null"
        ) from error
    if url is None:
        for trial in _in_state(study, "RUNNING"):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # left by a killed process
    return study


def _combinations(space: Space) -> list[dict[str, Any]]:
    """All combinations of the candidates; none where a hyperparameter has a range."""
    if any(isinstance(values, LogUniform) for values in space.values()):
        return []
    return [dict(zip(space, values, strict=True)) for values in product(*space.values())]  # type: ignore[arg-type]


def _suggested(trial: "optuna.Trial", space: Space) -> dict[str, Any]:
    """The values that the sampler suggests for a trial."""
    return {
        name: trial.suggest_float(name, values.low, values.high, log=True)
        if isinstance(values, LogUniform)
        else trial.suggest_categorical(name, values)
        for name, values in space.items()
    }


def optimize(
    space: Space,
    objective: Callable[[dict[str, Any]], float],
    *,
    trials: int,
    name: str,
    seed: int,
    method: Literal["bayes", "grid"] = "bayes",
    storage: str | None = None,
) -> "list[optuna.trial.FrozenTrial]":
    """The trials of a search in their order.

    Parameters
    ----------
    space : mapping of str to sequence or LogUniform
        Candidates of each hyperparameter; a grid needs sequences.
    objective : callable
        The figure to maximise for some values of ``space``; it must not read test clips.
    trials : int
        Number of trials, or of the combinations of the candidates where there are fewer; none is tried
        twice.
    name : str
        Name of the study, from ``key``.
    storage : str or None
        URL of a database; None for a file in ``.mer/studies``.

    Raises
    ------
    MerError
        If ``storage`` cannot be reached, or the objective is NaN.
    """
    with _alone(storage, name):
        return _trials(_study(storage, name), space, objective, trials, seed, method)


@contextmanager
def _alone(storage: str | None, name: str) -> Iterator[None]:
    """Let one process at a time run a study of ``STUDIES``: the next one finds its trials."""
    if storage is not None:
        yield
        return
    STUDIES.mkdir(parents=True, exist_ok=True)
    with wait_for_lock(STUDIES / f"{name}.lock"):
        yield


def _trials(
    study: "optuna.Study",
    space: Space,
    objective: Callable[[dict[str, Any]], float],
    trials: int,
    seed: int,
    method: Literal["bayes", "grid"],
) -> "list[optuna.trial.FrozenTrial]":
    """Run the trials that a study lacks, and return as many as asked for."""
    import optuna

    if combinations := _combinations(space):
        trials = min(trials, len(combinations))
    while len(done := _in_state(study, "COMPLETE")) < trials:
        own = (seed + len(done)) % 2**32
        study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=own)
        if method == "grid":
            study.enqueue_trial(_untried(study, combinations))
        trial = study.ask()
        chosen = _suggested(trial, space)
        if method == "bayes" and chosen in (tried := [other.params for other in done]):
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            others = [combination for combination in combinations if combination not in tried]
            study.enqueue_trial(others[np.random.default_rng(own).integers(len(others))])
            trial = study.ask()
            chosen = _suggested(trial, space)
        found = objective(chosen)
        if np.isnan(found):
            raise MerError(
                f"a trial of a search must have a number as its objective, and {chosen} has NaN: an inner "
                "training part may have clips of one class only; label more clips of the rarest class, or "
                "set `search` of the model to none"
            )
        study.tell(trial, found)
    return done[:trials]


def best_of(trials: "Sequence[optuna.trial.FrozenTrial]") -> "optuna.trial.FrozenTrial":
    """The trial with the highest objective, the first of equals."""
    return max(trials, key=lambda trial: trial.value if trial.value is not None else -np.inf)


def search(
    tuning: Tuning,
    config: TrainingConfig,
    objective: Callable[[TrainingConfig], float],
    *,
    name: str,
    seed: int,
    profile: Profile,
    method: Literal["bayes", "grid"] = "bayes",
) -> tuple[TrainingConfig, list[Trial]]:
    """The best configuration of as many trials as ``tuning`` allows; a grid has as many as combinations.

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
    batch_sizes = (profile.batch_size,) if profile.batch_size else tuning.batch_size
    space = {"batch_size": batch_sizes, "optimizer": tuning.optimizer, "lr": tuning.lr}
    every = len(batch_sizes) * len(tuning.optimizer) * len(tuning.lr)
    done = optimize(
        space,
        lambda choice: objective(config.model_copy(update=choice)),
        trials=tuning.smoke_test_trials
        if profile.smoke_test
        else {"bayes": tuning.trials, "grid": every}[method],
        name=name,
        seed=seed,
        method=method,
        storage=tuning.storage,
    )
    best = best_of(done)
    trials = [Trial(**t.params, objective=t.value or 0.0, chosen=t is best) for t in done]
    return config.model_copy(update=best.params), trials


def _untried(study: "optuna.Study", grid: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first combination that no process has started.

    If all are started, the first that none has finished (a killed process leaves one). If all are finished,
    the first.
    """
    done, begun = (
        [t.system_attrs["fixed_params"] for state in states for t in _in_state(study, state)]
        for states in (("COMPLETE",), ("COMPLETE", "RUNNING", "WAITING"))
    )
    untried = [c for c in grid if c not in begun] or [c for c in grid if c not in done] or grid
    return untried[0]


def _in_state(study: "optuna.Study", state: str) -> "list[optuna.trial.FrozenTrial]":
    """The trials in a state of ``optuna.trial.TrialState``."""
    import optuna

    return study.get_trials(deepcopy=False, states=[optuna.trial.TrialState[state]])
