"""How well votes were foreseen, each before anything was learned from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from plotly.subplots import make_subplots

from tinyllm.figures.chart import (
    BLUE,
    INK,
    TEMPLATE,
    VERMILION,
    Chart,
    headed,
    key,
    new_figure,
    see_through,
)

FEW = 20
"""Fewer votes than this say nothing about a share: its interval is 40 points wide and more."""


def reliability_chart(
    told: Mapping[str, Any], *, title: str = "Does 70% sure mean 7 in 10?"
) -> Chart:
    """A reliability diagram: what was foreseen against what happened, and how often it was said.

    `told` is what `Calibration.to_dict` of `tinyllm.alignment.calibration` gives: "predictions",
    "bins" of equal count ("predicted", and "value", "low", "high", "n" of what happened), "error",
    and what a perfectly calibrated predictor would show at so many votes, "by_chance" and
    "at_most". On the diagonal a prediction means what it says.

    >>> reliability_chart({"predictions": [], "bins": []}).text
    'Does 70% sure mean 7 in 10? No vote yet.'
    """
    predictions, bins = list(told["predictions"]), list(told["bins"])
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.78, 0.22], vertical_spacing=0.05
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dash", "color": INK, "width": 1.5},
        hoverinfo="skip",
        row=1,
        col=1,
    )
    value = np.array([cell["value"] for cell in bins], dtype=float)
    figure.add_scatter(
        x=[cell["predicted"] for cell in bins],
        y=value,
        mode="lines+markers",
        line={"color": see_through(BLUE, 0.5), "width": 2},
        marker={"size": 11, "color": BLUE},
        error_y={
            "array": np.array([cell["high"] for cell in bins]) - value,
            "arrayminus": value - np.array([cell["low"] for cell in bins]),
            "color": BLUE,
            "thickness": 2.5,
            "width": 6,
        },
        customdata=[cell["n"] for cell in bins],
        hovertemplate="foreseen %{x:.0%}, happened %{y:.0%} of %{customdata}<extra></extra>",
        row=1,
        col=1,
    )
    counts, _ = np.histogram(predictions, bins=20, range=(0, 1))
    figure.add_bar(
        x=np.arange(20) / 20 + 0.025,
        y=counts if predictions else [],
        width=0.044,
        marker={"color": see_through(BLUE, 0.5)},
        hovertemplate="%{y} votes foreseen near %{x:.0%}<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_layout(
        template=TEMPLATE,
        **headed(title, *_gap_in_brief(told)),
        height=540,
    )
    figure.add_annotation(
        x=0.03, y=0.97, xref="x", yref="y", xanchor="left", yanchor="top", showarrow=False,
        text="more often<br>than foreseen", align="left", font={"color": INK},
    )  # fmt: skip
    figure.add_annotation(
        x=0.97, y=0.03, xref="x", yref="y", xanchor="right", yanchor="bottom", showarrow=False,
        text="less often<br>than foreseen", align="right", font={"color": INK},
    )  # fmt: skip
    figure.update_xaxes(range=[-0.01, 1.01], tickformat=".0%", dtick=0.25)
    figure.update_xaxes(title_text="foreseen: the chance of a thumb up", row=2)
    figure.update_yaxes(
        range=[-0.02, 1.02], tickformat=".0%", dtick=0.25, title_text="happened", row=1
    )
    figure.update_yaxes(title_text="votes", rangemode="tozero", nticks=3, row=2)
    return Chart(figure=figure, text=f"{title} {_reliability_text(told)}")


def _gap_in_brief(told: Mapping[str, Any]) -> tuple[str, ...]:
    votes = len(told["predictions"])
    if not told["bins"]:
        return (f"{votes} votes: too few to say" if votes else "no vote yet",)
    error, by_chance, at_most = (100 * told[name] for name in ("error", "by_chance", "at_most"))
    verdict = "more than chance" if error > at_most else "no more than chance"
    return (
        f"{votes} votes, off by {error:.0f} points: {verdict}",
        f"(calibrated ones: {by_chance:.0f}, seldom above {at_most:.0f})",
    )


def _reliability_text(told: Mapping[str, Any]) -> str:
    votes = len(told["predictions"])
    if not votes:
        return "No vote yet."
    if not told["bins"]:
        return f"{votes} votes are too few to say."
    shares = "; ".join(
        f"foreseen {cell['predicted']:.0%}, happened {cell['value']:.0%} "
        f"({100 * cell['low']:.0f} to {100 * cell['high']:.0f}, n = {cell['n']})"
        for cell in told["bins"]
    )
    verdict = (
        "more than chance explains"
        if told["error"] > told["at_most"]
        else "chance alone explains it"
    )
    return (
        f"{votes} votes, each foreseen before it was learned from. {shares}. On average the "
        f"predictions are off by {told['error']:.1%}; perfectly calibrated ones would be off by "
        f"{told['by_chance']:.1%}, and by more than {told['at_most']:.1%} one time in twenty: "
        f"{verdict}."
    )


def foreseen_chart(
    running: Sequence[Mapping[str, float]], *, title: str = "Votes foreseen, vote by vote"
) -> Chart:
    """The share of votes foreseen so far, with its band, beside always guessing the commoner one.

    `running` has a row a vote: "votes", "value", "low", "high", "baseline", as `running` of
    `tinyllm.alignment.calibration` gives them.

    >>> foreseen_chart([]).text
    'Votes foreseen, vote by vote: no vote yet.'
    """
    figure = new_figure(title)
    votes = [row["votes"] for row in running]
    figure.add_scatter(
        x=[*votes, *reversed(votes)],
        y=[*(row["high"] for row in running), *(row["low"] for row in reversed(running))],
        mode="lines",
        fill="toself",
        fillcolor=see_through(BLUE, 0.18),
        line={"width": 0},
        hoverinfo="skip",
    )
    lines = (("value", BLUE, "solid", "foreseen"), ("baseline", VERMILION, "dash", "baseline"))
    for name, colour, dash, words in lines:
        figure.add_scatter(
            x=votes,
            y=[row[name] for row in running],
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate=f"{words} %{{y:.0%}} of %{{x}} votes<extra></extra>",
        )
    state, *lines_above = _foreseen_words(running)
    figure.update_layout(**headed(title, *lines_above))
    last = max(votes, default=FEW)
    figure.update_xaxes(title_text="votes", range=[0, last * 1.02])
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", dtick=0.25)
    return Chart(figure=figure, text=f"{title}: {state}.")


def _foreseen_words(running: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    """The last row in full for the text, then in brief for the lines below the title."""
    if not running:
        return "no vote yet", "no vote yet"
    last = running[-1]
    ends = f"{100 * last['low']:.0f} to {100 * last['high']:.0f}"
    if last["votes"] < FEW:
        verdict = "too few votes to say"
    elif last["low"] > last["baseline"]:
        verdict = "better than guessing"
    else:
        verdict = "not distinguishable from guessing"
    state = (
        f"{last['value']:.0%} of {last['votes']:.0f} votes (95% interval {ends}%), where always "
        f"guessing the commoner answer gets {last['baseline']:.0%}: {verdict}"
    )
    return (
        state,
        f"{key(BLUE, '━', 'foreseen')} {last['value']:.0%} ({ends})",
        f"{key(VERMILION, '┅', 'always the commoner answer')} {last['baseline']:.0%}",
        verdict,
    )
