"""C4's rules: lines that are no sentences go, and pages that are not made of sentences.

Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer", section 2.2; the longest word and the policy lines stand in its code. Its list of bad
words is left out: it drops whole subjects, and what the learner's own pages may say is theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tinyllm.corpus.words import count_sentences

C4_RULE = (
    "C4's rules (Raffel et al. 2020): lines about JavaScript or with the phrases of a privacy "
    "policy go; pages with filler text, with curly brackets or with too few sentences are dropped."
)
POLICY = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_ENDS = (".", "?", "!", '"', "'")


@dataclass(frozen=True, kw_only=True)
class C4:
    """The limits, with the paper's numbers."""

    needs_punctuation: bool = True
    """Only lines that end like a sentence stay. FineWeb (Penedo et al. 2024, section 3.5) found
    that this alone costs 30% of the text and left it out."""
    least_sentences: int = 5
    """A page with fewer sentences is dropped."""
    least_words_a_line: int = 3
    """Shorter lines go."""
    longest_word: int = 1000
    """A line with a longer word goes."""
    longest_policy_line: int | None = None
    """A line with a phrase of `POLICY` goes if it is at most so many characters long; None, as in
    C4: whatever its length."""


def clean_c4(text: str, limits: C4 = C4()) -> tuple[str, str | None]:
    """The lines that stay, and why the page is dropped (None if it is not).

    >>> clean_c4("Menu\\nThe duck came home. It was late.", C4(least_sentences=2))
    ('The duck came home. It was late.', None)
    >>> clean_c4("Lorem ipsum dolor sit amet.")[1]
    'filler text (lorem ipsum)'
    """
    kept: list[str] = []
    sentences = 0
    for whole in text.splitlines():
        line = whole.strip()
        words = line.split()
        if any(len(word) > limits.longest_word for word in words):
            continue
        line = _CITATION.sub("", line)
        if limits.needs_punctuation and (not line.endswith(_ENDS) or line.endswith("...")):
            continue
        if len(words) < limits.least_words_a_line and words:
            continue
        small = line.lower()
        if "lorem ipsum" in small:
            return text, "filler text (lorem ipsum)"
        if "javascript" in small:
            continue
        if "{" in line:
            return text, "curly brackets: a program, or parts of one"
        if _is_policy(small, limits.longest_policy_line):
            continue
        if sentences < limits.least_sentences:  # more need not be counted
            sentences += count_sentences(line)
        if line or (kept and kept[-1]):
            kept.append(line)
    if sentences < limits.least_sentences:
        return text, "too few sentences"
    return "\n".join(kept).strip(), None


def _is_policy(line: str, longest: int | None) -> bool:
    return (longest is None or len(line) <= longest) and any(phrase in line for phrase in POLICY)
