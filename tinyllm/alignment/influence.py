"""Which thumbs moved the model most: what the reward would be, had this one vote not been given.

Leaving out one vote after another and explaining the rest anew takes seconds each. But leaving one
out changes little, so a step of Newton's method from where all votes led goes most of the way
(Pregibon 1981; Rad and Maleki 2020, "approximate leave-one-out"). For one explanation with weights
w, a vote x with target t, p = sigmoid(w · x), H the Hessian of the log posterior's negative at w,

    v = x · H⁻¹ x        h = p (1 - p) v        (h, "leverage": how far the vote leads its own way)
    w without the vote         = w + H⁻¹ x (p - t) / (1 - h)
    evidence without the vote  = evidence - log p(t) + (p - t)² v / (2 (1 - h)) - log(1 - h) / 2

By the new evidence the explanations share the say anew. Explanations that had none with all votes
get none without one either: there the short cut may be wrong.

It is the *reward* that is explained. A vote also adds its question to those that are practised,
and what the weights of the policy make of a reward is another matter.

Shapes: N votes, M explanations of k features each, D features, R answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from tinyllm.alignment.explanations import LAPSE, MOST_FEATURES, SLOPE_SD, Explained
from tinyllm.alignment.thumb_reward import Grounds, ThumbReward
from tinyllm.alignment.thumbs import THRESHOLD_SD, Votes

ANSWERS = 256
"""Reference answers whose rewards are compared."""
MOST = 10


@dataclass(frozen=True, kw_only=True)
class Influence:
    """What one vote did to the reward.

    `record` is its id. `moved` is by how much it changed the rewards of the chat model's answers,
    the root of the mean square, in their standard deviations. `feature` is what it changed the
    weight of most, and `pull` by how much.
    """

    record: str
    moved: float
    feature: str
    pull: float


@dataclass(frozen=True, kw_only=True)
class _Fitted:
    """Explanations that name equally many features: their numbers (M), the features they name
    (M, k), and for every vote left out their weights, threshold last (N, M, k+1), and their log
    evidence less that with all votes (N, M)."""

    which: Tensor
    subsets: Tensor
    weights: Tensor
    evidence: Tensor


def leave_each_out(told: Explained, votes: Votes) -> Iterator[Explained]:
    """The explanations as they would be without the first vote, without the second, and so on.

    >>> from tinyllm.alignment.explanations import explain
    >>> votes = Votes(x=torch.tensor([[1.0], [1.0], [-1.0]]).double(), thumb=torch.ones(3).bool(),
    ...               up=torch.tensor([1.0, 1.0, 0.0]).double())
    >>> told = explain(votes, torch.zeros(1).double(), prior_mean=torch.zeros(1).double())
    >>> without = list(leave_each_out(told, votes))
    >>> bool(without[2].pull < told.pull)  # the only thumb down, and what was told from it
    True
    """
    groups = [
        _without_each(told, votes, size)
        for size in range(MOST_FEATURES + 1)
        if bool((told.named.sum(1) == size).any())
    ]
    for vote in range(len(votes)):
        weights, thresholds = torch.zeros_like(told.weights), torch.zeros_like(told.thresholds)
        scores = told.shares.log()
        for group in groups:
            weights[group.which[:, None], group.subsets] = group.weights[vote, :, :-1]
            thresholds[group.which] = group.weights[vote, :, -1]
            scores[group.which] += group.evidence[vote]
        yield Explained(
            weights=weights, thresholds=thresholds, shares=scores.softmax(0), named=told.named
        )


def _without_each(told: Explained, votes: Votes, size: int) -> _Fitted:
    """The formulas above, for all explanations of `size` features and all votes at once."""
    which = (told.named.sum(1) == size).nonzero()[:, 0]
    subsets = told.named[which].nonzero()[:, 1].view(len(which), size)
    thumb = votes.thumb.double()[None, :, None].expand(len(which), -1, 1)
    rows = torch.cat([votes.x[:, subsets].transpose(0, 1), thumb], dim=2)  # (M,N,k+1)
    w = torch.cat([told.weights[which].gather(1, subsets), told.thresholds[which, None]], dim=1)
    precision = torch.tensor([SLOPE_SD] * size + [THRESHOLD_SD], dtype=torch.float64) ** -2
    target = LAPSE + (1 - 2 * LAPSE) * votes.up  # (N)
    logits = (rows @ w[..., None])[..., 0]  # (M,N)
    p = torch.sigmoid(logits)
    hessian = (rows * (p * (1 - p))[..., None]).transpose(1, 2) @ rows + precision.diag()
    turned = torch.linalg.solve(hessian, rows.transpose(1, 2)).transpose(1, 2)  # H⁻¹x (M,N,k+1)
    v = (turned * rows).sum(2)  # (M,N)
    left = 1 - p * (1 - p) * v  # 1 - h, above 0 as the prior has a say of its own
    likelihood = target * logsigmoid(logits) + (1 - target) * logsigmoid(-logits)
    evidence = -likelihood + (p - target) ** 2 * v / left / 2 - left.log() / 2
    moved = w[:, None] + turned * ((p - target) / left)[..., None]
    return _Fitted(which=which, subsets=subsets, weights=moved.transpose(0, 1), evidence=evidence.T)


def influences(
    told: Explained,
    votes: Votes,
    answers: Tensor,
    *,
    records: Sequence[str],
    names: Sequence[str],
    least_sd: float = 1e-6,
) -> list[Influence]:
    """What each of the `votes`, those of the `records`, did; the one that did most comes first.

    `answers` (R, D) are rows of features, whose `names` (D) these are. Their rewards are log
    P(thumb up), counted from the mean, as a policy knows no other zero; where they hardly differ,
    `least_sd` is the unit.
    """

    def rewards(explained: Explained) -> Tensor:
        raw = explained.probability(answers).log()
        return raw - raw.mean()

    usual = rewards(told)
    unit = max(float(usual.std(correction=0)), least_sd)
    found = []
    for record, without in zip(records, leave_each_out(told, votes), strict=True):
        pull = told.pull - without.pull
        most = int(pull.abs().argmax())
        moved = float((rewards(without) - usual).square().mean().sqrt()) / unit
        found.append(
            Influence(
                record=record,
                moved=round(moved, 4),
                feature=names[most],
                pull=round(float(pull[most]), 4),
            )
        )
    return sorted(found, key=lambda influence: -influence.moved)


def most_influential(
    head: ThumbReward, grounds: Grounds, *, least_sd: float, most: int = MOST
) -> list[Influence]:
    """The votes that did `most` to the reward `head`, judged by answers of the chat model that are
    practised on."""
    anchor = grounds.anchor
    practised = len(anchor.prompts) if grounds.practised is None else grounds.practised
    every = anchor.rows(range(practised)).stop
    some = torch.linspace(0, every - 1, min(ANSWERS, every)).long()
    return influences(
        head.told,
        head.votes,
        head.features(anchor.answers, anchor.reading)[some],
        records=[record.id for record in head.voted],
        names=head.features.names,
        least_sd=least_sd,
    )[:most]
