"""How the learning rate changes over a run: up, level, down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The factor on every learning rate at each of `steps` steps.

    It rises linearly over the first `warmup` steps, stays at 1, and falls linearly over the last
    `cooldown` (a share of all steps) so that it would be 0 one step after the last. The rate before
    the cool-down does not depend on how long the run will be (Hägele et al. 2024).

    Where `steps` was changed on the way, `bends` tell how far the schedule had come then, as (step,
    share of the way): between two of them it goes on evenly, so the factor never jumps.

    >>> schedule = Schedule(steps=10, warmup=2, cooldown=0.5)
    >>> [round(schedule(step), 2) for step in range(10)]
    [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2]
    """

    steps: int
    warmup: int = 10
    cooldown: float = 0.6
    bends: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"expected at least one step, got {self.steps}")
        if self.warmup < 0:
            raise ValueError(f"expected warmup to be at least 0 steps, got {self.warmup}")
        if not 0 <= self.cooldown <= 1:
            raise ValueError(f"expected cooldown to be a share in [0, 1], got {self.cooldown}")

    def __call__(self, step: int) -> float:
        """The factor at `step`, counted from 0; in (0, 1]."""
        up = (step + 1) / max(self.warmup, 1)
        falling = self.cooldown * self.steps
        down = (self.steps - self.way(step) * self.steps) / falling if falling else 1.0
        return min(up, 1.0, down)

    def way(self, step: int) -> float:
        """The share of the schedule that lies behind at `step`.

        >>> [Schedule(steps=10, bends=((4, 0.5),)).way(step) for step in (2, 4, 7, 10)]
        [0.25, 0.5, 0.75, 1.0]
        """
        steps, shares = zip((0, 0.0), *self.bends, (self.steps, 1.0), strict=True)
        return float(np.interp(step, steps, shares))
