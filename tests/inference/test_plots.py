"""The picture of answers."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

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
    system = SimpleNamespace(target=SimpleNamespace(names=QUADRANTS), warning=None)
    answer = SongAnswer(
        name, 8.0, [0.0, 4.0], [4.0, 8.0], [[0.7, 0.1, 0.1, 0.1]] * 2, [None] * 2, [False] * 2
    )
    plots.write(tmp_path / "p.svg", system, [answer])
    assert (tmp_path / "p.svg").read_text().count(f"{shown} -->") == 2  # legend and timeline


def test_the_names_of_all_songs_are_inside_of_the_picture(tmp_path, monkeypatch):
    system = SimpleNamespace(target=SimpleNamespace(names=QUADRANTS), warning=None)
    figures, save = [], Figure.savefig

    def saved(figure, *given, **how):
        figures.append(figure)
        save(figure, *given, **how)

    monkeypatch.setattr(Figure, "savefig", saved)
    found = [
        SongAnswer(
            f"{n}.mp3",
            8.0,
            [0.0, 4.0],
            [4.0, 8.0],
            [[0.7, 0.1, 0.1, 0.1]] * 2,
            [None] * 2,
            [False] * 2,
        )
        for n in range(plots.MOST_LINES)
    ]
    plots.write(tmp_path / "p.png", system, found)
    (figure,) = figures
    (legend,) = figure.legends
    assert len(legend.get_texts()) == plots.MOST_LINES
    assert legend.get_window_extent().y0 >= 0


def test_a_timeline_has_a_gap_where_no_excerpt_was_answered():
    answer = SongAnswer(
        *("a.mp3", 210.0, [0.0, 30.0, 180.0], [30.0, 60.0, 210.0]),
        *([[0.7, 0.1, 0.1, 0.1]] * 3, [None] * 3, [False] * 3),
    )
    axes = Figure().add_subplot()
    plots._timeline(axes, answer, 1)
    drawn = axes.patches[0].get_data()
    assert drawn.edges.tolist() == [0, 30, 60, 180, 210]
    assert np.isnan(drawn.values).tolist() == [False, False, True, False]


@pytest.mark.parametrize(("seconds", "unit"), [(8.0, "seconds"), (180.0, "minutes")])
def test_the_axis_of_the_timelines_has_a_unit_of_their_length(tmp_path, seconds, unit):
    system = SimpleNamespace(target=SimpleNamespace(names=QUADRANTS), warning=None)
    answer = SongAnswer("a.mp3", seconds, [0.0], [seconds], [[0.7, 0.1, 0.1, 0.1]], [None], [False])
    plots.write(tmp_path / "p.svg", system, [answer])
    found = (tmp_path / "p.svg").read_text()
    assert f"{unit} -->" in found


def test_a_system_without_quadrants_is_refused():
    system = SimpleNamespace(
        target=SimpleNamespace(names=("low", "high")), about=SimpleNamespace(target="valence")
    )
    with pytest.raises(MerError, match=r"--plot needs a system .*leave --plot out"):
        plots.check(system)
