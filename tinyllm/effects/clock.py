"""How much longer a comparison takes: guessed at first, then measured."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from tinyllm.events import Event, Progress, Step

STAGE = "compare"
"""The stage of events that are about a whole comparison."""

TEXT_SECONDS, TOKENIZER_SECONDS, MEASURING_SECONDS = 10.0, 3.0, 5.0
"""Guesses, for the time that is left before anything of the kind has been done."""


class Clock:
    """How many parts are done, and how long the others will take.

    `seconds` are those of one training; None: known from its first step on.

    >>> clock = Clock(["text first", "first-0", "second-0"], seconds=60.0)
    >>> begun = clock.begin("first-0", "all the text")
    >>> begun.done, begun.total, begun.eta_seconds
    (1.0, 3, 130.0)
    """

    def __init__(self, parts: Sequence[str], seconds: float | None) -> None:
        self._parts = list(parts)
        self._training = seconds
        self._at = 0

    def begin(self, part: str, note: str) -> Progress:
        """The part that begins now."""
        self._at = self._parts.index(part)
        return self._progress(0.0, note, self._seconds(part))

    def watch(self, events: Generator[Event, None, None], note: str) -> Iterator[Event]:
        """Pass a training on; at every hundredth of it, how far the whole is."""
        with closing(events):
            for event in events:
                yield event
                if isinstance(event, Step):
                    self._training = event.seconds + event.eta_seconds
                    if event.step % max(1, event.steps // 100) == 0:
                        left = event.eta_seconds + MEASURING_SECONDS
                        yield self._progress(event.step / event.steps, note, left)

    def _progress(self, share: float, note: str, left: float | None) -> Progress:
        later = [self._seconds(part) for part in self._parts[self._at + 1 :]]
        known = [seconds for seconds in (left, *later) if seconds is not None]
        return Progress(
            stage=STAGE,
            done=self._at + share,
            total=len(self._parts),
            unit="parts",
            note=note,
            eta_seconds=sum(known) if len(known) == len(later) + 1 else None,
        )

    def _seconds(self, part: str) -> float | None:
        if part.startswith("text"):
            return TEXT_SECONDS
        if part.startswith("tokens"):
            return TOKENIZER_SECONDS
        return None if self._training is None else self._training + MEASURING_SECONDS
