"""What the profile and the fidelity make of a training's configuration, and the seeds of restarts."""

from types import SimpleNamespace

import pytest

from conftest import profile_of
from mer.learn.context import FoldContext
from mer.schema.training import TrainingConfig
from mer.types import Fold

CONFIG = TrainingConfig(
    optimizer="sgd",
    lr=0.1,
    batch_size=4,
    max_epochs=9,
    smoke_test_epochs=2,
    stop_accuracy=None,
)
FOLD = Fold(0, 0, ("a",), (), ("b",))


def config(fidelity="described", changes=None, **limits):
    context = FoldContext(None, None, FOLD, 1, fidelity, profile_of(**limits))
    return context.effective_config(CONFIG.model_copy(update=changes or {}))


@pytest.mark.parametrize(
    ("fidelity", "chosen", "updated"),
    [("described", True, True), ("described", False, False), ("released", True, False)],
)
def test_batch_norms_are_updated_unless_the_training_or_the_released_code_keeps_them(
    fidelity, chosen, updated
):
    assert config(fidelity, {"update_bn": chosen}).update_bn is updated


@pytest.mark.parametrize(
    ("chosen", "profile", "portable", "precision"),
    [
        (None, "bfloat16", False, "bfloat16"),
        ("float32", "bfloat16", False, "float32"),
        ("bfloat16", "float32", False, "bfloat16"),
        ("bfloat16", "float32", True, "float32"),
    ],
)
def test_a_training_may_choose_its_precision(chosen, profile, portable, precision):
    found = config(changes={"precision": chosen}, precision=profile, portable=portable)
    assert found.precision == precision


@pytest.mark.parametrize(
    ("params", "repeats", "count"),
    [
        (SimpleNamespace(restarts=5), None, 5),
        (SimpleNamespace(restarts=5), 1, 1),
        (SimpleNamespace(restarts=5), 10, 5),
        (SimpleNamespace(), 10, 1),
    ],
)
def test_a_profile_lowers_the_number_of_restarts(params, repeats, count):
    assert profile_of(repeats=repeats).restarts(params) == count


def test_each_restart_has_its_own_seed():
    def seed(params, restart):
        context = FoldContext(None, params, FOLD, 17, "described", profile_of(), restart=restart)
        return context.restart_seed

    assert len({17, *(seed(SimpleNamespace(restarts=3), restart) for restart in range(3))}) == 4
    assert seed(SimpleNamespace(), 0) == 17


def test_the_seed_of_a_restart_does_not_change_between_versions():
    params = SimpleNamespace(restarts=5)
    contexts = [FoldContext(None, params, FOLD, 7, "described", None, restart=n) for n in (0, 4)]
    assert [context.restart_seed for context in contexts] == [1842627045, 1339548296]
