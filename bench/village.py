"""How much there is to learn in the village's text, and how often it repeats itself.

    python bench/village.py [--kind story] [--seed 1] [--json]

3,600 documents are read as somebody who will then meet 400 others: how many words there are, how
high the floor is, and how much of what is new was seen before.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from itertools import islice
from typing import Any

from tinyllm.corpus.duplicates import NearDuplicates, NearIndex
from tinyllm.village import Document, check_consistency, write

READ, MET, RUN = 3_600, 400, 8
_WORD = re.compile(r"[A-Za-z'-]+")
_SENTENCE_END = re.compile(r'(?<=[.?!])"?\s+')


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return [word.lower() for word in _WORD.findall(text)]


def sentences(text: str) -> list[str]:
    """A text cut after each full stop, question mark and exclamation mark."""
    return _SENTENCE_END.split(text)


def runs(text: str) -> list[tuple[str, ...]]:
    """Every run of eight words."""
    said = words(text)
    return [tuple(said[start : start + RUN]) for start in range(len(said) - RUN + 1)]


def near_copies(texts: list[str]) -> float:
    """The share of texts that are nearly an earlier one, as the corpus stage would find it."""
    limits = NearDuplicates()
    index = NearIndex(limits)
    copies = sum(index.likeness(text) >= limits.least_jaccard for text in texts)
    index.close()
    return copies / len(texts)


def consistent(documents: list[Document]) -> dict[str, tuple[int, int]]:
    """By check: how many documents pass, and how many it applies to."""
    verdicts = [check_consistency(document.text) for document in documents]
    return {
        name: (
            sum(one[name] is True for one in verdicts),
            sum(one[name] is not None for one in verdicts),
        )
        for name in verdicts[0]
    }


def measure(kind: str | None, seed: int) -> dict[str, Any]:
    """Every figure of the text's variety, for documents of this kind (None: the mixture)."""
    start = time.perf_counter()
    read = list(islice(write(seed=seed, kind=kind), READ))
    seconds = time.perf_counter() - start
    met = list(islice(write(seed=seed, kind=kind, split="validation"), MET))
    characters = sum(len(document.text) for document in read)
    known = Counter(sentence for document in read for sentence in sentences(document.text))
    known_runs = {run for document in read for run in runs(document.text)}
    new = [sentence for document in met for sentence in sentences(document.text)]
    new_runs = [run for document in met for run in runs(document.text)]
    (commonest, often), *_ = known.most_common(1)
    return {
        "kind": kind or "the mixture",
        "floor_bits_per_character": sum(document.bits for document in read) / characters,
        "words": len({word for document in read for word in words(document.text)}),
        "repeated_sentences": sum(sentence in known for sentence in new) / len(new),
        "seen_runs_of_8_words": sum(run in known_runs for run in new_runs) / max(1, len(new_runs)),
        "commonest_sentence": commonest,
        "share_of_commonest_sentence": often / known.total(),
        "near_copies": near_copies([document.text for document in [*read, *met]]),
        "consistent": consistent(read),
        "characters_per_document": characters / READ,
        "megabytes_per_second": characters / 1e6 / seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", help="one kind of text; without it, the mixture")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments.kind, arguments.seed)
    if arguments.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(
            f"{name.replace('_', ' '):28} {value:.4g}"
            if isinstance(value, float)
            else f"{name.replace('_', ' '):28} {value}"
        )


if __name__ == "__main__":
    main()
