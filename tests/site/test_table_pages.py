"""The page of a published table."""

import re

import pytest

from mer.site import costs, overview, table_pages


@pytest.fixture
def page(small_papers, write_result):
    write_result("svm", 0.7605, seconds=13.2)
    write_result("svm", 1.0, prefix="demo_", profile="demo")
    write_result("cnn", 0.5425, profile="quick", n_folds=1)
    return table_pages.page(small_papers, "p_table1")


def test_a_figure_links_to_the_command_that_makes_it(page):
    assert "[0.7605 ± 0.0500](#svm_4qaed)" in page
    linked = set(re.findall(r"\(#(\w+)\)", page))
    assert linked == {"svm_4qaed", "demo_svm_4qaed", "cnn_4qaed"}
    assert linked == set(re.findall(r'<dt id="(\w+)">', page))


def test_a_demo_figure_is_marked_and_no_other(page):
    marked = re.findall(r'<span class="demo">\[(.*?)\]', page)
    assert marked == ["demo 1.0000 ± 0.0500"]
    assert '<span class="part">[quick 0.5425 (1 of 10 folds)]' in page


def test_commands_run_the_same_again(page):
    stage = "papers/p/dvc.yaml:experiment@"
    assert f"exp run -S miniature= -S papers_profile=paper {stage}svm_4qaed" in page
    assert f"exp run -S miniature=demo_ -S papers_profile=miniature {stage}svm_4qaed" in page
    assert f"-S papers_profile=quick -S profiles.quick.max_folds=1 {stage}cnn_4qaed" in page


def test_a_table_of_demos_alone_says_so(small_papers, write_result, page):
    assert "Demo only" not in page
    small_papers.tables["p_table1"].rows.pop("svm")
    small_papers.tables["p_table1"].rows.pop("cnn")
    write_result("mlp", 1.0, prefix="demo_", profile="demo")
    assert "<strong>Demo only.</strong>" in table_pages.page(small_papers, "p_table1")


def test_the_overview_counts_the_cells_by_their_states(small_papers, page):
    assert "| [Table 1](tables/p_table1.md) | 1 | 1 | 0 | 4 |" in overview.page(small_papers)


def test_markup_in_labels_machines_and_titles_is_shown_as_text(small_papers, write_result):
    nasty = '<img src=x onerror="alert(1)"> a|b'
    write_result("svm", 0.7605, seconds=1.0, machine=nasty)
    write_result("mlp", 0.5, **{f"f1_{nasty}": 0.25, f"f1_{nasty}_low": 0.2})
    pages = [table_pages.page(small_papers, "p_table1"), costs.page(small_papers)]
    table = small_papers.tables["p_table1"].model_copy(update={"title": nasty})
    pages.append(overview.page(small_papers.model_copy(update={"tables": {"p_table1": table}})))
    assert all("&lt;img src=x" in page and "<img" not in page for page in pages)
    assert all(r"a\|b" in page for page in pages[1:])


def test_the_costs_are_those_of_real_runs(small_papers, page):
    lines = costs.page(small_papers).splitlines()
    assert lines[-1].startswith(
        "| [svm_4qaed](tables/p_table1.md#svm_4qaed) | svm, top100 | 10 | 13 |"
    )
