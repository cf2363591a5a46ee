"""What all charts share: the look, the colours, and the words that stand in for the picture.

A chart is drawn for everybody. The colours are those of Okabe and Ito (2008), which people with
any of the usual colour blindnesses tell apart; series are named where they are drawn, not in a
legend far away; the background is transparent and the ink a grey that reads on white and on black,
because a figure does not know the theme of the page it lands on; and `text` says what a sighted
person would read off.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio

BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
PALETTE: Final = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
"""Okabe and Ito's colours, those that show on white and on black first."""

INK: Final = "#757575"
"""Text: a contrast of 4.6 on white and of 4.5 on black."""
GRID: Final = "rgba(128, 128, 128, 0.22)"
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
MONO: Final = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

CONFIG: Final[Mapping[str, Any]] = {
    "showSendToCloud": False,
    "displaylogo": False,
    "displayModeBar": "hover",
    "responsive": True,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
}
"""plotly's settings for every chart: no upload button, no logo, the width of the page."""

_AXIS: Final = {
    "gridcolor": GRID,
    "zeroline": False,
    "linecolor": GRID,
    "tickcolor": GRID,
    "automargin": True,
    "ticks": "outside",
    "ticklen": 5,
    "title": {"standoff": 10, "font": {"size": 13}},
}

TEMPLATE: Final = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "title": {
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 14},
            "font": {"size": 16, "weight": 600},
            "subtitle": {"font": {"size": 13}},
        },
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "colorway": list(PALETTE),
        "margin": {"l": 60, "r": 24, "t": 76, "b": 52},
        "height": 400,
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "showlegend": False,
        "hoverlabel": {"font": {"family": FONT, "size": 13}},
        "modebar": {"bgcolor": "rgba(0, 0, 0, 0)", "color": INK, "activecolor": BLUE},
    }
)
pio.templates["tinyllm"] = TEMPLATE


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A plotly `figure`, the `text` that says the same in words, and plotly's `config` for it.

    As the last line of a notebook cell it shows itself, without an upload button.
    """

    figure: go.Figure
    text: str
    config: Mapping[str, Any] = field(default_factory=lambda: dict(CONFIG))

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, Any]:
        picture = {**self.figure.to_plotly_json(), "config": dict(self.config)}
        plain = pio.json.to_json_plotly(picture)
        return {
            "application/vnd.plotly.v1+json": pio.json.from_json_plotly(plain),
            "text/plain": self.text,
        }


def new_figure(title: str, subtitle: str = "", **layout: Any) -> go.Figure:
    """An empty figure in the house style; `layout` goes to plotly's layout as it is.

    >>> new_figure("Loss", height=300).layout.height
    300
    """
    heading = {"text": title, "subtitle": {"text": subtitle or "&nbsp;"}}
    return go.Figure(layout={"template": TEMPLATE, "title": heading, **layout})


def headed(title: str, *lines: str, panels: bool = False) -> dict[str, Any]:
    """The part of a layout that holds a title, several lines below it, and the room for them.

    It begins at the edge of the figure, so that it fits a telephone: up to 36 characters for the
    title and 50 for a line. `panels`: there are headings of panels below.

    >>> headed("Loss", "training", "validation")["title"]["subtitle"]["text"]
    'training<br>validation'
    """
    edge = {"x": 0, "xref": "container", "pad": {"t": 14, "l": 12}}
    subtitle = {"text": "<br>".join(lines) or "&nbsp;"}
    room = 62 + 18 * max(len(lines), 1) + (24 if panels else 0)
    return {"title": {"text": title, "subtitle": subtitle, **edge}, "margin": {"t": room}}


def key(colour: str, mark: str, words: str) -> str:
    """One entry of a subtitle that names a series: its mark in its colour, then its words.

    >>> key("#0072B2", "●", "validation 0.62")
    '<span style="color:#0072B2"><b>●</b></span> validation 0.62'
    """
    return f'<span style="color:{colour}"><b>{mark}</b></span> {words}'


def see_through(colour: str, opacity: float) -> str:
    """The colour `#rrggbb` with an opacity between 0 and 1, as plotly writes it.

    >>> see_through("#0072B2", 0.3)
    'rgba(0, 114, 178, 0.3)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def show_spaces(piece: bytes | str, most: int = 24) -> str:
    """A token as people can read it: spaces and line ends visible, foreign bytes as <xx>.

    Longer than `most` characters, it is cut with an ellipsis.

    >>> show_spaces(b" the\\n")
    '␣the⏎'
    >>> show_spaces(bytes([0xc3]))
    '<c3>'
    """
    if isinstance(piece, bytes):
        piece = piece.decode("utf-8", errors="surrogateescape")
    shown = "".join(_visible(character) for character in piece)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _visible(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no text by itself
        return f"<{code - 0xDC00:02x}>"
    if character in " \n\t":
        return {" ": "␣", "\n": "⏎", "\t": "⇥"}[character]
    return f"<{code:02x}>" if code < 0x20 or code == 0x7F else character


def literal(text: str) -> str:
    """Text that plotly shows as it is: labels may hold tags, and tokens may look like them.

    >>> literal("a<b>c")
    'a&lt;b&gt;c'
    """
    return html.escape(text, quote=False)


def thin(
    x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], most: int = 600
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """At most `most` points: neighbours are averaged, so that a long run draws as fast as a short.

    >>> thin(np.arange(6.0), np.array([1.0, 3, 5, 7, 9, 11]), most=3)
    (array([0.5, 2.5, 4.5]), array([ 2.,  6., 10.]))
    """
    if len(x) <= most:
        return x, y
    groups = np.arange(len(x)) * most // len(x)
    sizes = np.bincount(groups)
    return np.bincount(groups, weights=x) / sizes, np.bincount(groups, weights=y) / sizes


def refresh(figure: go.Figure, chart: Chart) -> None:
    """Redraw `figure`, a live FigureWidget for one, as `chart` without replacing it.

    Charts of one function have the same traces in the same order, so data are swapped in place and
    the browser gets one message. ValueError if the figure was made by another function.

    >>> live = new_figure("a").add_scatter(y=[1.0])
    >>> refresh(live, Chart(figure=new_figure("b").add_scatter(y=[2.0, 3.0]), text=""))
    >>> live.layout.title.text, len(live.data[0].y)
    ('b', 2)
    """
    new = chart.figure
    if [t.type for t in figure.data] != [t.type for t in new.data]:
        raise ValueError(
            f"expected a figure with {len(new.data)} traces like the chart's, got one with "
            f"{len(figure.data)}; start from the figure of the same chart function"
        )
    with figure.batch_update():
        for old, fresh in zip(figure.data, new.data, strict=True):
            old.update(
                {k: v for k, v in fresh.to_plotly_json().items() if k not in ("type", "uid")}
            )
        figure.layout.shapes = new.layout.shapes
        figure.layout.annotations = new.layout.annotations
        figure.update_layout(new.layout.to_plotly_json())


def to_div(chart: Chart, *, with_plotly: bool = False) -> str:
    """The chart as an HTML figure with its words as the caption.

    The page needs plotly.js once: pass `with_plotly=True` for its first chart (about 5 MB, written
    into the page, nothing is fetched).

    >>> 'role="img"' in to_div(Chart(figure=new_figure("a"), text="Nothing yet."))
    True
    """
    div = pio.to_html(
        chart.figure,
        config=dict(chart.config),
        include_plotlyjs=with_plotly,
        full_html=False,
        default_height=f"{chart.figure.layout.height or TEMPLATE.layout.height}px",
    )
    words = html.escape(chart.text)
    return (
        f'<figure style="margin:0"><div role="img" aria-label="{words}">{div}</div>'
        f'<figcaption style="color:{INK};max-width:72ch">{words}</figcaption></figure>'
    )


def to_html(chart: Chart, *, title: str | None = None) -> str:
    """A whole page that shows the chart without any network.

    >>> to_html(Chart(figure=new_figure("Loss"), text="No step yet.")).startswith("<!DOCTYPE html>")
    True
    """
    heading = html.escape(title or html.unescape(chart.figure.layout.title.text or "Chart"))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{heading}</title>"
        f"<style>:root{{color-scheme:light dark}}body{{font-family:{FONT};font-size:15px;"
        "line-height:1.5;margin:1rem auto;max-width:960px;padding:0 1rem}</style></head>"
        f"<body>{to_div(chart, with_plotly=True)}</body></html>\n"
    )
