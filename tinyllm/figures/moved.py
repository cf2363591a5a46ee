"""What a person's thumbs changed: habits and words with their intervals, and which thumbs did it.

Everything here reads plain dictionaries: those of `tinyllm.alignment.moved` through
`dataclasses.asdict`, where a difference is `{"value": …, "low": …, "high": …, "n": …}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tinyllm.figures.chart import (
    BLUE,
    INK,
    PURPLE,
    TEMPLATE,
    VERMILION,
    Chart,
    key,
    literal,
    new_figure,
)

MOST_WORDS = 6
"""Words drawn in each direction."""
ROW = 30
"""Pixels for a row of the chart."""
COLOURS = (BLUE, PURPLE)
NOTHING = "no detectable change"

Fields = Mapping[str, Any]


def moved_chart(
    changes: Sequence[Fields],
    words: Sequence[Fields],
    *,
    tried: int,
    title: str = "What moved",
) -> Chart:
    """Habits as dots with their 95% intervals, and below them the words that came and went.

    `changes` have a name, a group, before, after, a difference, and whether they are a share;
    `words` a word, where it stands, before, after and a difference; `tried` words were looked at.
    One axis serves all: percentage points, and for a length per cent of what it was. A dot is
    filled where the interval leaves out 0.

    >>> change = {"name": "length in words", "group": "stories", "before": 40.0, "after": 30.0,
    ...           "difference": {"value": -10.0, "low": -14.0, "high": -6.0, "n": 50},
    ...           "share": False}
    >>> moved_chart([change], [], tried=210).text
    'What moved. Stories: length in words from 40.0 to 30.0 (-25.0%, 95% interval -35.0 to \
-15.0). Words: no detectable change among the 210 looked at. \
A shorter answer has fewer of most words.'
    """
    groups = list(dict.fromkeys(change["group"] for change in changes))
    names = list(dict.fromkeys(change["name"] for change in changes))
    drawn = _chosen(words)
    rows = (max(len(names), 1), max(len(drawn), 1))
    figure = make_subplots(
        rows=2,
        row_heights=[rows[0] * 1.35, rows[1]],
        vertical_spacing=90 / (ROW * (rows[0] * 1.35 + rows[1]) + 90),
    )
    rivals = [group for group in groups if _has_rivals(group, changes)]
    colours = dict.fromkeys(groups, INK if rivals else BLUE)
    colours |= {group: COLOURS[n % len(COLOURS)] for n, group in enumerate(rivals)}
    hint = "lines: 95% interval; hollow: may be chance"
    named = " &nbsp; ".join(key(colours[group], "●", literal(group)) for group in rivals)
    reach = _reach(changes, drawn)
    _add_changes(figure, changes, names, colours, reach)
    _add_words(figure, drawn, f"{len(words):,} of {tried:,}", reach)
    figure.update_layout(
        template=TEMPLATE,
        title={
            "text": title,
            "xref": "container",
            "x": 0.01,
            "subtitle": {"text": f"{named}<br>{hint}" if rivals else hint},
        },
        height=round(ROW * (rows[0] * 1.35 + rows[1]) + 240),
        margin={"t": 104, "r": 104, "b": 50},
        bargap=0.35,
        meta={"narrow": {"margin.r": 98, "margin.l": 8, "font.size": 10.5}},
    )
    said = _changes_text(changes, groups) + _words_text(drawn, words, tried)
    if any(not change["share"] and _percent(change)[2] < 0 for change in changes):
        said += " A shorter answer has fewer of most words."
    return Chart(figure=figure, text=f"{title}. {said}")


def _reach(changes: Sequence[Fields], words: Sequence[Fields]) -> float:
    """How far the axis reaches to either side of 0, the same for habits and for words."""
    ends = [end for change in changes for end in _percent(change)]
    ends += [100 * word["difference"][end] for word in words for end in ("low", "high")]
    return 1.08 * max([5.0, *map(abs, ends)])


def _has_rivals(group: str, changes: Sequence[Fields]) -> bool:
    """Whether another group has rows of the same name."""
    own = {change["name"] for change in changes if change["group"] == group}
    return any(change["name"] in own for change in changes if change["group"] != group)


def _percent(change: Fields) -> tuple[float, float, float]:
    """(value, low, high) of a difference: percentage points, or per cent of a length."""
    unit = 100.0 if change["share"] else 100.0 / max(change["before"], 1e-9)
    difference = change["difference"]
    return tuple(unit * difference[end] for end in ("value", "low", "high"))


def _add_changes(
    figure: go.Figure,
    changes: Sequence[Fields],
    names: Sequence[str],
    colours: Mapping[str, str],
    reach: float,
) -> None:
    for index, (group, colour) in enumerate(colours.items()):
        own = [change for change in changes if change["group"] == group]
        shift = (-0.2, 0.2)[index % 2] if _has_rivals(group, changes) else 0.0
        y = [names.index(change["name"]) + shift for change in own]
        found = [_percent(change) for change in own]
        sure = [low > 0 or high < 0 for _, low, high in found]
        figure.add_scatter(
            x=[value for value, _, _ in found],
            y=y,
            mode="markers",
            marker={
                "size": 10,
                "color": [colour if one else "rgba(0, 0, 0, 0)" for one in sure],
                "line": {"color": colour, "width": 2},
            },
            error_x={
                "array": [high - value for value, _, high in found],
                "arrayminus": [value - low for value, low, _ in found],
                "color": colour,
                "thickness": 2,
                "width": 5,
            },
            customdata=[literal(f"{c['name']}, {group}: {_natural(c)}") for c in own],
            hovertemplate="%{customdata}<extra></extra>",
            row=1,
            col=1,
        )
        for place, change in zip(y, own, strict=True):
            _beside(figure, place, _natural(change), "y")
    figure.add_vline(x=0, line={"color": INK, "width": 1}, row=1, col=1)
    figure.update_xaxes(range=[-reach, reach], ticksuffix="%", row=1, col=1)
    figure.update_yaxes(
        range=[len(names) - 0.5, -0.5],
        tickvals=list(range(len(names))),
        ticktext=[literal(name).replace(" ", "<br>", 1) for name in names],
        row=1,
        col=1,
        showgrid=False,
        ticks="",
    )


def _add_words(figure: go.Figure, words: Sequence[Fields], of: str, reach: float) -> None:
    values = [100 * word["difference"]["value"] for word in words]
    figure.add_bar(
        x=values,
        y=list(range(len(words))),
        orientation="h",
        marker={"color": [BLUE if value > 0 else VERMILION for value in values]},
        error_x={
            "array": [
                100 * w["difference"]["high"] - v for w, v in zip(words, values, strict=True)
            ],
            "arrayminus": [
                v - 100 * w["difference"]["low"] for w, v in zip(words, values, strict=True)
            ],
            "color": INK,
            "thickness": 1.5,
            "width": 4,
        },
        customdata=[literal(f"{_named(word)}: {_natural(word)} of the answers") for word in words],
        hovertemplate="%{customdata}<extra></extra>",
        row=2,
        col=1,
    )
    for place, word in enumerate(words):
        _beside(figure, place, _natural(word), "y2")
    heading = f": answers that have them<br>({of} beyond chance)"
    none = f": {NOTHING}<br>({of} beyond chance)"
    figure.add_annotation(
        text=f"<b>Words</b>{heading if words else none}",
        x=0, xref="paper", xanchor="left", y=1, yref="y2 domain", yanchor="bottom", yshift=8,
        showarrow=False, align="left", font={"size": 13},
    )  # fmt: skip
    figure.add_vline(x=0, line={"color": INK, "width": 1}, row=2, col=1)
    figure.update_xaxes(
        range=[-reach, reach], ticksuffix="%", visible=bool(words), row=2, col=1,
        title_text="percentage points",
    )  # fmt: skip
    figure.update_yaxes(
        range=[max(len(words), 1) - 0.5, -0.5],
        tickvals=list(range(len(words))),
        ticktext=[literal(_named(word)) for word in words],
        visible=bool(words),
        row=2,
        col=1,
        showgrid=False,
        ticks="",
    )


def _beside(figure: go.Figure, place: float, words: str, axis: str) -> None:
    """What a row says in its own unit, at the right margin."""
    figure.add_annotation(
        text=words, x=1, xref="paper", xanchor="left", xshift=8, y=place, yref=axis,
        yanchor="middle", showarrow=False, font={"size": 12},
    )  # fmt: skip


def _natural(change: Fields) -> str:
    if change.get("share", True):
        return f"{change['before']:.0%} → {change['after']:.0%}"
    return f"{change['before']:.1f} → {change['after']:.1f}"


def _chosen(words: Sequence[Fields]) -> list[Fields]:
    """The words to draw: those gained, the largest first, then those lost. One that stands for
    itself is not drawn once more for the last sentence."""
    anywhere = {word["word"] for word in words if word["where"] == "anywhere"}
    own = [w for w in words if w["where"] == "anywhere" or w["word"] not in anywhere]
    by_size = sorted(own, key=lambda word: -abs(word["difference"]["value"]))
    gained = [word for word in by_size if word["difference"]["value"] > 0]
    lost = [word for word in by_size if word["difference"]["value"] < 0]
    return [*gained[:MOST_WORDS], *lost[:MOST_WORDS][::-1]]


def _named(word: Fields) -> str:
    return str(word["word"]) + (", at the end" if word["where"] != "anywhere" else "")


def _changes_text(changes: Sequence[Fields], groups: Sequence[str]) -> str:
    parts = []
    for group in groups:
        said = []
        for change in changes:
            if change["group"] == group:
                value, low, high = _percent(change)
                sure = low > 0 or high < 0
                unit = " points" if change["share"] else "%"
                what = f"{value:+.1f}{unit}, 95% interval {low:.1f} to {high:.1f}"
                numbers = _natural(change).replace("→", "to")
                said.append(f"{change['name']} from {numbers} ({what if sure else NOTHING})")
        parts.append(f"{group[:1].upper()}{group[1:]}: {'; '.join(said)}. ")
    return "".join(parts)


def _words_text(drawn: Sequence[Fields], words: Sequence[Fields], tried: int) -> str:
    if not drawn:
        return f"Words: {NOTHING} among the {tried:,} looked at."
    said = [f'"{_named(word)}" {_natural(word).replace("→", "to")}' for word in drawn]
    more = sum(word["difference"]["value"] > 0 for word in drawn)
    kinds = [("More often", said[:more]), ("Less often", said[more:][::-1])]
    listed = " ".join(f"{kind}: {', '.join(some)}." for kind, some in kinds if some)
    return f"{listed} Of {tried:,} words looked at, {len(words)} changed beyond chance."


def influence_chart(
    votes: Sequence[tuple[str, bool, float]],
    *,
    title: str = "Which votes moved the reward most",
) -> Chart:
    """The votes without which the reward would be most different, as bars.

    A vote is (the answer's words, whether it was liked, by how many standard deviations the vote
    changed the rewards of answers).

    >>> influence_chart([("Once there was a fox.", True, 0.31)]).text
    'Which votes moved the reward most: liked "Once there was a fox." 0.31 sd.'
    """
    figure = new_figure(
        title,
        f"{key(BLUE, '■', '▲ liked')} &nbsp; {key(VERMILION, '■', '▼ disliked')}<br>"
        "by how many standard deviations it changed what answers earn",
        height=140 + 46 * max(len(votes), 1),
    )
    places = list(range(len(votes)))
    figure.add_bar(
        x=[moved for _, _, moved in votes],
        y=places,
        orientation="h",
        width=0.34,
        offset=0.02,
        marker={"color": [BLUE if up else VERMILION for _, up, _ in votes]},
        text=[f"{moved:.2f}" for _, _, moved in votes],
        textposition="outside",
        textfont={"color": INK},
        cliponaxis=False,
        customdata=[literal(words) for words, _, _ in votes],
        hovertemplate="%{customdata}<br>%{x:.2f} sd<extra></extra>",
    )
    for place, (words, up, _) in zip(places, votes, strict=True):
        mark = "▲" if up else "▼"
        figure.add_annotation(
            text=f"{mark} {literal(shorten(words))}", x=0, xanchor="left", y=place - 0.2,
            yanchor="middle", showarrow=False, font={"size": 13}, align="left",
        )  # fmt: skip
    most = max((moved for _, _, moved in votes), default=1.0)
    figure.update_layout(
        margin={"l": 12, "r": 40, "t": 100, "b": 16},
        meta={"narrow": {"margin.l": 4, "margin.r": 30}},
    )
    figure.update_xaxes(range=[0, most * 1.02 + 1e-6], visible=False)
    figure.update_yaxes(range=[max(len(votes), 1) - 0.5, -0.5], visible=False)
    said = "; ".join(
        f'{"liked" if up else "disliked"} "{shorten(words)}" {moved:.2f} sd'
        for words, up, moved in votes
    )
    return Chart(figure=figure, text=f"{title}: {said or 'no vote is known'}.")


def shorten(words: str, most: int = 52) -> str:
    """The first words of a text, at most so many characters.

    >>> shorten("Once there was a fox who lived in a barn.", most=24)
    'Once there was a fox …'
    """
    if len(words) <= most:
        return words
    return words[: most - 1].rsplit(" ", 1)[0] + " …"
