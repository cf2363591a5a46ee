"""Cause and effect: what two variants of the data did to the same model, beside the control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    literal,
    see_through,
)

COLOURS = {"first": BLUE, "second": VERMILION}

_TICKS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)


def comparison_chart(comparison: Mapping[str, Any], *, title: str = "Cause and effect") -> Chart:
    """Bits per byte by optimizer step of each training, and the difference beside the control's.

    Reads what `comparison.json` holds. While the trainings still run, "first" and "second" (each
    with its "name") and the "runs" begun so far (each with its "name", "side" and "curve") are
    enough. Further trainings of a side, the controls, are dotted in its colour. Intervals are at
    95%: that of the difference counts documents and seeds, those of the controls documents.

    >>> names = {"first": {"name": "all"}, "second": {"name": "a tenth"}}
    >>> run = {"name": "first-0", "side": "first", "curve": [[1, 3.0], [90, 0.9]]}
    >>> comparison_chart({**names, "runs": [run]}).text
    'Cause and effect, in bits per byte of held-out text. all: 0.900 at step 90.'
    """
    names = {side: comparison[side]["name"] for side in COLOURS}
    runs = [run for run in comparison["runs"] if run["curve"]]
    figure = make_subplots(
        rows=1,
        cols=2,
        column_widths=[0.62, 0.38],
        horizontal_spacing=0.14,
        subplot_titles=["bits per byte, held-out text", "difference in bits per byte"],
    )
    for side, colour in COLOURS.items():
        own = [run for run in runs if run["side"] == side]
        mark = {"color": colour, "width": 2.5}
        _curves(figure, own[:1], {"line": mark, "mode": "lines+markers"}, names[side])
        dotted = {"color": see_through(colour, 0.8), "width": 2, "dash": "dot"}
        _curves(figure, own[1:], {"line": dotted, "mode": "lines"}, f"{names[side]}, other seed")
    _differences(figure, comparison)
    entries = [key(COLOURS[side], "●", literal(names[side])) for side in COLOURS]
    subtitle = " &nbsp; ".join([*entries, key(INK, "┈", "other seed: the control")])
    figure.update_layout(
        template=TEMPLATE,
        title={"text": title, "subtitle": {"text": subtitle}},
        margin={"t": 110},
    )
    figure.update_annotations(font={"size": 13, "color": INK})
    figure.update_xaxes(title_text="optimizer step", rangemode="tozero", col=1)
    figure.update_yaxes(
        type="log", tickvals=_TICKS, ticktext=[f"{tick:g}" for tick in _TICKS], col=1
    )
    return Chart(figure=figure, text=_text(title, comparison, names, runs))


def _curves(
    figure: go.Figure, runs: Sequence[Mapping[str, Any]], look: Mapping[str, Any], words: str
) -> None:
    """All these trainings in one trace, so that a live chart keeps its traces."""
    points = [point for run in runs for point in (*run["curve"], (None, None))]
    figure.add_scatter(
        x=[step for step, _ in points],
        y=[bits for _, bits in points],
        hovertemplate=f"{literal(words)} %{{y:.3f}}<extra></extra>",
        row=1,
        col=1,
        **look,
    )


def _differences(figure: go.Figure, comparison: Mapping[str, Any]) -> None:
    """The measured difference above the controls, each with its interval, and the zero."""
    gap = comparison.get("difference")
    gaps = {} if gap is None else {"second<br>less first": gap}
    controls = comparison.get("controls", ())
    again = {
        "same data,<br>other seed" + (f" {i}" if len(controls) > 1 else ""): control
        for i, control in enumerate(controls, start=1)
    }
    for rows, colour in ((gaps, VERMILION), (again, INK)):
        value = [row["value"] for row in rows.values()]
        figure.add_scatter(
            x=value,
            y=list(rows),
            mode="markers",
            marker={"size": 11, "color": colour},
            error_x={
                "array": [row["high"] - row["value"] for row in rows.values()],
                "arrayminus": [row["value"] - row["low"] for row in rows.values()],
                "color": colour,
                "thickness": 2.5,
                "width": 8,
            },
            customdata=[[row["low"], row["high"]] for row in rows.values()],
            hovertemplate="%{x:+.3f} (%{customdata[0]:+.3f} to %{customdata[1]:+.3f})"
            "<extra></extra>",
            row=1,
            col=2,
        )
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False, col=2)
    figure.update_xaxes(
        zeroline=True, zerolinecolor=INK, zerolinewidth=1.5, rangemode="tozero", col=2
    )


def _text(
    title: str,
    comparison: Mapping[str, Any],
    names: Mapping[str, str],
    runs: Sequence[Mapping[str, Any]],
) -> str:
    parts = [f"{title}, in bits per byte of held-out text."]
    for run in runs:
        step, bits = run["curve"][-1]
        first = run["name"].endswith("-0")
        again = "" if first else ", other seed"
        parts.append(f"{names[run['side']]}{again}: {bits:.3f} at step {step:,}.")
    if not runs:
        parts.append("Nothing has been looked at yet.")
    if "sentence" in comparison:
        parts.append(f"On all of that text: {comparison['sentence']}")
    return " ".join(parts)
