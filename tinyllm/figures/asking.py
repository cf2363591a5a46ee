"""What votes are worth: win rate against the number of votes, chosen ones and those by chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tinyllm.figures.chart import (
    BLUE,
    INK,
    TEMPLATE,
    VERMILION,
    Chart,
    key,
    see_through,
)

KINDS = {"thumbs": "a thumb for one answer", "pairs": "the better of two answers"}
WAYS = {
    "random": ("by chance", BLUE, "circle", "●"),
    "active": ("chosen", VERMILION, "square", "■"),
}
"""How questions came to be asked: its words, its colour, its marker and the sign for that."""

Points = list[tuple[int, Mapping[str, float]]]


def labels_chart(
    found: Mapping[str, Any], *, title: str = "What votes are worth, chosen and by chance"
) -> Chart:
    """Win rate by number of votes in two panels, for thumbs and for pairs, with 95% bands over
    people.

    Reads what `tinyllm bench asking --json` prints. A model that learned nothing wins half of its
    duels. The words are about the numbers of votes that both lines have.

    >>> win = {"value": 0.7, "low": 0.65, "high": 0.75, "n": 20}
    >>> labels_chart({"thumbs, random": {"25": {"win": win}}}).text
    'What votes are worth, chosen and by chance. Win rate after 25 thumbs: by chance 0.70.'
    """
    figure = make_subplots(
        rows=1,
        cols=2,
        subplot_titles=list(KINDS.values()),
        shared_yaxes=True,
        horizontal_spacing=0.05,
    )
    told = []
    for column, kind in enumerate(KINDS, start=1):
        lines = {
            way: sorted(
                (int(n), e["win"]) for n, e in found[f"{kind}, {way}"].items() if "win" in e
            )
            for way in WAYS
            if f"{kind}, {way}" in found
        }
        for way, points in lines.items():
            _band(figure, points, see_through(WAYS[way][1], 0.16), column)
        for way, points in lines.items():
            _line(figure, points, way, column)
        told += _words(kind, lines)
    figure.add_hline(y=0.5, line={"dash": "dash", "color": INK, "width": 1.5})
    figure.add_annotation(
        x=1, xref="x domain", xanchor="right", y=0.5, yanchor="bottom", showarrow=False,
        text="nothing learned",
    )  # fmt: skip
    entries = [key(colour, sign, name) for name, colour, _, sign in WAYS.values()]
    subtitle = " &nbsp; ".join([*entries, "bands: 95%, over people"])
    figure.update_layout(
        template=TEMPLATE, title={"text": title, "subtitle": {"text": subtitle}}, margin={"t": 110}
    )
    figure.update_annotations(font={"size": 13, "color": INK})
    figure.update_xaxes(title_text="votes", rangemode="tozero")
    figure.update_yaxes(tickformat=".0%")
    figure.update_yaxes(title_text="share of duels won", col=1)
    return Chart(figure=figure, text=f"{title}. {' '.join(told) or 'Nothing measured yet.'}")


def _line(figure: go.Figure, points: Points, way: str, column: int) -> None:
    name, colour, marker, _ = WAYS[way]
    figure.add_scatter(
        x=[votes for votes, _ in points],
        y=[win["value"] for _, win in points],
        mode="lines+markers",
        cliponaxis=False,
        line={"color": colour, "width": 2.5},
        marker={"size": 9, "symbol": marker, "color": colour},
        customdata=[[win["low"], win["high"]] for _, win in points],
        hovertemplate=f"{name} %{{y:.3f}} (%{{customdata[0]:.3f}} to "
        "%{customdata[1]:.3f})<extra></extra>",
        row=1,
        col=column,
    )


def _band(figure: go.Figure, points: Points, colour: str, column: int) -> None:
    there = [votes for votes, _ in points]
    figure.add_scatter(
        x=[*there, *reversed(there)],
        y=[*(win["high"] for _, win in points), *(win["low"] for _, win in reversed(points))],
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        row=1,
        col=column,
    )


def _words(kind: str, lines: Mapping[str, Points]) -> list[str]:
    """A sentence for each number of votes that all lines have."""
    wins = {way: {votes: win["value"] for votes, win in lines[way]} for way in lines}
    shared = set.intersection(*(set(each) for each in wins.values())) if wins else set()
    return [
        f"Win rate after {votes} {kind}: "
        + ", ".join(f"{WAYS[way][0]} {each[votes]:.2f}" for way, each in wins.items())
        + "."
        for votes in sorted(shared)
    ]
