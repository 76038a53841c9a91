"""Published figures in papers/*/paper.yaml, held against what the papers print, typed a second time."""

import re

import numpy as np
import pytest

from conftest import ROOT
from mer import config
from mer.io.files import read_json
from mer.reproduction import results, spec, tables

EVERY = spec.load(ROOT / "papers")
WEIGHTED = ("precision_weighted", "recall_weighted", "f1_weighted", "accuracy")

# Table -> its metrics in the order of the paper's columns, and its rows as printed.
PRINTED = {
    "louro_improving_table1": (
        ("f1_macro",),
        """
        svm              75.59% 69.79% 69.82%
        cnn              60.62% 61.66% 60.28%
        cnn_gru          60.07% 61.99% 58.85%
        crnn             64.63% 64.09% 62.54%
        hybrid           68.04% 67.85% 80.24%
        short_chunk_cnn  60.61% 61.84% 57.07%
        sample_cnn       60.92% 60.78% 54.46%
        openl3_rf        55.70% 53.62% 52.85%
        autoencoder_rf   50.18% 53.56% 53.69%
        cnn_tfm          62.03% 61.82% 61.39%
        cnn_sb           62.12% 61.73% 61.01%
        cnn_rg           62.24% 62.08% 61.36%
        cnn_deepsmote    60.70% 61.47% 60.48%
        artists_cnn      50.85% 50.27% 50.22%
        crnn_mtat        50.21% 51.70% 51.44%
        """,
    ),
    "louro_merge_table1": (
        ("n_clips",),
        """
        merge_audio_c    875 915 808 956 3554
        merge_audio_b    808 808 808 808 3232
        merge_bimodal_c  525 673 500 518 2216
        merge_bimodal_b  500 500 500 500 2000
        """,
    ),
    "louro_merge_table2": (
        ("f1_weighted", "precision_weighted", "recall_weighted"),
        """
        merge_audio_c    68.84% 69.52% 68.80%
        merge_audio_b    77.62% 78.11% 77.89%
        merge_bimodal_c  73.13% 75.45% 74.40%
        merge_bimodal_b  70.00% 69.99% 70.33%
        """,
    ),
    "he_two_stage_table5": (
        ("accuracy", "f1"),
        """
        pmemo_1s   79.01% 83.20% 83.19% 86.10%
        pmemo_3s   78.75% 82.95% 82.67% 85.59%
        pmemo_5s   78.23% 82.64% 83.62% 86.52%
        pmemo_10s  77.58% 82.18% 83.51% 86.62%
        4qaed_3s   67.11% 67.11% 85.67% 85.67%
        4qaed_5s   66.89% 66.89% 86.56% 86.56%
        4qaed_10s  66.45% 66.45% 86.11% 86.11%
        """,
    ),
    "he_two_stage_table6": (
        ("accuracy", "f1"),
        """
        rtcan_1d    77.30% 80.94% 82.51% 85.62%
        rtcag       63.61% 62.47% 64.05% 64.82%
        svm_43      70.43% 75.32% 71.49% 76.36%
        cnn_bilstm  77.44% 81.91% 82.79% 85.17%
        ae_bilstm   79.01% 83.20% 83.62% 86.52%
        """,
    ),
    "pandrea_sincnet_table": (
        WEIGHTED,
        """
        mlp_essentia   58 56 55 56  26 24 23 24  71 70 70 70
        mlp_compare    65 63 63 63  23 30 23 30  74 71 71 71
        mlp_combined   72 67 64 67  18 19 18 19  80 77 77 77
        sincnet_200ms  59 57 52 57  11 27 16 27  68 63 58 63
        sincnet_500ms  58 58 56 58   3 18  6 18  68 66 66 66
        transfer1      57 56 51 56  10 24 12 24  75 75 75 75
        transfer2      61 60 57 61  28 26 17 26  72 71 71 71
        transfer3      59 58 56 58               73 73 73 73
        mixed_mlp      60 57 56 57  22 23 22 23  67 64 64 64
        mixed_sincnet  58 57 56 57  26 23 21 23  61 51 50 51
        """,
    ),
}


# Mean of ten accuracies, as the authors' list prints it: English, Mandarin, Turkish.
REPEATS = """
    knn_essentia              0.66 0.49 0.80
    linear_svm_essentia       0.62 0.33 0.81
    rbf_svm_essentia          0.60 0.48 0.71
    gaussian_process_essentia 0.44 0.22 0.89
    mlp_essentia              0.68 0.46 0.89
    naive_bayes_essentia      0.48 0.27 0.68
    random_forest_essentia    0.68 0.47 0.84
    knn_compare               0.66 0.45 0.85
    linear_svm_compare        0.63 0.32 0.82
    rbf_svm_compare           0.49 0.26 0.55
    gaussian_process_compare  0.37 0.33 0.69
    mlp_compare               0.71 0.42 0.88
    naive_bayes_compare       0.52 0.29 0.70
    random_forest_compare     0.70 0.43 0.86
"""


def test_the_repeats_of_pandrea_have_the_means_that_their_list_prints():
    """Their means are of values with more digits than they print: the last digit may differ by one."""
    rows = EVERY.tables["pandrea_sincnet_repeats"].rows
    printed = {
        f"repeats_{line.split()[0]}": [float(figure) for figure in line.split()[1:]]
        for line in REPEATS.strip().splitlines()
    }
    assert printed.keys() == rows.keys()
    for row, figures in printed.items():
        assert [*rows[row].published["accuracy"].values()] == pytest.approx(figures, abs=0.0101)
        assert all(0 < sd < 0.2 for sd in rows[row].published_sd["accuracy"].values())


def test_the_repeats_of_pandrea_are_those_of_the_authors_file(real_data):
    text = (real_data / "pandrea_results/baseline.txt").read_text(encoding="utf-8")
    lists = re.findall(r"values: \[([^\]]+)\]", text)
    values = [[float(value) for value in one.split()] for one in lists]
    rows = [*EVERY.tables["pandrea_sincnet_repeats"].rows.values()]
    assert len(values) == 3 * len(rows) == 42
    for number, ten in enumerate(values):  # per feature set: per language: per classifier
        half, column, place = (
            number // 21,
            ("4qaed", "ch818", "tr_music")[number // 7 % 3],
            number % 7,
        )
        row = rows[7 * half + place]
        assert row.published["accuracy"][column] == pytest.approx(np.mean(ten), abs=1e-4)
        assert row.published_sd["accuracy"][column] == pytest.approx(np.std(ten, ddof=1), abs=1e-4)


def as_printed(figure, example):
    """A figure in the digits of a printed one: 75.59%, 3554, or 58 for a rounded percentage."""
    if example.endswith("%"):
        return f"{100 * figure:.2f}%"
    return f"{figure:.0f}" if figure > 1 else f"{100 * figure:.0f}"


@pytest.mark.parametrize("name", PRINTED)
def test_a_table_holds_what_the_paper_prints(name):
    metrics, text = PRINTED[name]
    table = EVERY.tables[name]
    printed = {line.split()[0]: line.split()[1:] for line in text.strip().splitlines()}
    found = {}
    for row, figures in printed.items():
        published = table.rows[row].published
        cells = [
            published[metric][column]
            for column in table.columns
            for metric in metrics
            if column in published[metric]
        ]
        found[row] = [as_printed(cell, figures[0]) for cell in cells]
    assert found == printed


def test_the_clips_of_the_quadrants_add_up():
    for row in EVERY.tables["louro_merge_table1"].rows.values():
        *quadrants, total = row.published["n_clips"].values()
        assert sum(quadrants) == total


def test_the_views_are_those_that_table_1_of_he_two_stage_prints():
    views = config.read_all(ROOT / "params.yaml").views
    rows = EVERY.tables["he_two_stage_table1"].rows
    ours = {
        row: {
            "sample_rate": views[row].sample_rate,
            "n_fft": views[row].n_fft,
            "hop_length": views[row].hop_length,
            "frames": views[row].frames,
        }
        for row in rows
    }
    assert {row: found.published["value"] for row, found in rows.items()} == ours


@pytest.mark.parametrize(
    "name", ["he_two_stage_table1", "he_two_stage_table2", "he_two_stage_table3"]
)
def test_parameters_and_shapes_of_the_code_are_those_that_he_two_stage_prints(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    table = EVERY.tables[name]
    found = tables.cells(table, lambda key: results.results(table.paper, key))
    cells = [cell for row in found.values() for cell in row.values() if "value" in cell]
    assert [cell["value"] for cell in cells] == [cell["value_published"] for cell in cells]
    upsampled = [row for row in table.rows if row.startswith("up_")]  # no maps of their own
    assert len(cells) == (len(table.rows) - len(upsampled)) * len(table.columns)


@pytest.mark.parametrize(
    ("axis", "threshold", "high", "accuracy", "f1"),
    [("valence", 0.567, 467, 0.609, 0.757), ("arousal", 0.587, 473, 0.617, 0.763)],
)
def test_pmemo_is_divided_as_figure_3_says_and_always_high_scores_so(
    axis, threshold, high, accuracy, f1
):
    """Recomputed from the 767 published points by k-means; the figure prints no numbers."""
    folder = ROOT / "metrics/experiments/he_two_stage"
    counts = read_json(folder / "pmemo_counts.json")
    assert (counts[f"{axis}_high"], counts["n_clips_total"]) == (high, 767)
    assert counts[f"{axis}_threshold"] == pytest.approx(threshold, abs=1e-3)
    constant = read_json(folder / f"pmemo_constant_{axis}.json")
    assert constant["high_accuracy"] == pytest.approx(accuracy, abs=1e-3)
    assert constant["high_f1"] == pytest.approx(f1, abs=1e-3)


def test_always_high_is_the_constant_row_of_both_corpora():
    table = EVERY.tables["he_two_stage_table5"]
    for corpus in ("pmemo", "4qaed"):
        for axis in table.columns:
            assert table.key(f"{corpus}_high", axis) == f"{corpus}_constant_{axis}"


def test_the_published_1714_are_absent_with_their_reason_until_a_user_brings_the_table():
    for row in ("hybrid_published1714", "svm_published1714"):
        assert row in EVERY.tables["louro_improving_table1"].rows
        facts = read_json(ROOT / f"metrics/experiments/louro_improving/{row}_4qaed.json")
        assert "no published table 'published1714'" in facts["absent"]


def test_a_row_on_re_extracted_features_says_so():
    for table in EVERY.tables.values():
        for key, row in table.rows.items():
            for column in table.columns:
                family = getattr(EVERY.find(table.key(key, column)), "family", "")
                if family in ("panda1714", "every_extracted"):
                    assert "re-extracted" in f"{row.title} {row.note}", (table.title, key)


# Always the same answer, whoever sings; a table that users bring.
WITHOUT_TWIN = ("constant", "published1714", "released")


def test_every_real_row_of_4qaed_has_an_artist_grouped_twin():
    declared = [*EVERY.experiments.values(), *EVERY.pretrained.values()]
    for path in (ROOT / "metrics/experiments").glob("*/*4qaed*.json"):
        found = EVERY.find(path.stem)
        if not isinstance(found, spec.Experiment) or "search" in found.settings:
            continue
        if not {found.model, found.family, found.fidelity} & {*WITHOUT_TWIN}:
            assert found.model_copy(update={"protocol": "grouped"}) in declared, path.stem


CHAINS = """
    transfer1_4qaed     ch818 tr_music 4qaed
    transfer1_ch818     4qaed tr_music ch818
    transfer1_tr_music  4qaed ch818 tr_music
    transfer2_4qaed     tr_music ch818 4qaed
    transfer2_ch818     tr_music 4qaed ch818
    transfer2_tr_music  ch818 4qaed tr_music
    transfer3_4qaed     tr_music 4qaed
    transfer3_tr_music  4qaed tr_music
"""


def test_transfers_learn_the_languages_in_the_published_order():
    printed = {line.split()[0]: line.split()[1:] for line in CHAINS.strip().splitlines()}
    found = {}
    for first in printed:
        key, found[first] = first, []
        while key in EVERY.transfer:
            found[first].insert(0, EVERY.transfer[key].corpus)
            key = EVERY.transfer[key].parent
        found[first].insert(0, EVERY.experiments[key].corpus)
    assert found == printed
