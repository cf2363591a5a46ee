"""The terminal's view of a stream of events: a bar, the samples as they come, a table at the end.

Everything goes to standard error, so that standard output stays free for `--json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from tinyllm.events import Evaluation, Event, Finished, Notice, Sample, Step
from tinyllm.events import Progress as Done

SAMPLE_CHARACTERS = 240
"""How much of a sample the terminal shows; the whole of it lies in the run's metrics."""

NAMES = {
    "corpus": "1 corpus",
    "tokenizer": "2 tokenizer",
    "base": "3 pretraining",
    "chat": "4 fine-tuning",
    "reward": "5 reward model",
    "aligned": "5 RLHF",
    "compare": "comparison",
}


def clock(seconds: float) -> str:
    """Seconds as people say them.

    >>> clock(7.2), clock(75), clock(3700)
    ('7 s', '1 min 15 s', '1 h 01 min')
    """
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def checked(name: str, value: str, state: str, advice: str) -> Table:
    """A line of `tinyllm doctor`: its state, its name, what was found, and below it what to do."""
    style = {"good": "dim", "note": "yellow", "wrong": "bold red"}[state]
    line = Table.grid(Column(width=5), Column(width=13), Column(), padding=(0, 2, 0, 0))
    text = Text(value)
    if advice:
        text.append(f"\n{advice[0].upper()}{advice[1:]}.", style=style)
    line.add_row(Text(state, style=style), name, text)
    return line


def shorten(text: str, most: int = SAMPLE_CHARACTERS) -> str:
    """The beginning of a long text, cut at a space.

    >>> shorten("The sky is blue.", most=12)
    'The sky is …'
    """
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"


class Terminal:
    """Draws events on standard error; `show` is called once for each."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Terminal:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Draw one event."""
        if isinstance(event, Step):
            left = (
                f"loss {event.loss:6.3f}  {event.tokens / max(event.seconds, 1e-9):7,.0f} tokens/s"
            )
            self._bar(event.stage, event.step, event.steps, f"{left}  {_left(event.eta_seconds)}")
        elif isinstance(event, Done):
            amount = f"{event.done:,.0f}" + (f" of {event.total:,.0f}" if event.total else "")
            figures = f"{amount} {event.unit}  {event.note}  {_left(event.eta_seconds)}"
            self._bar(event.stage, event.done, event.total, figures)
        elif isinstance(event, Sample):
            text = shorten(event.completion)
            self._say(event.stage, f"step {event.step}", f"{event.prompt}▸{text}")
        elif isinstance(event, Evaluation):
            figures = "  ".join(f"{name} {value:.3f}" for name, value in event.metrics.items())
            self._say(event.stage, f"step {event.step}", figures)
        elif isinstance(event, Notice):
            self._say(event.stage, "note", event.text)
        elif isinstance(event, Finished):
            self._finish(event)

    def _bar(self, stage: str, done: float, total: float | None, figures: str) -> None:
        if stage not in self._tasks:
            name = NAMES.get(stage, stage)
            self._tasks[stage] = self._bars.add_task(name, total=total, figures=figures)
        self._bars.update(self._tasks[stage], completed=done, total=total, figures=figures)

    def _say(self, stage: str, what: str, text: str) -> None:
        line = Text(f"{NAMES.get(stage, stage):<16} {what}: ", style="dim")
        line.append(text.replace("\n", " ⏎ "), style="default")
        self.console.print(line)

    def _finish(self, event: Finished) -> None:
        if event.stage in self._tasks:
            self._bars.remove_task(self._tasks.pop(event.stage))
        figures = "  ".join(f"{name} {value:.3g}" for name, value in event.metrics.items())
        line = Text(f"{NAMES.get(event.stage, event.stage):<16} done in {clock(event.seconds)}")
        line.append(f"  {figures}", style="dim")
        self.console.print(line)

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        self.console.print(sentence)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table."""
        table = Table(title=title, title_justify="left")
        for index, column in enumerate(columns):
            table.add_column(column, justify="left" if index == 0 else "right")
        for row in rows:
            table.add_row(*map(Text, row))  # as they are: a sample may look like markup
        self.console.print(table)


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"{clock(seconds)} left"
