"""The page of leaks: a system with and without a mistake, on the same folds."""

from mer.reproduction.pairing import paired_tests
from mer.site import leaks


def test_a_pair_shows_the_gain_and_its_p_value(small_papers, write_result):
    clean = write_result("svm_smote", 0.74)
    leaky = write_result(
        "svm_smote_leak", 0.8112, folds={"f1_macro": [0.78, 0.84, 0.73] * 3 + [0.8]}
    )
    p = paired_tests(leaky, clean, "f1_macro")["p"]
    page = leaks.page(small_papers)
    assert f"svm, top100, smote_leak · gain +0.0712 (p: {p:.4f})<" in page
    assert "SVM and SMOTE &lt;in each fold&gt;" in page


def test_a_pair_that_is_not_whole_is_not_compared(small_papers, write_result):
    write_result("svm_smote", 0.74, n_folds=3)
    write_result("svm_smote_leak", 0.8112)
    assert "gain +" not in leaks.page(small_papers)
