"""From scores to one token: temperature, top-k, top-p, and a draw.

Shapes: B rows, V vocabulary, k candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tinyllm.files import UsageError


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen.

    `temperature` divides the scores: below 1 the likely becomes likelier, and 0 (or anything below
    0.00001) always takes the likeliest token. `top_k` keeps the k likeliest tokens; `top_p` then
    the fewest of them that together have at least this probability (nucleus sampling, Holtzman et
    al. 2020).

    >>> scores = torch.tensor([[0.0, 3.0, 1.0]])
    >>> Sampling(temperature=0).choose(scores, torch.tensor([0.9]))
    tensor([1])
    >>> Sampling(top_k=2).choose(scores, torch.tensor([0.9]))  # of 1 (0.88) and 2 (0.12)
    tensor([2])
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise UsageError(f"The temperature must be a number from 0 up, got {self.temperature}.")
        if self.top_k is not None and self.top_k < 1:
            raise UsageError(f"top_k must be at least 1, got {self.top_k}.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UsageError(f"top_p must be above 0 and at most 1, got {self.top_p}.")

    def choose(self, logits: Tensor, uniforms: Tensor, chances: Tensor | None = None) -> Tensor:
        """Logits (B,V) and uniform numbers in [0, 1), (B) -> a token for each row, (B).

        `chances` (B,V) is the softmax of the logits, if it is at hand: at temperature 1, with all
        tokens in play, that is all there is to compute.
        """
        if self.temperature < 1e-5:
            return logits.argmax(-1)
        if self.temperature != 1:
            logits, chances = logits / self.temperature, None
        if self.top_k is None and self.top_p is None:
            return draw(logits.softmax(-1) if chances is None else chances, uniforms)
        vocabulary = logits.shape[-1]
        best, tokens = logits.topk(min(self.top_k or vocabulary, vocabulary))  # (B,k), descending
        weights = best.softmax(-1)
        if self.top_p is not None:
            before = weights.cumsum(-1) - weights  # what the likelier tokens already have
            weights = weights * (before < self.top_p)
        return tokens.gather(1, draw(weights, uniforms)[:, None])[:, 0]


def draw(weights: Tensor, uniforms: Tensor) -> Tensor:
    """One index a row, with probability in proportion to weights (B,V); uniforms (B) in [0, 1).

    The cumulative sum lays the weights end to end; a point thrown on that line falls in one of
    them. One random number and a binary search a row: faster than racing V exponential clocks.

    >>> draw(torch.tensor([[1.0, 0.0, 3.0]]).expand(3, 3), torch.tensor([0.2, 0.25, 0.99]))
    tensor([0, 2, 2])
    """
    ends = weights.cumsum(-1)  # (B,V)
    return torch.searchsorted(ends, uniforms[:, None] * ends[:, -1:], right=True)[:, 0]


def uniform_stream(seed: int, row: int, count: int) -> Tensor:
    """The first `count` uniform numbers of row `row`, float32 in [0, 1).

    Each (seed, row) is a key of the Philox counter-based generator (Salmon et al. 2011), so a row
    draws the same numbers whichever rows are sampled beside it.

    >>> bool(torch.equal(uniform_stream(7, 3, 2), uniform_stream(7, 3, 5)[:2]))
    True
    """
    words = np.array([seed % 2**64, row], dtype=np.uint64)
    numbers = np.random.Generator(np.random.Philox(key=words)).random(count)
    # 23 bits: the largest number times a float32 sum stays below the sum.
    return torch.from_numpy(np.floor(numbers * 2**23) / 2**23).float()
