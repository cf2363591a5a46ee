"""The corpus stage on dirty pages whose truth is known: recall, precision, speed, memory.

    python bench/corpus.py [--pages 5000] [--seed 0] [--folder-megabytes 2000]

What a filter does is counted against the labels of `tinyllm village --kind dirty-page`: of the
pages that should go, how many went (recall), and of those that went, how many should (precision).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tinyllm.corpus import Document, Ledger, Rejection
from tinyllm.corpus.pipeline import STEPS, scopes

Line = dict[str, Any]


def clean_pages(pages: list[Line]) -> tuple[dict[int, str], dict[int, tuple[str, str]]]:
    """All steps over the pages: text by page number, and step and reason of what was dropped."""
    dropped: dict[int, tuple[str, str]] = {}

    def note(rejection: Rejection) -> None:
        dropped[int(rejection.id)] = (rejection.step, rejection.reason)

    documents = (
        Document(text=p["text"], id=str(p["labels"]["page"]), metadata={"format": "html"})
        for p in pages
    )
    judged = scopes()
    for name, rule, step in STEPS:
        documents = step(documents, Ledger(name, rule, note, judges=judged[name]))
    return {int(document.id): document.text for document in documents}, dropped


def score(pages: list[Line], kept: dict[int, str]) -> dict[str, Any]:
    """Recall by group and kind, the share of good pages kept, and what became of page parts."""
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))

    def count(table: str, name: str, right: bool) -> None:
        counts[table][name][0] += right
        counts[table][name][1] += 1

    for page in pages:
        labels = page["labels"]
        text = kept.get(labels["page"])
        group = labels["group"]
        verdict = (text is not None) == labels["keep"]
        count("pages kept" if labels["keep"] else "pages dropped", group, verdict)
        count("kinds of pages", f"{group}: {labels['kind']}", verdict)
        if text is None:
            continue
        for kind, phrases in labels["furniture"]:
            for phrase in phrases:
                count("boilerplate gone", kind, phrase not in text)
        for one in labels["personal"]:
            count("personal data masked", one["kind"], one["value"] not in text)
        for phrase in labels["stays"]:
            count("look-alikes left alone", "all", phrase in text)
        if labels["keep"] and not labels["personal"]:
            for line in labels["text"].split("\n"):
                count("lines of the main text left", group, line in text)
    return {
        table: {name: f"{right}/{of} = {right / of:.3f}" for name, (right, of) in rows.items()}
        for table, rows in counts.items()
    }
