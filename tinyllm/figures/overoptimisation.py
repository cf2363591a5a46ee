"""What a policy earns and what that is worth, the further it moves: proxy and gold reward.

The *proxy* is the reward that a policy is trained on or answers are chosen by, the *gold* reward
is what it stands for. Pushed too far, the first goes on rising and the second falls. L. Gao, J.
Schulman, J. Hilton (2022), "Scaling laws for reward model overoptimization", found that against
d = sqrt(KL) the gold reward follows d (alpha - beta d) for best-of-n, d (alpha - beta log d) for
reinforcement learning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from tinyllm.figures.chart import (
    INK,
    PALETTE,
    Chart,
    headed,
    key,
    literal,
    new_figure,
    see_through,
)

Array = np.ndarray[Any, Any]
CURVES: Final[Mapping[str, Callable[..., Array]]] = {
    "best-of-n": lambda d, alpha, beta: d * (alpha - beta * d),
    "rl": lambda d, alpha, beta: d * (alpha - beta * np.log(d)),
}
"""The two forms of the paper, of d = sqrt(KL in nats)."""
PEAKS: Final[Mapping[str, Callable[[float, float], float]]] = {
    "best-of-n": lambda alpha, beta: alpha / (2 * beta),
    "rl": lambda alpha, beta: math.exp(min(alpha / beta - 1, 50.0)),
}
"""The d at which each form is highest, for beta above 0."""
KINDS: Final = {"proxy": ("dot", "circle-open"), "gold": ("solid", "circle")}
"""The dash and the marker of each reward; gold, drawn last, lies on top."""
FEW: Final = 4
"""Fewer points than this do not show whether a curve with two parameters turns."""


def overoptimisation_chart(
    series: Sequence[Mapping[str, Any]],
    *,
    unit: str = "reward, sd of the chat model's answers",
    title: str = "What is earned, what it is worth",
) -> Chart:
    """Proxy (dotted, hollow) and gold reward (solid, filled) against the square root of the KL.

    Each of `series` has a "name" and "rows": mappings with "kl" (nats), "proxy" and "gold", and
    where their 95% intervals are known, "proxy_interval" and "gold_interval" (low, high). With a
    "form" of `CURVES` and a "fit", {"gold": (alpha, beta)} and perhaps "proxy" too, the curves are
    drawn, and the text says where gold is highest and, given "r2", how well the curve fits.
    ValueError if there is no such form.

    >>> rows = [{"kl": 1.0, "proxy": 1.0, "gold": 0.5}, {"kl": 4.0, "proxy": 1.8, "gold": 0.2}]
    >>> overoptimisation_chart([{"name": "RLOO", "rows": rows}]).text[-79:]
    'Highest gold measured: 0.50 at 1.0 nats. At 4.0 nats, gold 0.20 and proxy 1.80.'
    """
    for one in series:
        if "fit" in one and one.get("form") not in CURVES:
            raise ValueError(f"expected a form of {', '.join(CURVES)}, got {one.get('form')!r}")
    figure = new_figure(title)
    words, entries = [], []
    for one, colour in zip((one for one in series if one["rows"]), PALETTE, strict=False):
        rows = sorted(one["rows"], key=lambda row: float(row["kl"]))
        for kind in KINDS:
            _add_band(figure, rows, kind, colour)
            _add_points(figure, one, rows, kind, colour)
        words.append(_words(one, rows))
        entries.append(key(colour, "■", literal(one["name"])))
    marks = "━● gold: what is wanted &nbsp; ┅○ proxy: what is paid"
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    figure.update_layout(
        **headed(title, " &nbsp; ".join(entries) or "nothing measured yet", marks), height=440
    )
    figure.update_layout(margin={"r": 58})
    figure.update_xaxes(title_text="d = √KL, the KL in nats a sequence", rangemode="tozero")
    figure.update_yaxes(title_text=unit, rangemode="tozero")
    told = " ".join(words) or "Nothing measured yet."
    return Chart(figure=figure, text=f"{title}, against the square root of the KL. {told}")


def _add_band(figure: go.Figure, rows: Sequence[Mapping[str, Any]], kind: str, colour: str) -> None:
    """The intervals of the rows as an area; empty where there are none."""
    known = [row for row in rows if row.get(f"{kind}_interval")]
    d = [math.sqrt(row["kl"]) for row in known]
    low, high = ([row[f"{kind}_interval"][end] for row in known] for end in (0, 1))
    figure.add_scatter(
        x=[*d, *reversed(d)],
        y=[*high, *reversed(low)],
        mode="lines",
        fill="toself",
        fillcolor=see_through(colour, 0.16 if kind == "gold" else 0.08),
        line={"width": 0},
        hoverinfo="skip",
    )


def _add_points(
    figure: go.Figure,
    one: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    kind: str,
    colour: str,
) -> None:
    """What was measured, the fitted curve (or else straight lines), and the name at its end."""
    d = np.array([math.sqrt(row["kl"]) for row in rows])
    value = np.array([row[kind] for row in rows], dtype=float)
    fit = one.get("fit", {}).get(kind) if d[-1] > 0 else None
    along = np.linspace(0.0, float(d[-1]), 200)[1:] if fit else d
    curve = CURVES[one["form"]](along, *fit) if fit else value
    dash, symbol = KINDS[kind]
    figure.add_scatter(
        x=along,
        y=curve,
        mode="lines",
        line={"color": colour, "width": 2.5, "dash": dash},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=d,
        y=value,
        mode="markers",
        cliponaxis=False,
        marker={
            "size": 9,
            "color": colour,
            "symbol": symbol,
            "line": {"width": 2, "color": colour},
        },
        customdata=[row["kl"] for row in rows],
        hovertemplate=f"{literal(one['name'])}: {kind} %{{y:.2f}} at %{{customdata:.1f}} nats"
        "<extra></extra>",
    )
    figure.add_annotation(
        x=d[-1], y=curve[-1], text=kind, showarrow=False, xanchor="left", xshift=9,
        yanchor="top" if kind == "gold" else "bottom",
        font={"color": colour},
    )  # fmt: skip


def _words(one: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    best, last = max(rows, key=lambda row: float(row["gold"])), rows[-1]
    parts = [f"{one['name']}, {len(rows)} points."]
    if len(rows) < FEW:
        parts.append("Too few to say whether gold turns.")
    parts.append(f"Highest gold measured: {best['gold']:.2f} at {best['kl']:.1f} nats.")
    if best is not last:
        parts.append(
            f"At {last['kl']:.1f} nats, gold {last['gold']:.2f} and proxy {last['proxy']:.2f}."
        )
    if fit := one.get("fit", {}).get("gold"):
        alpha, beta = fit
        share = f", which explains {one['r2']:.0%} of its variance" if "r2" in one else ""
        parts.append(f"Fitted to gold: alpha {alpha:.2f}, beta {beta:.2f}{share}.")
        highest = PEAKS[one["form"]](alpha, beta) if beta > 0 else math.inf
        if highest**2 <= last["kl"]:
            parts.append(f"That curve is highest at {highest**2:.1f} nats, and falls from there.")
        else:
            parts.append("That curve does not turn within what was measured.")
    return " ".join(parts)
