"""The loss curve, beside the rulers that make it readable.

A loss of 0.7 means nothing by itself. Beside ln V (a fresh model, choosing among all V tokens
alike), the unigram and the bigram loss and, where the language is known, its entropy, it says how
much of what can be learned has been learned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from tinyllm.events import Evaluation, Event, Step
from tinyllm.figures.chart import (
    BLUE,
    INK,
    VERMILION,
    Chart,
    key,
    new_figure,
    see_through,
    thin,
)

LOSS_RULERS = {
    "uniform": "a fresh model, ln V",
    "unigram": "unigram",
    "bigram": "bigram",
    "floor": "the language's entropy",
}
"""The rulers of `loss_chart` from the highest to the lowest, and the words beside their lines."""

_DASHES = ("dot", "dash", "dashdot", "solid")
_OPTIONS = (1.2, 1.5, 2, 3, 5, 10, 30, 100, 1_000, 10_000, 100_000)
_LOSS_TICKS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2, 3, 4, 5, 6, 8, 10, 12)


def loss_chart(
    events: Iterable[Event],
    rulers: Mapping[str, float] | None = None,
    *,
    metric: str = "loss",
    title: str = "Loss while the model learns",
) -> Chart:
    """The loss (nats a token, logarithmic) by optimizer step, and its rulers.

    Draws the `Step` events' training loss, pale as it came and dark as a running mean, and
    `metric` of the `Evaluation` events. `rulers` maps keys of `LOSS_RULERS` to nats a token. The
    axis on the right says the same loss as e^loss: the number of equally likely tokens the model
    chooses among.

    >>> step = Step(stage="base", step=1, steps=9, loss=2.0, tokens=8, seconds=1.0,
    ...             eta_seconds=8.0, learning_rate=0.01)
    >>> loss_chart([step], {"uniform": 7.62}).text[:62]
    'Loss while the model learns, in nats a token, step 1 of 9. The'
    """
    events = list(events)
    steps = [e for e in events if isinstance(e, Step) and math.isfinite(e.loss)]
    checks = [e for e in events if isinstance(e, Evaluation) and metric in e.metrics]
    known = {k: rulers[k] for k in LOSS_RULERS if rulers and rulers.get(k, 0) > 0}
    last = max((s.steps for s in steps), default=max((e.step for e in checks), default=1))

    x = np.array([s.step for s in steps], dtype=float)
    y = np.array([s.loss for s in steps], dtype=float)
    smooth = running_mean(y)
    seen = np.array([e.step for e in checks], dtype=float)
    held_out = np.array([e.metrics[metric] for e in checks], dtype=float)

    entries = [key(BLUE, "━", f"training {smooth[-1]:.2f}")] if len(smooth) else []
    entries += [key(VERMILION, "●", f"validation {held_out[-1]:.2f}")] if len(held_out) else []
    figure = new_figure(title, " &nbsp; ".join(entries) or "no step yet")
    (raw_x, raw_y), (mean_x, mean_y) = thin(x, y), thin(x, smooth)
    figure.add_scatter(
        x=raw_x,
        y=raw_y,
        mode="lines",
        line={"width": 1, "color": see_through(BLUE, 0.35)},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=mean_x,
        y=mean_y,
        mode="lines",
        line={"width": 2.5, "color": BLUE},
        customdata=np.exp(mean_y),
        hovertemplate="training %{y:.3f} nats<br>choosing among %{customdata:.1f}<extra></extra>",
    )
    figure.add_scatter(
        x=seen,
        y=held_out,
        mode="lines+markers",
        line={"width": 1.5, "color": VERMILION},
        marker={"size": 8},
        customdata=np.exp(held_out),
        hovertemplate="validation %{y:.3f} nats<br>choosing among %{customdata:.1f}<extra></extra>",
    )
    for (name, words), dash in zip(LOSS_RULERS.items(), _DASHES, strict=True):
        _add_ruler(figure, known.get(name), words, last, dash, below=name == "floor")
    low, high = _range([*raw_y, *held_out, *known.values()])
    _add_options_axis(figure, low, high)
    figure.update_xaxes(title_text="optimizer step", range=[0, last * 1.01], showgrid=False)
    return Chart(
        figure=figure, text=_loss_text(title, steps, smooth, checks, held_out, known, last)
    )


def running_mean(values: np.ndarray[Any, Any], window: float = 20) -> np.ndarray[Any, Any]:
    """Exponential running mean over about `window` values, fewer at the start.

    A loss falls steeply at first, and a long memory would draw it too late and too high. So the
    memory grows: a tenth of the values so far, `window` at most.

    >>> running_mean(np.array([4.0, 4.0, 4.0]))
    array([4., 4., 4.])
    """
    means = np.empty(len(values))
    mean = 0.0
    for i, value in enumerate(values):
        mean += (float(value) - mean) / max(1.0, min(window, i / 10))
        means[i] = mean
    return means


def _add_ruler(
    figure: go.Figure,
    value: float | None,
    words: str,
    last: float,
    dash: str,
    *,
    below: bool = False,
) -> None:
    label = "" if value is None else f"{words} {value:.2f}"
    figure.add_scatter(
        x=[] if value is None else [0, last * 1.01],
        y=[] if value is None else [value, value],
        mode="lines+text",
        line={"width": 1.5, "dash": dash, "color": INK},
        text=["", label],
        textposition="bottom left" if below else "top left",
        textfont={"color": INK, "size": 13},
        hoverinfo="skip",
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    finite = [v for v in values if v > 0]
    low, high = min(finite, default=0.5), max(finite, default=8.0)
    return low / 1.25, high * 1.25


def _add_options_axis(figure: go.Figure, low: float, high: float) -> None:
    # An axis is drawn only where a trace uses it, hence the empty one.
    figure.add_scatter(x=[], y=[], yaxis="y2", hoverinfo="skip")
    span = [math.log10(low), math.log10(high)]
    apart = math.log(high / low) / 11
    ticks = _spread([t for t in _LOSS_TICKS if low <= t <= high], apart)
    counts = [
        round(math.exp(t), 1)
        for t in _spread([math.log(n) for n in _OPTIONS if low <= math.log(n) <= high], apart)
    ]
    figure.update_layout(
        margin={"r": 84},
        yaxis={
            "type": "log",
            "range": span,
            "title": {"text": "nats a token"},
            "tickvals": ticks,
            "ticktext": [f"{t:g}" for t in ticks],
        },
        yaxis2={
            "type": "log",
            "range": span,
            "overlaying": "y",
            "matches": "y",
            "side": "right",
            "showgrid": False,
            "title": {"text": "choosing among … tokens"},
            "tickvals": [math.log(n) for n in counts],
            "ticktext": [f"{n:,g}" for n in counts],
        },
    )


def _spread(values: Sequence[float], apart: float) -> list[float]:
    """Of rising values those that keep a distance of `apart` on a logarithmic axis."""
    kept: list[float] = []
    for value in values:
        if not kept or math.log(value / kept[-1]) >= apart:
            kept.append(value)
    return kept


def _loss_text(
    title: str,
    steps: Sequence[Step],
    smooth: np.ndarray[Any, Any],
    checks: Sequence[Evaluation],
    held_out: np.ndarray[Any, Any],
    known: Mapping[str, float],
    last: int,
) -> str:
    if not steps and not checks:
        return f"{title}: no step yet."
    now = steps[-1].step if steps else checks[-1].step
    parts = [f"{title}, in nats a token, step {now} of {last}."]
    if steps:
        parts.append(
            f"The training loss went from {steps[0].loss:.2f} to {smooth[-1]:.2f} (running mean), "
            f"which is choosing among {math.exp(smooth[-1]):.1f} equally likely tokens."
        )
    if checks:
        parts.append(f"On validation text it is {held_out[-1]:.2f} at step {checks[-1].step}.")
    if known:
        lines = ", ".join(f"{LOSS_RULERS[k]} {v:.2f}" for k, v in known.items())
        parts.append(f"Rulers: {lines}.")
        value = held_out[-1] if checks else smooth[-1]
        under = [LOSS_RULERS[k] for k, v in known.items() if value < v and k != "floor"]
        if under:
            parts.append(f"The lowest one that the model is below: {under[-1]}.")
        if "floor" in known:
            parts.append(f"The entropy is {value - known['floor']:.2f} further down.")
    return " ".join(parts)
