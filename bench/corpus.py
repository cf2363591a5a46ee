"""The corpus stage on dirty pages whose truth is known: what goes, what stays, and how fast.

    python bench/corpus.py [--pages 5000] [--seed 0]

What a filter does is counted against the labels of `tinyllm village --kind dirty-page`, apart for
the kinds of dirt that were written after the filters were frozen.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from itertools import islice
from typing import Any

from tinyllm.corpus import Document, Ledger, Rejection
from tinyllm.corpus.pipeline import STEPS, scopes
from tinyllm.village.dirt import dirty_pages
from tinyllm.village.dirt_held_out import HELD_OUT

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


def score(pages: list[Line], kept: dict[int, str], kinds: frozenset[str]) -> dict[str, Any]:
    """How often the right thing happened to pages, or to parts of pages, of these kinds."""
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))

    def count(table: str, name: str, right: bool) -> None:
        counts[table][name][0] += right
        counts[table][name][1] += 1

    for page in pages:
        labels = page["labels"]
        text = kept.get(labels["page"])
        if labels["kind"] in kinds:
            table = "pages that stay" if labels["keep"] else "pages that go"
            verdict = (text is not None) == labels["keep"]
            count(table, labels["group"], verdict)
            count(f"{table}, by kind", labels["kind"], verdict)
        if text is None:
            continue
        for kind, phrases in labels["furniture"]:
            for phrase in phrases if kind in kinds else ():
                count("boilerplate gone", "all", phrase not in text)
                count("boilerplate gone, by kind", kind, phrase not in text)
        for one in labels["personal"] if labels["kind"] in kinds else ():
            count("personal data masked", "all", one["value"] not in text)
            count("personal data masked, by kind", one["kind"], one["value"] not in text)
        for phrase in labels["stays"]:
            count("look-alikes left alone", "all", phrase in text)
        if labels["keep"] and not labels["personal"] and labels["kind"] in kinds:
            for line in labels["text"].split("\n"):
                count("lines of the main text left", labels["group"], line in text)
    return {
        table: {name: f"{right}/{of} = {right / of:.3f}" for name, (right, of) in rows.items()}
        for table, rows in counts.items()
    }


def all_kinds(pages: list[Line]) -> frozenset[str]:
    """Every kind of page and of furniture that occurs."""
    kinds = {page["labels"]["kind"] for page in pages}
    return frozenset(kinds.union(*(page["labels"]["dirt"] for page in pages)))


def run(pages: int = 5_000, seed: int = 0) -> dict[str, Any]:
    """Write pages, clean them in this process, and score what came of it."""
    lines = list(islice(dirty_pages(seed=seed), pages))
    started = time.perf_counter()
    kept, _ = clean_pages(lines)
    seconds = time.perf_counter() - started
    kinds = all_kinds(lines)
    return {
        "kinds that filters were tuned on": score(lines, kept, kinds - HELD_OUT),
        "kinds held out": score(lines, kept, kinds & HELD_OUT),
        "pages a second, one process": round(pages / seconds, 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.pages, arguments.seed), indent=2))
