"""The memory of the search for copies, for as many documents as a large folder has.

    python bench/corpus_index.py [--documents 50000]

Every document is new (random words), the worst case: all signatures and bands are kept. Prints the
resident memory of this process at every tenth of the way.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import psutil

from tinyllm.corpus import Document, Ledger
from tinyllm.corpus.duplicates import deduplicate, drop_near_copies

WORDS = [f"word{number}" for number in range(5_000)]
LENGTH = 250


def new_documents(count: int) -> Iterator[Document]:
    """Documents of random words."""
    rng = random.Random(0)
    for number in range(count):
        yield Document(text=" ".join(rng.choices(WORDS, k=LENGTH)), id=str(number))


def run(documents: int = 50_000) -> dict[str, Any]:
    """Take new documents through both searches; seconds, and memory on the way."""
    started = time.perf_counter()
    memory = []
    stream = deduplicate(new_documents(documents), Ledger("deduplicate", ""))
    for number, _ in enumerate(drop_near_copies(stream, Ledger("near copies", "")), start=1):
        if number % max(documents // 10, 1) == 0:
            memory.append(round(psutil.Process().memory_info().rss / 1e6))
    return {
        "documents": documents,
        "seconds": round(time.perf_counter() - started, 1),
        "megabytes of memory at each tenth": memory,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=50_000)
    print(json.dumps(run(parser.parse_args().documents)))
