"""Charts of what alignment taught: they draw what they are given, and say what is not known."""

import math

import numpy as np
import pytest

from tinyllm.alignment.bandit import TERMS, descend, five_arms, three_arms
from tinyllm.alignment.calibration import calibrate, running
from tinyllm.figures import (
    Chart,
    arms_chart,
    foreseen_chart,
    overoptimisation_chart,
    reliability_chart,
    simplex_chart,
    taste_chart,
    taste_found_chart,
    to_html,
)
from tinyllm.figures.bandit import HEIGHT
from tinyllm.figures.chart import TEMPLATE, headed
from tinyllm.figures.taste import SAID

LEARNED = [("word <hen>", 0.97, 1.2), ("length", 0.6, -0.4), ("word snow", 0.2, 0.1)]
PREDICTED, HAPPENED = np.linspace(0.05, 0.95, 60), [0, 0, 1, 0, 1, 1] * 10


def cell(value, *, n=20, distinct=1.0, kl=2.0):
    win = {"value": value, "low": value - 0.05, "high": value + 0.04, "n": n}
    return {"win": win, "distinct": distinct, "kl": kl}


TABLE = {
    "bench": "taste",
    "cells": 9,
    "thumbs": {"100": cell(0.74), "25": cell(0.62), "200": cell(0.9, distinct=0.5)},
    "length only": {"100": cell(0.6, kl=1.2)},
    "inverted": {"100": cell(0.3)},
}


def rows(alpha, beta, bend, kls=(0.25, 1.0, 4.0, 9.0, 16.0)):
    made = []
    for kl in kls:
        d = math.sqrt(kl)
        gold = d * (alpha - beta * bend(d))
        made.append({"kl": kl, "gold": gold, "proxy": d, "gold_interval": [gold - 0.1, gold + 0.1]})
    return made


def bandit_of(bandit):
    return {
        "rewards": bandit.rewards.tolist(),
        "reference": bandit.log_reference.exp().tolist(),
        "optima": {"pi*": bandit.optimum().tolist(), "k3's": bandit.k3_optimum().tolist()},
    }


@pytest.fixture(scope="module", name="charts")
def charts_():
    three, five = three_arms(), five_arms()
    paths = {t: np.stack([s.policy.numpy() for s in descend(three, t)]) for t in TERMS}
    ends = {t: list(descend(five, t))[-1].policy.numpy() for t in TERMS}
    fit = {"form": "best-of-n", "fit": {"gold": (1.0, 0.2)}}
    return {
        "over": overoptimisation_chart([{"name": "n", "rows": rows(1, 0.2, lambda d: d), **fit}]),
        "taste": taste_chart(TABLE),
        "reliability": reliability_chart(calibrate(PREDICTED, HAPPENED).to_dict()),
        "foreseen": foreseen_chart(running(PREDICTED, HAPPENED)),
        "hidden": taste_found_chart(LEARNED, {"animal": 1.0, "sad": -0.5}, votes=50),
        "found": taste_found_chart(LEARNED),
        "simplex": simplex_chart(paths, beta=three.beta, **bandit_of(three)),
        "arms": arms_chart(ends, **bandit_of(five)),
    }


EMPTY = {
    "over": overoptimisation_chart([]),
    "over without rows": overoptimisation_chart([{"name": "n", "rows": []}]),
    "taste": taste_chart({"bench": "taste", "cells": 0}),
    "reliability": reliability_chart(calibrate([], []).to_dict()),
    "foreseen": foreseen_chart([]),
    "hidden": taste_found_chart([], {"animal": 1.0}, votes=0),
    "found": taste_found_chart([], votes=0),
}


def test_every_chart_has_its_words_wears_the_template_and_draws_traces_of_long_standing(charts):
    for name, chart in {**charts, **EMPTY}.items():
        assert isinstance(chart, Chart), name
        assert chart.text.endswith("."), name
        assert chart.figure.layout.template == TEMPLATE, name
        assert {t.type for t in chart.figure.data} <= {"scatter", "bar", "contour"}, name
        assert "nan" not in chart.text, name


def test_titles_and_the_lines_below_fit_a_telephone(charts):
    for name, chart in {**charts, **EMPTY}.items():
        title = chart.figure.layout.title
        assert title.xref == "container", name
        assert len(title.text) <= 36, name
        for line in title.subtitle.text.split("<br>"):
            plain = line.replace("&nbsp;", " ")
            while "<" in plain:
                before, _, after = plain.partition("<")
                plain = before + after.partition(">")[2]
            assert len(plain) <= 52, (name, plain)


def test_without_data_a_chart_says_that_there_are_none():
    for name, chart in EMPTY.items():
        assert chart.text.endswith(("othing measured yet.", "o vote yet.")), name
        assert "yet" in chart.figure.layout.title.subtitle.text, name


def test_more_lines_below_a_title_get_more_room():
    rooms = [headed("t", *["line"] * n)["margin"]["t"] for n in (1, 2, 4)]
    assert rooms == sorted(set(rooms))
    assert headed("t", panels=True)["margin"]["t"] > rooms[0]


@pytest.mark.parametrize(
    ("form", "bend", "peak"),
    [("best-of-n", lambda d: d, (1.0 / 0.4) ** 2), ("rl", math.log, math.exp(2 * (1 / 0.6 - 1)))],
)
def test_the_fitted_curve_runs_through_points_that_follow_it_and_its_peak_is_told(form, bend, peak):
    beta = 0.2 if form == "best-of-n" else 0.6
    chart = overoptimisation_chart(
        [{"name": "x", "rows": rows(1.0, beta, bend), "form": form, "fit": {"gold": (1.0, beta)}}]
    )
    (curve,) = [t for t in chart.figure.data if t.mode == "lines" and len(t.x) == 199]
    marks = [t for t in chart.figure.data if t.mode == "markers"][-1]
    np.testing.assert_allclose(np.interp(marks.x, curve.x, curve.y), marks.y, atol=0.01)
    assert f"That curve is highest at {peak:.1f} nats" in chart.text


def test_a_curve_that_does_not_turn_where_it_was_measured_is_said_not_to():
    for fit in ((1.0, 0.05), (1.0, -0.1)):
        one = {"name": "x", "rows": rows(1, 0.05, lambda d: d), "form": "best-of-n"}
        text = overoptimisation_chart([{**one, "fit": {"gold": fit}}]).text
        assert "does not turn within what was measured" in text
        assert "falls from there" not in text


def test_points_are_drawn_in_the_order_of_their_kl_with_their_bands():
    made = rows(1, 0.2, lambda d: d)
    chart = overoptimisation_chart([{"name": "x", "rows": made[::-1]}])
    gold = [t for t in chart.figure.data if t.mode == "markers"][-1]
    assert list(gold.x) == [0.5, 1, 2, 3, 4]
    band = next(t for t in chart.figure.data if t.fill == "toself" and len(t.x))
    assert max(band.y) == pytest.approx(max(row["gold"] for row in made) + 0.1)
    assert "Too few" in overoptimisation_chart([{"name": "x", "rows": made[:2]}]).text


def test_the_win_rate_is_drawn_by_rising_number_of_thumbs_with_its_band(charts):
    figure = charts["taste"].figure
    line = next(t for t in figure.data if t.mode == "lines+markers")
    assert list(line.x) == [25, 100, 200]
    assert list(line.y) == [0.62, 0.74, 0.9]
    assert list(line.marker.symbol) == ["circle", "circle", "circle-open"]
    band = figure.data[0]
    assert list(band.x) == [25, 100, 200, 200, 100, 25]
    assert list(band.y) == pytest.approx([0.66, 0.78, 0.94, 0.85, 0.69, 0.57])


def test_conditions_are_compared_at_the_number_of_thumbs_that_most_of_them_have(charts):
    assert "After 100 thumbs: the thumbs 74% (69 to 78" in charts["taste"].text
    assert "upside down 30% (25 to 34" in charts["taste"].text
    (points,) = [t for t in charts["taste"].figure.data if t.mode == "markers"]
    assert list(points.x) == [0.74, 0.6, 0.3]
    assert list(points.y) == [SAID[name] for name in ("thumbs", "length only", "inverted")]


def test_a_win_without_variety_is_void(charts):
    assert "200 90% (85 to 94, void, variety 50%" in charts["taste"].text
    assert charts["taste"].text.count("void") == 1


def test_an_interval_over_few_people_is_not_to_be_relied_on():
    chart = taste_chart({"thumbs": {"50": cell(0.7, n=3)}})
    assert "Only 3 people: too few for an interval to mean much." in chart.text
    assert "3 people: too few" in chart.figure.layout.title.subtitle.text
    assert chart.figure.data[1].error_y.visible is True


def test_the_reliability_diagram_draws_bins_with_their_intervals_and_every_prediction(charts):
    told = calibrate(PREDICTED, HAPPENED)
    _, bins, bars = charts["reliability"].figure.data
    assert list(bins.x) == pytest.approx([mean for mean, _ in told.bins])
    assert list(bins.y) == pytest.approx([share.value for _, share in told.bins])
    ends = np.array(bins.y) + np.array(bins.error_y.array)
    assert list(ends) == pytest.approx([share.high for _, share in told.bins], abs=1e-6)
    assert sum(bars.y) == 60


def test_a_gap_that_chance_explains_is_not_called_a_fault():
    told = {**calibrate(PREDICTED, HAPPENED).to_dict(), "error": 0.08, "at_most": 0.09}
    assert reliability_chart(told).text.endswith("chance alone explains it.")
    assert reliability_chart({**told, "error": 0.1}).text.endswith("more than chance explains.")


def test_few_votes_are_too_few_to_say():
    told = calibrate([0.6] * 8, [1] * 8)
    chart = reliability_chart(told.to_dict())
    assert chart.text.endswith("8 votes are too few to say.")
    assert len(chart.figure.data[1].x) == 0
    assert "too few votes to say" in foreseen_chart(running([0.6] * 8, [1] * 8)).text


def test_votes_are_called_foreseen_only_when_the_interval_clears_the_baseline():
    happened = [0, 1] * 30
    right, guessed = ([0.9 if y else 0.1 for y in happened], [0.9, 0.9, 0.1, 0.1] * 15)
    assert foreseen_chart(running(right, happened)).text.endswith("better than guessing.")
    text = foreseen_chart(running(guessed, happened)).text
    assert text.endswith("always guessing the commoner answer gets 50%: not distinguishable from "
                         "guessing.")  # fmt: skip


def test_what_is_hidden_and_what_was_found_stand_apart_around_one_zero(charts):
    hidden, found = charts["hidden"].figure.data
    assert list(hidden.x) == [1.0, -0.5]
    assert list(found.x) == [1.2, -0.4, 0.1]
    layout = charts["hidden"].figure.layout
    assert layout.xaxis.domain == layout.xaxis2.domain
    assert [sum(axis.range) for axis in (layout.xaxis, layout.xaxis2)] == [0, 0]
    assert found.y[0] == "word &lt;hen&gt;<br><b>97%</b> sure"
    assert len(charts["found"].figure.data) == 1


def test_what_is_hardly_sure_is_pale_and_said_to_be_unsure(charts):
    shades = charts["found"].figure.data[0].marker.color
    assert [shade.rsplit(" ", 1)[1] for shade in shades] == ["0.9)", "0.9)", "0.35)"]
    assert "too few votes to say" in taste_found_chart([("length", 0.3, 0.1)], votes=6).text
    assert "too few votes" not in charts["found"].text


def test_the_agreement_with_the_taste_is_told_with_its_interval():
    agreement = {"value": 0.55, "low": 0.48, "high": 0.61, "n": 64}
    chart = taste_found_chart(LEARNED, {"animal": 1.0}, agreement=agreement, votes=50)
    assert chart.text.endswith("0.55 (95% interval 0.48 to 0.61, 64 prompts).")
    assert "0.55 (0.48 to 0.61)" in chart.figure.layout.title.subtitle.text


def test_ways_that_go_the_same_way_are_drawn_as_one(charts):
    lines = [t for t in charts["simplex"].figure.data if t.line.width == 3.5]
    assert len(lines) == 3
    assert "k1 in the reward, k2 in the loss, k3 in the loss, times rho leads" in (
        charts["simplex"].text
    )
    assert "which is pi*" in charts["simplex"].text
    assert "k3 in the loss leads to 56%, 19%, 25%, which is k3's" in charts["simplex"].text


def test_a_policy_lies_where_its_shares_pull_it_and_the_shade_is_darkest_at_the_optimum(charts):
    figure = charts["simplex"].figure
    shade = figure.data[0]
    row, column = np.unravel_index(np.nanargmax(shade.z), np.shape(shade.z))
    first, _, third = three_arms().optimum().tolist()
    assert shade.y[row] == pytest.approx(HEIGHT * first, abs=0.005)
    assert shade.x[column] == pytest.approx(first / 2 + third, abs=0.005)
    edge = figure.data[1]
    assert list(zip(edge.x, edge.y, strict=True))[:3] == [(0.5, HEIGHT), (0, 0), (1, 0)]
    for trace in figure.data[2:]:
        assert min(trace.y) >= 0
        assert max(trace.y) <= HEIGHT + 1e-9


def test_bars_show_the_reference_first_and_lines_the_optima(charts):
    figure = charts["arms"].figure
    bars = [t for t in figure.data if t.type == "bar"]
    assert len(bars) == 4
    assert list(bars[0].y) == pytest.approx([0.1, 0.4, 0.2, 0.05, 0.25])
    optimum = next(t for t in figure.data if t.type == "scatter")
    assert list(optimum.y[::3]) == pytest.approx(list(bars[1].y), abs=1e-3)
    assert "k3 in the reward ends at 100%" in charts["arms"].text


def test_a_page_of_each_chart_is_made_without_any_network(charts):
    assert all(to_html(chart).startswith("<!DOCTYPE html>") for chart in charts.values())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: simplex_chart({}, rewards=[1] * 4, reference=[0.25] * 4, beta=1, optima={}),
            "expected three arms",
        ),
        (
            lambda: overoptimisation_chart(
                [{"name": "x", "rows": rows(1, 1, math.log), "form": "ppo", "fit": {}}]
            ),
            "expected a form of best-of-n, rl, got 'ppo'",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
