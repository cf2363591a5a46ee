"""What was found of one person's taste, beside the taste itself where it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tinyllm.figures.chart import (
    GREEN,
    INK,
    TEMPLATE,
    VERMILION,
    Chart,
    headed,
    key,
    literal,
    see_through,
)

SHOWN: Final = 8
"""So many findings are drawn, the surest first."""
WORTH_SAYING: Final = 0.5
"""What is less probable than this is drawn pale, and not said to be known."""


def taste_found_chart(
    learned: Sequence[tuple[str, float, float]],
    hidden: Mapping[str, float] | None = None,
    *,
    agreement: Mapping[str, float] | None = None,
    votes: int | None = None,
    title: str | None = None,
) -> Chart:
    """What the votes seem to be about: for a simulated person, below what they are about.

    `learned` lists (feature, probability that it matters, pull), as `ThumbReward.learned` does; a
    pull above 0 speaks for an answer. `hidden` maps the properties of a simulated person's taste
    to their weights. The two lists have words of their own: no bar of one is the same thing as a
    bar of the other. Whether they mean the same is measured: `agreement` ("value", "low", "high",
    "n" prompts) is the correlation of the person's score with the reward, of answers to one prompt.

    >>> taste_found_chart([("word hen", 0.97, 1.2)], {"animal": 1.0}).text[:68]
    'A hidden taste, and what was found. Hidden: animal +1.0. Found: word'
    >>> taste_found_chart([], votes=0).text
    'What your votes are about. No vote yet.'
    """
    learned = list(learned)[:SHOWN] if votes != 0 else []
    title = title or (
        "A hidden taste, and what was found" if hidden else "What your votes are about"
    )
    upper = dict(hidden or {})
    rows, shown = max(len(upper), 1), max(len(learned), 1)
    figure = make_subplots(
        rows=2 if hidden else 1,
        cols=1,
        row_heights=[rows / (rows + shown), shown / (rows + shown)] if hidden else None,
        vertical_spacing=0.15,
        subplot_titles=["hidden: the weights", "found in the votes: the pulls"] if hidden else None,
    )
    if hidden:
        _add_bars(
            figure,
            [f"{literal(name)}<br>{weight:+.1f}" for name, weight in upper.items()],
            list(upper.values()),
            [0.9] * len(upper),
            row=1,
        )
    _add_bars(
        figure,
        [f"{literal(name)}<br><b>{likely:.0%}</b> sure" for name, likely, _ in learned],
        [pull for _, _, pull in learned],
        [0.9 if likely >= WORTH_SAYING else 0.35 for _, likely, _ in learned],
        row=2 if hidden else 1,
    )
    figure.update_layout(
        template=TEMPLATE,
        **headed(title, *_subtitle(learned, agreement, votes), panels=bool(hidden)),
        height=(230 if hidden else 150) + 42 * (len(upper) + shown),
        bargap=0.35,
    )
    figure.update_layout(margin={"b": 20})
    figure.update_annotations(font={"size": 13, "color": INK}, x=0, xanchor="left")
    text = f"{title}. {_words(learned, upper, agreement, votes)}"
    return Chart(figure=figure, text=text)


def _add_bars(
    figure: go.Figure,
    names: Sequence[str],
    weights: Sequence[float],
    strength: Sequence[float],
    *,
    row: int,
) -> None:
    """A bar a name to the right of zero (for) or to the left (against)."""
    figure.add_bar(
        x=weights,
        y=names,
        orientation="h",
        marker={
            "color": [
                see_through(GREEN if weight > 0 else VERMILION, shade)
                for weight, shade in zip(weights, strength, strict=True)
            ]
        },
        hovertemplate="%{y}: %{x:+.2f}<extra></extra>",
        row=row,
        col=1,
    )
    most = 1.05 * max((abs(weight) for weight in weights), default=1.0)
    figure.update_xaxes(
        range=[-most, most],
        showgrid=False,
        showticklabels=False,
        ticks="",
        zeroline=True,
        zerolinecolor=INK,
        zerolinewidth=1.5,
        row=row,
    )
    figure.update_yaxes(
        autorange="reversed",
        type="category",
        showgrid=False,
        ticks="",
        ticklabelstandoff=8,
        row=row,
    )


def _subtitle(
    learned: Sequence[Any], agreement: Mapping[str, float] | None, votes: int | None
) -> list[str]:
    if not learned:
        return ["no vote yet"]
    sides = f"{key(GREEN, '■', 'for an answer')} &nbsp; {key(VERMILION, '■', 'against it')}"
    lines = [f"{sides} &nbsp; {votes} votes" if votes else sides]
    if agreement:
        ends = f"{agreement['low']:.2f} to {agreement['high']:.2f}"
        lines.append(f"taste and reward correlate {agreement['value']:.2f} ({ends})")
    return lines


def _words(
    learned: Sequence[tuple[str, float, float]],
    hidden: Mapping[str, float],
    agreement: Mapping[str, float] | None,
    votes: int | None,
) -> str:
    parts = []
    if hidden:
        parts.append(f"Hidden: {', '.join(f'{name} {w:+.1f}' for name, w in hidden.items())}.")
    if not learned:
        return " ".join([*parts, "No vote yet."])
    found = ", ".join(
        f"{name} ({'for' if pull > 0 else 'against'}, {likely:.0%} sure)"
        for name, likely, pull in learned
    )
    after = f" after {votes} votes" if votes else ""
    parts.append(f"Found{after}: {found}.")
    if all(likely < WORTH_SAYING for _, likely, _ in learned):
        parts.append("None of it is more likely than not: too few votes to say.")
    if agreement:
        parts.append(
            f"Between answers to the same prompt, score and reward correlate "
            f"{agreement['value']:.2f} (95% interval {agreement['low']:.2f} to "
            f"{agreement['high']:.2f}, {agreement['n']} prompts)."
        )
    return " ".join(parts)
