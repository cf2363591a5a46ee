"""Which question next? One whose answer would tell something.

A person's time is what votes cost. What explains the votes so far is known as a few hundred
`explanations`, each with a share of the probability, and each says how likely a thumb up is for
any answer. Where all say the same, one more vote settles nothing; where each is sure of something
else, it decides between them. That is the mutual information between the vote and the explanation,

    H(sum of shares · p) - sum of shares · H(p)        H(p) = -p ln p - (1-p) ln(1-p)

in nats (BALD, Bayesian active learning by disagreement; Houlsby et al. 2011). The vote may be a
slip, so no explanation is surer of it than `LAPSE` allows: from one vote at most ln 2 - H(LAPSE) is
learned. Several questions that are asked before anything is learned from them should not tell the
same: then it is the information of their answers together (BatchBALD; Kirsch et al. 2019).

Questions chosen so are hard ones, and say nothing about how well others are foreseen. So a quarter
of them, at least, are drawn at random, and `honesty.foreseen` judges by these alone. For that to be
fair, a question is set apart for chance before anybody has looked at what it would tell.

Shapes: n questions, M explanations, D features.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tinyllm.alignment.explanations import LAPSE, Explained
from tinyllm.alignment.records import Answer

RANDOM, ACTIVE = "random", "active"
"""How a question was chosen, as feedback records say it."""
AT_RANDOM = 0.25
"""The share of questions drawn at random, and the least that it may be."""
TOGETHER = 6
"""So many questions are chosen for what they tell together: there are 2^6 ways to answer them."""
WORTH = 0.001
"""Nats. Where no question tells more, it is not worth choosing."""


Asked = tuple[str, tuple[Answer, ...]]
"""A prompt with the one answer that gets a thumb, or the two that are compared, a before b."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One answer that wants a thumb, or two, a and b, of which one is to be preferred.

    `predicted` is the probability of a thumb up, or that a is preferred, as the votes before tell
    it; None while nothing was learned from them. `shown` is the order on the screen ("ab" or "ba").
    """

    prompt: str
    answers: tuple[Answer, ...]
    prompt_ids: tuple[int, ...]
    chosen_by: str
    predicted: float | None
    shown: str = "ab"

    @property
    def foretold(self) -> str:
        """What can be shown once the vote is given.

        >>> Question(prompt="Hello", answers=(Answer(text="Hm."),), prompt_ids=(),
        ...          chosen_by="random", predicted=0.29).foretold
        'I expected a thumb down: 71%.'
        """
        if self.predicted is None:
            return "I expected nothing yet."
        sides = ("a thumb up", "a thumb down")
        if len(self.answers) == 2:
            places = ("the first answer", "the second answer")
            sides = places if self.shown == "ab" else (places[1], places[0])
        side, sure = max(zip(sides, (self.predicted, 1 - self.predicted)), key=lambda item: item[1])
        return f"I expected {side}: {sure:.0%}."


def outcomes(told: Explained, x: Tensor, thumb: Tensor) -> Tensor:
    """The probability (n, M) that the vote is a thumb up, or that a pair's a is preferred, under
    each explanation; slips included.

    `x` (n, D) and `thumb` (n) are as in `thumbs.Votes`.
    """
    return told.each(x, thumb).clamp(LAPSE, 1 - LAPSE)


def entropy(p: Tensor) -> Tensor:
    """The entropy of a vote that goes up with probability `p`, in nats.

    >>> entropy(torch.tensor([0.0, 0.5, 1.0]))
    tensor([0.0000, 0.6931, 0.0000])
    """
    either: Tensor = torch.special.entr(p) + torch.special.entr(1 - p)
    return either


def information(p: Tensor, shares: Tensor) -> Tensor:
    """What each vote would tell about which explanation is right (n), in nats: 0 to ln 2.

    `p` (n, M) is of `outcomes`, `shares` (M) sum to one.

    >>> agree, disagree = [0.9, 0.9], [0.0, 1.0]
    >>> information(torch.tensor([agree, disagree]), torch.tensor([0.5, 0.5]))
    tensor([0.0000, 0.6931])
    """
    return (entropy(p @ shares) - entropy(p) @ shares).clamp(0.0, math.log(2))


def tell_most(p: Tensor, shares: Tensor, count: int) -> list[int]:
    """`count` of the n questions, chosen one after the other for what all tell together.

    The joint distribution of the explanation and of the answers to those chosen, (2^k, M), grows by
    each, so it is exact. A question that repeats another tells little more than that one alone.

    >>> p = torch.tensor([[0.1, 0.1, 0.9, 0.9], [0.1, 0.1, 0.9, 0.9], [0.2, 0.8, 0.2, 0.8]])
    >>> tell_most(p, torch.full((4,), 0.25), 2)
    [0, 2]
    """
    joint = shares[None]  # (1,M)
    noise = entropy(p) @ shares  # of each answer, were the explanation known (n)
    left = torch.zeros(len(p), dtype=p.dtype)
    chosen: list[int] = []
    while len(chosen) < min(count, len(p)):
        up = joint @ p.T  # (2^k,n)
        down = joint.sum(1, keepdim=True) - up
        surprise = torch.special.entr(up) + torch.special.entr(down.clamp(min=0))
        chosen.append(int((surprise.sum(0) - noise + left).argmax()))
        left[chosen[-1]] = -torch.inf
        each = p[chosen[-1]]
        joint = torch.cat([joint * each, joint * (1 - each)])
    return chosen


def after(told: Explained, x: Tensor, thumb: Tensor, up: Tensor) -> Explained:
    """The same explanations after these votes (n, D), (n), (n): each one's share is multiplied by
    the probability with which it expected them (Bayes' rule), and its weights stay what they were.

    What a vote tells is known at once so, within a millisecond; `explain` looks for new ones.
    """
    p = outcomes(told, x, thumb)  # (n,M)
    said = torch.where(up[:, None].bool(), p, 1 - p).log().sum(0)
    return replace(told, shares=(told.shares.log() + said).softmax(0))


def rank(told: Explained, x: Tensor, thumb: Tensor) -> list[int]:
    """The n questions that are worth asking, in the order in which to ask them: the first
    `TOGETHER` for what they tell together, the others by what each tells alone.

    Empty where nothing that is known tells them apart: without votes, for one, or after votes that
    contradict each other.
    """
    p = outcomes(told, x, thumb)
    nats = information(p, told.shares)
    alone: list[int] = nats.argsort(descending=True, stable=True).tolist()
    worth = [number for number in alone if nats[number] > WORTH]
    if not worth:
        return []
    first = [worth[row] for row in tell_most(p[worth], told.shares, TOGETHER)]
    return first + [number for number in worth if number not in set(first)]


class QuestionPool:
    """Questions that are ready to be asked, by their numbers: which one is next, and how it came.

    The first of every four is drawn at random (with `at_random` = 0.25), the others follow the
    ranking. While nothing is ranked, chance chooses.

    >>> pool = QuestionPool()
    >>> pool.add(range(8))
    >>> pool.rank([6, 5, 2])
    >>> [pool.take() for _ in range(4)]
    [(0, 'random'), (6, 'active'), (5, 'active'), (2, 'active')]
    >>> pool.take()
    (4, 'random')
    """

    def __init__(self, at_random: float = AT_RANDOM) -> None:
        if not AT_RANDOM <= at_random <= 1:
            raise ValueError(
                f"expected a share of random questions from {AT_RANDOM} to 1, got {at_random}; "
                "with fewer nobody could say how well votes are foreseen"
            )
        self._share = at_random
        self._set_apart: deque[int] = deque()  # for chance, in the order in which they came
        self._others: dict[int, None] = {}
        self._passed_over: set[int] = set()  # were in the running when another one was chosen
        self._ranking: deque[int] = deque()
        self._drawn = self._taken = 0

    def __len__(self) -> int:
        return len(self._set_apart) + len(self._others)

    @property
    def rankable(self) -> list[int]:
        """The numbers of the questions that are not set apart for chance."""
        return list(self._others)

    def add(self, numbers: Iterable[int]) -> None:
        """These are ready, too; they should be in no order that says anything about them."""
        for number in numbers:
            if len(self._set_apart) < self._share * (len(self) + 1):
                self._set_apart.append(number)
            else:
                self._others[number] = None

    def rank(self, numbers: Iterable[int]) -> None:
        """From now on, choose in this order; those of `rankable` that it lacks are not chosen."""
        self._ranking = deque(numbers)

    def take(self) -> tuple[int, str]:
        """The next question and how it was chosen; IndexError where none is ready."""
        if not len(self):
            raise IndexError("expected a question that is ready, got none; add some first")
        while self._ranking and self._ranking[0] not in self._others:
            self._ranking.popleft()
        due = self._drawn < self._share * (self._taken + 1)
        self._taken += 1
        if self._ranking and not (due and self._set_apart):
            self._passed_over.update(self._others)
            return self._from_others(self._ranking.popleft()), ACTIVE
        if self._set_apart:
            self._drawn += 1
            return self._set_apart.popleft(), RANDOM
        fresh = [number for number in self._others if number not in self._passed_over]
        if fresh:
            self._drawn += 1
            return self._from_others(fresh[0]), RANDOM
        return self._from_others(next(iter(self._others))), ACTIVE

    def _from_others(self, number: int) -> int:
        del self._others[number]
        self._passed_over.discard(number)
        return number
