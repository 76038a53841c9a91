"""README.md and docs/: their size, their links, the templates of parts."""

import re
import subprocess
import sys
import textwrap
from types import ModuleType
from typing import get_args

import numpy as np
import pytest
import torch
import yaml

import mer
from conftest import ROOT
from mer import config, registry
from mer.contracts import checks
from mer.learn import loop
from mer.reproduction import validation
from mer.reproduction.spec import STAGE_OF_BLOCK, Papers
from mer.schema import ProtocolName
from mer.targets.classes import Classes
from mer.types import Clip

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
README_BYTES = 8192


def anchors(page):
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", t).strip().lower()) for t in titles}


def broken(page):
    """The links of a page to a file or a heading that does not exist."""
    for file, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / file if file else page
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            yield f"{page.name}: {file}#{anchor}"


def test_the_readme_is_short():
    assert (ROOT / "README.md").stat().st_size <= README_BYTES


def test_links_lead_to_files_and_headings_that_exist():
    assert [link for page in PAGES for link in broken(page)] == []


@pytest.mark.parametrize("link", ["[x](nowhere.md)", "[x](there.md#nowhere)", "[x](#nowhere)"])
def test_a_broken_link_is_found(tmp_path, link):
    (tmp_path / "there.md").write_text("# Here\n")
    (tmp_path / "page.md").write_text(f"[x](there.md#here)\n{link}\n")
    assert len(list(broken(tmp_path / "page.md"))) == 1


@pytest.mark.parametrize("name", mer.__all__)
def test_every_public_name_has_its_description_in_the_api(name):
    described = re.findall(r"^::: (.*)$", (ROOT / "docs/api.md").read_text(encoding="utf-8"), re.M)
    full = {"features": "mer.inference.song_features.features"}.get(name, f"mer.{name}")
    assert any(found == full or found.startswith(f"{full}.") for found in described)


PATH = re.compile(
    r"`((?:src/mer|stages|benchmarks|papers|docs|tests)/[\w./]*|(?:networks|models)/\w+\.py)`"
)
NOT_THERE_YET = {
    "src/mer/models/logistic.py",
    "src/mer/models/tiny_cnn.py",
    "src/mer/features/loudness/__init__.py",
    "src/mer/augment/fade_in.py",
    "src/mer/datasets/moods.py",
    "src/mer/pipeline/demo/writers/moods.py",
}  # of the templates


def lost(page):
    """Files and folders that a page names and that do not exist."""
    named = set(PATH.findall(page.read_text(encoding="utf-8"))) - NOT_THERE_YET
    return [n for n in named if not any((top / n).exists() for top in (ROOT, ROOT / "src/mer"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page):
    assert lost(page) == []


def test_a_lost_file_is_found(tmp_path):
    (tmp_path / "page.md").write_text("`models/svm.py`, `models/svn.py`, `src/mer/models/`\n")
    assert lost(tmp_path / "page.md") == ["models/svn.py"]


def choices():
    """Every choice of each selector that has blocks in params.yaml; a demo corpus is none."""
    params = config.read_all(ROOT / "params.yaml")
    return {
        "model": registry.names("models"),
        "dataset": [
            key for key, c in params.corpora.items() if c.counts and not key.startswith("demo_")
        ],
        "view": params.views,
        "family": [*params.families, *(join.name for join in params.joined_families)],
        "augment": params.policies,
        "protocol": get_args(ProtocolName),
        "profile": params.profiles,
    }


@pytest.mark.parametrize("selector", choices())
def test_every_choice_of_a_selector_is_listed(selector):
    text = (ROOT / "docs/selecting.md").read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if line.startswith(f"| `{selector}` |"))
    assert [choice for choice in choices()[selector] if f"`{choice}`" not in line] == []


def template_source(kind):
    """The code of a module in docs/contributing.md."""
    text = (ROOT / "docs/contributing.md").read_text(encoding="utf-8")
    return re.search(rf"<!-- template: {kind} -->\n```python\n(.*?)```", text, re.S)[1]


def template(kind, package):
    """The module in docs/contributing.md, which satisfies the contract of its registry."""
    source = template_source(kind)
    module = ModuleType(kind)
    exec(compile(source, "docs/contributing.md", "exec"), module.__dict__)  # noqa: S102
    checks.check(package, module)
    return module, source


def test_the_template_of_a_model_has_twelve_lines_and_learns():
    module, source = template("model", "models")
    assert len(list(filter(None, source.splitlines()))) <= 12
    x = np.random.default_rng(0).normal(size=(40, 3))
    y = (x[:, 0] > 0).astype(int)
    model = module.build(
        module.Params(c=1.0), seed=1, fidelity="described", predicts="classes"
    ).fit(x, y)
    assert (model.predict(x) == y).mean() > 0.9


def test_the_template_of_a_network_learns():
    module, _ = template("network", "models")
    params = module.Params(
        width=4,
        training={"optimizer": "adam", "lr": 0.01, "batch_size": 8, "max_epochs": 9},
    )
    torch.manual_seed(1)
    network = module.build(params, shape=(40, 32), outputs=2)
    y = torch.arange(16) % 2
    mel = torch.rand(16, 40, 32) * 0.1 + y[:, None, None]
    curve = loop.fit(network, [mel], y, params.training, seed=1, objective=Classes(("low", "high")))
    assert curve[-1, 0] < curve[0, 0] / 2


def test_the_template_of_a_feature_family_extracts_what_it_says():
    module, _ = template("family", "features")
    params = module.Params(sample_rate=22050, frame_length=2048)
    clip = Clip(id="a", samples=np.full(44100, 0.5, np.float32), sample_rate=22050)
    found = dict(zip(module.names(params), module.extract(clip, params), strict=True))
    assert found["rms_mean"] == pytest.approx(0.5, abs=0.02)


def test_the_template_of_a_transform_is_a_function_of_its_parameters():
    module, _ = template("transform", "augment")
    clip, params = np.ones(8, np.float32), module.Params(max_seconds=1.0)
    arguments = module.sample_parameters(np.random.default_rng(0), params)
    assert 0 < arguments["seconds"] < 1
    faded = module.apply(clip, 4, seconds=1.0)
    assert faded.tolist() == [0, 0.25, 0.5, 0.75, 1, 1, 1, 1]
    assert faded.dtype == np.float32
    assert not np.shares_memory(module.apply(clip, 4, seconds=0.0), clip)


def test_the_template_of_a_layout_lists_sorted_tracks(tmp_path):
    module, _ = template("layout", "datasets")
    (tmp_path / "moods.csv").write_text("song,singer,valence,arousal\nb,,0.5,-1\na,Nina,0,1\n")
    first, second = module.tracks(tmp_path)
    assert (first.id, first.artist, first.path) == ("a", "Nina", "wav/a.wav")
    assert (second.id, second.artist, second.valence, second.arousal) == ("b", None, 0.5, -1)


def test_the_template_of_a_paper_fits_the_params():
    text = (ROOT / "docs/contributing.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- template: paper -->\n +```yaml\n(.*?)```", text, re.S)[1]
    papers = Papers.model_validate(yaml.safe_load(textwrap.dedent(block)))
    validation.check(papers, config.read_all(ROOT / "params.yaml"))
    assert {*yaml.safe_load(textwrap.dedent(block))} == {"papers", "tables", *STAGE_OF_BLOCK}


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("model", "models/logistic.py"),
        ("network", "models/tiny_cnn.py"),
        ("family", "features/loudness/__init__.py"),
        ("transform", "augment/fade_in.py"),
        ("layout", "datasets/moods.py"),
    ],
)
def test_a_template_passes_the_checks_of_the_project(kind, file):
    source = template_source(kind)
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--quiet"], ["format", "--check", "--quiet"]):
        words = [*ruff, *command, "--stdin-filename", f"src/mer/{file}", "-"]
        done = subprocess.run(words, input=source, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
