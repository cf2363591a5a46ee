"""Which words come more or less often, when some would by chance alone.

The same questions were answered twice. Were nothing different but luck, any pair of answers might
as well stand the other way round. So it is turned round: every pair by the toss of a coin, a
thousand times, and each time the word that seems to have changed most is noted. A word has changed
beyond chance if it stands out further than 95% of those. Thus the chance that even one word of the
many that were looked at is named by mistake is at most 5%, however words go together (Westfall and
Young 1993, the single-step maxT procedure).

Shapes: N questions, W words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyllm.alignment.features import last_sentence
from tinyllm.alignment.readable import words
from tinyllm.evaluation.intervals import Z95, Interval

ANYWHERE, LAST = "anywhere", "last sentence"
LEVEL = 0.05
TURNS = 2_000
LEAST = 6
"""A word must come or go in so many pairs: 2 · ½⁶ = 0.03, and fewer are never beyond chance."""


@dataclass(frozen=True, kw_only=True)
class WordChange:
    """A word that comes in the share `before` of the old answers and `after` of the new ones.

    `where` is `ANYWHERE` or `LAST`. `difference` is after - before; `p` is how often chance alone
    brings a word, out of all that were looked at, that stands out as far.
    """

    word: str
    where: str
    before: float
    after: float
    difference: Interval
    p: float


def paired_share(before: Sequence[bool], after: Sequence[bool]) -> Interval:
    """The share of `after` less that of `before`, of the same cases, with its 95% interval.

    Only cases that changed tell anything. Half a case is added to each of the four ways (Agresti
    and Min 2005): a bootstrap of three changes in a hundred would be far too sure.

    >>> share = paired_share([False] * 8, [True] * 4 + [False] * 4)
    >>> round(share.value, 2), round(share.low, 2), round(share.high, 2)
    (0.5, 0.04, 0.76)
    """
    if len(before) != len(after) or not before:
        raise ValueError(
            f"expected the same cases before and after, one at least; got {len(before)} and "
            f"{len(after)}"
        )
    came = sum(b < a for b, a in zip(before, after, strict=True))
    went = sum(b > a for b, a in zip(before, after, strict=True))
    n, gain, changed = len(before) + 2, came - went, came + went + 1
    half = Z95 * math.sqrt(changed - gain**2 / n) / n
    low, high = max(-1.0, gain / n - half), min(1.0, gain / n + half)
    return Interval(gain / len(before), low, high, len(before))


def chance_of(changes: NDArray[np.int64], *, seed: int = 0) -> NDArray[np.float64]:
    """How often the toss of coins brings a column that stands out as far as this one: (W).

    `changes` (N, W) are 1 where a word came, -1 where it went, else 0; every column has one other
    than 0.

    >>> chance_of(np.array([[1, 1]] * 7 + [[1, -1]])).round(1).tolist()
    [0.0, 0.1]
    """
    scaled = changes / np.sqrt((changes**2).sum(0))  # so that each sum has variance 1 by chance
    coins = np.random.default_rng(seed).choice([-1.0, 1.0], size=(TURNS, len(changes)))
    furthest = np.abs(coins @ scaled).max(1)  # (TURNS)
    found = np.abs(scaled.sum(0))
    above = (furthest[:, None] >= found - 1e-9).sum(0)
    chance: NDArray[np.float64] = (1 + above) / (1 + TURNS)
    return chance


def word_changes(
    before: Sequence[str], after: Sequence[str], *, seed: int = 0
) -> tuple[list[WordChange], int]:
    """The words that changed beyond chance, the surest first, and how many were looked at.

    `before[i]` and `after[i]` answer the same question, and no two questions are the same. A word
    counts once an answer, and once more in the last sentence.

    >>> changed, tried = word_changes(["A hat."] * 9, ["A hen."] * 9)
    >>> tried, [(one.word, one.where, one.difference.value) for one in changed[:2]]
    (4, [('hat', 'anywhere', -1.0), ('hat', 'last sentence', -1.0)])
    """
    said = [[_said(text) for text in texts] for texts in (before, after)]
    every = sorted(set().union(*said[0], *said[1]))
    column = {word: number for number, word in enumerate(every)}
    tables = np.zeros((2, len(before), len(every)), dtype=np.int64)
    for table, texts in zip(tables, said, strict=True):
        for row, found in enumerate(texts):
            table[row, [column[word] for word in found]] = 1
    changes = tables[1] - tables[0]
    tried = np.flatnonzero(np.abs(changes).sum(0) >= LEAST)
    if not len(tried):
        return [], 0
    chance = chance_of(changes[:, tried], seed=seed)
    found_changes = [
        WordChange(
            word=every[number][0],
            where=every[number][1],
            before=float(tables[0, :, number].mean()),
            after=float(tables[1, :, number].mean()),
            difference=paired_share(*(table[:, number].astype(bool).tolist() for table in tables)),
            p=float(p),
        )
        for number, p in zip(tried.tolist(), chance, strict=True)
        if p <= LEVEL
    ]
    found_changes.sort(key=lambda one: (one.p, -abs(one.difference.value), one.word))
    return found_changes, len(tried)


def _said(text: str) -> set[tuple[str, str]]:
    """Each word of a text, once, with where it stands."""
    return {(word, ANYWHERE) for word in words(text)} | {
        (word, LAST) for word in words(last_sentence(text))
    }
