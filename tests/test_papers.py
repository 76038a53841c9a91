"""papers/*/paper.yaml: figures as printed, and a composition, or a reason, behind each cell."""

from dataclasses import asdict

import pytest
import yaml

from clone import copy_params
from conftest import ROOT
from mer import config, registry
from mer.__main__ import main
from mer.errors import MerError
from mer.io.artefacts import write_json
from mer.reproduction import results
from mer.reproduction import spec as papers
from mer.selection import SELECTORS, Selection, can_be_read

EVERY = papers.load(ROOT / "papers")
PARAMS = config.read_all(ROOT / "params.yaml")
PIPELINE = yaml.safe_load((ROOT / "papers/experiments.yaml").read_text())
PAPERS, CORPORA, SELECTED = (
    yaml.safe_load((ROOT / path).read_text())["stages"]
    for path in ("papers/dvc.yaml", "papers/corpora/dvc.yaml", "data/dvc.yaml")
)
EXPERIMENTS = {
    key: group[key]
    for name, group in EVERY.groups.items()
    if name not in ("count", "setting")
    for key in group
}
CELLS = [
    (name, row, column)
    for name, table in EVERY.tables.items()
    for row in table.rows
    for column in table.columns
]


def prepared():
    """Every artefact that papers/corpora/dvc.yaml makes, ``${miniature}`` before the corpus."""
    found = set()
    for name, stage in CORPORA.items():
        if name in ("render", "union"):
            continue
        do = stage.get("do", stage)
        items = stage.get("foreach", {"": ""})
        if "matrix" in stage:
            items = {d: {"dataset": d} for d in stage["matrix"]["dataset"]}
        for key, item in items.items():
            for out in do["outs"]:
                out = out.replace("${key}", key).replace("${item.join.name}", key.split("-")[0])
                for field, value in item.items() if isinstance(item, dict) else ():
                    out = out.replace(f"${{item.{field}}}", str(value))
                found.add(out)
    return found


PREPARED = prepared()


def inputs(experiment):
    """What an experiment reads of the artefacts of its corpus, and of the one that it is trained on."""
    corpus = f"${{miniature}}{experiment.dataset}"
    source = f"${{miniature}}{getattr(experiment, 'source', experiment.dataset)}"
    return {
        f"data/features/{experiment.family}/{source}",
        f"data/folds/{experiment.protocol}/{source}.json",
        f"data/index/{corpus}",
        f"data/standard/{corpus}",
        f"data/mel/{experiment.view}/{corpus}",
        f"data/features/{experiment.family}/{corpus}",
        f"data/augmented/{experiment.copies}/{corpus}",
        f"data/folds/{experiment.protocol}/{corpus}.json",
    }


def published(table, row, metric="f1_macro"):
    spec = EVERY.tables[table]
    figures = spec.rows[row].published[metric]
    return [figures[column] for column in spec.columns if column in figures]


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
    assert found or table.why(row, column)
    assert found is None or found.paper == table.paper


@pytest.mark.parametrize("name", EVERY.tables)
def test_a_reason_stands_where_a_cell_has_no_composition(name):
    table = EVERY.tables[name]
    for row, spec in table.rows.items():
        composed = [EVERY.find(table.key(row, column)) for column in table.columns]
        assert not (spec.why and all(composed))


def test_every_experiment_stands_behind_a_cell():
    used = {EVERY.tables[name].key(row, column) for name, row, column in CELLS}
    parents = {experiment.parent for experiment in EVERY.transfer.values()}
    assert set(EVERY.stages) <= used | parents


@pytest.mark.parametrize("name", EVERY.tables)
def test_every_table_is_consistent(name):
    table = EVERY.tables[name]
    assert name.startswith(f"{table.paper}_")
    assert table.paper in EVERY.papers
    assert table.reference is None or table.reference in table.rows
    for row in table.rows.values():
        assert set(row.published) <= set(table.metrics)
        assert all(set(figures) <= set(table.columns) for figures in row.published.values())


@pytest.mark.parametrize("prefix", ["", results.MINIATURE], ids=["real", "miniature"])
@pytest.mark.parametrize("key", EXPERIMENTS)
def test_every_composition_can_be_selected(key, prefix):
    experiment = EXPERIMENTS[key]
    selectors = {name: getattr(experiment, name) for name in SELECTORS[:-2]}
    selectors |= {"dataset": prefix + experiment.dataset, "profile": "paper", "seed": 1}
    assert list(asdict(Selection(**selectors))) == SELECTORS
    blocks = {**config.CHOICES, "dataset": "corpora"}
    more = [*(join.name for join in PARAMS.joins), *PARAMS.cuts]
    for selector, block in blocks.items():
        assert selectors[selector] in [*getattr(PARAMS, block), *more]
    can_be_read(Selection(**selectors), PARAMS)


@pytest.mark.parametrize("key", EXPERIMENTS)
def test_a_composition_names_no_input_that_its_model_does_not_read(key):
    experiment = EXPERIMENTS[key]
    module = registry.get("models", experiment.model)
    assert "table" in module.reads or experiment.family == "none"
    assert "spectrogram" in module.reads or experiment.view == "none"
    makes_rows = module.trainer == "sklearn_estimator" and PARAMS.policies[experiment.augment].rows
    masks = module.trainer == "two_stage"
    assert module.augments != "no" or makes_rows or masks or experiment.augment == "none"


@pytest.mark.parametrize("key", EXPERIMENTS)
def test_a_composition_names_the_copies_that_its_policy_makes(key):
    experiment = EXPERIMENTS[key]
    makes = bool(PARAMS.policies[experiment.augment].copies)
    expected = f"{experiment.augment}/{experiment.view}" if makes else "none/none"
    assert experiment.copies == expected


@pytest.mark.parametrize("key", EXPERIMENTS)
def test_every_input_of_an_experiment_has_a_stage(key):
    experiment = EXPERIMENTS[key]
    assert inputs(experiment) <= PREPARED


def test_no_input_is_prepared_that_no_experiment_reads():
    """But the sides of joins, the tables that ``agreement`` compares, and what stands for nothing."""
    read = set().union(*(inputs(experiment) for experiment in EXPERIMENTS.values()))
    read |= {f"data/mel/{s.view}/${{miniature}}{s.dataset}" for s in EVERY.settings.values()}
    read |= set(PAPERS["agreement"]["deps"])
    for item in CORPORA["join"]["foreach"].values():
        read |= {f"data/features/{item['join'][s]}/{item['dataset']}" for s in ("left", "right")}
    for kind in ("mel", "features", "augmented"):
        made = {
            path for path in PREPARED - set(CORPORA["nothing"]["outs"]) if f"data/{kind}/" in path
        }
        assert made
        assert made <= read


def test_the_joins_of_the_corpora_are_those_of_params():
    known = {join.name: join.model_dump() for join in PARAMS.joins}
    for item in CORPORA["join"]["foreach"].values():
        assert item["join"] == known[item["join"]["name"]]


SHARED = ("render", "index", "standardize", "mel", "features", "join", "augment", "folds")


@pytest.mark.parametrize("name", SHARED)
def test_the_selected_corpus_is_prepared_as_those_of_the_papers_are(name):
    """Else neither would find in the run cache what the other has computed."""
    both = [stages[name].get("do", stages[name]) for stages in (SELECTED, CORPORA)]
    for key in ("cmd", "deps", "params", "outs"):
        assert both[0].get(key) == both[1].get(key)


@pytest.mark.parametrize("name", [*PARAMS.cuts])
def test_a_corpus_in_parts_has_its_corpus_name(name):
    """The stages that cut it take the one for the other's."""
    assert name == f"{PARAMS.cuts[name].of}_parts"


@pytest.mark.parametrize("key", EXPERIMENTS)
def test_settings_fit_the_block_of_the_model(key):
    experiment = EXPERIMENTS[key]
    (block,) = config.read(f"models.{experiment.model}", path=ROOT / "params.yaml")
    words = experiment.settings.split()
    assert len(config.settings(words)) == len(words)
    config.changed(block, config.settings(words))


@pytest.mark.parametrize("key", EXPERIMENTS)
def test_an_experiment_that_needs_weights_depends_on_whether_they_are_there(key):
    experiment = EXPERIMENTS[key]
    blocks = [("models", experiment.model, PARAMS.models)]
    if experiment.family in PARAMS.families:
        blocks.append(("families", experiment.family, PARAMS.families))
    needed = {name: block for block, name, known in blocks if "weights" in known[name]}
    assert (key in EVERY.brought) == bool(needed)
    if needed:
        looked_at = CORPORA["weights"]
        assert looked_at["foreach"][experiment.weights] == needed[experiment.weights]
        assert looked_at["do"]["always_changed"]
        stage = PIPELINE["stages"]["brought"]["do"]
        assert "data/weights/${item.weights}" in stage["deps"]
        assert "weights=${item.weights}" in stage["cmd"]


@pytest.mark.parametrize("key", EVERY.transfer)
def test_a_chain_ends_in_a_network_that_is_trained_from_nothing(key):
    seen = []
    while key in EVERY.transfer:
        assert key not in seen
        seen.append(key)
        key = EVERY.transfer[key].parent
    assert EVERY.experiments[key].model == "sincnet"


CHAINS = {
    "transfer1": ("ch818 tr_music 4qaed", "4qaed tr_music ch818", "4qaed ch818 tr_music"),
    "transfer2": ("tr_music ch818 4qaed", "tr_music 4qaed ch818", "ch818 4qaed tr_music"),
    "transfer3": ("tr_music 4qaed", "4qaed tr_music"),
}


@pytest.mark.parametrize(("row", "chain"), [(r, c) for r, cs in CHAINS.items() for c in cs])
def test_a_transfer_learns_the_languages_in_the_published_order(row, chain):
    key, learned = f"{row}_{chain.split()[-1]}", []
    while key in EVERY.transfer:
        learned.insert(0, EVERY.transfer[key].corpus)
        key = EVERY.transfer[key].parent
    assert [EVERY.experiments[key].corpus, *learned] == chain.split()


@pytest.mark.parametrize(
    ("row", "printed"),
    [
        ("mlp_essentia", "58 56 55 56 26 24 23 24 71 70 70 70"),
        ("mlp_compare", "65 63 63 63 23 30 23 30 74 71 71 71"),
        ("mlp_combined", "72 67 64 67 18 19 18 19 80 77 77 77"),
        ("sincnet_200ms", "59 57 52 57 11 27 16 27 68 63 58 63"),
        ("sincnet_500ms", "58 58 56 58 3 18 6 18 68 66 66 66"),
        ("transfer1", "57 56 51 56 10 24 12 24 75 75 75 75"),
        ("transfer2", "61 60 57 61 28 26 17 26 72 71 71 71"),
        ("transfer3", "59 58 56 58 73 73 73 73"),
        ("mixed_mlp", "60 57 56 57 22 23 22 23 67 64 64 64"),
        ("mixed_sincnet", "58 57 56 57 26 23 21 23 61 51 50 51"),
    ],
)
def test_the_table_of_pandrea_holds_what_the_poster_prints(row, printed):
    table = EVERY.tables["pandrea_sincnet_table"]
    found = table.rows[row].published
    metrics = ("precision_weighted", "recall_weighted", "f1_weighted", "accuracy")
    figures = [f"{100 * found[m][c]:.0f}" for c in table.columns for m in metrics if c in found[m]]
    assert " ".join(figures) == printed


def test_the_pipeline_has_a_stage_for_each_experiment_and_table():
    folder, groups = ROOT / "papers", papers.Papers.model_fields.keys()
    content = yaml.safe_load((folder / "dvc.yaml").read_text())
    for path in sorted(folder.glob("*/paper.yaml")):
        assert f"{path.parent.name}/paper.yaml:tables" in content["vars"]
        copy = path.parent / "dvc.yaml"  # of a Git revision DVC follows no link
        assert not copy.is_symlink(), "run make format"
        assert copy.read_bytes() == (folder / "experiments.yaml").read_bytes(), "run make format"
        assert set(yaml.safe_load(path.read_text())["papers"]) == {path.parent.name}
    read = PIPELINE["vars"][-1]
    assert set(read.partition(":")[2].split(",")) == groups - {"papers", "tables", "systems"}


def flat(declared):
    """Paths, or params of whatever file."""
    parts = [[part] if isinstance(part, str) else next(iter(part.values())) for part in declared]
    return {text for part in parts for text in part}


NARROWED = (
    "columns",
    "src/mer/features/_panda_catalogue.py",
    "src/mer/features/panda1714/catalogue.csv",
)


@pytest.mark.parametrize("group", ["experiment", "cross", "transfer", "brought"])
def test_an_experiment_depends_on_all_that_the_train_stage_does(group):
    train = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train"]
    stage = PIPELINE["stages"][group]["do"]
    for kind in ("deps", "params"):
        needed = set()
        for text in flat(train[kind]) - {"stages/train.py", *NARROWED, *SELECTORS}:
            for name in SELECTORS:
                chosen = "${profile}" if name == "profile" else f"${{item.{name}}}"
                text = text.replace("${augment}/${view}", "${item.copies}")
                text = text.replace(f"${{{name}}}", chosen)
            needed.add(text.replace("${item.dataset}", "${miniature}${item.dataset}"))
        assert needed <= flat(stage[kind])
    assert {"seed", "profile"} <= flat(stage["params"])
    passed = set(SELECTORS) - {"seed", "profile"}
    assert all(f" {name}=${{" in stage["cmd"] for name in passed)


def test_some_papers_are_whole_by_themselves():
    chosen = ["louro_improving", "louro_merge"]
    found = EVERY.only(chosen)
    assert {table.paper for table in found.tables.values()} == set(found.papers) == set(chosen)
    owners = [key for key, stage in EVERY.stages.items() if stage.split("/")[1] in chosen]
    assert list(found.stages) == owners
    for table in found.tables.values():
        keys = [table.key(row, column) for row in table.rows for column in table.columns]
        assert all(bool(found.find(key)) == bool(EVERY.find(key)) for key in keys)


def test_a_paper_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(MerError, match=r"papers/louro must be one of \['features', 'he_two_stage'"):
        EVERY.only(["louro", "leaks"])


def test_a_key_in_two_files_is_refused(tmp_path):
    text = "papers: {}\ntables: {}\ncounts: {a: {paper: p, dataset: d}}\n"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "paper.yaml").write_text(text)
    with pytest.raises(MerError, match=r"two/paper\.yaml: counts\.a stands in another"):
        papers.load(tmp_path)


def test_an_unknown_key_is_named_with_its_file(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one/paper.yaml").write_text("papers: {}\ntables: {}\ntabels: {}\n")
    with pytest.raises(MerError, match=r"one/paper\.yaml: tabels="):
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
        "settings": "",
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
    (tmp_path / "papers/p").mkdir(parents=True)
    (tmp_path / "papers/p/paper.yaml").write_text(yaml.safe_dump(content))
    copy_params(ROOT, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(monkeypatch, capsys, *words):
    monkeypatch.setattr("sys.argv", ["mer", "check", *words])
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
    assert out.endswith("0 done, 0 in part, 1 demo only, 2 absent\n")


def test_mer_check_says_which_input_was_absent(small, monkeypatch, capsys):
    (small / "data/raw/4qaed").mkdir(parents=True)
    folder = small / "metrics/experiments/p"
    for key in ("demo_svm_4qaed", "cnn_4qaed"):
        write_json(folder / f"{key}.json", {"absent": "weights not present: a.pth, see README"})
    write_json(folder / "demo_cnn_4qaed.json", {"f1_macro": 0.5})
    out, lines = check(monkeypatch, capsys)
    assert "weights not present: a.pth, see README" in lines["svm"]
    assert "weights not present: a.pth, see README" in lines["cnn"]
    assert out.endswith("0 done, 0 in part, 1 demo only, 2 absent\n")


def test_mer_check_finds_what_was_run_on_the_real_corpus(small, monkeypatch, capsys):
    (small / "data/raw/4qaed").mkdir(parents=True)
    folder = small / "metrics/experiments/p"
    write_json(folder / "svm_4qaed.json", {"f1_macro": 0.7, "profile": "paper"})
    cut = {"f1_macro": 0.7, "profile": "quick", "n_folds": 1, "max_epochs": 25}
    write_json(folder / "cnn_4qaed.json", cut)
    write_json(folder / "demo_cnn_4qaed.json", {"f1_macro": 0.9, "profile": "demo"})
    out, lines = check(monkeypatch, capsys)
    assert "done" in lines["svm"]
    assert "in part" in lines["cnn"]
    assert "profile=quick, n_folds=1, max_epochs=25" in lines["cnn"]
    assert out.endswith("1 done, 1 in part, 0 demo only, 1 absent\n")


def test_mer_check_of_one_paper(small, monkeypatch, capsys):
    assert check(monkeypatch, capsys, "p")[0] == check(monkeypatch, capsys)[0]
    with pytest.raises(SystemExit, match="1"):
        check(monkeypatch, capsys, "q")
    assert "papers/q must be one of ['p']" in capsys.readouterr().err


def test_mer_check_says_once_what_holds_of_cells_side_by_side(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    table = EVERY.tables["he_two_stage_table1"]
    assert len({results.state(EVERY, table, "pmemo_1s", column) for column in table.columns}) == 1
    out, _ = check(monkeypatch, capsys, "he_two_stage")
    line = next(line for line in out.splitlines() if line.startswith("│ pmemo_1s "))
    assert ", ".join(table.columns) in line
