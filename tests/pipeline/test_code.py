"""The digests of the code that a system answers with."""

import shutil

import pytest

from mer.pipeline import code, imports


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package, to edit."""
    shutil.copytree(imports.SRC / "mer", tmp_path / "mer")
    monkeypatch.setattr(imports, "SRC", tmp_path)
    clear()
    yield tmp_path / "mer"
    clear()


def clear():
    """Forget the files that were read."""
    for cached in (imports.path_of, imports.modules, imports.tree, imports.imported):
        cached.cache_clear()


def edit(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    clear()


@pytest.mark.parametrize(
    ("model", "families", "file"),
    [
        ("cnn", [], "networks/layers.py"),
        ("cnn", [], "dsp/mel.py"),
        ("svm", ["compare"], "features/compare/__init__.py"),
        ("hybrid", ["panda1714"], "features/panda1714/stats.py"),
        ("hybrid", ["panda1714"], "learn/trainers/hybrid.py"),
        ("sincnet", [], "networks/sinc.py"),
    ],
)
def test_an_edit_of_a_network_or_a_feature_changes_its_digest_alone(package, model, families, file):
    before = code.digests(model, families)
    with (package / file).open("a", encoding="utf-8") as source:
        source.write("EDITED = True\n")
    clear()
    assert code.changed(before, code.digests(model, families)) == [file]


def test_an_edit_of_words_changes_nothing(package):
    before = code.digests("cnn", [])
    edit(package / "models/cnn.py", "An untrained network", "A new network")
    edit(package / "models/cnn.py", "\nclass Params", "\n# A comment.\n\n\nclass Params")
    assert code.digests("cnn", []) == before


def test_a_system_depends_on_its_own_parts_alone():
    found = code.digests("svm", ["compare"])
    assert "models/svm.py" in found
    assert not [name for name in found if name.startswith(("networks", "dsp", "io", "models/cnn"))]
    assert not [name for name in code.digests("cnn", []) if name.startswith("features")]


def test_a_file_of_one_side_alone_differs():
    assert code.changed({"a": "1", "b": "2"}, {"b": "2", "c": "3"}) == ["a", "c"]
    assert code.changed({"a": "1"}, {"a": "1"}) == []
