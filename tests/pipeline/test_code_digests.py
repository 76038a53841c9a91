"""The digests of the code that a system answers with."""

import shutil

import pytest

from mer import registry
from mer.pipeline import code_digests, imports, sources


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package, to edit."""
    shutil.copytree(imports.SRC / "mer", tmp_path / "mer")
    files = sources.DATA_FILES.items()
    copies = {name: tmp_path / path.relative_to(imports.SRC) for name, path in files}
    monkeypatch.setattr(sources, "DATA_FILES", copies)
    monkeypatch.setattr(imports, "SRC", tmp_path)
    clear()
    yield tmp_path / "mer"
    clear()


def clear():
    """Forget the files that were read."""
    for cached in (
        imports.path_of,
        imports.modules,
        imports.tree,
        imports.imported,
        sources.data_files,
    ):
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
        ("hybrid", ["panda1714"], "learn/tensors.py"),
        ("hybrid", ["panda1714"], "learn/out_of_distribution.py"),
        ("short_chunk_cnn", [], "learn/trainers/_voting.py"),
        ("sincnet", [], "networks/sinc.py"),
        ("sincnet", [], "learn/forward.py"),
        ("ae_bilstm", [], "learn/tensors.py"),
        ("cnn_bilstm", [], "learn/memmap.py"),
        ("autoencoder_rf", [], "networks/autoencoder.py"),
    ],
)
def test_an_edit_of_a_network_or_a_feature_changes_its_digest_alone(package, model, families, file):
    before = code_digests.digests(model, families)
    with (package / file).open("a", encoding="utf-8") as source:
        source.write("EDITED = True\n")
    clear()
    assert code_digests.differing_files(before, code_digests.digests(model, families)) == [file]


def test_an_edit_of_a_data_file_is_noticed(package):
    """openSMILE's configuration decides the features."""
    before = code_digests.of_families(["compare_lld"])
    with (package / "features/compare_lld/lld.conf").open("a", encoding="utf-8") as stream:
        stream.write("[more]\n")
    clear()
    after = code_digests.of_families(["compare_lld"])
    assert code_digests.differing_files(before, after) == ["features/compare_lld/lld.conf"]


def test_an_edit_of_words_changes_nothing(package):
    before = code_digests.digests("cnn", [])
    edit(package / "models/cnn.py", "An untrained network", "A new network")
    edit(package / "models/cnn.py", "\nclass Params", "\n# A comment.\n\n\nclass Params")
    edit(package / "models/cnn.py", 'trainer = "supervised"', 'trainer = "supervised"  # why')
    assert code_digests.digests("cnn", []) == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('x = 1; "note"\n', 'x = 2; "note"\n'),
        ('def f():\n    """Doc."""; return 1\n', 'def f():\n    """Doc."""; return 2\n'),
        ("def f(x): ...\n", "def g(y, z): ...\n"),
        ('X = """\n# 1 2\n"""\n', 'X = """\n# 3 4\n"""\n'),
        ('X = """\n\n1"""\n', 'X = """\n1"""\n'),
    ],
)
def test_statements_that_differ_have_other_digests(tmp_path, one, other):
    (tmp_path / "a.py").write_text(one)
    (tmp_path / "b.py").write_text(other)
    assert code_digests._statements(tmp_path / "a.py") != code_digests._statements(
        tmp_path / "b.py"
    )


def test_the_stage_train_depends_on_the_code_that_a_run_must_fit():
    """So ``dvc repro``, the remedy of a run of other code, trains anew."""
    for model in registry.names("models"):
        reached = {f"src/mer/{name}" for name in code_digests.of_model(model)}
        listed = {
            p.relative_to(imports.SRC.parent).as_posix() for p in sources.files("train", model)
        }
        assert reached
        assert reached <= listed


def test_a_system_depends_on_its_own_parts_alone():
    found = code_digests.digests("svm", ["compare"])
    assert "models/svm.py" in found
    assert not [name for name in found if name.startswith(("networks", "dsp", "io", "models/cnn"))]
    assert not [name for name in code_digests.digests("cnn", []) if name.startswith("features")]


def test_a_file_of_one_side_alone_differs():
    assert code_digests.differing_files({"a": "1", "b": "2"}, {"b": "2", "c": "3"}) == ["a", "c"]
    assert code_digests.differing_files({"a": "1"}, {"a": "1"}) == []
    assert code_digests.named(["a", "c"]) == "src/mer/a and 1 more"
