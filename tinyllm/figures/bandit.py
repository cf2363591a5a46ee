"""Where each way of paying for KL leads, when nothing is left to chance.

A policy over three arms is a point of a triangle: each corner is the policy that always takes one
arm, and the nearer a point is to a corner, the likelier that arm. Over more arms it is bars.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from tinyllm.figures.chart import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    VERMILION,
    Chart,
    headed,
    key,
    new_figure,
    see_through,
)

Array = np.ndarray[Any, Any]
COLOURS: Final = (BLUE, VERMILION, ORANGE, PURPLE, GREEN)
"""One for each place to which ways lead, in the order in which they are given."""
HEIGHT: Final = math.sqrt(3) / 2
"""Of a triangle with sides of 1."""
CORNERS: Final = (("center", "bottom"), ("left", "top"), ("right", "top"))
"""How the name of each arm leans on its corner: top, left, right."""
SAME: Final = 1e-3
"""Ways whose policies differ by less than this (in total variation) are drawn as one."""
_SHADES: Final = [[0.0, see_through(BLUE, 0.02)], [1.0, see_through(BLUE, 0.18)]]


def simplex_chart(
    paths: Mapping[str, Any],
    *,
    rewards: Sequence[float],
    reference: Sequence[float],
    beta: float,
    optima: Mapping[str, Sequence[float]],
    title: str = "Three ways to pay, three ends",
) -> Chart:
    """The triangle of all policies over three arms, and the paths from the reference through it.

    `paths` maps each way of paying to its policies (S, 3), one a step; `optima` names points of
    rest: pi*, and others. The shading is what pi* is the optimum of: expected reward less `beta`
    times the KL (nats) to `reference`. ValueError unless there are three arms.

    >>> way = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
    >>> simplex_chart({"k1": way}, rewards=[1, 0, 0], reference=way[0], beta=0.5,
    ...               optima={"pi*": way[1]}).text.split(". ")[-1]
    'From there k1 leads to 60%, 30%, 10%, which is pi*.'
    """
    if len(rewards) != 3 or len(reference) != 3:
        raise ValueError(
            f"expected three arms, which make a triangle, got {len(rewards)}; "
            "draw more of them with `arms_chart`"
        )
    ways = _alike({name: np.asarray(path, dtype=float) for name, path in paths.items()})
    figure = new_figure(title)
    _add_objective(figure, np.asarray(rewards, dtype=float), np.asarray(reference), beta)
    for (names, path), colour in zip(ways, COLOURS, strict=False):
        x, y = _place(path)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": colour, "width": 3.5},
            customdata=path,
            hovertemplate=f"{names[0]}<br>{_ARMS}<extra></extra>",
        )
        figure.add_scatter(
            x=x[-1:],
            y=y[-1:],
            mode="markers",
            marker={"size": 11, "color": colour},
            hoverinfo="skip",
        )
    marked = {"reference": np.asarray(reference), **{n: np.asarray(p) for n, p in optima.items()}}
    x, y = _place(np.stack(list(marked.values())))
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 17, "symbol": "circle-open", "color": INK, "line": {"width": 2.5}},
        customdata=np.stack(list(marked.values())),
        hovertemplate=f"{_ARMS}<extra></extra>",
    )
    for number, (name, at_x, at_y) in enumerate(zip(marked, x, y, strict=True)):
        side = ("right", "left")[number % 2]  # in turn, so that neighbours do not meet
        figure.add_annotation(
            x=at_x, y=at_y, text=f"<b>{_in_print(name)}</b>", showarrow=False, xanchor=side,
            xshift=-13 if side == "right" else 13, font={"color": INK, "size": 14},
        )  # fmt: skip
    for arm, (sideways, upright) in enumerate(CORNERS):
        (corner_x,), (corner_y,) = _place(np.eye(3)[[arm]])
        figure.add_annotation(
            x=corner_x, y=corner_y, text=f"arm {arm + 1}, reward {rewards[arm]:g}",
            showarrow=False, xanchor=sideways, yanchor=upright,
            yshift=6 if upright == "bottom" else -6, font={"color": INK},
        )  # fmt: skip
    figure.update_layout(
        **headed(title, *_keys(ways, "━●"), "the stronger the blue, the more reward less β KL"),
        height=550,
    )
    figure.update_layout(margin={"b": 32, "l": 12, "r": 12})
    figure.update_xaxes(visible=False, range=[-0.04, 1.04], constrain="domain")
    figure.update_yaxes(
        visible=False, range=[-0.06, HEIGHT + 0.07], scaleanchor="x", constrain="domain"
    )
    return Chart(figure=figure, text=f"{title}. {_path_words(ways, reference, optima)}")


def arms_chart(
    ends: Mapping[str, Sequence[float]],
    *,
    rewards: Sequence[float],
    reference: Sequence[float],
    optima: Mapping[str, Sequence[float]],
    title: str = "Where each way to pay ends",
) -> Chart:
    """Bars for K arms: the reference, where each way of paying ends, and lines for the optima.

    `ends` maps each way to its last policy (K), `optima` names points of rest (K), pi* first.

    >>> arms_chart({"k1": [0.8, 0.2]}, rewards=[1, 0], reference=[0.4, 0.6],
    ...            optima={"pi*": [0.8, 0.2]}).text.split(". ")[-1]
    'k1 ends at 80%, 20%, which is pi*.'
    """
    ways = _alike({name: np.asarray(end, dtype=float)[None] for name, end in ends.items()})
    arms = np.arange(1, len(rewards) + 1)
    width = 0.84 / (len(ways) + 1)
    bars = [(["the reference"], np.asarray(reference, dtype=float)[None]), *ways]
    figure = new_figure(title)
    for number, ((names, end), colour) in enumerate(zip(bars, (INK, *COLOURS), strict=False)):
        figure.add_bar(
            x=arms + (number - len(ways) / 2) * width,
            y=end[0],
            width=0.9 * width,
            marker={"color": see_through(colour, 0.6)},
            hovertemplate=f"{_in_print(names[0])}: %{{y:.1%}}<extra></extra>",
        )
    for (_, policy), dash in zip(optima.items(), ("solid", "dot", "dash"), strict=False):
        figure.add_scatter(
            x=[x for arm in arms for x in (arm - 0.44, arm + 0.44, None)],
            y=[y for share in policy for y in (share, share, None)],
            mode="lines",
            line={"color": INK, "width": 2.5, "dash": dash},
            hoverinfo="skip",
        )
    marks = " &nbsp; ".join(
        key(INK, mark, _in_print(name)) for name, mark in zip(optima, "━┅╌", strict=False)
    )
    first = f"{key(INK, '■', 'reference')} &nbsp; {marks}"
    figure.update_layout(**headed(title, first, *_keys(ways, "■")), height=440)
    figure.update_xaxes(
        tickvals=arms,
        ticktext=[f"arm {arm}<br>{reward:g}" for arm, reward in zip(arms, rewards, strict=True)],
        title_text="arm, and its reward",
        showgrid=False,
        ticks="",
    )
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", title_text="how often it is taken")
    points = "; ".join(f"{name} is {_shares(point)}" for name, point in optima.items())
    parts = [f"{title}. The reference takes the arms with {_shares(reference)}; {points}."]
    for names, end in ways:
        parts.append(f"{', '.join(names)} ends at {_end_words(end[-1], optima)}.")
    return Chart(figure=figure, text=" ".join(parts))


_ARMS: Final = "arms %{customdata[0]:.0%}, %{customdata[1]:.0%}, %{customdata[2]:.0%}"


def _place(policies: Array) -> tuple[Array, Array]:
    """Where policies (S, 3) lie: arm 1 at the top, arm 2 at the left, arm 3 at the right."""
    return policies[:, 0] / 2 + policies[:, 2], HEIGHT * policies[:, 0]


def _add_objective(figure: go.Figure, rewards: Array, reference: Array, beta: float) -> None:
    """Expected reward less beta KL over the triangle, a stronger blue the higher."""
    x, y = np.linspace(0, 1, 241), np.linspace(0, HEIGHT, 209)
    first = y[:, None] / HEIGHT + 0 * x
    third = x[None] - first / 2
    policy = np.stack([first, 1 - first - third, third], axis=-1)
    outside = policy.min(-1) < -1e-9
    policy = policy.clip(1e-12)
    paid = (policy * (rewards - beta * np.log(policy / reference))).sum(-1)
    figure.add_contour(
        x=x,
        y=y,
        z=np.where(outside, np.nan, paid),
        ncontours=9,
        colorscale=_SHADES,
        line={"width": 1, "color": see_through(INK, 0.35)},
        showscale=False,
        hoverinfo="skip",
        connectgaps=False,
    )
    edge_x, edge_y = _place(np.eye(3)[[0, 1, 2, 0]])
    figure.add_scatter(
        x=edge_x, y=edge_y, mode="lines", line={"color": INK, "width": 2}, hoverinfo="skip"
    )


def _alike(paths: Mapping[str, Array]) -> list[tuple[list[str], Array]]:
    """Paths that are the same all the way, as one with all their names."""
    found: list[tuple[list[str], Array]] = []
    for name, path in paths.items():
        for names, other in found:
            if path.shape == other.shape and np.abs(path - other).sum(-1).max() / 2 < SAME:
                names.append(name)
                break
        else:
            found.append(([name], path))
    return found


def _keys(ways: Sequence[tuple[list[str], Array]], mark: str) -> list[str]:
    """The names of each way beside its colour, two in a line."""
    lines = []
    for (names, _), colour in zip(ways, COLOURS, strict=False):
        for first in range(0, len(names), 2):
            words = _in_print("; ".join(names[first : first + 2]))
            lines.append(key(colour, mark, words) if first == 0 else f"&nbsp; &nbsp; {words}")
    return lines or ["no path yet"]


def _in_print(name: str) -> str:
    """Greek letters where the words of the code spell them.

    >>> _in_print("pi*"), _in_print("k3 in the loss, times rho")
    ('π*', 'k3 in the loss, times ρ')
    """
    return name.replace("pi*", "π*").replace("rho", "ρ")


def _path_words(
    ways: Sequence[tuple[list[str], Array]],
    reference: Sequence[float],
    optima: Mapping[str, Sequence[float]],
) -> str:
    points = "; ".join(f"{name} at {_shares(point)}" for name, point in optima.items())
    parts = [f"The reference takes the arms with {_shares(reference)}; {points}."]
    for names, path in ways:
        parts.append(f"From there {', '.join(names)} leads to {_end_words(path[-1], optima)}.")
    return " ".join(parts)


def _end_words(end: Array, optima: Mapping[str, Sequence[float]]) -> str:
    """Where a way ends, and which of the optima that is; or how far it is from the first."""
    far = {name: float(np.abs(end - np.asarray(point)).sum()) / 2 for name, point in optima.items()}
    nearest = min(far, key=lambda name: far[name])
    if far[nearest] < SAME:
        return f"{_shares(end)}, which is {nearest}"
    first = next(iter(far))
    return f"{_shares(end)}, a total variation of {far[first]:.2f} from {first}"


def _shares(policy: Any) -> str:
    return ", ".join(f"{share:.0%}" for share in policy)
