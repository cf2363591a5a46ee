"""How the state of a run and of a stage is said in words, and drawn as a strip of six stages."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from tinyllm.events import STAGES, Event, Finished, Notice, Progress, Step, from_dict
from tinyllm.files import TinyLLMError
from tinyllm.runs import DEFAULT, MINE, Run
from tinyllm.terminal import clock
from tinyllm.turns import is_training

NAMES: Final = {
    "corpus": "collecting text",
    "tokenizer": "training the tokenizer",
    "base": "pretraining",
    "chat": "fine-tuning",
    "reward": "training the reward model",
    "aligned": "RLHF",
}
"""Each stage as something that is being done."""
SHORT: Final = {
    "corpus": "Text",
    "tokenizer": "Tokenizer",
    "base": "Pretraining",
    "chat": "Fine-tuning",
    "reward": "Reward model",
    "aligned": "RLHF",
}
RESULTS: Final = {
    "corpus": "{train_documents:,.0f} documents, {train_characters:,.0f} characters",
    "tokenizer": "{vocab_size:,.0f} tokens, {characters_per_token:.1f} characters a token",
    "base": "loss {loss:.2f} nats a token",
    "chat": "loss {loss:.2f} nats a token",
    "reward": "right on {accuracy:.0%} of the held-out pairs",
    "aligned": "KL {kl:.2f} nats an answer",
}
"""What a finished stage shows for it, from its closing metrics."""
TAIL: Final = 16_384
"""Bytes at the end of a stage's metrics that say what it does now."""


def in_html(words: str) -> str:
    """A sentence as HTML; what stands between backticks is set as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(words, quote=False))


def latest_events(run: Run, stage: str) -> list[Event]:
    """The last few recorded events of a stage, newest first, without reading all of them."""
    path = run.root / "metrics" / f"{stage}.jsonl"
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            lines = file.read().split(b"\n")
    except OSError:
        return []
    events = []
    for line in reversed(lines):
        try:
            events.append(from_dict(json.loads(line)))
        except (ValueError, TypeError):  # cut off by the window, or being written now
            continue
    return events


def share_done(events: Iterable[Event]) -> float:
    """How much of its work a stage has behind it, from 0 to 1; `events` newest first."""
    for event in events:
        if isinstance(event, Step):
            return event.step / max(event.steps, 1)
        if isinstance(event, Progress) and event.total:
            return min(event.done / event.total, 1.0)
    return 0.0


def stage_now(run: Run, done: Sequence[str]) -> str:
    """The stage that a run at work is in: the last one it spoke of, else the first one not done."""
    spoken = [run.root / "metrics" / f"{stage}.jsonl" for stage in STAGES]
    latest = max((p for p in spoken if p.exists()), key=lambda p: p.stat().st_mtime, default=None)
    if latest is not None and not isinstance(_last(latest_events(run, latest.stem)), Finished):
        return latest.stem
    return next((stage for stage in STAGES if stage not in done), STAGES[-1])


def _last(newest_first: Sequence[Event]) -> Event | None:
    return newest_first[0] if newest_first else None


def where_it_stands(run: Run) -> str:
    """One sentence: what the run holds and what it is doing now, with the time left."""
    done = run.stages_done()
    if not is_training(run):
        if len(done) == len(STAGES):
            return f"Run {run.name} is complete."
        if not done:
            return f"Run {run.name} holds nothing yet."
        return f"Run {run.name} goes as far as {NAMES[done[-1]]}."
    stage = stage_now(run, done)
    words = f"Run {run.name}: {NAMES[stage]} now, stage {STAGES.index(stage) + 1} of {len(STAGES)}"
    recent = latest_events(run, stage)
    if waits := _waiting(recent):
        return f"{words}. {waits}"
    for event in recent:
        if isinstance(event, Step | Progress) and event.eta_seconds is not None:
            return f"{words}, {clock(event.eta_seconds)} left in this stage."
    return f"{words}."


def _waiting(events: Iterable[Event]) -> str:
    """The notice that it waits for another run, if it does; `events` newest first."""
    for event in events:
        if isinstance(event, Notice):
            return event.text if event.text.startswith("Paused") else ""
        if isinstance(event, Step | Progress):
            break
    return ""


def at_work(name: str, events: Sequence[Event]) -> str:
    """One sentence on a stage at work: where it is and how long it still takes."""
    if waits := _waiting(reversed(events)):
        return f"{name}: {waits}"
    for event in reversed(events):
        if isinstance(event, Step):
            parts = [f"step {event.step:,} of {event.steps:,}", _figures(event)]
        elif isinstance(event, Progress):
            of = f" of {event.total:,.0f}" if event.total else ""
            parts = [event.note, f"{event.done:,.0f}{of} {event.unit}".strip()]
        else:
            continue
        left = f"{clock(event.eta_seconds)} left" if event.eta_seconds is not None else ""
        return f"{name}: {', '.join(part for part in [*parts, left] if part)}."
    return f"{name}: starting."


def _figures(event: Step) -> str:
    """What to watch in a step: of RLHF the reward and the KL, for its loss need not fall, but the
    loss where answers are imitated."""
    if event.stage != "aligned" or "imitated" in event.metrics:
        return f"loss {event.loss:.3f}"
    watched = (("reward", "reward"), ("kl", "KL"))
    return ", ".join(f"{w} {event.metrics[k]:.2f}" for k, w in watched if k in event.metrics)


def finished(name: str, event: Finished) -> str:
    """One sentence on a stage that is done: how long it took, and what came of it."""
    try:
        result = RESULTS[event.stage].format(**event.metrics)
    except KeyError:
        result = ""
    return f"{name} is done, in {clock(event.seconds)}{': ' if result else ''}{result}."


def runs_in_words(*names: str) -> str:
    """Where the runs `names` stand; `mine` is spoken of once it exists."""
    try:
        runs = [Run.named(name) for name in names]
        there = [run for run in runs if run.name != MINE or run.root.exists()]
        return " ".join(map(where_it_stands, there))
    except TinyLLMError as error:
        return str(error)


def nothing_yet(what: str, *, stands_in: bool = False) -> str:
    """Why `what` is not there, and what brings it: for a home in which nothing was made so far.

    `stands_in` says that the one that came with the package takes its place meanwhile.
    """
    own, until = "", ""
    if stands_in:
        own, until = " of yours", " Until then, one that was trained beforehand takes its place."
    if is_training(Run.named(DEFAULT)):
        return (
            f"There is no {what}{own} yet. The first one is being made now; the line at the foot "
            f"of this page says how far it is, and the page changes over when it is there.{until}"
        )
    return (
        f"There is no {what}{own} yet. The Train page makes one stage by stage, and "
        f"`tinyllm train` all of it in about five minutes.{until}"
    )


def draw_strip(run: Run) -> str:
    """The six stages of a run side by side: done, at work with a part of its bar, to come."""
    done = run.stages_done()
    now = stage_now(run, done) if is_training(run) else None
    cells = []
    for number, stage in enumerate(STAGES, 1):
        state = "done" if stage in done else "now" if stage == now else "later"
        share = {"done": 1.0, "now": max(share_done(latest_events(run, stage)), 0.02)}.get(state, 0)
        spoken = {"done": "done", "now": f"{share:.0%}", "later": "to come"}[state]
        cells.append(
            f'<li class="{state}"><span class="track"><i style="width:{share:.0%}"></i></span>'
            f'<span class="name">{number}&nbsp;{SHORT[stage]}</span>'
            f'<span class="spoken">, {spoken}</span></li>'
        )
    return f'<ol class="strip" aria-label="Run {run.name}">{"".join(cells)}</ol>'
