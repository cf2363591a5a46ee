"""Gopher's rules: does it read like text, and does it repeat itself?

Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher",
appendix A.1.1. A rule is a reason: the first that a text breaks is why it is dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tinyllm.corpus.words import duplicates, split_words

QUALITY_RULE = (
    "Gopher's quality rules (Rae et al. 2021): enough words, words of a usual length, few hash "
    "signs, ellipses and bullets, letters in most words, and some of the commonest English words."
)
REPETITION_RULE = (
    "Gopher's repetition rules (Rae et al. 2021, table A1): not too much of a text may be lines, "
    "paragraphs or runs of words that stood in it before."
)
STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})


@dataclass(frozen=True, kw_only=True)
class GopherQuality:
    """The limits of the quality rules, with the paper's numbers."""

    least_words: int = 50
    """A document has between 50 ..."""
    most_words: int = 100_000
    """... and 100,000 words."""
    shortest_mean: float = 3
    """The mean word has at least 3 ..."""
    longest_mean: float = 10
    """... and at most 10 letters."""
    most_symbols: float = 0.1
    """Hash signs, or ellipses, for each word."""
    most_bullets: float = 0.9
    """At most nine lines of ten begin with a bullet."""
    most_ellipses: float = 0.3
    """At most three lines of ten end with an ellipsis."""
    least_alphabetic: float = 0.8
    """Four words of five have a letter in them."""
    counts_punctuation: bool = True
    """Whether a comma is a word without a letter, as it is for most tokenizers of English."""
    least_stop_words: int = 2
    """At least two different ones of the, be, to, of, and, that, have, with."""


@dataclass(frozen=True, kw_only=True)
class GopherRepetition:
    """The limits of the repetition rules: table A1 of the paper, shares of the text."""

    lines: float = 0.30
    paragraphs: float = 0.30
    line_characters: float = 0.20
    paragraph_characters: float = 0.20
    top_grams: Mapping[int, float] = field(default_factory=lambda: {2: 0.20, 3: 0.18, 4: 0.16})
    """The commonest run of so many words: the share of the characters that it may take."""
    repeated_grams: Mapping[int, float] = field(
        default_factory=lambda: {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    )
    """All runs of so many words that came before: the share that they may take together."""


def judge_quality(text: str, limits: GopherQuality = GopherQuality()) -> str | None:
    """Why a text is none, by Gopher's quality rules; None if it passes.

    >>> judge_quality("Too short.")
    'too few words'
    >>> judge_quality("The duck came to the pond with Mina, and that was all. " * 5) is None
    True
    """
    tokens = split_words(text)
    words = [token for token in tokens if any(map(str.isalnum, token))]
    if len(words) < limits.least_words:
        return "too few words"
    if len(words) > limits.most_words:
        return "too many words"
    mean = sum(map(len, words)) / len(words)
    if mean < limits.shortest_mean:
        return "words are too short"
    if mean > limits.longest_mean:
        return "words are too long"
    if text.count("#") > limits.most_symbols * len(tokens):
        return "too many hash signs"
    if text.count("...") + text.count("…") > limits.most_symbols * len(tokens):
        return "too many ellipses"
    lines = text.splitlines()
    if sum(ln.lstrip().startswith(("•", "-")) for ln in lines) > limits.most_bullets * len(lines):
        return "nearly all lines are bullets"
    if sum(ln.rstrip().endswith(("...", "…")) for ln in lines) > limits.most_ellipses * len(lines):
        return "too many lines end in an ellipsis"
    counted = tokens if limits.counts_punctuation else words
    alphabetic = sum(any(map(str.isalpha, token)) for token in counted)
    if alphabetic < limits.least_alphabetic * len(counted):
        return "too many words without a letter"
    if len(STOP_WORDS.intersection(map(str.lower, words))) < limits.least_stop_words:
        return "hardly a common English word"
    return None


def judge_repetition(
    text: str,
    limits: GopherRepetition = GopherRepetition(),
) -> str | None:
    """Why a text repeats itself too much, by Gopher's repetition rules; None if it does not.

    >>> judge_repetition("Tom came.\\nTom came.\\nTom came.")
    'repeated lines'
    """
    stripped = text.strip()
    paragraphs = re.split(r"\n{2,}", stripped)
    count, characters = duplicates(paragraphs)
    if count > limits.paragraphs * len(paragraphs) or (
        characters > limits.paragraph_characters * len(text)
    ):
        return "repeated paragraphs"
    lines = re.split(r"\n+", text)
    count, characters = duplicates(lines)
    if count > limits.lines * len(lines) or characters > limits.line_characters * len(text):
        return "repeated lines"
    words = split_words(text)
    for n, share in limits.top_grams.items():
        if _most_common(words, n) > share * len(text):
            return f"one run of {n} words again and again"
    shortest, least = min(limits.repeated_grams), min(limits.repeated_grams.values())
    if _in_repeated(words, shortest) <= least * len(text):
        return None  # most texts: longer runs that repeat are made of shorter ones that do
    for n, share in limits.repeated_grams.items():
        if _repeated(words, n) > share * len(text):
            return f"repeated runs of {n} words"
    return None


def _most_common(words: Sequence[str], n: int) -> int:
    """The characters in all occurrences of the commonest run of n words, once is no repetition."""
    counts = Counter(zip(*(words[i:] for i in range(n))))
    if not counts:
        return 0
    grams = counts.most_common(1)[0]
    return (sum(map(len, grams[0])) + n - 1) * grams[1]


def _in_repeated(words: Sequence[str], n: int) -> int:
    """The characters of all words that stand in any run of n words that stood before."""
    seen: set[tuple[str, ...]] = set()
    add = seen.add
    characters = counted = 0
    for at, gram in enumerate(zip(*(words[i:] for i in range(n)))):
        if gram in seen:
            start = max(counted, at)
            counted = at + n
            characters += sum(map(len, words[start:counted]))
        else:
            add(gram)
    return characters


def _repeated(words: Sequence[str], n: int) -> int:
    """The characters in runs of n words that stood before; runs that overlap count once."""
    seen: set[tuple[str, ...]] = set()
    characters = at = 0
    grams = list(zip(*(words[i:] for i in range(n))))
    while at < len(grams):
        gram = grams[at]
        if gram in seen:
            characters += sum(map(len, gram))
            at += n
        else:
            seen.add(gram)
            at += 1
    return characters
