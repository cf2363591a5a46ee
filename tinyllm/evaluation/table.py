"""A report as rows to read: what was measured, the figure, its interval, and its ruler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CHECKS = {
    "hero": "the hero stays the hero",
    "lost_found": "the lost thing is the found thing",
    "who_has": "who has it",
    "favour": "a favour unwinds in reverse",
    "weather": "one season, one weather",
}
MEMORIES = {
    "who_has": "recalls who has it, two sentences later",
    "lost_found": "recalls what was lost",
    "favour": "unwinds a favour",
}
GROUPS = ("helpful", "truthful", "safe")


@dataclass(frozen=True)
class Row:
    """One line: `label`, `value` and `interval` ready to print, and the `ruler` to hold beside.

    >>> Row("who has it", "56%", "50 to 62, n = 300", "").cells
    ('who has it', '56%', '50 to 62, n = 300', '')
    """

    label: str
    value: str
    interval: str = ""
    ruler: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The four columns of the table."""
        return self.label, self.value, self.interval, self.ruler


COLUMNS = ("", "measured", "95% interval", "ruler")
"""The headings over `Row.cells`."""


def rows_of(report: Mapping[str, Any]) -> list[Row]:
    """The rows of one stage's report; keys that it lacks give no row.

    >>> rows_of({"stage": "base", "loss": 0.54, "baselines": {"bigram": 2.6}})[0]
    Row(label='base: loss, nats a token', value='0.540', interval='', ruler='bigram 2.60')
    """
    stage = report.get("stage", "")
    return [Row(f"{stage}: {row.label}", *row.cells[1:]) for row in _rows(report)]


def _rows(report: Mapping[str, Any]) -> Iterator[Row]:
    if "loss" in report:
        yield Row("loss, nats a token", f"{report['loss']:.3f}", ruler=_rulers(report))
    if "bits_per_byte" in report:
        floor = report.get("floor_bits_per_byte")
        beside = f"the village's entropy {floor:.3f}" if floor is not None else ""
        yield Row("bits per byte", f"{report['bits_per_byte']:.3f}", ruler=beside)
    for name, words in CHECKS.items():
        if name in report.get("consistency", {}):
            yield _share(words, report["consistency"][name], ruler=_five_gram(report, name))
    for name, words in MEMORIES.items():
        if name in report.get("memory", {}):
            yield _share(words, report["memory"][name])
    if "facts" in report:
        yield _share("common facts, in the top three", report["facts"]["top_three"])
    if "words" in report:
        yield _share("words that the training text knows", report["words"])
    for group in GROUPS:
        for split, words in (("seen", "content seen in fine-tuning"), ("new", "new content")):
            if group in report:
                yield _share(f"{group}, {words}", report[group][split])
    if "win_rate" in report:
        yield _share("win rate over chat", report["win_rate"], ruler="no change: 50%")
    if "kl" in report:
        kl = report["kl"]
        interval = f"{kl['low']:.2f} to {kl['high']:.2f}, n = {kl['n']:,}"
        yield Row("KL to chat, nats a sequence", f"{kl['value']:.2f}", interval, "no change: 0")
    if "habits" in report:
        ours, theirs = report["habits"]["aligned"], report["habits"]["chat"]
        yield Row(
            "distinct-2", f"{ours['distinct_2']:.3f}", ruler=f"chat {theirs['distinct_2']:.3f}"
        )
        yield _share(
            "answers that end by themselves",
            ours["finished"],
            ruler=f"chat {theirs['finished']['value']:.0%}",
        )
        yield Row(
            "answer length, tokens", f"{ours['length']:.1f}", ruler=f"chat {theirs['length']:.1f}"
        )


def _rulers(report: Mapping[str, Any]) -> str:
    names = {"uniform": "fresh", "unigram": "unigram", "bigram": "bigram"}
    known = report.get("baselines", {})
    parts = [f"{words} {known[name]:.2f}" for name, words in names.items() if name in known]
    if report.get("floor_loss") is not None:
        parts.append(f"entropy {report['floor_loss']:.2f}")
    return ", ".join(parts)


def _five_gram(report: Mapping[str, Any], check: str) -> str:
    cell = report.get("baselines", {}).get("5-gram", {}).get(check)
    return f"a 5-gram model {cell['value']:.0%}" if cell and cell["n"] else ""


def _share(label: str, cell: Mapping[str, float], ruler: str = "") -> Row:
    if not cell["n"]:
        return Row(label, "none found", "n = 0", ruler)
    low, high = round(100 * cell["low"]), round(100 * cell["high"])
    return Row(label, f"{cell['value']:.0%}", f"{low} to {high}, n = {cell['n']:,}", ruler)
