"""FineWeb's rules: is it made of sentences, or of a menu's short lines?

Penedo et al. 2024, "The FineWeb Datasets: Decanting the Web for the Finest Text Data at Scale",
section 3.6: of some fifty statistics of pages, three told good crawls from bad ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyllm.corpus.words import TERMINAL, duplicates

FINEWEB_RULE = (
    "FineWeb's rules (Penedo et al. 2024): enough lines end like a sentence, few lines are short, "
    "few characters stand in lines that came before."
)


@dataclass(frozen=True, kw_only=True)
class FineWeb:
    """The limits, with the paper's numbers."""

    least_ended_lines: float = 0.12
    """At least 12% of the lines end with a punctuation mark."""
    most_repeated: float = 0.1
    """Less than 10% of the characters stand in repeated lines."""
    most_short_lines: float = 0.67
    """Less than 67% of the lines are ..."""
    short_line: int = 30
    """... shorter than 30 characters."""
    counts_short_sentences: bool = True
    """Whether a short line counts though it ends with a punctuation mark."""


def judge_fineweb(text: str, limits: FineWeb = FineWeb()) -> str | None:
    """Why a page is no text, by FineWeb's rules; None if it passes.

    >>> judge_fineweb("Home\\nNews\\nContact us\\nLog in")
    'hardly a line ends like a sentence'
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return "hardly a line ends like a sentence"
    if sum(ln.rstrip().endswith(TERMINAL) for ln in lines) < limits.least_ended_lines * len(lines):
        return "hardly a line ends like a sentence"
    short = [line for line in lines if len(line) < limits.short_line]
    if not limits.counts_short_sentences:
        short = [line for line in short if not line.rstrip().endswith(TERMINAL)]
    if len(short) > limits.most_short_lines * len(lines):
        return "most lines are short, as in a menu"
    if duplicates(lines)[1] > limits.most_repeated * sum(map(len, lines)):
        return "repeated lines"
    return None
