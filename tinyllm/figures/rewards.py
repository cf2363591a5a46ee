"""Curves of learning from preferences: the reward model, then the policy that follows it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tinyllm.events import Evaluation, Event, Step
from tinyllm.figures.chart import (
    BLUE,
    GREEN,
    INK,
    PURPLE,
    TEMPLATE,
    VERMILION,
    Chart,
    key,
    see_through,
    thin,
)
from tinyllm.figures.loss import running_mean

RLHF_PANELS = (
    ("reward", "reward"),
    ("kl", "KL, nats a sequence"),
    ("length", "length, tokens"),
    ("finished", "share that ends by itself"),
)
"""What `rlhf_chart` reads from a step's metrics, and what it writes above each panel."""
IMITATION_PANELS = (
    ("imitated", "loss on what is imitated, nats a token"),
    ("moved", "KL where nothing should change, nats a token"),
    ("reward", "reward, other questions"),
    ("kl", "KL, nats a sequence, other questions"),
)
"""The same where answers that were written before are imitated: the policy says nothing itself
then, and its reward and KL are known from trials."""


def pair_accuracy_chart(
    events: Iterable[Event],
    *,
    accuracy: str = "accuracy",
    title: str = "The reward model learns which answer people prefer",
) -> Chart:
    """Two panels for a reward model: its loss with the ruler ln 2, its accuracy with the ruler ½.

    A model that cannot tell chosen from rejected has the Bradley-Terry loss -ln ½ = ln 2 = 0.69 and
    is right half the time. `accuracy` (share of pairs in which the chosen answer scores higher) is
    read from the metrics of `Step` and `Evaluation` events, an Evaluation's loss from "loss".

    >>> pair_accuracy_chart([]).text
    'The reward model learns which answer people prefer: no step yet.'
    """
    events = list(events)
    steps = [e for e in events if isinstance(e, Step) and math.isfinite(e.loss)]
    checks = [e for e in events if isinstance(e, Evaluation)]
    figure = _panels(["loss, nats a pair", "accuracy on pairs"], title)
    x = np.array([s.step for s in steps], dtype=float)
    curves = (
        (1, running_mean(np.array([s.loss for s in steps])), "loss", math.log(2), "guessing, ln 2"),
        (2, _metric(steps, accuracy), accuracy, 0.5, "guessing"),
    )
    last = max((s.steps for s in steps), default=1)
    words, entries = [], [key(BLUE, "━", "training pairs"), key(VERMILION, "●", "held-out pairs")]
    for column, values, name, ruler, label in curves:
        seen = [(e.step, e.metrics[name]) for e in checks if name in e.metrics]
        curve = values if column == 1 else running_mean(values[np.isfinite(values)])
        at = x if column == 1 else x[np.isfinite(values)]
        _line(figure, at, curve, column, BLUE)
        figure.add_scatter(
            x=[s for s, _ in seen],
            y=[v for _, v in seen],
            mode="lines+markers",
            line={"color": VERMILION, "width": 1.5},
            marker={"size": 8},
            row=1,
            col=column,
            hovertemplate="held out %{y:.3f}<extra></extra>",
        )
        figure.add_scatter(
            x=[0, last],
            y=[ruler, ruler],
            mode="lines+text",
            line={"dash": "dash", "color": INK, "width": 1.5},
            text=["", label],
            textposition="bottom left" if column == 2 else "top left",
            textfont={"color": INK},
            hoverinfo="skip",
            row=1,
            col=column,
        )
        final = seen[-1][1] if seen else (curve[-1] if len(curve) else None)
        if final is not None:
            words.append(
                f"{'loss' if column == 1 else 'accuracy'} {final:.2f} ({label}: {ruler:.2f})"
            )
    figure.update_layout(title_subtitle_text=" &nbsp; ".join(entries))
    figure.update_xaxes(title_text="optimizer step", range=[0, last * 1.01])
    figure.update_yaxes(range=[0, 1], col=2, tickformat=".0%")
    figure.update_yaxes(rangemode="tozero", col=1)
    on = "held-out pairs" if checks else "training pairs"
    state = f"on {on}, {'; '.join(words)}" if words else "no step yet"
    return Chart(figure=figure, text=f"{title}: {state}.")


def rlhf_chart(
    events: Iterable[Event],
    *,
    panels: Sequence[tuple[str, str]] | None = None,
    title: str = "Learning from reward",
) -> Chart:
    """Four small panels by step: reward, KL to the reference, length, share of finished answers.

    The first must rise and the second stay small; the other two show *how* the reward was earned.
    Dots are trials on questions that were not trained on. `panels` are (key in the metrics,
    heading); a metric that no step and no trial has leaves its panel empty. The loss of policy
    optimisation is not drawn, it need not fall; that of imitation is.

    >>> rlhf_chart([]).text
    'Learning from reward: no step yet.'
    """
    events = list(events)
    steps = [e for e in events if isinstance(e, Step)]
    trials = [e for e in events if isinstance(e, Evaluation) and "best_step" not in e.metrics]
    if panels is None:
        imitates = any("imitated" in step.metrics for step in steps)
        panels = IMITATION_PANELS if imitates else RLHF_PANELS
    figure = _panels([words for _, words in panels], title, columns=2)
    x = np.array([s.step for s in steps], dtype=float)
    colours = (GREEN, VERMILION, BLUE, PURPLE)
    words = []
    for i, (name, heading) in enumerate(panels):
        values = _metric(steps, name)
        there = np.isfinite(values)
        curve = running_mean(values[there], window=5)
        place = {"row": i // 2 + 1, "column": i % 2 + 1}
        _line(figure, x[there], values[there], colour=see_through(colours[i % 4], 0.35), width=1,
              **place)  # fmt: skip
        _line(figure, x[there], curve, colour=colours[i % 4], **place)
        seen = [(e.step, e.metrics[name]) for e in trials if name in e.metrics]
        figure.add_scatter(
            x=[step for step, _ in seen],
            y=[value for _, value in seen],
            mode="lines+markers" if not len(curve) else "markers",
            line={"color": colours[i % 4], "width": 1.5},
            marker={"size": 8, "color": colours[i % 4]},
            row=i // 2 + 1,
            col=i % 2 + 1,
            hovertemplate="other questions %{y:.3f}<extra></extra>",
        )
        share = name == "finished"
        scale = {"range": [0, 1.02], "autorange": False} if share else {"autorange": True}
        tick = ".0%" if share else ""  # said each time, for a figure that is drawn anew in place
        figure.update_yaxes(tickformat=tick, **scale, row=i // 2 + 1, col=i % 2 + 1)
        said = list(curve) if len(curve) else [value for _, value in seen]
        if said:
            words.append(f"{heading} from {_said(said[0])} to {_said(said[-1])}")
    last = max((s.steps for s in steps), default=1)
    figure.update_xaxes(range=[-0.02 * last, last * 1.02])
    figure.update_xaxes(title_text="optimizer step", row=(len(panels) + 1) // 2)
    figure.update_yaxes(exponentformat="none")
    key_words = "pale: each step; dark: running mean; dots: other questions"
    figure.update_layout(height=500, title_subtitle_text=key_words)
    state = f"step {steps[-1].step} of {last}; {'; '.join(words)}" if steps and words else None
    return Chart(figure=figure, text=f"{title}: {state or 'no step yet'}.")


def _said(value: float) -> str:
    """A number in words: three digits, and 0 for what is nothing but rounding.

    >>> _said(-1.77e-11), _said(0.1234), _said(17.55)
    ('0', '0.123', '17.6')
    """
    return f"{round(value, 3) + 0.0:.3g}"


def _panels(headings: Sequence[str], title: str, columns: int = 2) -> go.Figure:
    rows = (len(headings) + columns - 1) // columns
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=list(headings),
        vertical_spacing=0.2,
        horizontal_spacing=0.12,
    )
    heading = {"text": title, "subtitle": {"text": "&nbsp;"}}
    figure.update_layout(template=TEMPLATE, title=heading, margin={"t": 110})
    figure.update_annotations(font={"size": 13, "color": INK})
    return figure


def _metric(steps: Sequence[Step], name: str) -> np.ndarray[Any, Any]:
    return np.array([s.metrics.get(name, math.nan) for s in steps], dtype=float)


def _line(
    figure: go.Figure,
    x: np.ndarray[Any, Any],
    y: np.ndarray[Any, Any],
    column: int,
    colour: str,
    row: int = 1,
    width: float = 2.5,
) -> None:
    thin_x, thin_y = thin(x, y)
    figure.add_scatter(
        x=thin_x,
        y=thin_y,
        mode="lines",
        line={"color": colour, "width": width},
        hovertemplate="%{y:.3f}<extra></extra>",
        row=row,
        col=column,
    )
