"""The experiments on real corpora that lack trainings, with the hours that these need."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from mer import config
from mer.reproduction.results import LEDGER, RAW, is_uncommitted, real, results
from mer.reproduction.spec import Cross, Experiment, Papers, corpus_of
from mer.schema import Block
from mer.schema.profiles import WHOLE, Profile
from mer.types import FOLDS_AND_REPEATS

UNKNOWN_SECONDS = 3600.0  # of a training that nobody has timed: after most others


@dataclass(frozen=True)
class RealExperiment:
    """An experiment on a real corpus that is there.

    Attributes
    ----------
    key, paper : str
    trainings : int
        Trainings that the profile wants: every restart of every fold.
    done : int
        Trainings of them in the ledger.
    seconds : float or None
        Duration of a training on a CPU, as far as the ledger tells.
    """

    key: str
    paper: str
    trainings: int
    done: int
    seconds: float | None

    @property
    def seconds_missing(self) -> float:
        """Duration of the missing trainings on one core."""
        seconds = UNKNOWN_SECONDS if self.seconds is None else self.seconds
        return (self.trainings - self.done) * seconds


def planned(protocol: str, profile: Profile) -> int:
    """Number of folds of a protocol under a profile; 1 of a protocol that the corpus decides."""
    folds, repeats = FOLDS_AND_REPEATS.get(protocol, (1, 1))
    folds = (profile.folds or folds) if folds > 1 else folds
    repeats = (profile.repeats or repeats) if repeats > 1 else repeats
    return min(folds * repeats, profile.max_folds or folds * repeats)


def _known(paper: str, key: str, ledger: Path) -> dict[str, Any]:
    """The results of an experiment on the real corpus with the committed parameters, or none."""
    facts = real(results(paper, key, ledger))[1]
    return {} if "changed" in facts or "max_epochs" in facts else facts


def _done(facts: dict[str, Any], profile: str) -> int:
    """The trainings that need not be done again: of committed code, or of the whole protocol."""
    whole = facts.get("profile") == WHOLE
    same = facts.get("profile") == profile and not is_uncommitted(facts)
    return int(facts["n_folds"]) if whole or same else 0


def _wanted(experiment: Experiment, params: Block, profile: Profile) -> int:
    """The trainings of an experiment under a profile; ``params`` are those of its model."""
    changed = config.with_values(params, config.settings(experiment.settings.split()))
    return planned(experiment.protocol, profile) * profile.restarts(changed)


def seconds_per_training(facts: dict[str, Any]) -> float | None:
    """The mean duration of a training: the sum of its phases where they were timed, else of the run."""
    phases = [v for k, v in facts.items() if k.endswith("_seconds_per_fold")]
    if phases:
        return float(sum(phases))
    return float(facts["seconds"]) / int(facts["n_folds"]) if "seconds" in facts else None


def _on_cpu(facts: dict[str, Any]) -> float | None:
    """The mean duration of a training, None if it was on a GPU, which says nothing about a core."""
    return seconds_per_training(facts) if facts.get("device", "cpu") == "cpu" else None


def _effort(experiment: Experiment) -> tuple[str, bool, bool]:
    """The model, and whether it trains on augmented versions and searches for its settings."""
    augments, searches = experiment.augmented != "none/none", "set.search=" in experiment.settings
    return experiment.model, augments, searches


def real_experiments(
    papers: Papers, name: str, profile: Profile, ledger: Path = LEDGER, raw: Path = RAW
) -> list[RealExperiment]:
    """The experiments whose corpus is there, those that need the least time first.

    An experiment that nobody has timed takes as long as the others of its model that are augmented, or
    searched, as it is. Transfers are left out, because they need the network of another experiment.

    Parameters
    ----------
    name, profile : str, Profile
        The profile to train under. Results of the profile ``paper`` count for every other profile too.
    """
    found = dict(_on_hand(papers, raw))
    known = {key: _known(experiment.paper, key, ledger) for key, experiment in found.items()}
    timed = {key: _on_cpu(facts) for key, facts in known.items()}
    models = sorted({experiment.model for experiment in found.values()})
    params = dict(zip(models, config.read(*(f"models.{name}" for name in models)), strict=True))
    listed = []
    for key, experiment in found.items():
        alike = [k for k, other in found.items() if _effort(other) == _effort(experiment)]
        others = [seconds for k in alike if (seconds := timed[k]) is not None]
        seconds = timed[key] if timed[key] is not None else median(others) if others else None
        wanted = _wanted(experiment, params[experiment.model], profile)
        done = min(_done(known[key], name), wanted) if known[key] else 0
        listed.append(RealExperiment(key, experiment.paper, wanted, done, seconds))
    return sorted(listed, key=lambda experiment: (experiment.seconds_missing, experiment.key))


def _on_hand(papers: Papers, raw: Path) -> Iterator[tuple[str, Experiment]]:
    """The experiments whose corpora are there; of a segmented corpus, the one that it is cut from."""
    (segmented,) = config.read("segmented_corpora")
    for group in (papers.experiments, papers.cross, papers.pretrained):
        for key, experiment in group.items():
            corpora = [corpus_of(experiment)]
            if isinstance(experiment, Cross):
                source = segmented.get(experiment.source)
                corpora.append(source.of if source else experiment.source)
            if all((raw / corpus).is_dir() for corpus in corpora):
                yield key, experiment
