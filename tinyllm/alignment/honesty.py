"""How well the thumbs are understood, told honestly.

Every vote is predicted before it is trained on (prequential evaluation, Dawid 1984), so no vote
helps to predict itself. The share of right predictions stands beside that of always guessing the
commoner answer, with its 95% interval; while the interval reaches that baseline, we say so.

Only questions drawn at random are counted. One that was chosen (`asking`) was chosen because its
answer could not be foreseen; a share among those would make a good head look like a guesser.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tinyllm.alignment.asking import RANDOM
from tinyllm.alignment.explanations import explain
from tinyllm.alignment.records import Record
from tinyllm.alignment.thumbs import Votes
from tinyllm.evaluation.intervals import Interval, wilson

ANEW = 1 / 4
"""The votes are explained anew when there are more than so many new ones for each old one."""


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Right predictions, with the baseline and the log-loss (nats a vote) beside its own."""

    share: Interval
    baseline: float
    log_loss: float
    baseline_log_loss: float

    @property
    def better_than_guessing(self) -> bool:
        """Whether the whole interval lies above the baseline."""
        return self.share.low > self.baseline

    @property
    def sentence(self) -> str:
        """What a person should read.

        >>> share = Interval(value=0.6, low=0.31, high=0.83, n=10)
        >>> Accuracy(share=share, baseline=0.5, log_loss=0.7, baseline_log_loss=0.69).sentence
        '60% of 10 votes foreseen (95% interval 31% to 83%; always guessing the commoner answer: \
50%): not distinguishable from guessing.'
        """
        s = self.share
        verdict = (
            "better than guessing"
            if self.better_than_guessing
            else ("not distinguishable from guessing")
        )
        return (
            f"{s.value:.0%} of {s.n} votes foreseen (95% interval {s.low:.0%} to {s.high:.0%}; "
            f"always guessing the commoner answer: {self.baseline:.0%}): {verdict}."
        )


def accuracy(predicted: Sequence[float], happened: Sequence[int]) -> Accuracy:
    """Judge probabilities made before the votes (0 or 1) were known. A prediction of exactly one
    half counts as half right.

    >>> accuracy([0.9, 0.8, 0.4, 0.5], [1, 1, 0, 0]).share.value
    0.875
    """
    if len(predicted) != len(happened):
        raise ValueError(
            f"expected a prediction for each of {len(happened)} votes, got {len(predicted)}"
        )
    right = sum(
        0.5 if p == 0.5 else float((p > 0.5) == bool(y))
        for p, y in zip(predicted, happened, strict=True)
    )
    votes = len(happened)
    rate = sum(happened) / votes if votes else 0.5
    return Accuracy(
        share=wilson(right, votes),
        baseline=max(rate, 1 - rate),
        log_loss=_log_loss(predicted, happened),
        baseline_log_loss=_log_loss([rate] * votes, happened),
    )


def foreseen(records: Iterable[Record], chosen_by: str = RANDOM) -> Accuracy:
    """Judge what stands in the records: `predicted`, noted when the question was asked.

    Counted are votes on questions that were `chosen_by` chance. Ties, and votes that nobody had
    predicted, are not.

    >>> from tinyllm.alignment.records import Answer
    >>> def vote(value, predicted, chosen_by):
    ...     return Record(id="", time="", session="s", turn="t", kind="thumb", prompt="Hello",
    ...                   answer=Answer(text="Hm."), value=value, predicted=predicted,
    ...                   chosen_by=chosen_by)
    >>> votes = [vote(1, 0.9, "random"), vote(-1, 0.2, "random"), vote(1, 0.45, "active")]
    >>> foreseen(votes).share.value, foreseen(votes, "active").share.value
    (1.0, 0.0)
    """
    pairs = [
        (record.predicted, int(record.up))
        for record in records
        if record.chosen_by == chosen_by and record.predicted is not None and record.up is not None
    ]
    return accuracy([predicted for predicted, _ in pairs], [up for _, up in pairs])


def prequential(votes: Votes, prices: Tensor, *, prior_mean: Tensor) -> list[float]:
    """Each vote's probability of being up, given votes before it and nothing else.

    They are explained anew at each of the first votes, and then whenever they have grown by more
    than a quarter: so a vote is foreseen from most of those before it.
    """
    predictions: list[float] = []
    told, known = explain(votes[:0], prices, prior_mean=prior_mean), 0
    for n in range(len(votes)):
        if n > known * (1 + ANEW):
            told, known = explain(votes[:n], prices, prior_mean=prior_mean), n
        row = votes[n : n + 1]
        predictions.append(float(told.predict(row.x, row.thumb)))
    return predictions


def _log_loss(predicted: Sequence[float], happened: Sequence[int]) -> float:
    if not predicted:
        return math.nan
    p = torch.tensor(list(predicted), dtype=torch.float64).clamp(0.01, 0.99)
    y = torch.tensor(list(happened), dtype=torch.float64)
    return float(-(y * p.log() + (1 - y) * (1 - p).log()).mean())
