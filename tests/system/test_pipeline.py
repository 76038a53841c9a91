"""The pipeline as a new user meets it: a fresh clone, DVC, the demo corpus (shortened clips)."""

import html
import json
import re
import shutil

import pytest
import vl_convert
import yaml
from dvc.utils.hydra import apply_overrides

from helpers.clone import FEW, Clone, fresh_clone
from mer import config
from mer.types import QUADRANTS

SELECTION = {"model": "svm", "view": "none", "family": "compare", "augment": "none", **FEW}


@pytest.fixture(scope="module")
def fresh(root, tmp_path_factory):
    """A committed clone with short demo clips and the cheapest selection, nothing run yet."""
    return fresh_clone(root, tmp_path_factory.mktemp("clone"), **SELECTION)


@pytest.fixture(scope="module")
def ran(fresh):
    """The clone after its first `dvc repro`, with two processes, committed."""
    fresh.run("dvc", "repro", MER_JOBS="2")
    fresh.commit("first run")
    return fresh


@pytest.fixture
def edited(ran):
    """The clone after its first run, for tests that change tracked files only."""
    yield ran
    ran.run("git", "checkout", "-q", ".")


@pytest.fixture
def clean(edited):
    """The clone as it was after its first run, whatever a test does to it."""
    yield edited
    edited.run("git", "checkout", "-q", ".")
    edited.run("dvc", "checkout", "-q", "--force", "--allow-missing")


def test_metrics_say_what_was_run(ran):
    run = json.loads((ran.folder / "metrics/run.json").read_text())
    names = "model dataset view family augment protocol profile n_clips n_quarantined f1_macro"
    names += " f1_macro_sd f1_weighted precision_weighted recall_weighted accuracy"
    names += " f1_q1 f1_q2 f1_q3 f1_q4 ci_low ci_high constant_accuracy"
    assert set(names.split()) <= set(run)
    assert (run["model"], run["dataset"], run["n_clips"]) == ("svm", "demo", 24)
    assert run["protocol"] == "grouped"
    assert run["f1_macro"] > run["constant_accuracy"]


def test_dvc_takes_the_whole_graph(root, tmp_path):
    """Of the selection, and of the papers: no output is declared twice, and no circle closes."""
    whole = Clone(root, tmp_path)
    whole.run("git", "init", "-q")
    everyday = whole.run("dvc", "dag", "--mermaid")
    assert '"data/dvc.yaml:mel@louro-demo' in everyday
    assert "papers/" not in everyday
    found = whole.run("mer", "papers", "dag", "--mermaid")
    for stage in (
        "validate",
        "papers/corpora/dvc.yaml:merge_corpora@demo_mixed3",
        "papers/leaks/dvc.yaml:experiment@",
        "papers/dvc.yaml:table@",
    ):
        assert f'"{stage}' in found


def test_second_run_does_nothing(clean):
    assert "Data and pipelines are up to date" in clean.run("dvc", "repro")
    assert clean.run("git", "status", "--short") == ""


def test_a_published_figure_that_changes_makes_the_report_stale(edited):
    paper = edited.folder / "papers/louro_improving/paper.yaml"
    paper.write_text(paper.read_text() + "# other figures\n")
    assert edited.stale().keys() == {"report"}


def test_a_forced_run_in_a_fresh_clone_with_one_worker_gives_the_same_bytes(ran, tmp_path):
    ran.run("git", "clone", "-q", ".", str(tmp_path / "again"))
    again = Clone.__new__(Clone)
    again.folder = tmp_path / "again"
    again.run("dvc", "repro", "-f", MER_JOBS="1")
    written = ("data/runs", "metrics", "data/features", "data/standard", "data/folds")
    assert again.digests(*written) == ran.digests(*written)
    assert again.run("git", "status", "--short") == ""


def test_what_was_pushed_to_a_folder_is_not_computed_again(clean, tmp_path):
    clean.run("dvc", "remote", "add", "--default", "--local", "shared", str(tmp_path / "remote"))
    clean.run("dvc", "push", "-q")
    clean.run("git", "clone", "-q", ".", str(tmp_path / "again"))
    again = Clone.__new__(Clone)
    again.folder = tmp_path / "again"
    shutil.copy(clean.folder / ".dvc/config.local", again.folder / ".dvc/config.local")
    (clean.folder / ".dvc/config.local").unlink()
    again.run("dvc", "pull", "-q", "--allow-missing")
    assert "Running stage" not in again.run("dvc", "repro")
    assert again.digests("data/runs", "metrics") == clean.digests("data/runs", "metrics")


EDITS = {
    "models.svm.c": {"train"},
    "models.cnn.training.lr": set(),
    "columns.k": {"train"},
    "profiles.quick.repeats": set(),
    "corpora.emopia200.sample_rate": set(),
    "families.compare.peak": {"features@compare-demo"},
    "audio.min_seconds": {"standardize@demo"},
    "views.louro.hop_length": set(),
    "demos.demo.seed": {"render@demo"},
    "corpora.demo.citation": {"report"},
    "seed": {"folds@demo", "augment@none-none-demo", "train"},
}


def test_an_edit_makes_the_expected_stages_stale(edited):
    """All edits at once, for DVC says which stage is stale for which."""
    for key in EDITS:
        value = sections(edited.folder)
        for part in key.split("."):
            value = value[part]
        edited.edit(**{key.replace(".", "__"): "other" if isinstance(value, str) else value + 1})
    stale = edited.stale()
    assert "validate" in stale  # which hashes the files as they are
    stale.pop("validate")
    found = {
        key: {stage for stage, changed in stale.items() if any(covers(c, key) for c in changed)}
        for key in EDITS
    }
    assert found == EDITS
    assert set(stale) == set().union(*EDITS.values())


def sections(folder):
    """What params.yaml and the files beside it hold."""
    files = [folder / "params.yaml", *(folder / "params").iterdir()]
    return {k: v for file in files for k, v in yaml.safe_load(file.read_text()).items()}


def covers(declared: str, key: str) -> bool:
    """Whether a declared section of the params holds the key."""
    return f"{key}.".startswith(f"{declared}.")


def test_a_change_shows_in_the_metrics_diff(clean):
    output = clean.run("dvc", "exp", "run", "-S", "models.svm.c=0.01")
    ran = {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}
    assert ran == {"validate", "train", "evaluate", "report"}
    assert "f1_macro" in clean.run("dvc", "metrics", "diff", "HEAD", "--md")
    assert set(plotted(clean, "diff", "HEAD", "--targets")) == {"HEAD", "workspace"}


def test_a_changed_parameter_is_named_until_it_is_committed(clean):
    """The files of a run are the same before and after, whatever Git says of its parameters."""
    clean.run("dvc", "exp", "run", "-S", "models.svm.c=0.03")
    listed = clean.run("mer", "runs", "demo,", "c=0.03").splitlines()
    assert sum("svm compare (c=0.03)" in line for line in listed) == 2  # it, and as dvc keeps it
    clean.commit("another c")
    try:
        for stage in ("train", "evaluate", "report"):
            clean.run("dvc", "repro", "-f", "-s", stage)
        assert clean.run("git", "status", "--porcelain") == ""
        assert "(c=" not in clean.run("mer", "runs", "demo,", "selected")
    finally:
        clean.run("git", "reset", "-q", "--hard", "HEAD^")


def test_metrics_without_a_target_are_those_of_the_selected_run(ran):
    found = json.loads(ran.run("dvc", "metrics", "show", "--json"))
    assert set(found[""]["data"]) == {"metrics/run.json"}


PLOT = "data/plots/confusion.csv"
DRAWN = re.compile(r'aria-label="predicted: (\w+); actual: (\w+); percent_of_y: ([\d.]+)"')


def plotted(clone, *words):
    """The confusion matrices that DVC draws, by revision: (actual, predicted) -> share, as printed."""
    output = clone.run("dvc", "plots", *words, PLOT, "--show-vega")
    spec = json.loads(output[output.index("{") :])
    points = spec["data"]["values"]
    found = {}
    for revision in {point["rev"] for point in points}:
        spec["data"]["values"] = [point for point in points if point["rev"] == revision]
        marks = DRAWN.findall(vl_convert.vegalite_to_svg(spec))
        found[revision] = {(actual, given): float(share) for given, actual, share in marks}
    return found


def test_the_plot_of_the_confusion_shows_the_shares_of_the_report(ran):
    page = (ran.folder / "data/report/report.html").read_text(encoding="utf-8")
    text = " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())
    (drawn,) = plotted(ran, "show").values()
    assert len(drawn) == 16
    for actual in QUADRANTS:
        row = re.search(rf"{actual}((?: \d+ [\d.]+ %){{4}})", text)[1]
        shares = [float(share) / 100 for share in re.findall(r"([\d.]+) %", row)]
        assert [drawn[actual, given] for given in QUADRANTS] == pytest.approx(shares, abs=0.006)


@pytest.mark.parametrize("path", ["dvc.yaml", "papers/experiments.yaml"])
def test_every_plot_of_a_confusion_is_normalized_over_the_actual_class(root, path):
    """DVC's template divides by the sum over ``y``."""
    stages = yaml.safe_load((root / path).read_text())["stages"].values()
    plots = [plot for stage in stages for plot in stage.get("do", stage).get("plots", [])]
    drawn = [settings for plot in plots for settings in plot.values()]
    matrices = [axes for axes in drawn if axes.get("template") == "confusion_normalized"]
    assert matrices
    assert all((matrix["x"], matrix["y"]) == ("predicted", "actual") for matrix in matrices)


def test_plots_open_without_a_network(clean):
    clean.run("python", "stages/plots_page.py")
    clean.run("dvc", "plots", "show", PLOT)
    (clean.folder / ".dvc/config.local").unlink()
    page = (clean.folder / "dvc_plots/index.html").read_text()
    assert not re.findall(r"<(?:script|link)[^>]*(?:src|href)=", page)
    assert "vegaEmbed(" in page


def test_an_experiment_elsewhere_runs_the_package_beside_its_stages(clean):
    """What was committed, whatever the working tree holds by then."""
    module = clean.folder / "src/mer/models/svm.py"
    module.write_text(module.read_text() + "\nprint('package', __file__)\n")
    output = clean.run(
        "dvc", "exp", "run", "--temp", "-S", "models.svm.c=0.02", "train", MER_JOBS="2"
    )
    packages = {line for line in output.splitlines() if line.startswith("package ")}
    assert packages
    assert all("/.dvc/tmp/exps/" in line for line in packages)


def test_an_experiment_elsewhere_says_how_it_gets_a_corpus_that_git_does_not_have(clean):
    mine, block = clean.folder / "data/raw/mine", clean.folder / "params/corpora.yaml"
    shutil.copytree(clean.folder / "data/raw/demo", mine)
    demo = yaml.safe_load(block.read_text())["corpora"]["demo"]
    content = {
        "corpora": {"demo": demo, "mine": demo},
        "merged_corpora": {},
        "segmented_corpora": {},
    }
    block.write_text(yaml.safe_dump(content))
    words = ("dvc", "exp", "run", "--temp", "-S", "dataset=mine")
    assert "the option -C data/raw/mine" in " ".join(clean.run(*words, ok=False).split())
    output = clean.run(*words, "-C", "data/raw/mine", "data/dvc.yaml:folds@mine")
    assert "Running stage 'data/dvc.yaml:folds@mine'" in output
    shutil.rmtree(mine)


def test_a_selection_that_cannot_be_is_refused_before_anything_is_deleted(edited):
    kept = ("data/raw", "data/features", "data/folds", "data/runs", "data/report", "metrics")
    before = edited.digests(*kept)
    output = edited.run("dvc", "exp", "run", "-S", "dataset=4qaed", ok=False)
    assert "'4qaed' must lie in data/raw/4qaed" in " ".join(output.split())
    assert edited.digests(*kept) == before


def test_a_small_float_arrives_as_a_float(edited):
    path = edited.folder / "params.yaml"
    apply_overrides(str(path), ["models.svm.gamma=0.00001"])  # what `-S` does
    assert "1e-05" in path.read_text()
    assert config.read("models.svm", path=path)[0].gamma == 1e-5


UNDECLARED = {
    "folds.py demo demo": ["corpora.demo.protocol", "profile", "profiles.demo", "seed"],
    "index.py demo": ["corpora.demo.layout", "corpora.demo.counts", "corpora.demo.range"],
    "standardize.py demo": [
        "corpora.demo.sample_rate",
        "corpora.demo.peak_db",
        "audio",
        "quarantine",
    ],
    "features.py compare demo": ["families.compare"],
    "mel.py none demo": ["views.none"],
    "evaluate.py": [],
}


@pytest.mark.parametrize("command", UNDECLARED)
def test_a_stage_reads_no_undeclared_section(edited, command):
    kept: dict = {config.file_of(section): {} for section in ("seed", *config.FILES)}
    for key in UNDECLARED[command]:
        source, target = sections(edited.folder), kept[config.file_of(key)]
        *parents, last = key.split(".")
        for parent in parents:
            source, target = source[parent], target.setdefault(parent, {})
        target[last] = source[last]
    for path, content in kept.items():
        (edited.folder / path).write_text(yaml.safe_dump(content))
    before = edited.digests("data/index", "data/standard", "data/features", "data/folds", "metrics")
    edited.run("python", f"stages/{command.split()[0]}", *command.split()[1:])
    after = edited.digests("data/index", "data/standard", "data/features", "data/folds", "metrics")
    assert after == before


def test_declared_sections_are_those_of_the_pipeline(root):
    files = [yaml.safe_load((root / name).read_text()) for name in ("dvc.yaml", "data/dvc.yaml")]
    stages = {name: stage.get("do", stage) for f in files for name, stage in f["stages"].items()}
    for command, keys in UNDECLARED.items():
        declared = [
            k.replace("${item.dataset}", "demo")
            .replace("${profile}", "demo")
            .replace("${item.family}", "compare")
            .replace("${item.view}", "none")
            for k in params(stages[command.split(".")[0]])
        ]
        assert sorted(declared) == sorted(keys)


def params(stage):
    """The sections that a stage declares, each of the file that holds it."""
    for declared in stage.get("params", []):
        if isinstance(declared, str):
            assert config.file_of(declared) == config.PARAMS
            yield declared
        else:
            ((path, keys),) = declared.items()
            assert {config.file_of(key).as_posix() for key in keys} == {path}
            yield from keys


def test_the_papers_number_from_the_published_tables_alone(clean, real_data):
    link = clean.folder / "data/raw/4qaed"
    link.symlink_to((real_data / "4qaed_tables").resolve())
    chosen = ("dataset=4qaed", "profile=paper", "model=svm", "family=top100")
    clean.run("dvc", "exp", "run", *(part for s in chosen for part in ("-S", s)))
    run = json.loads((clean.folder / "metrics/run.json").read_text())
    assert (run["n_clips"], run["n_folds"]) == (900, 100)
    assert 0.750 <= run["f1_macro"] <= 0.766
    assert run["shares_artists"]
