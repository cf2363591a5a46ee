"""A reward model from ten to two hundred thumbs: which few things does this person care about?

An answer is described by some four hundred numbers (`features`). A weight for each of them cannot
be learned from a hundred votes; but nobody votes for four hundred reasons. So an *explanation* of
the votes names at most three features,

    P(thumb up) = sigmoid(w · x + b)          P(a preferred to b) = sigmoid(w · (x_a - x_b))

and none is chosen. Very many are fitted, each gets the probability that it is the right one, given
the votes, and they are averaged by it (Bayesian model averaging; Hoeting et al. 1999). While there
are few votes hundreds of explanations share the say, and the average is careful; with more of them
a handful is left, and they can be read: "speaks for: word goose". Each feature has a price, in nats
of evidence: one that names something needs more votes than one that is always there to be looked
at.

What a policy is trained on is `log P(thumb up)`, averaged over explanations. So an answer that is
liked under one explanation and not under another is worth less than one liked under all of them,
and an answer that is sure to please gains nothing by pleasing more: over-optimisation has less to
take hold of.

Shapes: N votes, D features, M explanations of k features each. All numbers are float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from tinyllm.alignment.thumbs import THRESHOLD_SD, Votes

MOST_FEATURES = 3
"""In one explanation."""
KEPT = 24
"""The best explanations, to each of which every further feature is added in turn."""
SLOPE_SD = 1.5
"""Prior sd of a weight: a feature one sd up may well multiply the odds by e^1.5."""
LAPSE = 0.05
LEAST_SHARE = 1e-4
AT_ONCE = 2000


@dataclass(frozen=True, kw_only=True)
class Explained:
    """The explanations that are worth a say, and how much of it each has.

    `weights` (M, D) are zero for the features that an explanation does not name, `thresholds` (M)
    are its b, `shares` (M) sum to one. `named` (M, D) says which features it names.
    """

    weights: Tensor
    thresholds: Tensor
    shares: Tensor
    named: Tensor

    def probability(self, x: Tensor) -> Tensor:
        """P(thumb up) for answers x (n, D), averaged over the explanations: (n)."""
        up: Tensor = torch.sigmoid(x @ self.weights.T + self.thresholds) @ self.shares
        return up

    def predict(self, x: Tensor, thumb: Tensor) -> Tensor:
        """The probability (n) that a thumb goes up, or that a pair's a is preferred."""
        p: Tensor = self.each(x, thumb) @ self.shares
        return ((p - LAPSE) / (1 - 2 * LAPSE)).clamp(0.0, 1.0)

    def each(self, x: Tensor, thumb: Tensor) -> Tensor:
        """The same under each explanation by itself, with what the lapse adds left in: (n, M)."""
        return torch.sigmoid(x @ self.weights.T + thumb.double()[:, None] * self.thresholds)

    @property
    def likely(self) -> Tensor:
        """The probability that a feature matters to the person (D)."""
        return self.shares @ self.named.double()

    @property
    def pull(self) -> Tensor:
        """The average weight of a feature (D): above 0 it speaks for an answer."""
        return self.shares @ self.weights


def fit_each(
    votes: Votes, subsets: Tensor, *, prior_mean: Tensor, steps: int = 8
) -> tuple[Tensor, Tensor]:
    """Fit the explanations that name the features `subsets` (M, k), all at once.

    The posterior is that of `thumbs.fit`, with the prior N(prior_mean, SLOPE_SD²), (D), found by
    the same Newton's method with a fixed number of steps.

    Returns the log evidence (M), in nats, and the weights with the threshold last (M, k+1).
    """
    count, size = subsets.shape
    thumb = votes.thumb.double()[None, :, None].expand(count, -1, 1)
    rows = torch.cat([votes.x[:, subsets].transpose(0, 1), thumb], dim=2)  # (M,N,k+1)
    mean = torch.cat([prior_mean[subsets], prior_mean.new_zeros(count, 1)], dim=1)
    spread = torch.tensor([SLOPE_SD] * size + [THRESHOLD_SD], dtype=torch.float64)
    precision = spread**-2
    target = LAPSE + (1 - 2 * LAPSE) * votes.up  # (N)

    def objective(w: Tensor) -> Tensor:
        logits = (rows @ w[..., None])[..., 0]  # (M,N)
        likelihood = target * logsigmoid(logits) + (1 - target) * logsigmoid(-logits)
        loss: Tensor = -likelihood.sum(1) + ((w - mean) ** 2 * precision).sum(1) / 2
        return loss

    w = mean
    for step in range(steps + 1):
        p = torch.sigmoid((rows @ w[..., None])[..., 0])
        hessian = (rows * (p * (1 - p))[..., None]).transpose(1, 2) @ rows + precision.diag()
        root = torch.linalg.cholesky(hessian)
        if step < steps:
            gradient = (rows.transpose(1, 2) @ (p - target)[..., None])[..., 0]
            gradient = gradient + (w - mean) * precision
            w = w - torch.cholesky_solve(gradient[..., None], root)[..., 0]
    halves = root.diagonal(dim1=1, dim2=2).log().sum(1)
    return -objective(w) + precision.log().sum() / 2 - halves, w


def explain(votes: Votes, prices: Tensor, *, prior_mean: Tensor) -> Explained:
    """Explain the votes by few features, whose `prices` (D) are in nats of evidence.

    The search begins with no feature at all, adds every feature, keeps the best `KEPT` and goes on
    from those; all that was fitted on the way is averaged.

    >>> votes = Votes(x=torch.tensor([[1.0, 0.2], [-1.0, 0.1]] * 12).double(),
    ...               up=torch.tensor([1.0, 0.0] * 12).double(), thumb=torch.ones(24).bool())
    >>> told = explain(votes, torch.ones(2).double(), prior_mean=torch.zeros(2).double())
    >>> bool(told.likely[0] > 0.99), bool(told.pull[0] > 1)
    (True, True)
    """
    features = votes.x.shape[1]
    if prices.shape != (features,) or prior_mean.shape != (features,):
        raise ValueError(
            f"expected prices and prior means for {features} features, got {tuple(prices.shape)} "
            f"and {tuple(prior_mean.shape)}"
        )
    level = torch.zeros(1, 0, dtype=torch.long)  # one explanation, which names nothing
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    for size in range(min(MOST_FEATURES, features) + 1):
        parts = [level[first : first + AT_ONCE] for first in range(0, len(level), AT_ONCE)]
        fitted = [fit_each(votes, part, prior_mean=prior_mean) for part in parts]
        scores = torch.cat([evidence for evidence, _ in fitted]) - prices[level].sum(1)
        found.append((level, scores, torch.cat([w for _, w in fitted])))
        best = level[scores.argsort(descending=True, stable=True)[:KEPT]]
        level = _one_more(best, features) if size < features else level
    total = torch.cat([scores for _, scores, _ in found]).logsumexp(0)
    most = max(float(scores.max()) for _, scores, _ in found)
    least = min(math.log(LEAST_SHARE) + float(total), most)
    weights, thresholds, named, say = [], [], [], []
    for subsets, scores, w in found:
        kept = scores >= least
        none = torch.zeros(int(kept.sum()), features, dtype=torch.float64)
        weights.append(none.scatter(1, subsets[kept], w[kept, :-1]))
        named.append(none.bool().scatter(1, subsets[kept], True))
        thresholds.append(w[kept, -1])
        say.append(scores[kept])
    return Explained(
        weights=torch.cat(weights),
        thresholds=torch.cat(thresholds),
        shares=torch.cat(say).softmax(0),
        named=torch.cat(named),
    )


def _one_more(subsets: Tensor, features: int) -> Tensor:
    """All different sets of these features (M, k) and one more: (m, k+1)."""
    more = torch.arange(features).repeat(len(subsets))[:, None]
    wider = torch.cat([subsets.repeat_interleave(features, 0), more], dim=1).sort(1).values
    twice = (wider[:, 1:] == wider[:, :-1]).any(1)
    different: Tensor = torch.unique(wider[~twice], dim=0)
    return different
