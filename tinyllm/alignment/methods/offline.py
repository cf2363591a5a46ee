"""What the methods share that learn from labels alone: judged answers, read once by the reference.

No rollouts and no reward model: the answers were written before, and the policy is asked how likely
they are to it now. That is cheap, and it is the weakness: the policy is never corrected on what it
would say itself.

Shapes: R answers, b of them at a time, T and t time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from tinyllm.alignment.answers import Answers, lay_out, read_answers
from tinyllm.alignment.comparisons import Ids
from tinyllm.alignment.kl import by_length
from tinyllm.model import Transformer, sequence_logprobs

T = TypeVar("T")
Said = tuple[Ids, Ids]
"""A prompt and an answer, in tokens."""


def shuffled(labels: Sequence[T], *, rows: int, seed: int) -> Iterator[list[T]]:
    """Endless batches of `rows` labels; every epoch takes each of them once, in another order.

    >>> batches = shuffled("abcd", rows=3, seed=0)
    >>> sorted(next(batches) + next(batches)) == list("abcd")
    True
    """
    for epoch in range(1 << 62):
        order = list(labels)
        random.Random(f"{seed} {epoch}").shuffle(order)
        for first in range(0, len(order), rows):
            yield order[first : first + rows]


def side_by_side(said: Sequence[Said], *, end: int, pad: int) -> Answers:
    """These answers as one batch."""
    return lay_out([p for p, _ in said], [a for _, a in said], pad=pad, end=end)


def answer_log_probs(model: Transformer, answers: Answers) -> Tensor:
    """The log-probability of each whole answer (R), in nats, with gradients."""
    lengths = answers.lengths
    parts = list(by_length(lengths))
    found = []
    for part in parts:
        until = int(lengths[part].max())
        ids, mask = answers.ids[part, :until], answers.mask[part, :until]
        found.append(sequence_logprobs(model, ids, mask).sum(1))
    return torch.cat(found)[torch.cat(parts).argsort()]


class Recall:
    """What the reference makes of answers (nats of a whole one), read once and remembered."""

    def __init__(self, reference: Transformer, *, end: int, pad: int) -> None:
        self._reference, self._end, self._pad = reference, end, pad
        self._known: dict[Said, float] = {}

    def __call__(self, said: Sequence[Said]) -> Tensor:
        """The log-probability of each answer under the reference (R)."""
        new = [each for each in dict.fromkeys(said) if each not in self._known]
        if new:
            answers = side_by_side(new, end=self._end, pad=self._pad)
            found = read_answers(self._reference, answers).log_probs.sum(1).tolist()
            self._known.update(zip(new, found, strict=True))
        return torch.tensor([self._known[each] for each in said])
