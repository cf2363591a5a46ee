"""Which prompts are alike, by their words.

Votes on stories say little about sums. So a policy that is to tell stories differently practises on
stories, and "an unusually long answer" means: for a question of this kind. Both need to know which
prompts are of a kind, and for that the words they share are enough, rare ones counting more: the
cosine of their TF-IDF vectors (Spärck Jones 1972).

Shapes: P prompts, V different words.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from tinyllm.alignment.readable import words


def likeness(texts: Sequence[Sequence[Hashable]]) -> NDArray[np.float64]:
    """How alike these texts are, 0 to 1: (P, P). A text is its words, or its tokens.

    >>> likeness([["a", "hen"], ["hen", "a"], ["two"]]).round(2).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    rows = _directions(texts)
    alike: NDArray[np.float64] = rows @ rows.T
    return alike


def closeness(texts: Sequence[str], to: Sequence[str], nearest: int = 5) -> NDArray[np.float64]:
    """How alike each text is to those in `to`: the mean of its likeness to the `nearest` of them.

    >>> closeness(["A story about Ida.", "Two plus two?"], ["A story about Tom."]).round(1).tolist()
    [0.6, 0.0]
    """
    rows = _directions([words(text) for text in [*texts, *to]])
    alike = np.sort(rows[: len(texts)] @ rows[len(texts) :].T, axis=1)
    mean: NDArray[np.float64] = alike[:, -nearest:].mean(axis=1)
    return mean


def nearest(texts: Sequence[str], to: Sequence[str]) -> list[int]:
    """For each text the number of the one in `to` that is worded most like it.

    >>> nearest(["Two plus three?", "A story about Ida."], ["A story about Tom.", "Two plus two?"])
    [1, 0]
    """
    rows = _directions([words(text) for text in [*texts, *to]])
    likest: list[int] = (rows[: len(texts)] @ rows[len(texts) :].T).argmax(axis=1).tolist()
    return likest


def most_alike(candidates: Sequence[str], to: Sequence[str], count: int) -> list[str]:
    """`count` of the `candidates` that are worded like the texts in `to`: in turn, the one most
    like each of them that is not taken yet.

    >>> asked = ["Tell me a story about Tom.", "What is two plus two?", "A story about Ida."]
    >>> most_alike(asked, ["Tell me a story about a hen."], 2)
    ['Tell me a story about Tom.', 'A story about Ida.']
    """
    known = set(to)
    candidates = [text for text in dict.fromkeys(candidates) if text not in known]
    to = list(dict.fromkeys(to))
    if not to:
        return candidates[:count]
    rows = _directions([words(text) for text in [*candidates, *to]])
    alike = rows[len(candidates) :] @ rows[: len(candidates)].T  # (to, candidates)
    ranked = [iter(order) for order in (-alike).argsort(axis=1, kind="stable").tolist()]
    taken: dict[int, None] = {}
    for turn in range(min(count, len(candidates))):
        ranking = ranked[turn % len(ranked)]
        taken[next(number for number in ranking if number not in taken)] = None
    return [candidates[number] for number in taken]


def _directions(texts: Sequence[Sequence[Hashable]]) -> NDArray[np.float64]:
    """A row of length one for each text: its words, weighed by how rare they are (P, V)."""
    said = [Counter(text) for text in texts]
    found = Counter(word for each in said for word in each)
    column = {word: number for number, word in enumerate(found)}
    table = np.zeros((len(texts), max(1, len(column))))
    for row, each in enumerate(said):
        for word, times in each.items():
            table[row, column[word]] = times * math.log(1 + len(texts) / found[word])
    length: NDArray[np.float64] = np.linalg.norm(table, axis=1, keepdims=True)
    directions: NDArray[np.float64] = table / np.maximum(length, 1e-12)
    return directions
