"""Byte-pair encoding by hand, fast: the same merges as `minimal.py`, found without recounting.

Three ideas make the difference. A word that occurs a thousand times is merged once and counted a
thousand times. A merge changes the counts of its neighbours only, so each pair remembers the words
it stands in. And the commonest pair lies on top of a heap; an entry whose count has since changed
is put back with the right one when it comes up, which is cheaper than finding it when it changes.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tinyllm.events import Merge
from tinyllm.files import TinyLLMError
from tinyllm.tokens.alphabet import BYTE_IDS, FIRST_MERGE
from tinyllm.tokens.words import count_words

Pair = tuple[int, int]


def train_bpe(texts: Iterable[str], vocab_size: int, *, min_frequency: int = 1) -> Iterator[Merge]:
    """Yield the merges of byte-level BPE, commonest pair first, until `vocab_size` tokens exist.

    They are those of the `tokenizers` library, in its order: of pairs that occur equally often the
    one with the smaller ids comes first. The stream ends early when no pair occurs `min_frequency`
    times any more. Each text is read once; what stays in memory is its distinct words.

    >>> for merge in train_bpe(["the cat saw the other cat on the mat"], 264):
    ...     print(merge.rank, merge.left, merge.right, merge.new, merge.count, merge.text)
    0 76 73 261 4 b'he'
    1 88 261 262 4 b'the'
    2 69 88 263 3 b'at'
    """
    check_vocab_size(vocab_size)
    counted = count_words(texts)
    words = [[BYTE_IDS[byte] for byte in word] for word in counted]
    times = list(counted.values())
    counts: defaultdict[Pair, int] = defaultdict(int)
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for index, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += times[index]
            places[pair].add(index)
    heap = [(-counts[pair], pair) for pair in places]
    heapq.heapify(heap)

    pieces = {number: bytes([byte]) for byte, number in enumerate(BYTE_IDS)}
    for new in range(FIRST_MERGE, vocab_size):
        best = _pop_commonest(heap, counts)
        if best is None or counts[best] < max(min_frequency, 1):
            return
        left, right = best
        pieces[new] = pieces[left] + pieces[right]
        yield Merge(
            stage="tokenizer",
            rank=new - FIRST_MERGE,
            left=left,
            right=right,
            new=new,
            count=counts[best],
            text=pieces[new],
        )
        born: set[Pair] = set()
        for index in places.pop(best):
            for pair, change in _merge_in_word(words[index], best, new):
                counts[pair] += change * times[index]
                if change > 0:
                    places[pair].add(index)
                    born.add(pair)
        for pair in born:
            heapq.heappush(heap, (-counts[pair], pair))


def check_vocab_size(vocab_size: int) -> None:
    """Refuse a vocabulary that cannot hold every byte."""
    if vocab_size < FIRST_MERGE:
        raise TinyLLMError(
            "A vocabulary holds 5 special tokens and 256 bytes before its first merge: expected at "
            f"least {FIRST_MERGE} tokens, got {vocab_size}. A small model is well served by 2048."
        )


def _pop_commonest(heap: list[tuple[int, Pair]], counts: defaultdict[Pair, int]) -> Pair | None:
    """The pair that occurs most often; None when no pair is left."""
    while heap:
        expected, pair = heap[0]
        if -expected == counts[pair]:
            heapq.heappop(heap)
            return pair
        heapq.heapreplace(heap, (-counts[pair], pair))
    return None


def _merge_in_word(word: list[int], pair: Pair, new: int) -> Iterator[tuple[Pair, int]]:
    """Replace `pair` by `new` in place; yield the pairs that vanished (-1) and were born (+1)."""
    left, right = pair
    at = 0
    while at < len(word) - 1:
        if word[at] == left and word[at + 1] == right:
            if at > 0:
                yield (word[at - 1], left), -1
                yield (word[at - 1], new), 1
            word[at : at + 2] = [new]
            if at + 1 < len(word):
                yield (right, word[at + 1]), -1
                yield (new, word[at + 1]), 1
        at += 1
