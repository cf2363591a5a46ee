"""The dataset card: what a corpus is, where it came from, what was done to it.

After Gebru et al. 2021, "Datasheets for Datasets": a text without its history is half a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def card_markdown(card: Mapping[str, Any]) -> str:
    """The card as Markdown, from the same figures as `card.json`."""
    splits = card["splits"]
    parts = [
        "# Dataset card",
        "Text for one small language model, collected by tinyllm. "
        f"Made with seed {card['seed']}: the same texts, read again with this seed, give the same "
        "corpus.",
        "## Sources",
        _table(
            ("source", "documents", "characters", "licence", "for a small model"),
            (
                (s["name"], s["documents"], s["characters"], s["licence"], s["hardness"])
                for s in card["sources"]
            ),
        ),
        *_mix(card["sources"]),
        "## Steps",
        _table(
            ("step", "looks at", "kept", "changed", "dropped", "rule"),
            (
                (
                    s["step"],
                    _looks_at(s.get("judges")),
                    s["kept"],
                    s["changed"],
                    sum(s["dropped"].values()),
                    s["rule"],
                )
                for s in card["steps"]
            ),
        ),
    ]
    reasons = [
        (s["step"], reason, count, ", ".join(f"`{name}`" for name in s["examples"][reason]))
        for s in card["steps"]
        for reason, count in s["dropped"].items()
    ]
    if reasons:
        parts += [
            "## What was dropped, and why",
            "Each one stands in `rejected.jsonl`.",
            _table(("step", "reason", "times", "for example"), reasons),
        ]
    for title, what, rows in _counts(card):
        parts += [f"## {title}", _table((what, "times"), rows)]
    parts += [
        "## Splits",
        card["how_split"],
        _table(
            ("split", "documents", "characters", "bytes"),
            ((n, s["documents"], s["characters"], s["bytes"]) for n, s in splits.items()),
        ),
    ]
    floor = splits["validation"].get("floor_bits_per_byte")
    if floor is not None:
        parts.append(
            f"No model can go below {floor:.4f} bits per byte on the validation text: so many "
            "random choices went into writing it."
        )
    parts += [
        "## Files",
        _table(
            ("file", "SHA-256"),
            ((f"text/{n}", f"`{h}`") for s in splits.values() for n, h in s["files"].items()),
        ),
    ]
    return "\n\n".join(parts) + "\n"


CLASSES = {
    "page": "web pages",
    "own": "your own text files",
    "found": "texts found on this computer",
    "dataset": "ready-made collections",
}


def _looks_at(judges: list[str] | None) -> str:
    if judges is None:
        return "every text"
    return ", ".join(CLASSES[name] for name in judges) or "no text: turned off"


def _mix(sources: Iterable[Mapping[str, Any]]) -> list[str]:
    """How the sources were mixed, where weights said so."""
    rows = [(s["name"], f"{s['share']:.1%}", s["times"]) for s in sources if "share" in s]
    if not rows:
        return []
    return [
        "The training text was mixed by weights. A source of files is sampled (below 1) or "
        "repeated (above 1) to its share; the village writes less or more.",
        _table(("source", "share of the characters", "each document, times"), rows),
    ]


def _counts(card: Mapping[str, Any]) -> Iterable[tuple[str, str, list[tuple[str, int]]]]:
    """What the figures of the card show, as tables: a title, what is counted, and the counts."""
    if card.get("lengths"):
        rows = [(f"up to {int(length):,}", times) for length, times in card["lengths"].items()]
        yield "Lengths", "characters of a document", rows
    for step in card["steps"]:
        for what, counts in step.get("notes", {}).items():
            yield what[0].upper() + what[1:], what, list(counts.items())


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(map(_cell, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")
