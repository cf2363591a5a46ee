"""What became of the documents on their way into the corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinyllm.figures.chart import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Chart,
    key,
    literal,
    new_figure,
)

NAMED_LETTERS = 75
"""The names of the reasons that have a colour take at most so many letters."""

_REASONS = (VERMILION, ORANGE, PURPLE, GREEN, SKY)


def corpus_chart(
    steps: Sequence[Mapping[str, Any]],
    *,
    title: str = "Documents through the steps",
) -> Chart:
    """For each step of the corpus, how many documents it kept, and how many it dropped and why.

    `steps` are the rows of the dataset card, `card["steps"]`: "step", "kept" and "dropped" (reason
    -> count) in the order in which they ran. The commonest reasons, five at most, have a colour,
    the others share one.

    >>> corpus_chart([{"step": "copies", "kept": 7, "dropped": {"seen before": 2}}]).text
    'Documents through the steps. copies: 7 kept, 2 dropped (seen before 2).'
    """
    rows = [(str(s["step"]), int(s["kept"]), dict(s["dropped"])) for s in steps]
    return _draw(rows, title)


def _draw(steps: Sequence[tuple[str, int, Mapping[str, int]]], title: str) -> Chart:
    totals: dict[str, int] = {}
    for _, _, dropped in steps:
        for reason, count in dropped.items():
            totals[reason] = totals.get(reason, 0) + count
    common = sorted(totals, key=lambda reason: -totals[reason])
    named: list[str] = []
    for reason in common[: len(_REASONS)]:  # as many as a line of the heading has room for
        if sum(map(len, named)) + len(reason) <= NAMED_LETTERS:
            named.append(reason)
    rest = [reason for reason in common if reason not in named]
    bars = [("kept", BLUE, [kept for _, kept, _ in steps])]
    for reason, colour in zip(named, _REASONS, strict=False):
        bars.append((reason, colour, [d.get(reason, 0) for _, _, d in steps]))
    if rest:
        bars.append(
            ("other reasons", "#999999", [sum(d.get(r, 0) for r in rest) for *_, d in steps])
        )
    places = np.arange(len(steps))
    figure = new_figure(title, " &nbsp; ".join(key(c, "■", literal(n)) for n, c, _ in bars))
    for name, colour, counts in bars:
        figure.add_bar(
            x=np.array(counts, dtype=float),
            y=places,
            orientation="h",
            marker={"color": colour},
            hovertemplate=f"{literal(name)}: %{{x:,}}<extra></extra>",
        )
    dropped_text = [f"{k:,}" + (f"  −{sum(d.values()):,}" if d else "") for _, k, d in steps]
    figure.add_scatter(
        x=[k + sum(d.values()) for _, k, d in steps],
        y=places,
        mode="text",
        text=[f" {words}" for words in dropped_text],
        textposition="middle right",
        textfont={"color": INK},
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_layout(
        barmode="stack",
        bargap=0.35,
        height=140 + 34 * max(len(steps), 1),
        margin={"r": 110, "b": 44},
    )
    figure.update_xaxes(rangemode="tozero", tickformat=",d", nticks=6)
    figure.update_yaxes(
        autorange="reversed",
        tickvals=places,
        ticktext=[literal(name) for name, _, _ in steps],
        showgrid=False,
        ticks="",
        ticklabelstandoff=8,
    )
    parts = [_words(name, kept, dropped) for name, kept, dropped in steps]
    return Chart(figure=figure, text=f"{title}. {' '.join(parts)}".strip())


def _words(name: str, kept: int, dropped: Mapping[str, int]) -> str:
    if not dropped:
        return f"{name}: {kept:,} kept."
    why = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
    return f"{name}: {kept:,} kept, {sum(dropped.values()):,} dropped ({why})."
