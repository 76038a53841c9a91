"""The page of leaderboards."""

import pytest

from mer.site import leaderboards


def test_a_board_has_what_was_run_and_what_was_published(small_papers, write_result):
    write_result("svm", 0.7605)
    write_result("cnn", 0.5, n_folds=3)
    ((board, found),) = leaderboards.boards(small_papers).items()
    assert board == ("4qaed", "quadrant", "cv10")
    assert [(score.system, score.state) for score in found] == [
        ("SVM", "unranked"),
        ("MLP", "published"),
        ("CNN", "part"),
    ]


def test_a_corpus_with_nothing_but_published_figures_and_demos_has_no_board(
    small_papers, write_result
):
    write_result("svm", 1.0, prefix="demo_", profile="demo")
    write_result("constant", 0.1)
    assert leaderboards.boards(small_papers) == {}


@pytest.mark.parametrize("score", [0.7605, 0.0])
def test_a_run_that_two_tables_show_is_listed_once_with_its_published_figure(
    small_papers, write_result, score
):
    write_result("svm", score)
    table = small_papers.tables["p_table1"]
    rows = {"again": table.rows["svm"].model_copy(update={"title": "Again", "published": {}})}
    rows["again"].experiments["4qaed"] = "svm_4qaed"
    first = table.model_copy(update={"rows": rows})
    small_papers.tables.update({"p_table1": first, "p_table2": table})
    (found,) = leaderboards.boards(small_papers).values()
    assert [score.published for score in found if score.state == "unranked"] == [0.7559]


def test_the_page_names_the_protocol_of_each_board(small_papers, write_result):
    write_result("svm", 0.7605)
    page = leaderboards.page(small_papers)
    assert "## 4qaed, quadrant, cv10\n\nStratified cross-validation, ten folds once" in page
    assert 'href="tables/p_table1.html#svm_4qaed">0.7605</a>' in page
