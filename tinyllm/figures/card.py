"""The dataset card in pictures: reasons, lengths, languages, copies; from the card's own JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinyllm.figures.chart import (
    BLUE,
    INK,
    ORANGE,
    VERMILION,
    Chart,
    key,
    literal,
    new_figure,
)

MOST_ROWS = 12
OTHERS = "#999999"
LANGUAGES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "nl": "Dutch",
    "pt": "Portuguese",
    "pl": "Polish",
    "sv": "Swedish",
    "ru": "Russian",
    "la": "Latin",
    "zh": "Chinese",
    "ja": "Japanese",
    "zxx": "no language",
}


def reasons_chart(steps: Sequence[Mapping[str, Any]]) -> Chart:
    """Why documents were dropped, the commonest reason first; `steps` are `card["steps"]`.

    Twelve reasons have a bar; the rest share one.

    >>> reasons_chart([{"step": "copies", "kept": 7, "dropped": {"seen before": 2}}]).text
    'Why documents were dropped. Seen before (copies) 2.'
    """
    rows = [
        (_reason(step["step"], reason), int(count))
        for step in steps
        for reason, count in step["dropped"].items()
    ]
    return _bars("Why documents were dropped", rows, VERMILION, nothing="Nothing was dropped.")


def _reason(step: str, reason: str) -> str:
    """A reason as a label: languages by name, and the step where it does not say itself."""
    head, colon, code = reason.partition(": ")
    if colon and head == "foreign":
        return f"Foreign: {LANGUAGES.get(code, code)}"
    words = f"{reason[:1].upper()}{reason[1:]}"
    return words if step in reason else f"{words} ({step})"


def languages_chart(languages: Mapping[str, int]) -> Chart:
    """In which languages pages were written; `languages` counts them by code (ISO 639-1).

    >>> languages_chart({"en": 40, "de": 2}).text
    'Languages of the pages. English 40, German 2.'
    """
    rows = [(LANGUAGES.get(code, code), int(count)) for code, count in languages.items()]
    return _bars("Languages of the pages", rows, BLUE, nothing="No page was judged.")


def lengths_chart(lengths: Mapping[str, int]) -> Chart:
    """How long documents are; `lengths` is `card["lengths"]`: how many up to so many characters.

    Each bar is twice as wide, in characters, as the one before.

    >>> lengths_chart({"256": 3, "512": 9, "1024": 1}).text
    'Lengths of the documents. Up to 256 characters: 3; 512: 9; 1,024: 1. Half have at most 512.'
    """
    title = "Lengths of the documents"
    known = sorted((int(length), int(count)) for length, count in lengths.items())
    figure = new_figure(title, "characters, each bar twice as far as the one before", height=300)
    if not known:
        return Chart(figure=figure, text=f"{title}. There is no document.")
    smallest, largest = known[0][0], known[-1][0]
    edges = [smallest * 2**n for n in range((largest // max(smallest, 1)).bit_length())]
    counts = np.array([dict(known).get(edge, 0) for edge in edges], dtype=float)
    figure.add_bar(
        x=np.arange(len(edges)),
        y=counts,
        marker={"color": BLUE},
        text=[f"{int(count):,}" if count else "" for count in counts],
        textposition="outside",
        textfont={"color": INK},
        cliponaxis=False,
        hovertemplate="up to %{customdata:,} characters: %{y:,}<extra></extra>",
        customdata=edges,
    )
    figure.update_layout(bargap=0.08)
    figure.update_xaxes(
        tickvals=np.arange(len(edges)),
        ticktext=[f"≤ {_short(edge)}" for edge in edges],
        showgrid=False,
        ticks="",
    )
    figure.update_yaxes(tickformat=",d", nticks=5, rangemode="tozero")
    half = np.searchsorted(np.cumsum(counts), counts.sum() / 2)
    parts = "; ".join(
        f"{edge:,}: {int(count):,}" for edge, count in zip(edges, counts, strict=True)
    )
    words = parts.replace(":", " characters:", 1)
    return Chart(
        figure=figure, text=f"{title}. Up to {words}. Half have at most {edges[int(half)]:,}."
    )


def copies_chart(steps: Sequence[Mapping[str, Any]]) -> Chart:
    """Of the documents that passed the filters, how many were new, copies, and near copies.

    `steps` are `card["steps"]`; those called "deduplicate" and "near copies" count.

    >>> steps = [{"step": "deduplicate", "kept": 8, "dropped": {"a copy": 2}},
    ...          {"step": "near copies", "kept": 7, "dropped": {"a near copy": 1}}]
    >>> copies_chart(steps).text
    'Copies among 10 documents. New: 7 (70%), copies: 2 (20%), near copies: 1 (10%).'
    """
    dropped = {step["step"]: sum(step["dropped"].values()) for step in steps}
    kept = {step["step"]: int(step["kept"]) for step in steps}
    same, near = dropped.get("deduplicate", 0), dropped.get("near copies", 0)
    total = kept.get("deduplicate", 0) + same
    parts = (
        ("new", total - same - near, BLUE),
        ("copies", same, VERMILION),
        ("near copies", near, ORANGE),
    )
    title = f"Copies among {total:,} documents"
    names = " &nbsp; ".join(key(colour, "■", f"{name} {count:,}") for name, count, colour in parts)
    figure = new_figure(title, names, height=150)
    for name, count, colour in parts:
        figure.add_bar(
            x=[count],
            y=[0],
            orientation="h",
            marker={"color": colour},
            hovertemplate=f"{name}: %{{x:,}}<extra></extra>",
        )
    figure.update_layout(barmode="stack", margin={"l": 8, "b": 36})
    figure.update_xaxes(rangemode="tozero", tickformat=",d", nticks=6)
    figure.update_yaxes(visible=False)
    shares = ", ".join(f"{name}: {count:,} ({_share(count, total)})" for name, count, _ in parts)
    return Chart(figure=figure, text=f"{title}. {shares[0].upper()}{shares[1:]}.")


def card_charts(card: Mapping[str, Any]) -> dict[str, Chart]:
    """All pictures of a dataset card by name, from what `card.json` holds; see the functions above.

    Languages are there only if pages were judged.

    >>> list(card_charts({"steps": [{"step": "read", "kept": 1, "dropped": {}}], "lengths": {}}))
    ['steps', 'reasons', 'copies', 'lengths']
    """
    from tinyllm.figures.corpus import corpus_chart

    charts = {
        "steps": corpus_chart(card["steps"]),
        "reasons": reasons_chart(card["steps"]),
        "copies": copies_chart(card["steps"]),
        "lengths": lengths_chart(card.get("lengths", {})),
    }
    for step in card["steps"]:
        if languages := step.get("notes", {}).get("languages"):
            charts["languages"] = languages_chart(languages)
    return charts


def _bars(title: str, rows: Sequence[tuple[str, int]], colour: str, *, nothing: str) -> Chart:
    """Named counts as horizontal bars, the largest on top."""
    ordered = sorted(rows, key=lambda row: -row[1])
    most = MOST_ROWS if len(ordered) > MOST_ROWS + 1 else len(ordered)
    shown, colours = ordered[:most], [colour] * most
    if rest := ordered[most:]:
        shown.append((f"{len(rest)} others", sum(count for _, count in rest)))
        colours.append(OTHERS)
    figure = new_figure(title, height=110 + 26 * max(len(shown), 1))
    places = np.arange(len(shown))
    figure.add_bar(
        x=[count for _, count in shown],
        y=places,
        orientation="h",
        marker={"color": colours},
        text=[f" {count:,}" for _, count in shown],
        textposition="outside",
        textfont={"color": INK},
        cliponaxis=False,
        hovertemplate="%{x:,}<extra></extra>",
    )
    figure.update_layout(bargap=0.3, margin={"r": 70, "b": 40})
    figure.update_xaxes(rangemode="tozero", tickformat=",d", nticks=6)
    figure.update_yaxes(
        autorange="reversed",
        tickvals=places,
        ticktext=[literal(name) for name, _ in shown],
        showgrid=False,
        ticks="",
        ticklabelstandoff=8,
    )
    words = ", ".join(f"{name} {count:,}" for name, count in shown)
    return Chart(figure=figure, text=f"{title}. {words}." if words else f"{title}. {nothing}")


def _short(number: int) -> str:
    """A power of two as people say it: 512, 1k, 64k."""
    return f"{number // 1024}k" if number >= 1024 else str(number)


def _share(count: int, total: int) -> str:
    return f"{count / total:.0%}" if total else "0%"
