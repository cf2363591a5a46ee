"""Looking inside: where each attention head looks.

Shapes: L layers, H heads, T time (tokens).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from plotly.subplots import make_subplots

from tinyllm.figures.chart import (
    BLUE,
    MONO,
    TEMPLATE,
    Chart,
    literal,
    new_figure,
    see_through,
    show_spaces,
)

_SCALE = [[0.0, see_through(BLUE, 0.04)], [1.0, BLUE]]


def attention_heatmap(
    attention: Any,
    tokens: Sequence[str | bytes],
    *,
    layer: int | None = None,
    head: int | None = None,
) -> Chart:
    """The attention weights (L, H, T, T) of a text: all heads side by side, or one in large.

    Row t of a head says how the token at t divides its attention over itself and those before it,
    so each row sums to 1. Give both `layer` and `head` (from 0) for one head with its tokens beside
    it. ValueError if the shape does not fit the tokens or there is no such head.

    >>> looks_back = np.array([[[[1.0, 0.0], [0.75, 0.25]]]])
    >>> attention_heatmap(looks_back, ["The", " sky"], layer=0, head=0).text[-47:]
    'Strongest: "␣sky" looks back at "The" with 75%.'
    """
    weights = np.asarray(attention, dtype=np.float32)
    T = len(tokens)  # noqa: N806
    if weights.ndim != 4 or weights.shape[2:] != (T, T):
        raise ValueError(
            f"expected weights of shape (layers, heads, {T}, {T}) for {T} tokens, "
            f"got {weights.shape}"
        )
    if layer is None or head is None:
        return _all_heads(weights)
    if not (0 <= layer < weights.shape[0] and 0 <= head < weights.shape[1]):
        raise ValueError(
            f"expected a layer below {weights.shape[0]} and a head below {weights.shape[1]}, "
            f"got layer {layer} and head {head}"
        )
    return _one_head(weights[layer, head], [show_spaces(t, most=14) for t in tokens], layer, head)


def _one_head(weights: np.ndarray[Any, Any], names: list[str], layer: int, head: int) -> Chart:
    T = len(names)  # noqa: N806
    title = f"Layer {layer + 1}, head {head + 1}: who looks at whom"
    figure = new_figure(title, "a row is a token; its strong cells are the tokens it looks at")
    future = np.triu_indices(T, 1)
    shown = weights.copy()
    shown[future] = np.nan
    figure.add_heatmap(
        z=shown,
        colorscale=_SCALE,
        zmin=0,
        zmax=1,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        customdata=np.array(
            [[[literal(a), literal(b)] for b in names] for a in names], dtype=object
        ),
        hovertemplate="%{customdata[0]} looks at %{customdata[1]}: %{z:.0%}<extra></extra>",
        colorbar={"tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
    )
    ticks = {
        "tickvals": np.arange(T),
        "ticktext": [literal(n) for n in names],
        "tickfont": {"family": MONO, "size": 13},
    }
    figure.update_layout(height=min(900, 190 + 24 * T))
    figure.update_xaxes(showgrid=False, tickangle=-60, **ticks)
    figure.update_yaxes(showgrid=False, autorange="reversed", **ticks)
    # What stands out is attention to another token than the first, where idle heads rest.
    before = np.tril(weights, -1)
    row, column = np.unravel_index(int(before.argmax()), before.shape) if T > 1 else (0, 0)
    return Chart(
        figure=figure,
        text=f"Attention of layer {layer + 1}, head {head + 1} over {T} tokens. Strongest: "
        f'"{names[row]}" looks back at "{names[column]}" with {weights[row, column]:.0%}.',
    )


def _all_heads(weights: np.ndarray[Any, Any]) -> Chart:
    layers, heads, T, _ = weights.shape  # noqa: N806
    figure = make_subplots(
        rows=layers, cols=heads, horizontal_spacing=0.02, vertical_spacing=0.25 / max(layers * 2, 1)
    )
    for layer in range(layers):
        for head in range(heads):
            figure.add_heatmap(
                z=weights[layer, head],
                coloraxis="coloraxis",
                hovertemplate=f"layer {layer + 1}, head {head + 1}: token %{{y}} looks at "
                "token %{x}: %{z:.0%}<extra></extra>",
                row=layer + 1,
                col=head + 1,
            )
    heading = {
        "text": "Where each head looks",
        "subtitle": {"text": "rows: the token that looks; columns: the token it looks at"},
    }
    figure.update_layout(
        template=TEMPLATE,
        title=heading,
        height=110 + 150 * layers,
        margin={"t": 110},
        coloraxis={
            "colorscale": _SCALE,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
        },
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(showticklabels=False, ticks="", showgrid=False, autorange="reversed")
    for layer in range(layers):
        figure.update_yaxes(title_text=f"layer {layer + 1}", row=layer + 1, col=1)
    for head in range(heads):
        figure.update_xaxes(
            visible=True,
            showgrid=False,
            side="top",
            showticklabels=False,
            ticks="",
            title_text=f"head {head + 1}",
            row=1,
            col=head + 1,
        )
    kinds = _kinds(weights)
    return Chart(
        figure=figure, text=f"Attention of {layers} × {heads} heads over {T} tokens. {kinds}"
    )


def _kinds(weights: np.ndarray[Any, Any]) -> str:
    """Which heads look mostly at the token before, at the first token, at themselves."""
    T = weights.shape[2]  # noqa: N806
    if T < 3:
        return "The text is too short to tell the heads apart."
    rows = np.arange(2, T)
    patterns = {
        "the token before": weights[:, :, rows, rows - 1].mean(-1),
        "the first token": weights[:, :, rows, 0].mean(-1),
        "the token itself": weights[:, :, rows, rows].mean(-1),
    }
    parts = []
    for words, share in patterns.items():
        found = [f"{a + 1}.{b + 1}" for a, b in zip(*np.where(share > 0.5), strict=True)]
        if found:
            parts.append(f"Mostly at {words} look (layer.head) {', '.join(found)}.")
    return " ".join(parts) or "No head looks mostly at one fixed place."
