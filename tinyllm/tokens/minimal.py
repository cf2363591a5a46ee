"""Byte-pair encoding in thirty lines, to be read before `bpe.py`.

The idea (Gage 1994; Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword
Units", algorithm 1): write the text in bytes, join the pair of neighbours that occurs most often
into a new token, and begin again. Left out: speed. Every round counts every pair of the whole text
anew, as minbpe does; `bpe.py` finds the same merges by keeping its counts up to date.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from tinyllm.tokens.alphabet import BYTE_IDS, FIRST_MERGE
from tinyllm.tokens.words import split_words

Pair = tuple[int, int]


def count_pairs(words: list[list[int]]) -> Counter[Pair]:
    """How often each two tokens stand side by side.

    >>> count_pairs([[7, 8, 7, 8], [8, 9]])
    Counter({(7, 8): 2, (8, 7): 1, (8, 9): 1})
    """
    return Counter(pair for word in words for pair in pairwise(word))


def merge(ids: list[int], pair: Pair, new: int) -> list[int]:
    """The tokens with every `pair` replaced by the token `new`, from left to right.

    >>> merge([7, 8, 7, 8, 9], (7, 8), 261)
    [261, 261, 9]
    """
    merged: list[int] = []
    for token in ids:
        if merged and (merged[-1], token) == pair:
            merged[-1] = new
        else:
            merged.append(token)
    return merged


def train_bpe_minimal(text: str, vocab_size: int) -> list[Pair]:
    """The merges of a text, in the order in which they are found; the first makes token 261.

    Of pairs that occur equally often the one with the smaller ids comes first.

    >>> train_bpe_minimal("low lower lowest", 263)
    [(80, 83), (261, 91)]
    """
    words = [[BYTE_IDS[byte] for byte in word.encode("utf-8")] for word in split_words(text)]
    merges: list[Pair] = []
    for new in range(FIRST_MERGE, vocab_size):
        counts = count_pairs(words)
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [merge(word, best, new) for word in words]
        merges.append(best)
    return merges
