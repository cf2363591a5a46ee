"""What a loss is measured against: three models without a neural network.

`uniform` finds every token alike and is what a fresh network does: ln V. `unigram` knows how often
each token comes. `bigram` knows in addition the token before. A network that is not below the
bigram has learned less than a table of pairs holds.

The tables are counted on the training tokens, in pieces, and measured on the validation tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyllm.corpus import Document, read_text
from tinyllm.tokens import TokenShards

CHUNK = 4_000_000
"""Tokens counted at once, which bounds memory whatever the size of the corpus."""

STRENGTHS = tuple(float(2**i) for i in range(-2, 13))


class Bigram:
    """P(b | a) = (count(a, b) + k P(b)) / (count(a) + k), with P(b) from counts plus one.

    A rare context leans on the unigram, a frequent one on its own pairs (MacKay and Peto, "A
    hierarchical Dirichlet language model", 1995). The strength k is the one of `STRENGTHS` that
    predicts each training pair best when that pair alone is left out, so no validation text is
    needed to choose it.

    Counted on `streams`, arrays of ids; the first id of a stream is not predicted. ValueError
    without a single pair.

    >>> text = [np.array([0, 1, 0, 1, 0, 1, 0, 2])]
    >>> model = Bigram(text, vocab_size=3)
    >>> model.loss(text) < model.unigram_loss(text)
    True
    """

    def __init__(self, streams: Iterable[NDArray[Any]], vocab_size: int) -> None:
        self.vocab_size = vocab_size
        before, after = np.zeros((2, vocab_size), dtype=np.int64)
        self.pairs = np.zeros(0, dtype=np.int64)  # before * V + after, rising
        self.counts: NDArray[np.float64] = np.zeros(0)
        for ids in streams:
            ids = np.asarray(ids, dtype=np.int64)
            before += np.bincount(ids[:-1], minlength=vocab_size)
            after += np.bincount(ids[1:], minlength=vocab_size)
            self._add_pairs(ids[:-1] * vocab_size + ids[1:])
        if not len(self.pairs):
            raise ValueError("expected training text of at least two tokens; give more text")
        self.contexts = before.astype(np.float64)  # how often each token is followed by another
        self.unigram = (after + 1.0) / (after.sum() + vocab_size)
        self.strength = max(STRENGTHS, key=self._leave_one_out)

    def _add_pairs(self, pairs: NDArray[np.int64]) -> None:
        new, times = np.unique(pairs, return_counts=True)
        self.pairs, place = np.unique(np.concatenate([self.pairs, new]), return_inverse=True)
        counts = np.bincount(place, weights=np.concatenate([self.counts, times]))
        self.counts = counts.astype(np.float64)

    def _leave_one_out(self, strength: float) -> float:
        before, after = np.divmod(self.pairs, self.vocab_size)
        share = self.counts - 1 + strength * self.unigram[after]
        return float(self.counts @ np.log(share / (self.contexts[before] - 1 + strength)))

    def loss(self, streams: Iterable[NDArray[Any]]) -> float:
        """Nats a token, the first of each stream left out: nothing stands before it."""
        return self._mean(streams, bigram=True)

    def unigram_loss(self, streams: Iterable[NDArray[Any]]) -> float:
        """Nats a token of the unigram alone, over the same tokens."""
        return self._mean(streams, bigram=False)

    def _mean(self, streams: Iterable[NDArray[Any]], *, bigram: bool) -> float:
        nats, tokens = 0.0, 0
        for ids in streams:
            before, after = np.asarray(ids[:-1], dtype=np.int64), np.asarray(ids[1:])
            chance = self.unigram[after]
            if bigram:
                key = before * self.vocab_size + after
                place = np.minimum(np.searchsorted(self.pairs, key), len(self.pairs) - 1)
                seen = np.where(self.pairs[place] == key, self.counts[place], 0.0)
                chance = (seen + self.strength * chance) / (self.contexts[before] + self.strength)
            nats -= float(np.log(chance).sum())
            tokens += len(after)
        if tokens == 0:
            raise ValueError("expected text of at least two tokens to measure; give more text")
        return nats / tokens


def baselines(
    train: TokenShards, validation: TokenShards, vocab_size: int, *, end_of_text: int = 0
) -> dict[str, float]:
    """The losses of the three models on the validation tokens, in nats a token.

    `end_of_text` stands before every document and after the last, as a language model reads them,
    so its loss and these are means over the same tokens. ValueError where there is no text.

    >>> text = TokenShards(np.array([1, 2, 3, 2] * 50), np.array([0, 100, 200]))
    >>> {name: round(nats, 2) for name, nats in baselines(text, text, vocab_size=4).items()}
    {'uniform': 1.39, 'unigram': 1.09, 'bigram': 0.39}
    """
    model = Bigram(streams_of(train, end_of_text), vocab_size)
    return {
        "uniform": math.log(vocab_size),
        "unigram": model.unigram_loss(streams_of(validation, end_of_text)),
        "bigram": model.loss(streams_of(validation, end_of_text)),
    }


def streams_of(shards: TokenShards, end_of_text: int) -> Iterator[NDArray[np.int64]]:
    """The documents as streams of about `CHUNK` ids, `end_of_text` around each document.

    >>> shards = TokenShards(np.array([7, 8, 9]), np.array([0, 2, 3]))
    >>> [ids.tolist() for ids in streams_of(shards, end_of_text=0)]
    [[0, 7, 8, 0, 9, 0]]
    """
    first, offsets = 0, shards.offsets
    while first < len(shards):
        until = int(np.searchsorted(offsets, offsets[first] + CHUNK, side="right")) - 1
        until = max(until, first + 1)
        ids = np.asarray(shards.tokens[offsets[first] : offsets[until]], dtype=np.int64)
        yield np.append(
            np.insert(ids, offsets[first:until] - offsets[first], end_of_text), end_of_text
        )
        first = until


def floor_of(documents: Iterable[Document], shards: TokenShards) -> float | None:
    """The village's own entropy in nats a token of the shards; None where a document has no bits.

    `documents` are those that the shards were encoded from. Their derivation bits include the end
    of each document, and so do the tokens counted here.

    >>> one = Document(text="abc", id="0", metadata={"bits": 8.0})
    >>> round(floor_of([one], TokenShards(np.array([7, 8, 9]), np.array([0, 3]))), 3)  # 8 bits / 4
    1.386
    """
    bits = 0.0
    for document in documents:
        if document.metadata.get("bits") is None:
            return None
        bits += float(document.metadata["bits"])
    tokens = int(shards.offsets[-1]) + len(shards)
    return bits * math.log(2) / tokens if tokens else None


def rulers_of(corpus: Path, tokens: Path, vocab_size: int) -> dict[str, float]:
    """All rulers of a loss curve: `baselines` and, where it is known, "floor", in nats a token.

    Takes a few seconds on a corpus of millions of tokens; no model is needed.
    """
    train, validation = (TokenShards.open(tokens, split) for split in ("train", "validation"))
    floor = floor_of(read_text(corpus, "validation"), validation)
    rulers = baselines(train, validation, vocab_size)
    return rulers if floor is None else {**rulers, "floor": floor}
