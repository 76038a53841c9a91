"""Confusion matrices and learning curves beside a command."""

from mer.site import drawings, table_pages


def test_a_cell_of_the_confusion_matrix_has_its_share_of_the_actual_class():
    rows = drawings.confusion({"low": [3, 1], "high": [0, 0]})
    assert rows == {"low": [(3, 0.75), (1, 0.25)], "high": [(0, 0.0), (0, 0.0)]}


def test_the_phases_of_a_learning_curve_stand_behind_each_other():
    curve = drawings.curve({"1": {"accuracy": [0.0, 0.5]}, "2": {"accuracy": [1.0]}})
    assert (curve.epochs, curve.last) == (3, 1.0)
    assert [(phase.name, phase.start) for phase in curve.phases] == [("1", 0), ("2", 200)]
    assert curve.phases[0].points == "50.0,100.0 150.0,50.0"
    assert curve.phases[1].points == "250.0,0.0"


def test_estimators_and_the_loss_of_values_have_no_curve():
    assert drawings.curve({}) is None
    assert drawings.curve({"1": {"loss": [0.1]}}) is None


def test_the_page_of_a_table_shows_both(small_papers, write_result):
    write_result("svm", 0.7605, confusion={"Q1": [9, 1], "Q2": [4, 6]})
    page = table_pages.page(small_papers, "p_table1")
    assert "<summary>Confusion matrix</summary>" in page
    assert '<td style="--share: 40%">4 <small>40&nbsp;%</small></td>' in page
    write_result("svm", 0.7605, curves={"cnn": {"accuracy": [0.25, 0.5]}})
    page = table_pages.page(small_papers, "p_table1")
    assert "<summary>Learning curve</summary>" in page
    assert 'aria-label="Training accuracy over 2 epochs, 0.5000 in the last"' in page
