"""Our Gopher, C4 and FineWeb rules beside datatrove's, on its own examples and on real documents.

    python bench/filters.py --datatrove [CHECKOUT] [--documents 1000] [--seed 0]

Needs `pip install datatrove spacy nltk`; without them it says so and ends. With a CHECKOUT of
datatrove, its own filter tests run while every call of a filter is written down, and our rules
judge the same texts with the same limits. The real documents are docstrings and READMEs of the
packages that are installed here. Limits are the papers' on both sides; C4's list of bad words, that
datatrove downloads, is left out.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import random
import sys
import unittest
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from tinyllm.corpus.filters_c4 import C4, clean_c4
from tinyllm.corpus.filters_fineweb import FineWeb, judge_fineweb
from tinyllm.corpus.filters_gopher import (
    GopherQuality,
    GopherRepetition,
    judge_quality,
    judge_repetition,
)

Verdict = tuple[bool, str]
"""Whether a text stays, and why not."""


def theirs(answer: Any) -> Verdict:
    """What a filter of datatrove said, as a verdict."""
    kept, reason = answer if isinstance(answer, tuple) else (answer, "")
    return bool(kept), str(reason)


def ours_quality(filter: Any, text: str) -> Verdict:
    limits = GopherQuality(
        least_words=filter.min_doc_words,
        most_words=filter.max_doc_words,
        shortest_mean=filter.min_avg_word_length,
        longest_mean=filter.max_avg_word_length,
        most_symbols=filter.max_symbol_word_ratio,
        most_bullets=filter.max_bullet_lines_ratio,
        most_ellipses=filter.max_ellipsis_lines_ratio,
        least_alphabetic=filter.max_non_alpha_words_ratio,
        least_stop_words=filter.min_stop_words,
    )
    return verdict(judge_quality(text, limits))


def ours_repetition(filter: Any, text: str) -> Verdict:
    limits = GopherRepetition(
        lines=filter.dup_line_frac,
        paragraphs=filter.dup_para_frac,
        line_characters=filter.dup_line_char_frac,
        paragraph_characters=filter.dup_para_char_frac,
        top_grams=dict(filter.top_n_grams),
        repeated_grams=dict(filter.dup_n_grams),
    )
    return verdict(judge_repetition(text, limits))


def ours_c4(filter: Any, text: str) -> Verdict:
    limits = C4(
        needs_punctuation=filter.filter_no_terminal_punct,
        least_sentences=filter.min_num_sentences,
        least_words_a_line=filter.min_words_per_line,
        longest_word=filter.max_word_length,
    )
    return verdict(clean_c4(text, limits)[1])


def ours_fineweb(filter: Any, text: str) -> Verdict:
    limits = FineWeb(
        least_ended_lines=filter.line_punct_thr,
        most_repeated=filter.char_duplicates_ratio,
        most_short_lines=filter.short_line_threshold,
        short_line=filter.short_line_length + 1,
    )
    return verdict(judge_fineweb(text, limits))


def verdict(reason: str | None) -> Verdict:
    """Ours, as a verdict."""
    return reason is None, reason or ""


OURS: dict[str, Callable[[Any, str], Verdict]] = {
    "GopherQualityFilter": ours_quality,
    "GopherRepetitionFilter": ours_repetition,
    "C4QualityFilter": ours_c4,
    "FineWebQualityFilter": ours_fineweb,
}


def on_its_examples(checkout: Path) -> dict[str, Any]:
    """Run datatrove's filter tests, write down what each filter was asked, and ask ours."""
    filters = importlib.import_module("datatrove.pipeline.filters")
    asked: list[tuple[str, str, Verdict, Verdict]] = []
    for name, judge in OURS.items():
        kind = getattr(filters, name)
        original = kind.filter

        def spy(
            self: Any, doc: Any, name: str = name, original: Any = original, judge: Any = judge
        ) -> Any:
            text = doc.text
            answer = original(self, doc)
            asked.append((name, text, theirs(answer), judge(self, text)))
            return answer

        kind.filter = spy
    sys.path.insert(0, str(checkout))
    suite = unittest.defaultTestLoader.loadTestsFromName("tests.pipeline.filters.test_filters")
    unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(suite)
    same = sum(a[0] == b[0] for _, _, a, b in asked)
    return {
        "calls": len(asked),
        "same verdict": same,
        "differ": [
            {"filter": name, "text": text[:120], "theirs": a, "ours": b}
            for name, text, a, b in asked
            if a[0] != b[0]
        ],
    }


def real_documents(count: int, seed: int = 0) -> list[str]:
    """Docstrings and READMEs of installed packages, of 200 characters and more, in random order."""
    texts = sorted({text.strip() for text in (*_readmes(), *_docstrings()) if len(text) >= 200})
    random.Random(seed).shuffle(texts)
    return texts[:count]


def _readmes() -> Iterator[str]:
    for package in distributions():
        text = package.metadata.get_payload()
        if isinstance(text, str):
            yield text


def _docstrings(most_files: int = 3_000) -> Iterator[str]:
    place = Path(next(iter(distributions())).locate_file(""))
    for file in sorted(place.rglob("*.py"))[::4][:most_files]:
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield ast.get_docstring(node) or ""


def on_real_documents(texts: list[str]) -> dict[str, Any]:
    """Gopher's and C4's verdicts on each text, theirs and ours, with the papers' limits."""
    filters = importlib.import_module("datatrove.pipeline.filters")
    documents = importlib.import_module("datatrove.data")
    results: dict[str, Any] = {}
    for name in ("GopherQualityFilter", "GopherRepetitionFilter", "C4QualityFilter"):
        filter = getattr(filters, name)()
        pairs = [
            (theirs(filter.filter(documents.Document(text=text, id="0"))), OURS[name](filter, text))
            for text in texts
        ]
        differ = [(a, b, text) for (a, b), text in zip(pairs, texts, strict=True) if a[0] != b[0]]
        results[name] = {
            "documents": len(texts),
            "they keep": sum(a[0] for a, _ in pairs),
            "same verdict": f"{1 - len(differ) / len(texts):.4f}",
            "differ": [
                f"{a[1] or 'kept'} / {b[1] or 'kept'}: {text[:60]!r}" for a, b, text in differ
            ],
            "how they differ": dict(
                Counter(f"{a[1] or 'kept'} / {b[1] or 'kept'}" for a, b, _ in differ).most_common()
            ),
        }
    return results


def missing() -> str | None:
    """What has to be installed, or None."""
    for package in ("datatrove", "spacy", "nltk"):
        try:
            importlib.import_module(package)
        except ImportError:
            return package
    return None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datatrove", nargs="?", type=Path, const=Path(), help="a checkout of it")
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0, help="which documents are drawn")
    arguments = parser.parse_args()
    if absent := missing():
        print(f"Skipped: {absent} is not installed (pip install datatrove spacy nltk).")
        raise SystemExit(0)
    found: dict[str, Any] = {}
    texts = real_documents(arguments.documents, arguments.seed)
    found["real documents"] = on_real_documents(texts)
    if arguments.datatrove and (arguments.datatrove / "tests").is_dir():
        found["its own examples"] = on_its_examples(arguments.datatrove)
    print(json.dumps(found, indent=2, ensure_ascii=False))
