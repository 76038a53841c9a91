"""Docstrings begin with the term that they are about, and cite what a reader can open."""

import ast
import re

import pytest

from conftest import ROOT

FILES = [
    path
    for folder in ("src", "stages", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
WITHOUT_TERM = ("That", "Of", "What", "Those")
SHEET = re.compile(r"\bmethods [A-E]\d", re.IGNORECASE)  # of notes that are not in this repository


def docstrings(path):
    """Line and docstring of the module, its classes and functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


@pytest.mark.parametrize("folder", ["src", "stages", "benchmarks"])
def test_a_docstring_begins_with_its_term(folder):
    vague = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in FILES
        if path.is_relative_to(ROOT / folder)
        for line, text in docstrings(path)
        if text.split()[0] in WITHOUT_TERM or SHEET.search(text)
    ]
    assert vague == []


def test_a_vague_docstring_is_found(tmp_path):
    path = tmp_path / "module.py"
    path.write_text('"""That of params.yaml."""\n\n\ndef f():\n    """See methods A5."""\n')
    (first, second) = [text for _, text in docstrings(path)]
    assert first.split()[0] in WITHOUT_TERM
    assert SHEET.search(second)
