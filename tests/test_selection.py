import pytest

from mer import config, selection
from mer.errors import MerError


@pytest.fixture
def check(root, tmp_path):
    """Check the committed params with some selectors changed, against an empty data/raw."""
    params = config.read_all(root / "params.yaml")

    def run(**changes):
        selection.check(params.model_copy(update=changes), raw=tmp_path)

    return run


def test_committed_selection_can_be(check):
    check()


def test_an_absent_corpus_gets_what_where_and_whence(check, tmp_path):
    with pytest.raises(
        MerError, match=r"'4qaed' must lie in .*4qaed.*none; get it from .*mir.dei.uc.pt"
    ):
        check(dataset="4qaed")


def test_a_corpus_of_another_layout_is_refused(check, tmp_path):
    (tmp_path / "emopia200").mkdir()
    with pytest.raises(MerError, match=r"labels\.csv"):
        check(dataset="emopia200", model="svm")


def test_a_published_family_elsewhere_names_the_choices(check):
    with pytest.raises(MerError, match=r"'demo' does not bring .*choose one of \['compare', "):
        check(model="svm", family="top100")


def test_a_published_family_where_it_is_published(check):
    check(model="svm", family="top100", dataset="demo_4qaed")


def test_one_reading_only(check):
    with pytest.raises(
        MerError, match=r"'constant' has no such reading; choose one of \['described'"
    ):
        check(model="constant", fidelity="released")


def test_unread_selectors_are_none():
    chosen = selection.Selection(
        "constant",
        "demo",
        "quadrant",
        "louro",
        "compare",
        "classic",
        "cv10",
        "described",
        "demo",
        1,
    )
    used = chosen.used
    assert (used["view"], used["family"]) == ("none", "none")
    assert used["dataset"] == "demo"
