"""Words, sentences and lines, as the filters count them."""

from __future__ import annotations

import re

_WORD = re.compile(
    r"""
    \w+?(?=n['’]t\b) | n['’]t\b | ['’](?:s|m|d|ll|ve|re)\b   # do n't, it 's
    | https?://\S*[\w/]                                     # an address
    | \w+(?:[.,:@/=+&]\w+)+                       # 3.11, foo.bar, 10:15
    | \w+
    | \.{2,} | -{2,} | ([^\w\s])
    """,
    re.VERBOSE,
)
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)")
TERMINAL = (".", "!", "?", '"', "'", "”", "’", "…")


def split_words(text: str) -> list[str]:
    """Words, and each sign of punctuation for itself, as tokenizers for English do.

    Gopher's limits were set on such tokens: that a fifth of them may lack a letter leaves room for
    commas and full stops.

    >>> split_words("Don't ask: it's 3.11, well-known.")
    ['Do', "n't", 'ask', ':', 'it', "'s", '3.11', ',', 'well', '-', 'known', '.']
    """
    return [match.group() for match in _WORD.finditer(text)]


def count_sentences(line: str) -> int:
    """How many sentences a line of text holds; one without an end counts.

    >>> count_sentences("Tom came. Did Ruby? No"), count_sentences("")
    (3, 0)
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(line)]
    rest = line[ends[-1] :] if ends else line
    return len(ends) + any(character.isalnum() for character in rest)


def duplicates(pieces: list[str]) -> tuple[int, int]:
    """How many pieces stood there before, and how many characters those have together.

    >>> duplicates(["la", "li", "la", "la"])
    (2, 4)
    """
    seen: set[str] = set()
    count = characters = 0
    for piece in pieces:
        if piece in seen:
            count += 1
            characters += len(piece)
        seen.add(piece)
    return count, characters
