"""The one piece of work that a page may run: it goes on when the page is closed or loaded again."""

from __future__ import annotations

import atexit
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from apps.live import picture
from apps.words import at_work, finished
from tinyllm.background import Background
from tinyllm.events import Event, Finished
from tinyllm.figures import stage_chart
from tinyllm.files import TinyLLMError
from tinyllm.report import verdict_of

PATIENCE: Final = 12.0
"""Seconds that work has to close itself when the server ends."""


class Work:
    """A stage at work in the background, and what is said and drawn of it.

    `idle` is what it says while nothing was started yet.
    """

    def __init__(self, idle: str) -> None:
        self.idle = idle
        self.name = ""
        self.stage = ""
        self.keeps = False
        self.begun = 0
        self._background: Background | None = None
        self._rulers: Mapping[str, float] = {}
        self._drawn: tuple[int, dict[str, Any] | None] = (-1, None)
        self._lock = threading.Lock()
        atexit.register(self._end)

    def begin(
        self,
        name: str,
        stage: str,
        events: Callable[[], Iterator[Event]],
        *,
        keeps: bool,
        rulers: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        """Start `events`, the work of `stage`, called `name` on the page.

        `keeps` says whether it goes on where it was stopped; `rulers` are measured first and drawn
        beside the loss. `TinyLLMError` while other work runs.
        """
        with self._lock:
            if self._background is not None and self._background.running:
                raise TinyLLMError(f"{self.name} still runs. Stop it first.")
            self.name, self.stage, self.keeps = name, stage, keeps
            self.begun += 1
            self._drawn = (-1, None)
            self._rulers = {}
            self._background = Background(lambda: self._told(events, rulers)).start()

    @property
    def events(self) -> Sequence[Event]:
        """What the work has said so far."""
        return list(self._background.events) if self._background is not None else ()

    @property
    def state(self) -> str:
        """One of idle, running, paused, stopping, done, stopped, failed."""
        work = self._background
        if work is None:
            return "idle"
        if work.running:
            return "stopping" if work.stopped else "paused" if work.paused else "running"
        if work.error is not None:
            return "failed"
        return "done" if any(isinstance(e, Finished) for e in work.events[-1:]) else "stopped"

    @property
    def busy(self) -> bool:
        """Whether the work holds its run."""
        return self.state in ("running", "paused", "stopping")

    def pause(self) -> None:
        """Let it wait, or let it go on."""
        if self._background is not None:
            if self._background.paused:
                self._background.resume()
            else:
                self._background.pause()

    def stop(self) -> None:
        """Let it end after what it does now."""
        if self._background is not None:
            self._background.stop()

    def _end(self) -> None:
        """The server ends: what runs is closed, so that it keeps what it has."""
        self.stop()
        if self._background is not None:
            with suppress(BaseException):  # its error was told already
                self._background.join(PATIENCE)

    def words(self) -> str:
        """One sentence on what happens now."""
        kept = "What it has so far is kept, and Start goes on from there."
        lost = "It left nothing behind; Start begins it again."
        return {
            "idle": lambda: self.idle,
            "running": lambda: at_work(self.name, self.events),
            "paused": lambda: f"{self.name} is paused.",
            "stopping": lambda: f"{self.name}: stopping after what it does now.",
            "done": lambda: f"{finished(self.name, self._finished())} {self._verdict()}",
            "stopped": lambda: f"{self.name} was stopped. {kept if self.keeps else lost}",
            "failed": self._error,
        }[self.state]()

    def chart(self) -> dict[str, Any] | None:
        """The picture of the stage so far, drawn once for each new event."""
        events = self.events
        count, drawn = self._drawn
        if count != len(events):
            chart = stage_chart(self.stage, events, self._rulers) if self.stage else None
            drawn = picture(chart) if chart is not None else None
            self._drawn = (len(events), drawn)
        return drawn

    def _finished(self) -> Finished:
        last = self.events[-1]
        assert isinstance(last, Finished)
        return last

    def _verdict(self) -> str:
        """What the curve says, where it is one of a loss that falls."""
        verdict = verdict_of(self.stage, self.events, self._rulers)
        return f"The curve: {verdict}" if verdict is not None else ""

    def _error(self) -> str:
        error = self._background.error if self._background is not None else None
        if isinstance(error, TinyLLMError):
            return f"{self.name} ended: {error}"
        return f"{self.name} ended with an error that is ours: {type(error).__name__}: {error}"

    def _told(
        self, events: Callable[[], Iterator[Event]], rulers: Callable[[], Mapping[str, float]]
    ) -> Iterator[Event]:
        """The same events; an error nobody foresaw leaves its trace in the terminal."""
        try:
            self._rulers = rulers()
            yield from events()
        except TinyLLMError:
            raise
        except Exception:
            traceback.print_exc()
            raise
