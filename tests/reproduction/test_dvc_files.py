"""mer.reproduction.dvc_files: DVC's files list what the experiments of the papers read."""

import shutil

import pytest

from conftest import ROOT
from mer.errors import MerError
from mer.reproduction import dvc_files, spec

EVERY = spec.load(ROOT / "papers")


@pytest.fixture
def folder(tmp_path):
    """A copy of ``papers``, beside one of the project's ``dvc.yaml``."""
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    return shutil.copytree(ROOT / "papers", tmp_path / "papers")


def test_the_committed_files_list_everything():
    dvc_files.check(EVERY, ROOT / "papers")


@pytest.mark.parametrize(
    ("file", "removed", "message"),
    [
        (
            "dvc.yaml",
            "  - leaks/paper.yaml:tables\n",
            r"papers/dvc\.yaml: vars must list 'leaks/paper\.yaml:tables'; add it",
        ),
        (
            "leaks/paper.yaml",
            "cross: {}\n",
            r"leaks/paper\.yaml must have 'cross', for DVC; add `cross: \{\}`",
        ),
        (
            "corpora/dvc.yaml",
            '      louro-${miniature}4qaed: {view: louro, dataset: "${miniature}4qaed"}\n',
            r"stages\.mel must list 'louro-\$\{miniature\}4qaed', which experiments\.\w+ of papers/\w+/pa",
        ),
        (
            "corpora/dvc.yaml",
            '      musicnn-${miniature}4qaed: {family: musicnn, dataset: "${miniature}4qaed"}\n',
            r"stages\.features must list 'musicnn-\$\{miniature\}4qaed', which pretrained\.\w+ of",
        ),
        (
            "corpora/dvc.yaml",
            '      tfm-louro-${miniature}4qaed: {policy: tfm, view: louro, dataset: "${miniature}4qaed"}\n',
            r"stages\.augment must list 'tfm-louro-\$\{miniature\}4qaed', which experiments\.\w+ of",
        ),
        (
            "corpora/dvc.yaml",
            "        - ${miniature}emopia200\n",
            r"stages\.index must list '\$\{miniature\}emopia200', which experiments\.\w+ of papers/",
        ),
        (
            "corpora/dvc.yaml",
            "${miniature}emotify ",
            r"stages\.nothing\.cmd must name '\$\{miniature\}emotify', as its outs do; add it",
        ),
        (
            "corpora/dvc.yaml",
            "      - data/features/none/${miniature}4qaed\n",
            r"stages\.nothing must list 'data/features/none/\$\{miniature\}4qaed', which experiments\.\w+",
        ),
    ],
)
def test_what_is_not_listed_is_named(folder, file, removed, message):
    path = folder / file
    text = path.read_text()
    assert removed in text
    path.write_text(text.replace(removed, ""))
    with pytest.raises(MerError, match=message):
        dvc_files.check(EVERY, folder)


def test_a_paper_that_the_report_does_not_depend_on_is_named(folder):
    file = folder.parent / "dvc.yaml"
    file.write_text(file.read_text().replace("      - papers/leaks/paper.yaml\n", ""))
    with pytest.raises(
        MerError, match=r"stage report must have 'papers/leaks/paper\.yaml'; add it"
    ):
        dvc_files.check(EVERY, folder)


@pytest.mark.parametrize("content", [None, "stages: {}\n"])
def test_a_paper_without_its_stages_is_named(folder, content):
    (file := folder / "leaks/dvc.yaml").unlink()
    if content:
        file.write_text(content)
    with pytest.raises(
        MerError, match=r"leaks/dvc\.yaml must be a copy of .*experiments\.yaml; run"
    ):
        dvc_files.check(EVERY, folder)


@pytest.mark.parametrize("stage", ["standardize", "folds"])
def test_a_corpus_that_is_not_prepared_is_named(folder, stage):
    file = folder / "corpora/dvc.yaml"
    head, _, tail = file.read_text().partition(f"\n  {stage}:\n")
    file.write_text(f"{head}\n  {stage}:\n{tail.replace('        - ${miniature}4qaed', '', 1)}")
    with pytest.raises(
        MerError, match=rf"stages\.{stage} must list '\$\{{miniature\}}4qaed', which"
    ):
        dvc_files.check(EVERY, folder)
