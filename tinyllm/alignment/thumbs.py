"""Votes, and Bayesian logistic regression on them.

A network fine-tuned on a few votes learns them by heart. Here each answer becomes a row of numbers,
and one weight a number is fitted so that the weighted sum explains the votes:

    P(thumb up) = sigmoid(w · x + b)          P(a preferred to b) = sigmoid(w · (x_a - x_b))

Thumbs and pairs share the weights w; thumbs alone have the threshold b. A Gaussian prior says what
to believe before any vote, the posterior how sure to be after them (Laplace's approximation: a
Gaussian at the peak, MacKay 1992). The problem is convex, so the same votes always give the same
head, within milliseconds.

Shapes: N votes, D features. All numbers are float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

THRESHOLD_SD = 100.0
"""Prior sd of the threshold b: as good as flat."""


@dataclass(frozen=True, kw_only=True)
class Votes:
    """What was voted: `x` (N, D), `up` (N) 0 or 1, `thumb` (N) bool.

    A thumb's row of `x` describes its answer, measured from the average of the reference's answers
    to that prompt; a pair's is a - b, and `up` says whether a was preferred.
    """

    x: Tensor
    up: Tensor
    thumb: Tensor

    def __post_init__(self) -> None:
        votes = self.x.shape[0]
        if self.x.ndim != 2 or self.up.shape != (votes,) or self.thumb.shape != (votes,):
            raise ValueError(
                f"expected x (votes, features), up (votes), thumb (votes), got "
                f"{tuple(self.x.shape)}, {tuple(self.up.shape)}, {tuple(self.thumb.shape)}"
            )

    def __len__(self) -> int:
        return self.x.shape[0]

    def __getitem__(self, rows: slice) -> Votes:
        return Votes(x=self.x[rows], up=self.up[rows], thumb=self.thumb[rows])


@dataclass(frozen=True, kw_only=True)
class ThumbHead:
    """The fitted weights `mean` (D+1) and their `covariance` (D+1, D+1); the last one is b.

    `evidence` is the log marginal likelihood of the votes, in nats.
    """

    mean: Tensor
    covariance: Tensor
    evidence: float


def fit(
    votes: Votes,
    *,
    prior_mean: Tensor,
    prior_sd: Tensor,
    lapse: float = 0.05,
    tolerance: float = 1e-9,
) -> ThumbHead:
    """The posterior of the weights given `votes`, prior N(prior_mean, prior_sd²), each (D).

    Newton's method (iteratively reweighted least squares) with step halving. A misclick happens
    with probability `lapse`: labels are softened to 1 - lapse and lapse, which bounds the pull of
    any single vote and keeps the problem convex.

    >>> votes = Votes(x=torch.zeros(4, 1).double(), up=torch.tensor([1.0, 1.0, 1.0, 0.0]).double(),
    ...               thumb=torch.ones(4).bool())
    >>> head = fit(votes, prior_mean=torch.zeros(1).double(), prior_sd=torch.ones(1).double())
    >>> round(head.mean[0].item(), 3)  # nothing to tell them apart
    0.0
    """
    if not 0 < lapse < 0.5:
        raise ValueError(f"expected a lapse between 0 and 0.5 (half would be noise), got {lapse}")
    features = votes.x.shape[1]
    if prior_mean.shape != (features,) or prior_sd.shape != (features,):
        raise ValueError(
            f"expected a prior for {features} features, got {tuple(prior_mean.shape)} and "
            f"{tuple(prior_sd.shape)}"
        )
    rows = _with_threshold(votes.x, votes.thumb)  # (N, D+1)
    mean = torch.cat([prior_mean, prior_mean.new_zeros(1)])
    precision = torch.cat([prior_sd, prior_sd.new_full((1,), THRESHOLD_SD)]) ** -2
    target = lapse + (1 - 2 * lapse) * votes.up

    def objective(w: Tensor) -> Tensor:
        logits = rows @ w
        likelihood = target * logsigmoid(logits) + (1 - target) * logsigmoid(-logits)
        return -likelihood.sum() + ((w - mean) ** 2 * precision).sum() / 2

    w, value = mean, objective(mean)
    for _ in range(100):
        p = torch.sigmoid(rows @ w)
        gradient = rows.T @ (p - target) + (w - mean) * precision
        root = torch.linalg.cholesky(_hessian(rows, p, precision))
        step = torch.cholesky_solve(gradient[:, None], root)[:, 0]
        expected = float(gradient @ step)
        if expected < tolerance:
            break
        size = 1.0
        while (new := objective(w - size * step)) > value - 1e-4 * size * expected and size > 1e-8:
            size /= 2
        w, value = w - size * step, new
    p = torch.sigmoid(rows @ w)
    root = torch.linalg.cholesky(_hessian(rows, p, precision))
    # Laplace: log p(votes) = -objective at the peak + log |prior precision| / 2 - log |Hessian| / 2
    evidence = -value + precision.log().sum() / 2 - root.diagonal().log().sum()
    return ThumbHead(mean=w, covariance=torch.cholesky_inverse(root), evidence=float(evidence))


def _hessian(rows: Tensor, p: Tensor, precision: Tensor) -> Tensor:
    return (rows.T * (p * (1 - p))) @ rows + precision.diag()


def _with_threshold(x: Tensor, thumb: Tensor) -> Tensor:
    return torch.cat([x.double(), thumb.double()[:, None]], dim=1)
