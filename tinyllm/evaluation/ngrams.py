"""A model that knows which token followed the last four, and nothing else.

Its lines are fluent: each run of five tokens stood in the training text. What was said six tokens
ago it cannot know, so it loses its hero and finds what nobody lost. Held beside a transformer on
the same checks, it shows what attention is for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyllm.tokens import TokenShards

ORDER = 5
MOST_TOKENS = 1_000_000
"""So much of the text is counted: 16 bytes a token and order."""


class NGrams:
    """Counts of runs of up to `order` tokens, for drawing the next one.

    The next token is drawn as often as it followed the longest known context: the last
    `order` - 1 tokens, or fewer where these never stood together.

    >>> shards = TokenShards(np.array([5, 6, 7, 5, 6, 8], np.uint16), np.array([0, 3, 6]))
    >>> ngrams = NGrams(shards, vocab_size=16, end_of_text=0)
    >>> texts = {tuple(ngrams.write(np.random.default_rng(seed))) for seed in range(9)}
    >>> sorted(texts)
    [(5, 6, 7), (5, 6, 8)]
    """

    def __init__(
        self,
        shards: TokenShards,
        *,
        vocab_size: int,
        end_of_text: int,
        order: int = ORDER,
        most_tokens: int = MOST_TOKENS,
    ) -> None:
        if vocab_size ** (order - 1) >= 2**63:
            raise ValueError(f"expected contexts below 2**63, got {vocab_size}**{order - 1}")
        documents = int(np.searchsorted(shards.offsets, most_tokens, side="right")) - 1
        ends = shards.offsets[: max(documents, 1) + 1]
        text = np.asarray(shards.tokens[: ends[-1]], dtype=np.int64)
        stream = np.insert(text, ends, end_of_text)  # one before each document, one at the end
        self._vocab_size, self._end = vocab_size, end_of_text
        self._tables = [self._table(stream, context) for context in range(1, order)]

    def _table(
        self, stream: NDArray[np.int64], context: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every context of so many tokens as one number, sorted, and what followed it."""
        keys = np.zeros(len(stream) - context, dtype=np.int64)
        for place in range(context):
            keys = keys * self._vocab_size + stream[place : place + len(keys)]
        order = np.argsort(keys, kind="stable")
        return keys[order], stream[context:][order]

    def next(self, ids: Sequence[int], rng: np.random.Generator) -> int:
        """A token to follow `ids`, which hold at least one."""
        for context in range(min(len(self._tables), len(ids)), 0, -1):
            key = 0
            for token in ids[-context:]:
                key = key * self._vocab_size + token
            keys, following = self._tables[context - 1]
            first, last = np.searchsorted(keys, [key, key + 1])
            if first < last:
                return int(following[rng.integers(first, last)])
        return self._end

    def write(self, rng: np.random.Generator, most: int = 256) -> list[int]:
        """One text from its beginning to its end, at most `most` tokens."""
        ids = [self._end]
        while len(ids) <= most and (token := self.next(ids, rng)) != self._end:
            ids.append(token)
        return ids[1:]
