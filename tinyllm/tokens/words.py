"""Cutting a text into the words inside which byte pairs may merge.

The rule is GPT-2's (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners",
section 2.2): a word takes the space before it, and no token may join a letter to a digit or to
punctuation. So "dog", "dog." and "dog!" share their token, and "the" costs one with its space.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tokenizers import pre_tokenizers

from tinyllm.tokens.alphabet import well_formed

_WORD = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d"  # the ends of it's, don't, we're, I've, I'm, she'll, he'd
    r"| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+"  # letters, digits, marks
    r"|\s+(?!\S)|\s+",  # blank space, less the one space that the next word takes
    re.ASCII,
)
_BEFORE_LINE_END = re.compile(r"(?<=\S)(?=\n)")
_LIBRARY = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def split_words(text: str) -> list[str]:
    """The words of a text; joined again they are the text.

    What is a letter outside ASCII is a matter of the Unicode edition, so there the rule is applied
    by the `tokenizers` library, whose cuts these must equal.

    >>> split_words("I've seen 3 red kites,  there!")
    ['I', "'ve", ' seen', ' 3', ' red', ' kites', ',', ' ', ' there', '!']
    """
    words: list[str] = []
    # No word goes on from a mark or letter into a line end, so a text may be cut there.
    for part in _BEFORE_LINE_END.split(well_formed(text)):
        if part.isascii():
            words += _WORD.findall(part)
        else:
            words += [part[a:b] for _, (a, b) in _LIBRARY.pre_tokenize_str(part)]
    return words


def count_words(texts: Iterable[str]) -> Counter[bytes]:
    """How often each word occurs: all that BPE needs to know of its texts.

    >>> count_words(["the cat saw the other cat"]).most_common(1)
    [(b' cat', 2)]
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split_words(text))
    return Counter({word.encode("utf-8"): count for word, count in counts.items()})
