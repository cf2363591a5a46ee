"""Did votes teach a model somebody's taste? The table of `tinyllm bench taste` as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tinyllm.figures.chart import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    TEMPLATE,
    Chart,
    headed,
    key,
    see_through,
)

Cell = Mapping[str, Any]
Cells = dict[int, Cell]

LINES: Final = {"thumbs": (BLUE, "solid", "circle"), "length only": (ORANGE, "dash", "diamond")}
"""What is drawn against the number of thumbs, and how."""
SAID: Final = {
    "oracle": "the taste itself",
    "thumbs": "the thumbs",
    "length only": "length only",
    "beyond": "rare tastes",
    "nobody": "no thumbs",
    "random reward": "random reward",
    "shuffled": "shuffled",
    "inverted": "upside down",
}
"""The conditions of the bench in words, from what should win most to what should lose."""
LEAST_DISTINCT: Final = 0.9
"""Below this share of the chat model's distinct word pairs a win rate is void: a model that always
says one pleasing sentence would have it, too."""
TURNS: Final = 0.62
"""From this win rate on a name stands to the left of its point, where it has more room."""
FEW: Final = 5
"""An interval over fewer people than this is not to be relied on."""


def taste_chart(
    table: Mapping[str, Any], *, title: str = "What thumbs teach, measured blind"
) -> Chart:
    """Win rate against the chat model by number of thumbs; the controls; what it cost.

    `table` maps a condition to its cells by number of votes, {"thumbs": {"100": {"win": {"value",
    "low", "high", "n"}, "distinct", "kl"}}}, as `summarise` of the bench makes it; other keys are
    passed over. In the middle stand all conditions at the number of votes that most of them have.
    A cell whose answers vary less than `LEAST_DISTINCT` of the chat model's is void, and hollow.

    >>> cell = {"win": {"value": 0.7, "low": 0.6, "high": 0.8, "n": 20}, "distinct": 1.0, "kl": 2.0}
    >>> taste_chart({"thumbs": {"100": cell}}).text[:79]
    'What thumbs teach, measured blind. After 100 thumbs: the thumbs 70% (60 to 80, '
    >>> taste_chart({}).text
    'What thumbs teach, measured blind. Nothing measured yet.'
    """
    found = _cells(table)
    at = _most_compared(found)
    heads = (
        "win rate by number of thumbs",
        f"every condition, {at} thumbs" if at else "every condition",
        "variety, chat = 100%",
        "KL, nats",
    )
    figure = make_subplots(
        rows=3,
        cols=2,
        specs=[[{"colspan": 2}, None], [{"colspan": 2}, None], [{}, {}]],
        row_heights=[0.4, 0.38, 0.22],
        vertical_spacing=0.12,
        horizontal_spacing=0.16,
        subplot_titles=heads,
    )
    for name, (colour, dash, symbol) in LINES.items():
        cells = found.get(name, {})
        _add_line(figure, cells, colour, dash, symbol)
        for column, what in ((1, "distinct"), (2, "kl")):
            figure.add_scatter(
                x=list(cells),
                y=[cell[what] for cell in cells.values()],
                mode="lines+markers",
                line={"color": colour, "width": 2.5, "dash": dash},
                marker={"size": 8, "symbol": symbol},
                hovertemplate=f"{SAID[name]}: %{{y:.2f}}<extra></extra>",
                row=3,
                col=column,
            )
    compared = {name: found[name][at] for name in SAID if at in found.get(name, {})}
    _add_controls(figure, compared)
    _add_rulers(figure)
    entries = [key(colour, {"circle": "●"}.get(symbol, "◆"), SAID[name])
               for name, (colour, _, symbol) in LINES.items() if name in found]  # fmt: skip
    people = max((cell["win"]["n"] for cell in compared.values()), default=0)
    note = f"95% intervals over {people} people" if people >= FEW else _too_few(people)
    figure.update_layout(
        template=TEMPLATE,
        **headed(title, " &nbsp; ".join(entries) or "no cell yet", note, panels=True),
        height=880,
    )
    figure.update_annotations(font={"size": 13, "color": INK})
    _set_axes(figure, found)
    return Chart(figure=figure, text=f"{title}. {_words(found, compared, at, people)}")


def _cells(table: Mapping[str, Any]) -> dict[str, Cells]:
    """The cells of each condition by number of votes, rising."""
    return {
        name: {int(n): table[name][n] for n in sorted(table[name], key=int)}
        for name in SAID
        if table.get(name)
    }


def _most_compared(found: Mapping[str, Cells]) -> int:
    """The number of votes that most conditions have; the larger of two. 0 without any."""
    counts: dict[int, int] = {}
    for cells in found.values():
        for n in cells:
            counts[n] = counts.get(n, 0) + 1
    return max(counts, key=lambda n: (counts[n], n), default=0)


def _add_line(figure: go.Figure, cells: Cells, colour: str, dash: str, symbol: str) -> None:
    """The win rate by number of votes, with its band, or a bar where there is one number only."""
    votes = list(cells)
    wins = [cell["win"] for cell in cells.values()]
    value = np.array([win["value"] for win in wins])
    figure.add_scatter(
        x=[*votes, *reversed(votes)],
        y=[*(win["high"] for win in wins), *(win["low"] for win in reversed(wins))],
        mode="lines",
        fill="toself",
        fillcolor=see_through(colour, 0.18),
        line={"width": 0},
        hoverinfo="skip",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=votes,
        y=value,
        mode="lines+markers",
        line={"color": colour, "width": 2.5, "dash": dash},
        marker={
            "size": 10,
            "symbol": _symbols(cells.values(), symbol),
            "line": {"width": 2, "color": colour},
        },
        error_y={
            "array": [win["high"] - win["value"] for win in wins],
            "arrayminus": [win["value"] - win["low"] for win in wins],
            "color": colour,
            "thickness": 2.5,
            "width": 6,
            "visible": len(votes) == 1,
        },
        hovertemplate="%{y:.0%} after %{x} thumbs<extra></extra>",
        row=1,
        col=1,
    )


def _symbols(cells: Any, symbol: str) -> list[str]:
    return [symbol if cell["distinct"] >= LEAST_DISTINCT else f"{symbol}-open" for cell in cells]


def _add_controls(figure: go.Figure, compared: Mapping[str, Cell]) -> None:
    """Each condition's win rate as a point with its interval, in a row that bears its name."""
    colours = {"oracle": GREEN, **{name: look[0] for name, look in LINES.items()}}
    wins = [cell["win"] for cell in compared.values()]
    shades = [colours.get(name, INK) for name in compared]
    for win, name, shade in zip(wins, compared, shades, strict=True):
        figure.add_scatter(
            x=[win["low"], win["high"]],
            y=[SAID[name]] * 2,
            mode="lines",
            line={"color": shade, "width": 3},
            hoverinfo="skip",
            row=2,
            col=1,
        )
    symbols = [
        _symbols([cell], LINES.get(name, ("", "", "circle"))[2])[0]
        for name, cell in compared.items()
    ]
    figure.add_scatter(
        x=[win["value"] for win in wins],
        y=[SAID[name] for name in compared],
        mode="markers",
        marker={
            "size": 12,
            "color": shades,
            "symbol": symbols,
            "line": {"width": 2, "color": shades},
        },
        hovertemplate="%{y}: %{x:.0%}<extra></extra>",
        row=2,
        col=1,
    )
    right = [win["value"] < TURNS for win in wins]
    figure.add_scatter(
        x=[win["high" if side else "low"] for win, side in zip(wins, right, strict=True)],
        y=[SAID[name] for name in compared],
        mode="text",
        text=[
            f" &nbsp;<b>{cell['win']['value']:.0%}</b> {SAID[name]} &nbsp;"
            for name, cell in compared.items()
        ],
        textposition=[f"middle {'right' if side else 'left'}" for side in right],
        cliponaxis=False,
        hoverinfo="skip",
        row=2,
        col=1,
    )


def _add_rulers(figure: go.Figure) -> None:
    """No change: half of the votes are won, and the answers vary as before."""
    ruler = {"line": {"color": INK, "width": 1.5, "dash": "dash"}, "col": 1}
    figure.add_hline(
        y=0.5, row=1, annotation_text="no change", annotation_position="bottom left", **ruler
    )
    figure.add_vline(x=0.5, row=2, **ruler)
    figure.add_hline(y=LEAST_DISTINCT, row=3, **ruler)


def _set_axes(figure: go.Figure, found: Mapping[str, Cells]) -> None:
    votes = sorted({n for name in LINES for n in found.get(name, {})})
    drawn = [cell["win"] for name in LINES for cell in found.get(name, {}).values()]
    low, high = (
        min((w["low"] for w in drawn), default=1),
        max((w["high"] for w in drawn), default=0),
    )
    span = [np.log10(votes[0] / 1.25), np.log10(votes[-1] * 1.25)] if votes else [1.3, 2.4]
    ticks = {
        "type": "log",
        "range": span,
        "tickvals": votes,
        "ticktext": [str(n) for n in votes],
        "tickangle": 0,
    }
    for row, column in ((1, 1), (3, 1), (3, 2)):
        figure.update_xaxes(**ticks, showgrid=False, row=row, col=column)
    figure.update_xaxes(title_text="thumbs", row=3)
    span = [min(low, 0.45) - 0.03, max(high, 0.65) + 0.03]
    figure.update_yaxes(tickformat=".0%", dtick=0.1, range=span, row=1)
    figure.update_xaxes(tickformat=".0%", dtick=0.25, range=[0, 1.005], row=2)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False, visible=False, row=2)
    figure.update_yaxes(tickformat=".0%", nticks=4, row=3, col=1)
    figure.update_yaxes(rangemode="tozero", nticks=4, row=3, col=2)


def _too_few(people: int) -> str:
    some = f"{people} {'person' if people == 1 else 'people'}: too few for an interval"
    return some if people else "nothing measured yet"


def _words(found: Mapping[str, Cells], compared: Mapping[str, Cell], at: int, people: int) -> str:
    if not compared:
        return "Nothing measured yet."
    rates = "; ".join(f"{SAID[name]} {_cell_words(cell)}" for name, cell in compared.items())
    parts = [f"After {at} thumbs: {rates}. 50% is no change."]
    for name in LINES:
        cells = {n: cell for n, cell in found.get(name, {}).items() if n != at}
        if cells:
            others = ", ".join(f"{n} {_cell_words(cell)}" for n, cell in cells.items())
            parts.append(f"{SAID[name].capitalize()} by their number: {others}.")
    if people < FEW:
        parts.append(f"Only {_too_few(people)} to mean much.")
    return " ".join(parts)


def _cell_words(cell: Cell) -> str:
    win = cell["win"]
    void = "" if cell["distinct"] >= LEAST_DISTINCT else "void, "
    return (
        f"{win['value']:.0%} ({100 * win['low']:.0f} to {100 * win['high']:.0f}, {void}variety "
        f"{cell['distinct']:.0%}, KL {cell['kl']:.1f})"
    )
