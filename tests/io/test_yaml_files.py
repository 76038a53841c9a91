"""Files of parameters are read as DVC reads them, or refused with a sentence."""

import time
from itertools import pairwise

import pytest

from mer.errors import MerError
from mer.io import yaml_files

NAMES = "abcdefghijklmnopqrst"
BOMB = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n" for before, name in pairwise(NAMES)
)


@pytest.fixture
def load(tmp_path):
    def load(content):
        path = tmp_path / "params.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return yaml_files.load(path)

    return load


def test_plain_values_are_read(load):
    content = (
        "a: 1\nb: 0.5\nc: true\nd:\ne: ~\nf: 'no'\ng: text\nh: -3\ni: 1e-05\nj: [1, x]\nk: .5\n"
    )
    found = load(content)
    assert found == {
        **{"a": 1, "b": 0.5, "c": True, "d": None, "e": None, "f": "no", "g": "text", "h": -3},
        **{"i": 1e-5, "j": [1, "x"], "k": 0.5},
    }


def test_a_key_that_stands_twice_is_refused(load):
    with pytest.raises(
        MerError, match=r"params.yaml, line 4: 'a' must stand once, and is in line 1"
    ):
        load("a:\n  x: 1\nb: 2\na:\n  y: 3\n")
    with pytest.raises(MerError, match=r"line 3: 'x' must stand once, and is in line 2 already"):
        load("a:\n  x: 1\n  x: 2\n")
    with pytest.raises(MerError, match=r"line 1: 'x' must stand once, and is in line 1 already"):
        load("a: {x: 1, x: 2}\n")
    assert load("a:\n  x: 1\nb:\n  x: 2\n") == {"a": {"x": 1}, "b": {"x": 2}}


def test_an_alias_is_what_it_stands_for(load):
    assert load("a: &x [1]\nb: *x\n") == {"a": [1], "b": [1]}
    merged = load("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n")
    assert merged == {"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}}


@pytest.mark.parametrize(
    "value", ["off", "Yes", "012", "1:30", "1_000", "2020-01-01", "0o17", "0b1"]
)
def test_a_value_that_two_versions_read_differently_is_refused(load, value):
    for content in (f"a: {value}\n", f"{value}: a\n", f"a: [{value}]\n"):
        with pytest.raises(MerError, match=f"params.yaml, line 1: '{value}' must mean one thing"):
            load(content)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"a: caf\xe9\n", "must be in UTF-8 .*; save it as UTF-8"),
        ("a: " + "[" * 5000 + "]" * 5000, "is nested too deeply"),
        ("a: " + "9" * 5000, "must be a YAML file .*digits"),
        (BOMB, "its aliases stand for more than 100000 values"),
        (BOMB.replace("[x]", "[]"), "its aliases stand for more than 100000 values"),
        ('a: !!bool "maybe"', r"must be a YAML file \(KeyError: 'maybe'\)"),
        ('a: !!int ""', r"must be a YAML file \(IndexError: .*\)"),
        ("a: &a [*a]", "is nested too deeply"),
        ("a: [", "must be a YAML file"),
    ],
)
def test_what_is_no_file_of_parameters_is_refused_at_once(load, content, match):
    started = time.process_time()
    with pytest.raises(MerError, match=match):
        load(content)
    assert time.process_time() - started < 5
