"""Over-optimisation: how much a proxy can be pushed before what it stands for gets worse.

A reward model is a *proxy*. What it stands for, the *gold* reward, is what somebody really wanted:
here the taste of a simulated person, or the village's grade, so it can be measured. Optimise the
proxy, and at first gold rises with it; further on the optimiser finds what the proxy gets wrong
(Goodhart's law). Gao, Schulman and Hilton 2022 ("Scaling laws for reward model overoptimization")
found that gold follows one of two curves in d = sqrt(KL from the chat model),

    best-of-n   R(d) = d (alpha - beta d)           RL   R(d) = d (alpha - beta log d)

where alpha says how good the proxy is near the chat model, and beta how soon it misleads. Both are
linear in alpha and beta, so they are fitted by least squares, which has one answer. R is measured
from the chat model's mean: R(0) = 0.

Shapes: P prompts, N answers to each, K points along the way. Rewards in standard deviations of the
chat model's answers, KL in nats an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyllm.evaluation.intervals import Interval

Array = NDArray[np.float64]
BENDS: dict[str, Callable[[Array], Array]] = {
    "best-of-n": lambda d: d * d,
    "rl": lambda d: d * np.log(np.where(d > 0, d, 1.0)),
}
"""What beta stands before: R(d) = alpha d - beta bend(d). Each is 0 at d = 0."""


@dataclass(frozen=True)
class Law:
    """A fitted curve: gold reward as a function of the KL.

    `r2` is the share of the variance of the points about *their mean* that the curve explains;
    below 0 it fits worse than a level line.

    >>> Law("best-of-n", alpha=1.0, beta=0.25, r2=1.0)([0.0, 4.0]).tolist()
    [0.0, 1.0]
    """

    form: str
    alpha: float
    beta: float
    r2: float

    def __call__(self, kl: ArrayLike) -> Array:
        """The gold reward at these KLs, in nats."""
        d = np.sqrt(np.asarray(kl, dtype=np.float64))
        return self.alpha * d - self.beta * BENDS[self.form](d)

    @property
    def peak(self) -> float:
        """The KL in nats at which gold is highest; infinite if it never turns, 0 if it only falls.

        >>> Law("best-of-n", alpha=1.0, beta=0.25, r2=1.0).peak
        4.0
        """
        if self.form == "best-of-n":
            if self.alpha <= 0:
                return 0.0 if self.beta >= 0 else float("inf")
            return (self.alpha / (2 * self.beta)) ** 2 if self.beta > 0 else float("inf")
        return float(np.exp(2 * (self.alpha / self.beta - 1))) if self.beta > 0 else float("inf")


def fit_law(kl: ArrayLike, gold: ArrayLike, form: str) -> Law:
    """The curve of this `form` that is nearest to the points (K), by least squares.

    Points at KL 0 say nothing (there R is 0 in any case) and are left out. ValueError for an
    unknown form, or fewer than two different KLs above 0.

    >>> kl = np.array([0.0, 1.0, 4.0, 9.0])
    >>> law = fit_law(kl, np.sqrt(kl) * (1.0 - 0.2 * np.sqrt(kl)), "best-of-n")
    >>> round(law.alpha, 6), round(law.beta, 6), round(law.r2, 6)
    (1.0, 0.2, 1.0)
    """
    if form not in BENDS:
        raise ValueError(f"expected a form among {', '.join(BENDS)}, got {form!r}")
    x, y = np.asarray(kl, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"expected a gold reward for each KL, got {y.shape} for {x.shape}")
    x, y = x[x > 0], y[x > 0]
    if len(np.unique(x)) < 2:
        raise ValueError(f"expected points at two different KLs above 0 or more, got {x.tolist()}")
    d = np.sqrt(x)
    (alpha, beta), *_ = np.linalg.lstsq(np.stack([d, -BENDS[form](d)], axis=1), y, rcond=None)
    law = Law(form, float(alpha), float(beta), 0.0)
    left, about = ((y - law(x)) ** 2).sum(), ((y - y.mean()) ** 2).sum()
    return Law(form, law.alpha, law.beta, float(1 - left / about) if about > 0 else 0.0)


@dataclass(frozen=True)
class Curve:
    """One optimisation, measured K times on the same P prompts: `kl` and `gold`, each (K, P)."""

    kl: Array
    gold: Array

    def __post_init__(self) -> None:
        if self.kl.ndim != 2 or self.kl.shape != self.gold.shape:
            raise ValueError(
                f"expected KL and gold of each point and prompt, got {self.kl.shape} and "
                f"{self.gold.shape}"
            )


def bootstrap_law(
    groups: Sequence[Sequence[Curve]], form: str, *, resamples: int = 1_000, seed: int = 0
) -> tuple[Law, dict[str, Interval]]:
    """One law for all curves, and the 95% intervals of its `alpha` and `beta`.

    A group is what belongs together, the curves of one person. Groups are drawn with replacement
    (of one there is nothing to draw), then within each of their curves the prompts: a curve's
    points share their prompts and so their luck. `n` counts groups, or the prompts of the only one.

    >>> kl = np.array([[1.0, 1.0], [4.0, 4.0]])
    >>> law, sure = bootstrap_law([[Curve(kl, kl)]], "best-of-n", resamples=20)
    >>> round(law.beta, 6), round(sure["beta"].low, 6), sure["beta"].n
    (-1.0, -1.0, 2)
    """
    law = _law_of([curve for group in groups for curve in group], form)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        drawn = [groups[n] for n in rng.integers(0, len(groups), len(groups))]
        curves = [_draw(curve, rng) for group in drawn for curve in group]
        one = _law_of(curves, form)
        found.append((one.alpha, one.beta))
    (low_a, low_b), (high_a, high_b) = np.quantile(found, [0.025, 0.975], axis=0)
    n = len(groups) if len(groups) > 1 else sum(curve.kl.shape[1] for curve in groups[0])
    return law, {
        "alpha": Interval(law.alpha, float(low_a), float(high_a), n),
        "beta": Interval(law.beta, float(low_b), float(high_b), n),
    }


def _law_of(curves: Sequence[Curve], form: str) -> Law:
    kl = np.concatenate([curve.kl.mean(1) for curve in curves])
    return fit_law(kl, np.concatenate([curve.gold.mean(1) for curve in curves]), form)


def _draw(curve: Curve, rng: np.random.Generator) -> Curve:
    prompts = rng.integers(0, curve.kl.shape[1], curve.kl.shape[1])
    return Curve(curve.kl[:, prompts], curve.gold[:, prompts])


def best_of_n_means(proxy: ArrayLike, values: ArrayLike, n: int) -> Array:
    """What `values` (P, N) are on average of the best of n answers by `proxy` (P, N), for each
    prompt (P).

    Without bias and for every n from one pool: the mean over *all* ways to take n of the N answers.
    The answer of rank i, counted from the worst, is the best in C(i - 1, n - 1) of C(N, n) of them
    (Nakano et al. 2021, "WebGPT", appendix I). Of equals, each is as likely to be taken.

    >>> best_of_n_means([[1.0, 2.0, 3.0]], [[10.0, 20.0, 30.0]], 2)  # the best is 20 once, 30 twice
    array([26.66666667])
    """
    by, worth = np.asarray(proxy, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if by.ndim != 2 or by.shape != worth.shape or not 1 <= n <= by.shape[1]:
        raise ValueError(
            f"expected proxy and values (P, N) and n from 1 to N, got {by.shape}, {worth.shape} "
            f"and n = {n}"
        )
    weights = _chance_by_rank(by.shape[1], n)
    return np.array([_evened(by[p], worth[p]) @ weights for p in range(len(by))])


def _chance_by_rank(pool: int, n: int) -> Array:
    """How likely each rank, worst first, is the best of n without replacement: (N).

    From C(i - 2, n - 1) / C(i - 1, n - 1) = (i - n) / (i - 1), so no large number occurs.
    """
    ranks = np.arange(pool, 1, -1)
    steps = np.maximum(ranks - n, 0) / (ranks - 1)
    return (n / pool * np.cumprod(np.concatenate([[1.0], steps])))[::-1]


def _evened(by: Array, worth: Array) -> Array:
    """`worth` from the worst to the best by `by`, equals sharing their mean."""
    _, place, count = np.unique(by, return_inverse=True, return_counts=True)
    mean: Array = np.bincount(place, weights=worth) / count
    return mean[np.sort(place)]


def best_of_n_kls(proxy: ArrayLike, n: int) -> Array:
    """How many nats the best of n by `proxy` (P, N) is away from the model, for each prompt (P).

    ln n - (n - 1) / n if no two answers are equally good, and less where many are: among equals
    nothing is chosen (Beirami et al. 2024). Exact for the pool as it is: KL(q || p) where a value
    that a share p of the answers has is the best of n with probability q.

    >>> best_of_n_kls([[1.0, 1.0, 1.0]], 8), best_of_n_kls([[0.0, 1.0]], 2).round(4)
    (array([0.]), array([0.1308]))
    """
    kls = []
    for row in np.asarray(proxy, dtype=np.float64):
        _, count = np.unique(row, return_counts=True)
        p = count / len(row)
        until = np.cumsum(count) / len(row)
        q = until**n - (until - p).clip(min=0.0) ** n
        q, p = q[q > 0], p[q > 0]
        kls.append(max(0.0, float((q * np.log(q / p)).sum())))
    return np.array(kls)
