"""The picture of answers."""

from types import SimpleNamespace

import pytest

from mer.errors import MerError
from mer.inference import plots
from mer.inference.answers import SongAnswer
from mer.types import QUADRANTS


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("$x^$ and $y$.mp3", "$x^$ and $y$.mp3"),
        ("_hidden.mp3", "_hidden.mp3"),
        ("a\nb\x1b[2J.mp3", r"a b\x1b[2J.mp3"),
        ("<b>&.mp3", "&lt;b&gt;&amp;.mp3"),
    ],
)
def test_a_file_name_is_drawn_as_it_is(tmp_path, name, shown):
    """Matplotlib's SVG has each text that it draws in a comment, too."""
    system = SimpleNamespace(
        target=SimpleNamespace(names=QUADRANTS), about=SimpleNamespace(warning="")
    )
    answer = SongAnswer(
        name, [0.0, 4.0], [4.0, 8.0], [[0.7, 0.1, 0.1, 0.1]] * 2, [None] * 2, [False] * 2
    )
    plots.write(tmp_path / "p.svg", system, [answer])
    assert (tmp_path / "p.svg").read_text().count(f"{shown} -->") == 2  # legend and timeline


def test_a_system_without_quadrants_is_refused():
    system = SimpleNamespace(
        target=SimpleNamespace(names=("low", "high")), about=SimpleNamespace(target="valence")
    )
    with pytest.raises(MerError, match=r"--plot needs a system .*leave --plot out"):
        plots.check(system)
