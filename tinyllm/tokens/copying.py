"""Is it new, or was it read? The longest stretch of a text that stands in the training text.

A model that writes well may have learned the language, or a page by heart. So for what it wrote
the longest run of tokens is found that stands, word for word, in a document that it was trained
on. The number alone says little, for people too use the same turns of phrase: beside it belongs
the same measure of real text that was never trained on (`CopyMeter.control`).

The corpus is read once, in chunks. In each, only stretches longer than the longest one so far are
looked for. A stretch of n tokens has the number h = t_1 B + ... + t_n B^n, and the running sum
H_i = t_1 B + ... + t_i B^i gives those of all stretches of a chunk with one subtraction,
(H_{i+n} - H_i) / B^i, for any n (Rabin and Karp, "Efficient randomized pattern-matching
algorithms", 1987). Everything is modulo 2^64, where the odd B has an inverse. Two stretches may
share a number, so what has the right number is compared token by token: the result is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyllm.tokens.shards import TokenShards
from tinyllm.tokens.tokenizer import Tokenizer

CHUNK: Final = 1 << 15
"""Tokens looked at together: their numbers fit into the processor's cache."""
BASE: Final = 0x9E3779B97F4A7C15
"""B: odd, its bits without a pattern (2^64 divided by the golden ratio)."""
SIEVE_BITS: Final = 16
"""The upper bits of a number by which nearly all stretches are ruled out."""

CONTROLS: Final = 9
"""So many texts that were never trained on are measured beside what a model wrote."""
LEAST_CONTROL: Final = 10
"""They have so many tokens, or 2, 4, 8, ... times as many, and are measured once for each."""

Ids = Sequence[int] | NDArray[Any]
Numbers = NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class Copy:
    """The longest stretch of a text that stands in a corpus.

    It is the text's `tokens` tokens from number `start` on, and stands in `document`, the first
    that holds it; None where not even one token does.
    """

    start: int = 0
    tokens: int = 0
    document: int | None = None


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied: the `text`, its length in `tokens`, and the first `document` that has it."""

    text: str
    tokens: int
    document: int | None

    @property
    def words(self) -> int:
        """Its length in words; one that is cut at an end counts.

        >>> Copied(text=" hen is h", tokens=4, document=0).words
        3
        """
        return len(self.text.split())


def longest_copies(texts: Sequence[Ids], shards: TokenShards) -> list[Copy]:
    """For each of `texts`, the longest stretch that stands in one document of `shards`.

    Of several equally long ones it is the first of the corpus. A stretch does not run over the end
    of a document. Memory is constant; time grows with the tokens of the corpus times the texts,
    about 3 ns each on one core.

    >>> shards = TokenShards(np.array([7, 8, 9, 9, 5, 6], np.uint16), np.array([0, 3, 6]))
    >>> longest_copies([[1, 8, 9, 5], [9, 5, 6], [2]], shards)[:2]
    [Copy(start=1, tokens=2, document=0), Copy(start=0, tokens=3, document=1)]
    >>> longest_copies([[2]], shards)
    [Copy(start=0, tokens=0, document=None)]
    """
    searches = [_Search(text, shards) for text in texts]
    longest = max((len(search.text) for search in searches), default=0)
    powers = _powers(BASE, CHUNK + longest)
    inverses = _powers(pow(BASE, -1, 1 << 64), CHUNK + longest)
    for first in range(0, len(shards.tokens), CHUNK):
        if all(search.complete for search in searches):
            break
        ids = shards.read(first, first + CHUNK + longest)
        sums = _sums(ids, powers)
        for search in searches:
            search.look(first, sums, inverses)
    return [search.found for search in searches]


class CopyMeter:
    """Measures how much of a text was copied from `train`, and what the same says of `held_out`.

    >>> from tinyllm.tokens import train_tokenizer
    >>> tokenizer = train_tokenizer(["the hen saw the other hen"], vocab_size=270)
    >>> def shards(*texts):
    ...     ids = tokenizer.encode_batch(texts)
    ...     return TokenShards(np.concatenate(ids), np.cumsum([0, *map(len, ids)]))
    >>> train = shards("the hen is here", "the other hen is away")
    >>> meter = CopyMeter(train, shards("no hen is here, says the cook"), tokenizer)
    >>> (copied,) = meter.measure([tokenizer.encode("a hen is here")])
    >>> copied.text, copied.document, meter.control(8)
    (' hen is here', 0, 3)
    """

    def __init__(self, train: TokenShards, held_out: TokenShards, tokenizer: Tokenizer) -> None:
        self.train = train
        self.held_out = held_out
        self.tokenizer = tokenizer
        self._controls: dict[int, float | None] = {}

    def measure(self, texts: Sequence[Ids]) -> list[Copied]:
        """What was copied in each of `texts`, token ids that a model wrote."""
        copies = longest_copies(texts, self.train)
        return [self._in_words(text, copy) for text, copy in zip(texts, copies, strict=True)]

    def control(self, tokens: int) -> float | None:
        """How many words in a row stand in `train` of held-out texts of about so many tokens.

        The median over `CONTROLS` documents, cut to that length; over fewer where only a few are
        so long, and None where none is.
        """
        doublings = max(round(math.log2(max(tokens, 1) / LEAST_CONTROL)), 0)
        length = LEAST_CONTROL << doublings
        if length not in self._controls:
            long_enough = np.flatnonzero(np.diff(self.held_out.offsets) >= length)[:CONTROLS]
            texts = [self.held_out.document(number)[:length] for number in long_enough.tolist()]
            words = [copied.words for copied in self.measure(texts)]
            self._controls[length] = median(words) if words else None
        return self._controls[length]

    def _in_words(self, text: Ids, copy: Copy) -> Copied:
        stretch = list(map(int, text[copy.start : copy.start + copy.tokens]))
        written = self.tokenizer.decode(stretch)
        return Copied(text=written, tokens=copy.tokens, document=copy.document)


class _Search:
    """The longest copy of one text so far."""

    def __init__(self, text: Ids, shards: TokenShards) -> None:
        self.text = np.asarray(text, dtype=np.int64)
        self.shards = shards
        self.found = Copy()
        self._powers = _powers(BASE, len(self.text))
        self._inverses = _powers(pow(BASE, -1, 1 << 64), len(self.text))
        self._look_for(1)

    @property
    def complete(self) -> bool:
        """Whether all of the text was found, and nothing longer can be."""
        return self.found.tokens == len(self.text)

    def _look_for(self, length: int) -> None:
        """Look for stretches of so many tokens from now on."""
        self._length = length
        self._numbers = _stretches(_sums(self.text, self._powers), self._inverses, length)
        self._rising = np.sort(self._numbers)
        self._sieve = np.zeros(1 << SIEVE_BITS, dtype=np.bool_)
        self._sieve[_upper_bits(self._numbers)] = True

    def look(self, first: int, sums: Numbers, inverses: Numbers) -> None:
        """Find what is longer than the longest so far in a chunk, which begins at token `first`."""
        while not self.complete:
            numbers = _stretches(sums, inverses, self._length)[:CHUNK]
            passed = np.flatnonzero(self._sieve.take(_upper_bits(numbers), mode="clip"))
            place = np.searchsorted(self._rising, numbers[passed])
            alike = passed[self._rising.take(place, mode="clip") == numbers[passed]]
            ends = self.shards.offsets[self._documents(first + alike) + 1]
            within = alike[first + alike + self._length <= ends]
            copies = (self._copy(first + place, numbers[place]) for place in within.tolist())
            longer = next((copy for copy in copies if copy.tokens >= self._length), None)
            if longer is None:
                return
            self.found = longer
            self._look_for(longer.tokens + 1)

    def _documents(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """In which documents tokens of the corpus stand."""
        return np.searchsorted(self.shards.offsets, places, side="right") - 1

    def _copy(self, place: int, number: np.uint64) -> Copy:
        """The longest copy that begins at this token of the corpus, with a stretch of `number`."""
        document = int(self._documents(np.array([place]))[0])
        end = min(int(self.shards.offsets[document + 1]), place + len(self.text))
        there = np.asarray(self.shards.tokens[place:end], dtype=np.int64)
        best = Copy()
        for start in np.flatnonzero(self._numbers == number).tolist():
            tokens = _shared(self.text[start:], there)
            if tokens > best.tokens:
                best = Copy(start=start, tokens=tokens, document=document)
        return best


def _powers(base: int, count: int) -> Numbers:
    """base^0, base^1, ..., modulo 2^64."""
    factors = np.full(count + 1, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


def _sums(ids: Ids, powers: Numbers) -> Numbers:
    """H: H_0 = 0 and the sums of t_i B^i; tokens count from 1, so that token 0 counts too."""
    sums = np.zeros(len(ids) + 1, dtype=np.uint64)
    np.cumsum((np.asarray(ids, dtype=np.uint64) + np.uint64(1)) * powers[: len(ids)], out=sums[1:])
    return sums


def _stretches(sums: Numbers, inverses: Numbers, length: int) -> Numbers:
    """The numbers of all stretches of so many tokens."""
    count = max(len(sums) - length, 0)
    return (sums[length:] - sums[:count]) * inverses[:count]


def _upper_bits(numbers: Numbers) -> NDArray[np.int64]:
    return (numbers >> np.uint64(64 - SIEVE_BITS)).view(np.int64)


def _shared(one: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    """How many tokens two texts share from their beginnings on."""
    length = min(len(one), len(other))
    different = np.flatnonzero(one[:length] != other[:length])
    return int(different[0]) if len(different) else length
