"""Which results are of the same folds, and the paired tests between them."""

from typing import Any

from mer.metrics import DIGITS, TEST_SHA256, corrected_t_test, paired_t_test

FOLD_FACTS = ("dataset", "target", "protocol", "seed", "n_clips", "n_folds", "test_per_train")


def fold_facts(facts: dict[str, Any]) -> tuple[Any, ...]:
    """The folds and restarts that results name; they must be equal before anything is compared."""
    return (*(facts[name] for name in FOLD_FACTS), facts.get("n_restarts", 1))


def _have_same_test_clips(ours: dict[str, Any], theirs: dict[str, Any]) -> bool | None:
    """Whether two results have the same test clips, fold by fold; None where one is from before the digests
    of test clips."""
    digests = [facts.get("folds", {}).get(TEST_SHA256) for facts in (ours, theirs)]
    return digests[0] == digests[1] if all(digests) else None


def on_same_folds(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether two results are of the same folds and restarts, so that one table may hold both.

    The test clips of each fold are compared where both results have digests of them. Results from before
    these digests are taken to be of the same folds where ``fold_facts`` are equal.
    """
    same = fold_facts(ours) == fold_facts(theirs)
    return same and _have_same_test_clips(ours, theirs) is not False


def _was_ended(facts: dict[str, Any]) -> bool:
    """Whether the run ended before its last fold, because its time was up."""
    return "n_folds_planned" in facts


def paired_tests(ours: dict[str, Any], theirs: dict[str, Any], name: str) -> dict[str, float]:
    """p values of the paired tests of a score, ``p`` and ``p_student``.

    Empty if the results are not of the same folds, or one has no scores of folds. A result without digests
    of test clips, of a run whose time was up, does not say which of its folds ended, so it has no tests.
    """
    folds = [facts.get("folds", {}) for facts in (ours, theirs)]
    if ours == theirs or any(name not in f for f in folds) or not on_same_folds(ours, theirs):
        return {}
    unknown = _have_same_test_clips(ours, theirs) is None
    if unknown and (_was_ended(ours) or _was_ended(theirs)):
        return {}
    scores, restarts = (folds[0][name], folds[1][name]), ours.get("n_restarts", 1)
    found = {
        "p": corrected_t_test(*scores, ours["test_per_train"], restarts),
        "p_student": paired_t_test(*scores, restarts),
    }
    return {test: round(p, DIGITS) for test, p in found.items() if p is not None}
