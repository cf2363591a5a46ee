"""For other people's text, whose truth nobody knows: are the words that a model writes real?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tinyllm.evaluation.intervals import Interval, bootstrap_mean

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; an apostrophe inside belongs to the word.

    >>> words_of("The cat's tail, 3 cm long.")
    ['the', "cat's", 'tail', 'cm', 'long']
    """
    return [word.replace("’", "'").lower() for word in _WORD.findall(text)]


def vocabulary_of(texts: Iterable[str]) -> frozenset[str]:
    """Every word that occurs in the texts.

    >>> sorted(vocabulary_of(["A cat.", "a dog"]))
    ['a', 'cat', 'dog']
    """
    return frozenset(word for text in texts for word in words_of(text))


def known_words(samples: Sequence[str], vocabulary: frozenset[str]) -> Interval:
    """The share of the samples' words that occur in the training text; bootstrap over samples.

    A word cut off by the end of the context is not counted: give whole samples, or cut them at
    their last space. No word at all gives value 0 and the interval [0, 1].

    >>> known_words(["a cat", "a dxg"], frozenset({"a", "cat", "dog"})).value
    0.75
    """
    found = [
        (i, float(word in vocabulary)) for i, text in enumerate(samples) for word in words_of(text)
    ]
    if not found:
        return Interval(0.0, 0.0, 1.0, 0)
    return bootstrap_mean([known for _, known in found], [i for i, _ in found])
