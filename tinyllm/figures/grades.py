"""Pictures of an evaluation: shares with their intervals, and what changed between two models.

Everything here reads the dictionaries of `tinyllm evaluate --json`, where a measured share is
`{"value": …, "low": …, "high": …, "n": …}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinyllm.figures.chart import (
    BLUE,
    FONT,
    INK,
    ORANGE,
    PALETTE,
    Chart,
    key,
    literal,
    new_figure,
    see_through,
)

GROUPS = ("helpful", "truthful", "safe")
"""The three things that the village's graders measure."""

CHECKS = {
    "hero": "the hero stays the hero",
    "who_has": "who has it",
    "lost_found": "the lost thing is the found thing",
    "favour": "a favour unwinds in reverse",
    "weather": "one season, one weather",
}
"""The consistency checks, in words."""

Cells = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Row -> series -> interval, such as {"safe": {"seen": {"value": 0.97, …}}}."""


def share_bars(
    rows: Cells,
    *,
    title: str,
    names: Mapping[str, str] | None = None,
    targets: Mapping[tuple[str, str], float] | None = None,
) -> Chart:
    """Shares as horizontal bars with 95% intervals: one group of bars a row, one colour a series.

    `names` says rows and series in words, `targets` maps (row, series) to a share to reach, drawn
    as an upright tick. The number of cases n stands in the text and under the pointer.

    >>> cell = {"value": 0.9, "low": 0.86, "high": 0.93, "n": 300}
    >>> share_bars({"safe": {"seen": cell}}, title="Grades").text
    'Grades. safe: seen 90% (86 to 93, n = 300).'
    """
    names = names or {}
    series = list(dict.fromkeys(s for cells in rows.values() for s in cells))
    colours = dict(zip(series, PALETTE if len(series) > 2 else (BLUE, ORANGE), strict=False))
    entries = [key(colours[s], "■", names.get(s, s)) for s in series] if len(series) > 1 else []
    if targets:
        entries.append(key(INK, "|", "to reach"))
    entries.append("lines: 95% interval")
    figure = new_figure(title, " &nbsp; ".join(entries))
    place = {row: i * (len(series) + 0.8) for i, row in enumerate(rows)}
    for i, name in enumerate(series):
        there = [row for row in rows if name in rows[row]]
        cells = [rows[row][name] for row in there]
        value = np.array([c["value"] for c in cells])
        figure.add_bar(
            y=[place[row] + i for row in there],
            x=value,
            width=0.88,
            orientation="h",
            marker={"color": see_through(colours[name], 0.4)},
            error_x={
                "array": np.array([c["high"] for c in cells]) - value,
                "arrayminus": value - np.array([c["low"] for c in cells]),
                "color": colours[name],
                "thickness": 2.5,
                "width": 6,
            },
            customdata=[c["n"] for c in cells],
            hovertemplate=f"{names.get(name, name)} %{{x:.1%}}, n = %{{customdata}}<extra></extra>",
        )
        figure.add_scatter(
            y=[place[row] + i for row in there],
            x=[c["high"] for c in cells],
            mode="text",
            text=[f" &nbsp;<b>{v:.0%}</b>" for v in value],
            textposition="middle right",
            cliponaxis=False,
            hoverinfo="skip",
        )
        marked = [
            (place[row] + i, targets[row, name])
            for row in there
            if targets and (row, name) in targets
        ]
        figure.add_scatter(
            y=[y for y, _ in marked],
            x=[x for _, x in marked],
            mode="markers",
            marker={"symbol": "line-ns", "size": 24, "line": {"width": 2.5, "color": INK}},
            hovertemplate="to reach %{x:.0%}<extra></extra>",
        )
    bars = len(rows) * (len(series) + 0.8)
    middle = (len(series) - 1) / 2
    figure.update_layout(
        height=130 + round(24 * bars) + 20, margin={"b": 40, "r": 64}, barmode="overlay"
    )
    figure.update_xaxes(range=[0, 1.005], tickformat=".0%", dtick=0.25)
    figure.update_yaxes(
        tickvals=[place[row] + middle for row in rows],
        ticktext=[_wrap(names.get(row, row)) for row in rows],
        range=[bars - 0.9, -0.7],
        showgrid=False,
        ticks="",
        ticklabelstandoff=8,
    )
    parts = []
    for row, by_series in rows.items():
        said = [f"{names.get(s, s)} {_words(by_series[s])}" for s in series if s in by_series]
        parts.append(f"{names.get(row, row)}: {', '.join(said)}.")
    return Chart(figure=figure, text=f"{title}. {' '.join(parts)}".strip())


def grade_bars(
    report: Mapping[str, Any],
    *,
    title: str = "Does it help, is it true, is it safe?",
    **options: Any,
) -> Chart:
    """What the graders passed: helpful, truthful, safe, on content seen and new to fine-tuning.

    `report` is the dictionary of `tinyllm evaluate --json` for a chat or aligned model; ValueError
    if it holds no grades. `options` go to `share_bars`.

    >>> cell = {"value": 0.9, "low": 0.86, "high": 0.93, "n": 300}
    >>> grade_bars({"safe": {"seen": cell, "new": cell}}).text[:73]
    'Does it help, is it true, is it safe? safe: seen 90% (86 to 93, n = 300),'
    """
    rows = {g: {s: report[g][s] for s in ("seen", "new")} for g in GROUPS if g in report}
    if not rows:
        raise ValueError(
            f"expected a report with {', '.join(GROUPS)}, got the keys {sorted(report)}; "
            "evaluate a chat or an aligned model"
        )
    chart = share_bars(rows, title=title, **options)
    return Chart(figure=chart.figure, text=chart.text.replace("?. ", "? "))


def consistency_bars(
    reports: Mapping[str, Mapping[str, Any]], *, title: str = "Does the story hold together?"
) -> Chart:
    """The consistency checks of one model or of several side by side.

    `reports` maps a name ("base", "5-gram") to a report, or to its "consistency" alone.

    >>> cell = {"value": 0.7, "low": 0.65, "high": 0.75, "n": 300}
    >>> consistency_bars({"base": {"consistency": {"hero": cell}}}).text
    'Does the story hold together? the hero stays the hero: base 70% (65 to 75, n = 300).'
    """
    found = {name: r.get("consistency", r) for name, r in reports.items()}
    rows = {c: {n: r[c] for n, r in found.items() if c in r} for c in CHECKS}
    chart = share_bars({c: r for c, r in rows.items() if r}, title=title, names=CHECKS)
    return Chart(figure=chart.figure, text=chart.text.replace("?. ", "? "))


def before_after(
    rows: Sequence[tuple[str, float | str, float | str]],
    *,
    names: tuple[str, str] = ("before", "after"),
    title: str = "Before and after",
) -> Chart:
    """A table of (what was measured, before, after); numbers get three digits and a change.

    >>> before_after([("answer length, tokens", 31.2, 28.0)]).text
    'Before and after. answer length, tokens: before 31.2, after 28 (-3.2).'
    """
    before, after = [_number(b) for _, b, _ in rows], [_number(a) for _, _, a in rows]
    changes = [_change(b, a) for _, b, a in rows]
    columns = [[row[0] for row in rows], before, after, changes]
    figure = new_figure(title, height=110 + 34 * (len(rows) + 1))
    cell = {
        "fill": {"color": "rgba(0, 0, 0, 0)"},
        "line": {"color": "rgba(128, 128, 128, 0.25)"},
        "align": ["left", "right", "right", "right"],
        "height": 34,
    }
    figure.add_table(
        columnwidth=[3, 1, 1, 1],
        header={
            "values": ["", *(f"<b>{n}</b>" for n in (*names, "change"))],
            "font": {"color": INK, "size": 13, "family": FONT},
            **cell,
        },
        cells={
            "values": [[literal(text) for text in column] for column in columns],
            "font": {"color": INK, "size": 14, "family": FONT},
            **cell,
        },
    )
    figure.update_layout(margin={"l": 8, "r": 8, "b": 8})
    parts = [
        f"{row[0]}: {names[0]} {b}, {names[1]} {a}{f' ({c})' if c else ''}."
        for row, b, a, c in zip(rows, before, after, changes, strict=True)
    ]
    return Chart(figure=figure, text=f"{title}. {' '.join(parts)}".strip())


def _words(cell: Mapping[str, float]) -> str:
    low, high = round(100 * cell["low"]), round(100 * cell["high"])
    return f"{cell['value']:.0%} ({low} to {high}, n = {cell['n']:,})"


def _wrap(words: str, most: int = 20) -> str:
    lines = [""]
    for word in words.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"


def _change(before: float | str, after: float | str) -> str:
    if isinstance(before, str) or isinstance(after, str):
        return ""
    return f"{after - before:+.2g}" if after != before else "0"
