"""The report of values of valence and arousal."""

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from mer import metrics
from mer.predictions import ValuePredictions
from mer.report import page, values
from mer.report.axis import Axis
from mer.types import QUADRANTS, Track

RUN = {
    "model": "svm",
    "dataset": "pmemo",
    "view": "none",
    "family": "compare",
    "augment": "none",
    "protocol": "cv10",
    "fidelity": "described",
    "profile": "paper",
    "seed": 1,
    "shares_artists": True,
    "n_quarantined": 0,
}
TRACKS = [Track(f"c{i:02}", QUADRANTS[i % 4], artist=f"artist {i // 2}") for i in range(24)]
CORPUS = {"citation": "", "license": "", "source": ""}
NOTHING = pd.DataFrame(columns=["id", "path", "reason"])
TARGETS = {
    "valence_value": ("valence",),
    "arousal_value": ("arousal",),
    "valence_arousal": ("valence", "arousal"),
}


def predictions(names, rng, repeats=2):
    """Noisy predictions on a scale of 1 to 9; clip c00 is far off."""
    frames = []
    for repeat in range(repeats):
        wanted = np.random.default_rng(0).uniform(2, 8, (24, len(names)))
        found = (wanted + rng.normal(0, 0.5, wanted.shape)).clip(1, 9)
        found[0] = np.where(wanted[0] > 5, 1, 9)
        parts = {"y": wanted, "p": found.round(4), "constant": np.full(wanted.shape, 5.0)}
        columns = {f"{k}_{n}": v[:, i] for k, v in parts.items() for i, n in enumerate(names)}
        facts = {"id": [t.id for t in TRACKS], "repeat": repeat, "fold": np.arange(24) % 3}
        frames.append(pd.DataFrame({**facts, **columns}))
    return ValuePredictions(pd.concat(frames, ignore_index=True), names, (1.0, 9.0))


@pytest.fixture(params=TARGETS)
def shown(request, rng):
    """Target, predictions, figures and page."""
    found = predictions(TARGETS[request.param], rng)
    figures = {**RUN, "target": request.param, **metrics.summary(found, seed=1)}
    return request.param, found, figures, page.render(figures, found, TRACKS, NOTHING, [], CORPUS)


def test_every_score_its_interval_and_the_constant_are_on_the_page(shown):
    _, _, figures, markup = shown
    text = unescape(re.sub(r"<[^>]*>", " ", markup))
    names = [k for k in figures if k.split("_")[0] in ("ccc", "rmse", "r2", "pearson", "constant")]
    missing = [k for k in names if not k.endswith("_sd") and f"{figures[k]:.4f}" not in text]
    assert len(names) > 12
    assert missing == []


def test_every_clip_is_a_point_and_two_values_are_a_line_in_the_plane(shown):
    target, _, _, markup = shown
    plots = {"valence_arousal": 3}.get(target, 1)
    assert len(re.findall(r"<title>c\d\d</title>", markup)) == 24 * plots
    assert (markup.count('class="error"') == 24) is (target == "valence_arousal")
    assert ("Russell's plane" in markup) is (target == "valence_arousal")


def test_the_largest_error_comes_first(shown):
    _, found, _, _ = shown
    assert values.context({"ccc": 0.5, "ccc_sd": 0.1}, found, TRACKS)["errors"][0]["id"] == "c00"


def test_points_lie_where_the_scale_says(rng):
    found = predictions(("valence",), rng, repeats=1)
    (panel,) = values.context({"ccc": 0.5, "ccc_sd": 0.1}, found, TRACKS)["panels"]
    row = found.frame.iloc[5]
    expected = ("c05", (row["y_valence"] - 1) / 8, (row["p_valence"] - 1) / 8)
    assert panel["points"][5] == pytest.approx(expected)


def test_an_axis_of_correlations_holds_negative_ones():
    assert Axis.around([-0.31, 0.2], lowest=-1).ticks[0] == pytest.approx(-0.5)
    assert Axis.around([-0.99, 0.2], lowest=-1).ticks[0] == -1


class Nesting(HTMLParser):
    """Elements that are open at the end."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, _):
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, _tag, _):
        """An element that is closed in its own tag."""


def test_elements_are_nested(shown):
    parser = Nesting()
    parser.feed(shown[3])
    assert parser.open == []
