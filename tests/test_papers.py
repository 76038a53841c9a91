"""papers/*.yaml: the published figures as printed, and a composition, or a reason, behind each cell."""

from dataclasses import asdict

import pytest
import yaml

from conftest import ROOT
from mer import config, ledger, papers, registry
from mer.__main__ import main
from mer.artefacts import write_json
from mer.errors import MerError
from mer.selection import SELECTORS, Selection, can_be_read

EVERY = papers.load(ROOT / "papers")
PARAMS = config.read_all(ROOT / "params.yaml")
CELLS = [
    (name, row, column)
    for name, table in EVERY.tables.items()
    for row in table.rows
    for column in table.columns
]


def published(table, row, metric="f1_macro"):
    spec = EVERY.tables[table]
    return [spec.rows[row].published[metric][column] for column in spec.columns]


@pytest.mark.parametrize(
    ("row", "printed"),
    [
        ("svm", "75.59% 69.79% 69.82%"),
        ("cnn", "60.62% 61.66% 60.28%"),
        ("cnn_gru", "60.07% 61.99% 58.85%"),
        ("crnn", "64.63% 64.09% 62.54%"),
        ("hybrid", "68.04% 67.85% 80.24%"),
        ("short_chunk_cnn", "60.61% 61.84% 57.07%"),
        ("sample_cnn", "60.92% 60.78% 54.46%"),
        ("openl3_rf", "55.70% 53.62% 52.85%"),
        ("autoencoder_rf", "50.18% 53.56% 53.69%"),
        ("cnn_tfm", "62.03% 61.82% 61.39%"),
        ("cnn_sb", "62.12% 61.73% 61.01%"),
        ("cnn_rg", "62.24% 62.08% 61.36%"),
        ("cnn_deepsmote", "60.70% 61.47% 60.48%"),
        ("artists_cnn", "50.85% 50.27% 50.22%"),
        ("crnn_mtat", "50.21% 51.70% 51.44%"),
    ],
)
def test_table_1_of_louro_improving_holds_what_the_paper_prints(row, printed):
    figures = [f"{100 * f:.2f}%" for f in published("louro_improving_table1", row)]
    assert " ".join(figures) == printed


@pytest.mark.parametrize(
    ("row", "printed", "counts"),
    [
        ("merge_audio_c", "68.84% 69.52% 68.80%", "875 915 808 956 3554"),
        ("merge_audio_b", "77.62% 78.11% 77.89%", "808 808 808 808 3232"),
        ("merge_bimodal_c", "73.13% 75.45% 74.40%", "525 673 500 518 2216"),
        ("merge_bimodal_b", "70.00% 69.99% 70.33%", "500 500 500 500 2000"),
    ],
)
def test_tables_of_louro_merge_hold_what_the_poster_prints(row, printed, counts):
    scores = [
        published("louro_merge_table2", row, m) for m in EVERY.tables["louro_merge_table2"].metrics
    ]
    assert " ".join(f"{100 * figure:.2f}%" for (figure,) in scores) == printed
    clips = published("louro_merge_table1", row, "n_clips")
    assert " ".join(f"{n:.0f}" for n in clips) == counts
    assert sum(clips[:4]) == clips[4]


@pytest.mark.parametrize(
    ("table", "row", "printed"),
    [
        ("table5", "pmemo_1s", "79.01% 83.20% 83.19% 86.10%"),
        ("table5", "pmemo_3s", "78.75% 82.95% 82.67% 85.59%"),
        ("table5", "pmemo_5s", "78.23% 82.64% 83.62% 86.52%"),
        ("table5", "pmemo_10s", "77.58% 82.18% 83.51% 86.62%"),
        ("table5", "4qaed_3s", "67.11% 67.11% 85.67% 85.67%"),
        ("table5", "4qaed_5s", "66.89% 66.89% 86.56% 86.56%"),
        ("table5", "4qaed_10s", "66.45% 66.45% 86.11% 86.11%"),
        ("table6", "rtcan_1d", "77.30% 80.94% 82.51% 85.62%"),
        ("table6", "rtcag", "63.61% 62.47% 64.05% 64.82%"),
        ("table6", "svm_43", "70.43% 75.32% 71.49% 76.36%"),
        ("table6", "cnn_bilstm", "77.44% 81.91% 82.79% 85.17%"),
        ("table6", "ae_bilstm", "79.01% 83.20% 83.62% 86.52%"),
    ],
)
def test_tables_of_he_two_stage_hold_what_the_paper_prints(table, row, printed):
    accuracy, f1 = (published(f"he_two_stage_{table}", row, m) for m in ("accuracy", "f1"))
    figures = [f"{100 * x:.2f}%" for pair in zip(accuracy, f1, strict=True) for x in pair]
    assert " ".join(figures) == printed


@pytest.mark.parametrize(("row", "spec"), EVERY.tables["he_two_stage_table1"].rows.items())
def test_the_views_are_those_that_table_1_prints(row, spec):
    view = PARAMS.views[row]
    ours = {"sample_rate": view.rate, "n_fft": view.n_fft, "hop_length": view.hop}
    assert spec.published["value"] == {**ours, "frames": view.frames}


@pytest.mark.parametrize(("name", "row", "column"), CELLS)
def test_every_cell_has_a_composition_or_a_reason(name, row, column):
    table = EVERY.tables[name]
    found = EVERY.find(table.key(row, column))
    assert (found is None) is (table.why(row, column) is not None)
    assert found is None or found.paper == table.paper


def test_every_experiment_stands_behind_a_cell():
    used = {EVERY.tables[name].key(row, column) for name, row, column in CELLS}
    assert set(EVERY.stages) <= used


@pytest.mark.parametrize("name", EVERY.tables)
def test_every_table_is_consistent(name):
    table = EVERY.tables[name]
    assert name.startswith(f"{table.paper}_")
    assert table.paper in EVERY.papers
    assert table.reference is None or table.reference in table.rows
    for row in table.rows.values():
        assert set(row.published) <= set(table.metrics)
        assert all(set(figures) <= set(table.columns) for figures in row.published.values())


@pytest.mark.parametrize("prefix", ["", ledger.MINIATURE], ids=["real", "miniature"])
@pytest.mark.parametrize("key", EVERY.experiments)
def test_every_composition_can_be_selected(key, prefix):
    experiment = EVERY.experiments[key]
    selectors = experiment.model_dump(exclude={"paper", "copies"})
    selectors |= {"dataset": prefix + experiment.dataset, "profile": "paper", "seed": 1}
    assert list(asdict(Selection(**selectors))) == SELECTORS
    blocks = {**config.CHOICES, "dataset": "corpora"}
    joins = [join.name for join in PARAMS.joins]
    for selector, block in blocks.items():
        assert selectors[selector] in [*getattr(PARAMS, block), *joins]
    can_be_read(Selection(**selectors), PARAMS)


@pytest.mark.parametrize("key", EVERY.experiments)
def test_a_composition_names_no_input_that_its_model_does_not_read(key):
    experiment = EVERY.experiments[key]
    module = registry.get("models", experiment.model)
    assert "table" in module.reads or experiment.family == "none"
    assert "spectrogram" in module.reads or experiment.view == "none"
    makes_rows = module.learner == "estimator" and PARAMS.policies[experiment.augment].rows
    masks = module.learner == "two_stage"
    assert module.uses_copies != "no" or makes_rows or masks or experiment.augment == "none"


@pytest.mark.parametrize("key", EVERY.experiments)
def test_a_composition_names_the_copies_that_its_policy_makes(key):
    experiment = EVERY.experiments[key]
    makes = bool(PARAMS.policies[experiment.augment].copies)
    expected = f"{experiment.augment}/{experiment.view}" if makes else "none/none"
    assert experiment.copies == expected


@pytest.mark.parametrize("key", EVERY.experiments)
def test_every_input_of_an_experiment_has_a_stage(key):
    experiment = EVERY.experiments[key]
    stages = yaml.safe_load((ROOT / "data/dvc.yaml").read_text())["stages"]
    corpus = f"${{miniature}}{experiment.dataset}"
    assert f"{experiment.view}-{corpus}" in stages["mel"]["foreach"]
    assert f"{experiment.copies.replace('/', '-')}-{corpus}" in stages["augment"]["foreach"]
    assert corpus in stages["features"]["matrix"]["dataset"]


def test_the_pipeline_has_a_stage_for_each_experiment_and_table():
    content = yaml.safe_load((ROOT / "papers/dvc.yaml").read_text())
    read = [name for name in content["vars"] if name != "../params.yaml"]
    for path in sorted((ROOT / "papers").glob("*.yaml")):
        blocks = [
            b
            for b in ("tables", "experiments", "counts", "settings")
            if yaml.safe_load(path.read_text()).get(b)
        ]
        if "experiments" in blocks:
            assert f"{path.name}:{','.join(blocks)}" in read


NARROWED = ("columns", "src/mer/panda.py", "src/mer/features/panda1714/catalogue.csv")


def test_an_experiment_depends_on_all_that_the_train_stage_does():
    train = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train"]
    stage = yaml.safe_load((ROOT / "papers/dvc.yaml").read_text())["stages"]["experiment"]["do"]
    for kind in ("deps", "params"):
        needed = set()
        for text in set(train[kind]) - {"stages/train.py", *NARROWED, *SELECTORS}:
            for name in SELECTORS:
                chosen = "${profile}" if name == "profile" else f"${{item.{name}}}"
                text = text.replace("${augment}/${view}", "${item.copies}")
                text = text.replace(f"${{{name}}}", chosen)
            needed.add(text.replace("${item.dataset}", "${miniature}${item.dataset}"))
        assert needed <= set(stage[kind])
    assert {"seed", "profile"} <= set(stage["params"])
    passed = set(SELECTORS) - {"seed", "profile"}
    assert all(f" {name}=${{" in stage["cmd"] for name in passed)


def test_a_key_in_two_files_is_refused(tmp_path):
    text = "papers: {}\ntables: {}\ncounts: {a: {paper: p, dataset: d}}\n"
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(MerError, match=r"two\.yaml: counts\.a stands in another"):
        papers.load(tmp_path)


def test_an_unknown_key_is_named_with_its_file(tmp_path):
    (tmp_path / "one.yaml").write_text("papers: {}\ntables: {}\ntabels: {}\n")
    with pytest.raises(MerError, match=r"one\.yaml: tabels="):
        papers.load(tmp_path)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A project of one table: two rows with a composition, one with a reason."""
    row = {"title": "", "published": {}}
    composition = {
        "paper": "p",
        "model": "svm",
        "target": "quadrant",
        "view": "none",
        "family": "top100",
        "augment": "none",
        "copies": "none/none",
        "protocol": "cv10x10",
        "fidelity": "described",
        "dataset": "4qaed",
    }
    content = {
        "papers": {"p": {"title": "", "authors": "", "url": None}},
        "tables": {
            "p_table1": {
                "paper": "p",
                "title": "",
                "protocol": "",
                "metrics": ["f1_macro"],
                "columns": {"4qaed": {"title": ""}},
                "rows": {"svm": row, "cnn": row, "openl3": {**row, "why": "weights not there"}},
            }
        },
        "experiments": {"svm_4qaed": composition, "cnn_4qaed": composition},
    }
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers/p.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mer", "check"])
    monkeypatch.setenv("COLUMNS", "200")
    main()
    out = capsys.readouterr().out
    return out, {line.split()[1]: line for line in out.splitlines() if line.startswith("│")}


def test_mer_check_says_what_each_cell_lacks(small, monkeypatch, capsys):
    write_json(small / "metrics/experiments/p/demo_cnn_4qaed.json", {"f1_macro": 0.5})
    out, lines = check(monkeypatch, capsys)
    assert "absent" in lines["svm"]
    assert "data/raw/4qaed not there" in lines["svm"]
    assert "demo only" in lines["cnn"]
    assert "absent" in lines["openl3"]
    assert "weights not there" in lines["openl3"]
    assert "MER_audio_taffc_dataset.zip" in out
    assert out.endswith("0 done, 1 demo only, 2 absent\n")


def test_mer_check_finds_what_was_run_on_the_real_corpus(small, monkeypatch, capsys):
    (small / "data/raw/4qaed").mkdir(parents=True)
    folder = small / "metrics/experiments/p"
    write_json(folder / "svm_4qaed.json", {"f1_macro": 0.7, "profile": "paper"})
    write_json(folder / "cnn_4qaed.json", {"f1_macro": 0.7, "profile": "quick"})
    out, lines = check(monkeypatch, capsys)
    assert "done" in lines["svm"]
    assert "demo only" in lines["cnn"]
    assert "experiment@cnn_4qaed not run" in lines["cnn"]
    assert out.endswith("1 done, 1 demo only, 1 absent\n")
