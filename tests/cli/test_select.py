"""``mer select``: values go into their own lines of the params files, or nothing changes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from helpers.clone import copy_params
from mer import compatibility, config, registry
from mer.__main__ import main
from mer.cli import select
from mer.errors import MerError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the committed params and nothing else."""
    copy_params(ROOT, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts(folder):
    """Every params file and what is in it."""
    files = [folder / "params.yaml", *(folder / "params").iterdir()]
    return {file.relative_to(folder).as_posix(): file.read_text() for file in files}


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["mer", "select", *words])
    main()


def test_only_the_lines_of_the_values_change(project, monkeypatch, capsys):
    before = texts(project)
    run(monkeypatch, "model=svm", "protocol=grouped", "models.svm.c=4.0", "views.louro.n_fft=1024")
    after = texts(project)
    changed = [
        (old, new)
        for name, text in before.items()
        for old, new in zip(text.splitlines(), after[name].splitlines(), strict=True)
        if old != new
    ]
    assert [new.split("#")[0].strip() for _, new in changed] == [
        "model: svm",
        "protocol: grouped",
        "c: 4.0",
        "n_fft: 1024",
    ]
    for old, new in changed:  # comments stay in their column, as DVC leaves them
        assert old.partition("#")[1:] == new.partition("#")[1:]
        assert old.find("#") == new.find("#")
    model, block = config.read("model", "models.svm")
    assert (model, block.c) == ("svm", 4.0)
    assert "model=svm dataset=demo" in capsys.readouterr().out


def test_a_model_that_lacks_an_attribute_is_refused_as_by_the_stage(project, monkeypatch, capsys):
    monkeypatch.delattr(registry.get("models", "svm"), "reads")
    with pytest.raises(SystemExit):
        run(monkeypatch, "model=svm", "view=none", "augment=none")
    assert "svm.py must define reads, and does not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=smv"], r"model='smv' is not one of \[.*'svm'"),
        (["modle=svm"], r"'modle' must be a key of it; 'modle' is not one of \['model', "),
        (["svm"], r"'svm' must be <key>=<value>"),
        (["model=svm", "protocol=groupd"], r"protocol='groupd': Input should be 'default'"),
        (["models.svm.c=much"], r"models.svm.c='much': .*number"),
        (["models.svm.grid_c=4"], r"'models.svm.grid_c' must hold one value"),
        (["view=none"], r"view='none': model 'hybrid' reads a spectrogram"),
        (
            ["model=svm", "view=none", "augment=none", "family=openl3", "fidelity=released"],
            r"families.openl3.pooling must be 'first', .* set it with families.openl3.pooling=first",
        ),
        (["dataset=4qaed"], r"'4qaed' must lie in data/raw/4qaed"),
        (["views.louro.n_fft=-1"], r"params/views.yaml: views.louro.*n_fft"),
        (["model: svm=x"], r"'model: svm' must be a key"),
        (
            ["model=svm", "model=mlp"],
            r"'model' must be given once, not as 'svm' and as 'mlp'; remove",
        ),
        (["seed=012"], r"params.yaml, line \d+: '012' must mean one thing"),
        (["model=[svm"], r"'model=\[svm' must give one value"),
        (["model=svm #x"], "'model=svm #x' must give one value"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence_and_nothing_is_written(
    project, monkeypatch, capsys, words, message
):
    before = texts(project)
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, *words)
    error = capsys.readouterr().err
    assert "Traceback" not in error
    with pytest.raises(MerError, match=message):
        raise MerError(" ".join(error.split()))
    assert texts(project) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "params.yaml is not in .*; run this in the project's folder"),
        (b"model: \xff\n", "params.yaml must be in UTF-8"),
        (b"model: [svm\n", "params.yaml must be a YAML file"),
    ],
)
def test_params_that_cannot_be_read_are_one_sentence(
    project, monkeypatch, capsys, content, message
):
    params = project / "params.yaml"
    params.unlink()
    if content is not None:
        params.write_bytes(content)
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, "model=svm")
    error = " ".join(capsys.readouterr().err.split())
    assert "Traceback" not in error
    assert re.search(message, error)


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ("a: 1\n", "a", "2", "a: 2\n"),
        ("a: 1   # one\n", "a", "200", "a: 200 # one\n"),
        ("a: 100 # hundred\n", "a", "1", "a: 1   # hundred\n"),
        ("a:      # none\nb: 1\n", "a", "20", "a: 20   # none\nb: 1\n"),
        ("a:\nb: 1\n", "a", "2", "a: 2\nb: 1\n"),
        ("a: {b: 1, c: 2}\n", "a.b", "3", "a: {b: 3, c: 2}\n"),
        ("a:\n  b: x y\n  c: 'q'", "a.c", "z", "a:\n  b: x y\n  c: z"),
    ],
)
def test_a_value_is_replaced_where_it_stands(tmp_path, text, key, value, expected):
    assert select.replaced(text, key, value, tmp_path) == expected


def test_selecting_loads_no_network(project):
    """It takes a second, and torch two more."""
    code = (
        "import sys; from mer.__main__ import main; sys.argv = ['mer', 'select', 'model=svm']; main(); "
        "sys.exit('torch' in sys.modules or 'dvc' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_line_ends_and_links_stay(project, monkeypatch, tmp_path):
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_bytes(Path("params.yaml").read_bytes().replace(b"\n", b"\r\n"))
    Path("params.yaml").unlink()
    Path("params.yaml").symlink_to(elsewhere)
    run(monkeypatch, "seed=2")
    assert Path("params.yaml").is_symlink()
    assert b"\r\nseed: 2\r\n" in elsewhere.read_bytes()
    assert elsewhere.read_bytes().count(b"\n") == elsewhere.read_bytes().count(b"\r\n")


def test_a_file_that_changes_in_the_meantime_is_not_overwritten(project, monkeypatch, capsys):
    check = compatibility.check

    def slow(*given, **named):
        Path("params.yaml").write_text(Path("params.yaml").read_text() + "# changed\n")
        check(*given, **named)

    monkeypatch.setattr(compatibility, "check", slow)
    with pytest.raises(SystemExit):
        run(monkeypatch, "seed=2")
    assert "must not change while this runs" in " ".join(capsys.readouterr().err.split())
    assert Path("params.yaml").read_text().endswith("# changed\n")
