"""Do the probabilities mean what they say? Of votes foreseen at 70%, seven in ten should come.

Predictions made before the votes (`honesty.prequential`) are sorted into bins of equal count, and
in each the mean prediction stands beside the share that happened. The average gap is the expected
calibration error (Naeini et al. 2015). It is never zero: a hundred votes scatter, and a perfect
predictor shows a gap, too. So it comes with what such a predictor would show on the same
predictions, drawn many times: that is noise, and not a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyllm.evaluation.intervals import Interval, wilson

MOST_BINS = 6
IN_A_BIN = 10
"""Votes that a bin should have: with fewer, its interval covers half of the diagram."""
DRAWS = 2000


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Predictions beside what happened.

    `bins` pairs each bin's mean prediction with the share that happened; with fewer than twice
    `IN_A_BIN` votes there are none, and the errors are None. `error` is the expected calibration
    error; a perfectly calibrated predictor would show `by_chance` on average, and more than
    `at_most` one time in twenty.
    """

    predictions: tuple[float, ...]
    bins: tuple[tuple[float, Interval], ...]
    error: float | None
    by_chance: float | None
    at_most: float | None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values: what `figures.reliability_chart` draws."""
        return {
            "predictions": list(self.predictions),
            "bins": [{"predicted": mean, **share.to_dict()} for mean, share in self.bins],
            "error": self.error,
            "by_chance": self.by_chance,
            "at_most": self.at_most,
        }


def calibrate(predicted: Sequence[float], happened: Sequence[int], *, seed: int = 0) -> Calibration:
    """Judge probabilities made before the votes (0 or 1) were known.

    There are as many bins of equal count as hold `IN_A_BIN` votes each, `MOST_BINS` at most. What
    chance would show comes from `DRAWS` draws with `seed`.

    >>> found = calibrate([0.2] * 10 + [0.8] * 10, ([1, 0, 0, 0, 0] * 2) + ([0, 1, 1, 1, 1] * 2))
    >>> round(found.error, 6), found.error < found.by_chance
    (0.0, True)
    """
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(happened, dtype=np.float64)
    if len(p) != len(y):
        raise ValueError(f"expected a prediction for each of {len(y)} votes, got {len(p)}")
    known = tuple(float(one) for one in p)
    count = min(MOST_BINS, len(p) // IN_A_BIN)
    if count < 2:
        return Calibration(predictions=known, bins=(), error=None, by_chance=None, at_most=None)
    parts = np.array_split(np.argsort(p, kind="stable"), count)
    drawn = (np.random.default_rng(seed).random((DRAWS, len(p))) < p).astype(np.float64)
    by_chance = _error(p, drawn, parts)
    return Calibration(
        predictions=known,
        bins=tuple((float(p[part].mean()), wilson(y[part].sum(), len(part))) for part in parts),
        error=float(_error(p, y[None], parts)[0]),
        by_chance=float(by_chance.mean()),
        at_most=float(np.quantile(by_chance, 0.95)),
    )


def running(predicted: Sequence[float], happened: Sequence[int]) -> list[dict[str, float]]:
    """The share of right predictions after every vote, as `honesty.accuracy` counts them.

    Each row has the number of `votes` so far, `value`, `low` and `high` (Wilson's interval at 95%)
    and `baseline`: the share that always guessing the commoner answer of those votes gets right.

    >>> running([0.9, 0.2, 0.5], [1, 1, 0])[-1]["value"]
    0.5
    """
    if len(predicted) != len(happened):
        raise ValueError(
            f"expected a prediction for each of {len(happened)} votes, got {len(predicted)}"
        )
    rows: list[dict[str, float]] = []
    right, ups = 0.0, 0
    for votes, (p, y) in enumerate(zip(predicted, happened, strict=True), 1):
        right += 0.5 if p == 0.5 else float((p > 0.5) == bool(y))
        ups += int(y)
        share = wilson(right, votes)
        baseline = max(ups, votes - ups) / votes
        rows.append({"votes": votes, "value": share.value, "low": share.low, "high": share.high,
                     "baseline": baseline})  # fmt: skip
    return rows


def _error(
    p: NDArray[np.float64], y: NDArray[np.float64], parts: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """The expected calibration error of each row of outcomes y (draws, votes): (draws)."""
    gaps = np.stack([np.abs((y[:, part] - p[part]).sum(1)) for part in parts])
    return np.asarray(gaps.sum(0) / len(p))
