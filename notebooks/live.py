"""The notebooks' view of a stage at work: a chart that moves, three buttons, samples as they come.

The stage works in a thread (`tinyllm.background`), so the buttons answer while it trains. The next
cell asks for `result()`, which waits for the end; the square button of the toolbar stops it there.
"""

from __future__ import annotations

import html
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import ipywidgets as widgets
import plotly.graph_objects as go
from IPython.display import display

from tinyllm.background import Background
from tinyllm.events import Event, Finished, Notice, Progress, Sample, Step
from tinyllm.figures import Chart, refresh
from tinyllm.runs import pace
from tinyllm.terminal import clock

LOOK_EVERY = 0.5
"""Seconds between two looks at the events: a chart that is redrawn faster freezes the page."""

Draw = Callable[[Sequence[Event]], Chart | None]


def seconds(wanted: float) -> float:
    """A training budget in seconds, scaled by TINYLLM_PACE."""
    return wanted * pace()


class Live:
    """A stage at work, and what is shown of it."""

    def __init__(self, begin: Callable[[], Iterator[Event]], draw: Draw | None = None) -> None:
        self.work = Background(begin)
        self.draw = draw
        self.words = widgets.HTML("Starting …")
        self.samples = widgets.HTML()
        self.place = widgets.VBox()
        self.figure: go.FigureWidget | None = None
        self.hold = widgets.Button(description="Pause", icon="pause")
        self.end = widgets.Button(description="Stop", icon="stop")
        self.hold.on_click(lambda _: self._pause())
        self.end.on_click(lambda _: self.work.stop())
        self._viewer = threading.Thread(target=self._watch, daemon=True)

    def show(self) -> Live:
        """Display the view and begin to work; the cell returns at once."""
        buttons = widgets.HBox([self.hold, self.end, self.words])
        display(widgets.VBox([buttons, self.place, self.samples]))
        self.work.start()
        self._viewer.start()
        return self

    def result(self) -> list[Event]:
        """Wait for the end and return the events; an error of the stage is raised here."""
        try:
            while self.work.running:
                time.sleep(0.1)
        except KeyboardInterrupt:
            self.work.stop()
        self.work.join()
        self._viewer.join()
        return list(self.work.events)

    def _pause(self) -> None:
        if self.work.paused:
            self.work.resume()
            self.hold.description = "Pause"
        else:
            self.work.pause()
            self.hold.description = "Go on"

    def _watch(self) -> None:
        while self.work.running:
            self._look()
            time.sleep(LOOK_EVERY)
        self._look()
        self.hold.disabled = self.end.disabled = True

    def _look(self) -> None:
        events = list(self.work.events)
        self.words.value = html.escape(self._sentence(events))
        self.samples.value = _samples(events)
        chart = self.draw(events) if self.draw is not None and events else None
        if chart is None or os.environ.get("TINYLLM_HEADLESS"):
            return
        if self.figure is None:
            self.figure = go.FigureWidget(chart.figure)
            self.figure._config = chart.config
            self.place.children = [self.figure]
        else:
            refresh(self.figure, chart)

    def _sentence(self, events: Sequence[Event]) -> str:
        if self.work.error is not None:
            return f"Ended with an error: {self.work.error}"
        for event in reversed(events):
            if isinstance(event, Finished):
                return f"Done in {clock(event.seconds)}."
            if not self.work.running:
                return "Stopped. What it has so far is kept; run the cell again to go on."
            if self.work.paused:
                return "Paused."
            if isinstance(event, Step):
                left = clock(event.eta_seconds)
                return f"Step {event.step} of {event.steps}, loss {event.loss:.3f}, {left} left."
            if isinstance(event, Progress):
                of = f" of {event.total:,.0f}" if event.total else ""
                left = f", {clock(event.eta_seconds)} left" if event.eta_seconds else ""
                return f"{event.done:,.0f}{of} {event.unit} {event.note}{left}"
        return "Starting …"


def _samples(events: Sequence[Event]) -> str:
    """The three latest samples and notes, newest first."""
    style = "border-left:3px solid #0072b2;padding:2px 10px;margin:6px 0;white-space:pre-wrap"
    blocks = []
    for event in reversed(events):
        if isinstance(event, Sample):
            text = f"<b>step {event.step}</b><br>{html.escape(event.prompt + event.completion)}"
        elif isinstance(event, Notice):
            text = f"<b>note</b><br>{html.escape(event.text)}"
        else:
            continue
        blocks.append(f'<div style="{style}">{text}</div>')
        if len(blocks) == 3:
            break
    return "".join(blocks)


def watch(begin: Callable[[], Iterator[Event]], draw: Draw | None = None) -> Live:
    """Start a stage and show it at work. Its result comes from `.result()` in the next cell."""
    return Live(begin, draw).show()
