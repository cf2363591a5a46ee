"""What moved, drawn: habits and words on one axis, influential votes, tokens by their log-ratio."""

import math
import re

import pytest

from tinyllm.figures import influence_chart, log_ratio_tokens, moved_chart
from tinyllm.figures.chart import BLUE, TEMPLATE, VERMILION, refresh, see_through


def change(name, before, after, low, high, group="stories", share=True):
    difference = {"value": after - before, "low": low, "high": high, "n": 100}
    return {
        "name": name,
        "group": group,
        "before": before,
        "after": after,
        "difference": difference,
        "share": share,
    }


def word(text, before, after, where="anywhere"):
    difference = {"value": after - before, "low": after - before - 0.04, "n": 100}
    difference["high"] = after - before + 0.04
    return {"word": text, "where": where, "before": before, "after": after,
            "difference": difference, "p": 0.01}  # fmt: skip


HABITS = [
    change("length in words", 40.0, 30.0, -14.0, -6.0, share=False),
    change("ends by itself", 0.97, 0.98, -0.02, 0.04),
    change("ends by itself", 0.99, 0.99, -0.02, 0.02, group="others"),
]
WORDS = [word("hen", 0.1, 0.35), word("hat", 0.4, 0.2), word("hen", 0.1, 0.35, "last sentence"),
         word("bed", 0.0, 0.2, "last sentence")]  # fmt: skip


def test_a_change_that_may_be_chance_is_hollow_and_called_no_detectable_change():
    chart = moved_chart(HABITS, WORDS, tried=120)
    sure, unsure = chart.figure.data[0].marker.color
    assert sure == BLUE
    assert unsure == "rgba(0, 0, 0, 0)"
    assert "length in words from 40.0 to 30.0 (-25.0%, 95% interval -35.0 to -15.0)" in chart.text
    assert "ends by itself from 97% to 98% (no detectable change)" in chart.text


def test_a_length_is_drawn_in_per_cent_of_what_it_was_and_a_share_in_points():
    dots = moved_chart(HABITS, [], tried=0).figure.data[0]
    assert list(dots.x) == pytest.approx([-25.0, 1.0])
    assert list(dots.error_x.arrayminus) == pytest.approx([10.0, 3.0])


def test_words_gained_and_lost_point_both_ways_on_the_axis_of_the_habits():
    chart = moved_chart(HABITS, WORDS, tried=120)
    bars = chart.figure.data[-1]
    assert list(bars.x) == pytest.approx([25.0, 20.0, -20.0])
    assert list(bars.marker.color) == [BLUE, BLUE, VERMILION]
    assert chart.figure.layout.yaxis2.ticktext == ("hen", "bed, at the end", "hat")
    assert chart.figure.layout.xaxis.range == chart.figure.layout.xaxis2.range
    assert 'More often: "hen" 10% to 35%, "bed, at the end" 0% to 20%.' in chart.text
    assert 'Less often: "hat" 40% to 20%. Of 120 words looked at, 4 changed' in chart.text


def test_where_no_word_is_beyond_chance_the_chart_says_so():
    chart = moved_chart(HABITS, [], tried=120)
    assert "no detectable change among the 120 looked at" in chart.text
    assert any("no detectable change" in note.text for note in chart.figure.layout.annotations)


def test_shorter_answers_are_named_as_a_reason_for_fewer_words():
    assert moved_chart(HABITS, WORDS, tried=9).text.endswith("fewer of most words.")
    assert "fewer" not in moved_chart(HABITS[1:], WORDS, tried=9).text


def test_words_that_look_like_tags_are_drawn_as_they_are():
    chart = influence_chart([("<b>no</b>", False, 0.2)])
    assert any("&lt;b&gt;no" in note.text for note in chart.figure.layout.annotations)
    assert 'disliked "<b>no</b>" 0.20 sd' in chart.text


@pytest.mark.parametrize(
    "chart",
    [
        moved_chart(HABITS, WORDS, tried=9),
        moved_chart([], [], tried=0),
        influence_chart([("A fox.", True, 0.3), ("A bed.", False, 0.1)]),
        influence_chart([]),
    ],
)
def test_the_charts_wear_the_template_and_have_words(chart):
    assert chart.figure.layout.template == TEMPLATE
    assert chart.text.endswith(".")
    assert {trace.type for trace in chart.figure.data} <= {"scatter", "bar"}


def test_a_liked_vote_and_a_disliked_one_differ_in_colour_and_in_mark():
    chart = influence_chart([("A fox.", True, 0.3), ("A bed.", False, 0.1)])
    assert list(chart.figure.data[0].marker.color) == [BLUE, VERMILION]
    marks = [note.text[0] for note in chart.figure.layout.annotations]
    assert marks == ["▲", "▼"]
    fewer = influence_chart([("A hen.", True, 0.9)])
    refresh(chart.figure, fewer)
    assert list(chart.figure.data[0].x) == [0.9]


def test_the_sum_of_the_tokens_is_said_as_the_log_ratio_of_the_answer():
    drawn = log_ratio_tokens([" a", " b", " c"], [-1.0, -2.0, -0.5], [-1.5, -0.25, -0.5])
    total = (-1.5 - 0.25 - 0.5) - (-1.0 - 2.0 - 0.5)
    assert f"add up to {total:+.2f} nats" in drawn.text
    assert f"{math.exp(total):.1f} times as likely" in drawn.text


def test_a_token_is_coloured_by_its_log_ratio_and_shows_both_probabilities():
    logs = [math.log(0.2), math.log(0.5)], [math.log(0.01), math.log(0.5)]
    drawn = log_ratio_tokens([" hen", "."], *logs, legend=False)
    hen, stop = re.findall(r'<span title="([^"]*)" style="[^"]*background:([^"]*)">', drawn.html)
    assert hen == ("20.0% to 1.0%, -3.00 nats", see_through(VERMILION, 0.549))
    assert stop[1] == see_through(VERMILION, 0.0)
    better = log_ratio_tokens([" hen"], [-9.0], [-1.0], legend=False)
    assert see_through(BLUE, 0.55) in better.html


def test_tokens_are_escaped_and_lonely_bytes_visible():
    drawn = log_ratio_tokens(["<b>", b"\xc3"], [-1.0, -1.0], [-1.0, -3.0])
    assert "<b>" not in drawn.html
    assert "&lt;b&gt;" in drawn.html
    assert '"<c3>" -2.00' in drawn.text
    assert drawn._repr_html_() == drawn.html


def test_an_answer_that_nothing_changed_says_so():
    drawn = log_ratio_tokens(["a"], [-1.0], [-1.0])
    assert drawn.text.endswith("this answer is as likely as before. No token moved.")


def test_every_token_needs_both_probabilities():
    with pytest.raises(ValueError, match="got 2 tokens, 2 before and 1 after"):
        log_ratio_tokens(["a", "b"], [-1.0, -1.0], [-1.0])
