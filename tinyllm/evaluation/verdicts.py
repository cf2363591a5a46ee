"""What a training's curve says about it: a verdict, what shows it, and what to do.

A curve alone tells surprisingly much. A model whose loss is nearly nothing sees the answer; one
that learns its own text while held-out text surprises it ever more learns by heart; one that jumps
about learns too fast. The rules below were found on 87 runs with planted faults and without, and
frozen; then `bench/diagnose.py` planted the faults in 200 fresh runs, of which 195 were named, and
of 100 healthy ones none was accused (`bench/RESULTS.md`).

A verdict is a judgement of the curve and not a proof: a fault that leaves the curve as it should be
is not seen here. Rules are asked in their order, and the first that finds something speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tinyllm.events import Evaluation, Event, Step

SEEN = 0.1
"""Nats a token: below this a text is not guessed, it is seen. The village's own entropy is 0.6 at
4,096 tokens and 0.17 a letter, and other people's text has more."""
HEAD_START = 0.9
"""Of a fresh model's loss: one that trains with less from the first step on is told something."""
BY_HEART = 0.12
"""Of a fresh model's loss: with less than this left, a model knows by heart what it reads."""
APART = 1.15
"""Text read for the first time surprises as much as text held out; this many times more is a gap.
"""
FAR = 2.0
"""And this many times more is another text."""
RISEN = 1.03
"""A held-out loss this many times its lowest is rising."""
FEW_READINGS = 3.0
"""Readings of the text up to which a model cannot have learned it by heart."""
MANY_READINGS = 10.0
BURST = 1.02
"""A loss so many times that of a fresh model: worse than knowing nothing."""
LATE = 0.4
"""Of all that was learned: so much after two fifths of the way, when the rate begins to fall."""
LEARNED = 0.85
"""Of a fresh model's loss: with less than this left, it knows the commonest words."""
SLOW = 150
"""Steps; a healthy training has learned the commonest words long before."""
SHORT = 100
"""Steps; fewer are not enough for anything."""
QUIET = 0.006
"""Of a fresh model's loss: how little the loss jumps from step to step while nothing is learned."""
STILL = 0.01
"""A loss that fell by more than this share over the last fifth of the steps is still falling."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a curve says: a name of `NAMES`, a sentence with what shows it, and what to do."""

    name: str
    sentence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name}. {self.sentence} {self.advice}"


class Curve:
    """A history as numbers: training losses by step, held-out losses at the looks.

    `start` is the loss of the untrained model. Shares of the way are of the steps that were taken.
    """

    def __init__(self, history: Iterable[Event], rulers: Mapping[str, float]) -> None:
        events = list(history)
        steps = [event for event in events if isinstance(event, Step)]
        looks = [e for e in events if isinstance(e, Evaluation) and "loss" in e.metrics]
        if not steps:
            raise ValueError("expected a history with at least one step, got none; train first")
        self.losses: NDArray[np.float64] = np.array([step.loss for step in steps])
        self.looks: NDArray[np.float64] = np.array([look.metrics["loss"] for look in looks])
        self.last = steps[-1]
        self.fresh = self.last.stage == "base" and steps[0].step == 1
        first = self.looks[0] if len(self.looks) else self.losses[0]
        self.start = rulers.get("uniform", float(first))
        self.least = rulers.get("floor", SEEN)
        self.readings = self.last.metrics.get("readings")

    def at(self, way: float) -> float:
        """The training loss after that share of the way, a mean over a twentieth of it."""
        count = len(self.losses)
        end = max(1, round(way * count))
        return float(self.losses[max(0, end - max(3, count // 20)) : end].mean())

    @property
    def end(self) -> float:
        """The training loss now."""
        return self.at(1.0)

    @property
    def held_out(self) -> float:
        """The held-out loss at the last look; without one, the training loss."""
        return float(self.looks[-1]) if len(self.looks) else self.end

    @property
    def seldom_read(self) -> bool:
        """Whether the text is known to have been read too seldom to be known by heart."""
        return self.readings is not None and self.readings < FEW_READINGS

    def first_below(self, loss: float) -> int | None:
        """The first step at which the running mean of five losses is below `loss`."""
        means = np.convolve(self.losses, np.ones(5) / 5, mode="valid")
        below = np.flatnonzero(means < loss)
        return int(below[0]) + 5 if len(below) else None

    def scatter(self, first: int, last: int) -> float:
        """How much the losses of these steps jump from one to the next: a robust deviation."""
        jumps = np.abs(np.diff(self.losses[first:last]))
        return float(np.median(jumps)) if len(jumps) else 0.0


Rule = Callable[[Curve], str | None]


def diagnose(history: Iterable[Event], rulers: Mapping[str, float] | None = None) -> Verdict:
    """The verdict on a training, from the events it has given so far.

    `rulers` (nats a token, see `rulers_of`) make it sharper: "uniform" is an untrained model's
    loss, "floor" the least that the text allows.

    `Step`s and the held-out "loss" of `Evaluation`s are read; where steps say "readings" (how often
    the text has been read) the causes of overfitting are told apart. The rules about fresh models
    are asked of pretraining alone. ValueError without a single step.

    >>> losses = [7.6 * 0.97**step for step in range(200)]
    >>> steps = [Step(stage="base", step=i + 1, steps=200, loss=loss, tokens=0, seconds=0.0,
    ...               eta_seconds=0.0, learning_rate=0.1) for i, loss in enumerate(losses)]
    >>> diagnose(steps).name
    'sees the answer'
    >>> diagnose(steps[:100]).name
    'still improving'
    """
    curve = Curve(history, rulers or {})
    for name, (rule, advice) in RULES.items():
        sentence = rule(curve)
        if sentence is not None:
            return Verdict(name=name, sentence=sentence, advice=advice)
    return Verdict(
        name=HEALTHY,
        sentence=f"The loss fell from {curve.start:.2f} to {curve.end:.2f} nats a token"
        + (f", and to {curve.held_out:.2f} on held-out text." if len(curve.looks) else "."),
        advice="Nothing to mend. More minutes or more text would make it better.",
    )


def _sees_the_answer(curve: Curve) -> str | None:
    if max(curve.end, curve.held_out) < curve.least:
        return (
            f"The loss is {curve.end:.3f} nats a token on the text it reads and "
            f"{curve.held_out:.3f} on held-out text. "
            f"No text can be foretold so well: {curve.least:.2f} is the least."
        )
    return None


def _labels_shifted(curve: Curve) -> str | None:
    if not curve.fresh or not len(curve.looks):
        return None
    first = float(curve.losses[0])
    if first < HEAD_START * curve.start and curve.held_out > curve.start:
        return (
            f"The first step has a loss of {first:.2f} where an untrained model's is "
            f"{curve.start:.2f}, and held-out text surprises it more than before "
            f"({curve.held_out:.2f}): what it learns to say is what it was just given."
        )
    if (
        curve.seldom_read
        and curve.held_out > APART * curve.end
        and curve.end > BY_HEART * curve.start
    ):
        return (
            f"What it reads comes to {curve.end:.2f} nats a token and held-out text to "
            f"{curve.held_out:.2f}, though the text was read {curve.readings:.1f} times: it learns "
            "something else than the next token."
        )
    return None


def _duplicated(curve: Curve) -> str | None:
    if (
        curve.seldom_read
        and curve.end < BY_HEART * curve.start
        and curve.held_out > FAR * curve.end
    ):
        return (
            f"It knows by heart what it reads ({curve.end:.2f} nats a token; held-out text has "
            f"{curve.held_out:.2f}), and yet the text was read {curve.readings:.1f} times: the "
            "same batches must come again and again."
        )
    return None


def _learned_by_heart(curve: Curve, *, many: bool) -> str | None:
    if len(curve.looks) < 2 or ((curve.readings or 0.0) > MANY_READINGS) != many:
        return None
    lowest = float(curve.looks.min())
    if curve.held_out > RISEN * lowest and curve.held_out > APART * curve.end:
        read = f", after {curve.readings:.0f} readings" if curve.readings else ""
        return (
            f"Held-out text came down to {lowest:.2f} nats a token and rose to "
            f"{curve.held_out:.2f}, while the text it reads fell to {curve.end:.2f}{read}."
        )
    return None


def _diverging(curve: Curve) -> str | None:
    if curve.end > BURST * curve.losses[0] or float(curve.losses.max()) > 2 * curve.losses[0]:
        return (
            f"The loss began at {curve.losses[0]:.2f}, went up to {curve.losses.max():.2f} and is "
            f"{curve.end:.2f} now."
        )
    return None


def _rate_too_high(curve: Curve) -> str | None:
    if not curve.fresh or len(curve.losses) < SHORT:
        return None
    highest, rest = float(curve.losses.max()), curve.start - curve.end
    if highest > BURST * curve.start:
        return (
            f"The loss jumped to {highest:.2f}; a model that knows nothing has {curve.start:.2f}."
        )
    late = (curve.at(0.4) - curve.end) / rest if rest > 0 else 0.0
    if late > LATE and curve.scatter(5, 40) > QUIET * curve.start:
        return (
            f"Of what it learned, {late:.0%} came when the learning rate fell; until then the loss "
            f"jumped about, from {curve.at(0.1):.2f} to {curve.at(0.4):.2f}."
        )
    return None


def _too_short(curve: Curve) -> str | None:
    if curve.fresh and curve.last.steps < SHORT and curve.last.step == curve.last.steps:
        return f"It was trained for {curve.last.steps} steps, and the loss was still falling."
    return None


def _rate_too_low(curve: Curve) -> str | None:
    if not curve.fresh or len(curve.losses) < SLOW:
        return None
    learned = curve.first_below(LEARNED * curve.start)
    if (learned is None or learned > SLOW) and curve.scatter(5, 40) <= QUIET * curve.start:
        when = "after all its steps" if learned is None else f"until step {learned:,}"
        return (
            f"Not even the commonest words were learned {when}: the loss was still above "
            f"{LEARNED * curve.start:.2f}, and moved little from step to step."
        )
    return None


def _still_improving(curve: Curve) -> str | None:
    if curve.last.step < curve.last.steps and curve.end < (1 - STILL) * curve.at(0.8):
        return (
            f"After {curve.last.step:,} of {curve.last.steps:,} steps the loss is {curve.end:.2f} "
            f"and still falling; a little before it was {curve.at(0.8):.2f}."
        )
    return None


HEALTHY = "healthy"
RULES: dict[str, tuple[Rule, str]] = {
    "diverging": (_diverging, "Take a much smaller learning rate, a tenth for a start."),
    "sees the answer": (
        _sees_the_answer,
        "Look at the causal mask: no token may see those behind it. And the targets must be the "
        "next tokens.",
    ),
    "labels shifted": (
        _labels_shifted,
        "The target at each place is the token that comes next: not the one that stands there, and "
        "not the one after. Shift once.",
    ),
    "duplicated batches": (
        _duplicated,
        "Look at a few batches in a row, and at what shuffles them: each should be new.",
    ),
    "data too small": (partial(_learned_by_heart, many=True), "Give it more text, or fewer steps."),
    "overfitting": (
        partial(_learned_by_heart, many=False),
        "Stop where the held-out loss was lowest, or give more text.",
    ),
    "learning rate too high": (
        _rate_too_high,
        "Take a smaller learning rate, a third for a start.",
    ),
    "too short": (_too_short, "Give it more steps."),
    "learning rate too low": (_rate_too_low, "Take a larger learning rate, ten times for a start."),
    "still improving": (_still_improving, "Let it go on."),
}
"""In the order in which they are asked: each rule with the advice that goes with its name."""

NAMES = (HEALTHY, *RULES)
