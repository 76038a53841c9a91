"""The table of scores with drawn intervals."""

import re

from mer.site import intervals
from mer.site.scores import Score

LOW = Score("whole", "<b>", "svm", "", "a.html#x", value=0.5, low=0.4, high=0.6, published=0.45)
HIGH = Score("whole", "B", "mlp", "", "a.html#y", value=0.7, low=0.6, high=0.8)
CONSTANT = Score("constant", "C", "constant", "", "a.html#z", value=0.1, low=0.1, high=0.1)


def test_marks_stand_where_the_ticks_say():
    """The scale is linear, so a tick and a mark of the same value have the same place."""
    markup = intervals.draw("x", [LOW, HIGH], top="")
    ticks = dict(re.findall(r'<text x="([\d.]+%)" y="14">([\d.]+)<', markup))
    places = {float(text): place for place, text in ticks.items()}
    line = re.search(r'class="interval" x1="(.*?)" x2="(.*?)"', markup)
    assert (line[1], line[2]) == (places[0.4], places[0.6])
    assert f'cx="{places[0.5]}"' in markup
    assert f'cx="{places[0.7]}"' in markup
    assert markup.count('class="diamond"') == 1


def test_a_leaderboard_is_sorted_and_numbered():
    markup = intervals.draw("x", [LOW, HIGH, CONSTANT], top="", ranked=True)
    rows = re.findall(r'class="rank">(.*?)</td>\s*<th scope="row"><a href="(.*?)"', markup)
    assert rows == [("1", "a.html#y"), ("2", "a.html#x"), ("", "a.html#z")]


def test_the_constant_predictor_is_not_drawn_and_does_not_stretch_the_scale():
    alone, beside = (intervals.draw("x", [HIGH, *more], top="") for more in ([], [CONSTANT]))
    assert beside.count("<circle") == 1
    assert re.findall(r'<text x="\S+ y="14">(\S+)<', beside) == re.findall(
        r'<text x="\S+ y="14">(\S+)<', alone
    )


def test_text_is_escaped_and_no_line_is_empty():
    """An empty line would end the block of HTML in Markdown."""
    markup = intervals.draw("x", [LOW], top="../")
    assert "&lt;b&gt;" in markup
    assert 'href="../a.html#x"' in markup
    assert "" not in markup.splitlines()
