"""How sure a figure is.

A share measured on 300 answers is not the share: another 300 would give another. Every figure
that an evaluation reports therefore carries the ends of its 95% interval and the number it was
counted on. Two methods are enough. `wilson` is for shares of passes, and stays sensible at 0 and
at 1, where the textbook's plus-minus would claim certainty. `bootstrap_mean` is for everything
else: it draws the measured values again and again from themselves and looks at how far the mean
moves; `bootstrap_ratio` is the same for a sum over a sum, such as bits per byte.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
"""The two-sided 95% point of the standard normal distribution."""

_RESAMPLES_AT_ONCE = 200


@dataclass(frozen=True)
class Interval:
    """A measured `value`, its 95% interval [`low`, `high`], and the `n` cases it was counted on."""

    value: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict[str, float]:
        """The four fields as plain JSON values, rounded to six places.

        >>> wilson(9, 10).to_dict()
        {'value': 0.9, 'low': 0.59585, 'high': 0.982124, 'n': 10}
        """
        return {k: v if k == "n" else round(v, 6) for k, v in asdict(self).items()}


def wilson(passed: float, n: float) -> Interval:
    """The share `passed` / `n` with Wilson's score interval at 95%.

    Centre (p + z²/2n) / (1 + z²/n), half width z sqrt(p(1-p)/n + z²/4n²) / (1 + z²/n), with
    z = 1.96 (E. B. Wilson, 1927). Nothing counted (n = 0) gives value 0 and the interval [0, 1]:
    nothing is known. Both may be fractional: ties count half, and cases that resemble each other
    count as fewer. ValueError if `passed` does not lie between 0 and `n`.

    >>> share = wilson(15, 148)
    >>> f"{share.value:.3f} in [{share.low:.4f}, {share.high:.4f}]"
    '0.101 in [0.0624, 0.1605]'
    """
    if not 0 <= passed <= n:
        raise ValueError(
            f"expected 0 <= passed <= n, got passed = {passed} and n = {n}; "
            "count the passes among the n cases"
        )
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0)
    p = passed / n
    shrink = 1 + Z95**2 / n
    centre = (p + Z95**2 / (2 * n)) / shrink
    half = Z95 * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n)) / shrink
    # Rounding may leave the ends a hair inside; at 0 and n of n they are exact.
    low = 0.0 if passed == 0 else max(0.0, centre - half)
    high = 1.0 if passed == n else min(1.0, centre + half)
    return Interval(p, low, high, round(n))


def bootstrap_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
    resamples: int = 2_000,
) -> Interval:
    """The mean of `values` with its percentile bootstrap interval at 95% (B. Efron, 1979).

    `clusters` names the group of each value (a prompt, a person). Values of one group resemble each
    other, so whole groups are drawn, never single values; `n` is then the number of groups.
    ValueError if there is nothing to average or the two lengths differ.

    >>> bootstrap_mean([1.0, 1.0, 1.0])
    Interval(value=1.0, low=1.0, high=1.0, n=3)
    >>> bootstrap_mean([0.0, 0.0, 1.0, 1.0], clusters=["a", "a", "b", "b"]).n
    2
    """
    if len(values) == 0:
        raise ValueError("expected at least one value, got none; there is nothing to average")
    if clusters is not None and len(clusters) != len(values):
        raise ValueError(
            f"expected a cluster for each value, got {len(values)} values "
            f"and {len(clusters)} clusters"
        )
    keys = range(len(values)) if clusters is None else clusters
    place = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    index = np.fromiter((place[key] for key in keys), dtype=np.int64, count=len(values))
    sums = np.bincount(index, weights=np.asarray(values, dtype=np.float64))
    sizes = np.bincount(index).astype(np.float64)

    return bootstrap_ratio(sums.astype(np.float64), sizes, seed=seed, resamples=resamples)


def bootstrap_ratio(
    parts: Sequence[float] | NDArray[np.float64],
    sizes: Sequence[float] | NDArray[np.float64],
    *,
    seed: int = 0,
    resamples: int = 2_000,
) -> Interval:
    """The sum of `parts` over the sum of `sizes` with its percentile bootstrap interval at 95%.

    A case (a document) has a part (its bits, or by how many bits two models differ on it) and a
    size (its bytes); both are drawn together. ValueError if there is no case, or a part without a
    size.

    >>> bootstrap_ratio([8.0, 8.0], [4.0, 4.0])
    Interval(value=2.0, low=2.0, high=2.0, n=2)
    """
    over, under = np.asarray(parts, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    if len(over) == 0 or len(over) != len(under):
        raise ValueError(
            f"expected a size for each of at least one part, got {len(over)} parts and "
            f"{len(under)} sizes"
        )
    rng = np.random.default_rng(seed)
    ratios = []
    for start in range(0, resamples, _RESAMPLES_AT_ONCE):
        rows = min(_RESAMPLES_AT_ONCE, resamples - start)
        drawn = rng.integers(0, len(over), size=(rows, len(over)))  # (resamples, cases)
        ratios.append(over[drawn].sum(1) / under[drawn].sum(1))
    low, high = np.quantile(np.concatenate(ratios), [0.025, 0.975])
    return Interval(float(over.sum() / under.sum()), float(low), float(high), len(over))
