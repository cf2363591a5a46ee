"""A stage that works in a thread, while somebody watches it: pause, stop, and no lost error.

A button can reach a running notebook cell or a web page's handler only when the work is done
elsewhere. The thread asks the stage for one event after the other; pausing is not asking, stopping
is closing the generator, so the stage saves what it has by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from tinyllm.events import Event


class Background:
    """Runs a stream of events in a thread and keeps what it said.

    `begin` makes the stream and is called inside the thread. An error ends the work and is kept in
    `error` for the viewer to show; `join` raises it.

    >>> from tinyllm.events import Notice
    >>> work = Background(lambda: iter([Notice(stage="base", text="hello")])).start()
    >>> work.join()
    >>> [event.text for event in work.events]
    ['hello']
    """

    def __init__(self, begin: Callable[[], Iterator[Event]]) -> None:
        self._begin = begin
        self._go = threading.Event()
        self._go.set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tinyllm-stage", daemon=True)
        self.events: list[Event] = []
        self.error: BaseException | None = None

    def start(self) -> Background:
        """Begin to work."""
        self._thread.start()
        return self

    def _work(self) -> None:
        try:
            stream = self._begin()
            try:
                while not self._stop.is_set():
                    self._go.wait()
                    if self._stop.is_set():
                        break
                    try:
                        self.events.append(next(stream))
                    except StopIteration:
                        break
            finally:
                close = getattr(stream, "close", None)
                if close is not None:
                    close()
        except BaseException as error:
            self.error = error

    @property
    def running(self) -> bool:
        """Whether the stage still works or waits to go on."""
        return self._thread.is_alive()

    @property
    def paused(self) -> bool:
        """Whether the stage waits for `resume`."""
        return self.running and not self._go.is_set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was asked for."""
        return self._stop.is_set()

    def pause(self) -> None:
        """Let the stage finish its event and wait."""
        self._go.clear()

    def resume(self) -> None:
        """Go on after a pause."""
        self._go.set()

    def stop(self) -> None:
        """Close the stage after its event; it keeps its work."""
        self._stop.set()
        self._go.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end; an error of the stage is raised here."""
        self._thread.join(timeout)
        if self.error is not None:
            raise self.error
