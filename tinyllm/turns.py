"""Whose turn it is to train: one run at a time on a machine.

Each training holds an exclusive lock on its run for as long as it lives; the operating system
lets go of it when the process dies, so there is no stale lock to clean up. A second training of
the same run is refused. A training of another run may start: the one that began last goes first,
and the others wait, between two events, until it is done.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tinyllm.events import Event, Notice
from tinyllm.files import TinyLLMError, UsageError, atomic_write
from tinyllm.runs import GROWN_UP, Run, all_runs, comparisons

LOOK_EVERY = 0.5
"""Seconds between two looks at who else trains."""


def _lock(run: Run) -> FileLock:
    run.root.mkdir(parents=True, exist_ok=True)
    return FileLock(run.root / ".training.lock", timeout=0)


def _claim_path(run: Run) -> Path:
    return run.root / ".training.json"


def _claim(run: Run) -> dict[str, float]:
    try:
        values: dict[str, float] = json.loads(_claim_path(run).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values


def is_training(run: Run) -> bool:
    """Whether some process, this one included, is training `run` right now."""
    if not (run.root / ".training.lock").exists():
        return False
    try:
        with _lock(run):
            return False
    except Timeout:
        return True


@contextmanager
def training(run: Run) -> Iterator[None]:
    """Hold the right to train `run`; a run that is already training is refused by name.

    So is the one that came with the package.
    """
    if run.name == GROWN_UP:
        raise UsageError(
            f"Run {GROWN_UP} came with tinyllm, trained beforehand: it can be asked and measured, "
            "and is not trained further. Train a run of your own with another --run NAME."
        )
    lock = _lock(run)
    try:
        lock.acquire(timeout=1.0)  # a second, because `is_training` holds it for a moment
    except Timeout:
        claim = _claim(run)
        began = time.strftime("%H:%M", time.localtime(claim.get("began", time.time())))
        raise TinyLLMError(
            f"Run {run.name} is training already (process {claim.get('pid', 'unknown')}, since "
            f"{began}). Wait for it, stop it, or train another run with --run NAME."
        ) from None
    try:
        atomic_write(_claim_path(run), json.dumps({"pid": os.getpid(), "began": time.time()}))
        yield
    finally:
        _claim_path(run).unlink(missing_ok=True)
        lock.release()


def ahead_of(run: Run) -> Run | None:
    """The run that trains now and began after `run` did, so that `run` should wait; else None."""
    mine = _claim(run).get("began", 0.0)
    for other in (*all_runs(), *comparisons()):
        if (
            other.root != run.root
            and _claim(other).get("began", -1.0) > mine
            and is_training(other)
        ):
            return other
    return None


def take_turns(run: Run, events: Iterator[Event], *, stage: str) -> Generator[Event, None, None]:
    """Pass `events` on, waiting between two of them while a run that began later trains."""
    looked = 0.0
    try:
        while True:
            if time.monotonic() - looked >= LOOK_EVERY:
                looked = time.monotonic()
                first = ahead_of(run)
                if first is not None:
                    yield Notice(stage=stage, text=f"Paused while run {first.name} trains.")
                    while ahead_of(run) is not None:
                        time.sleep(LOOK_EVERY)
                    yield Notice(stage=stage, text="Going on.")
            try:
                event = next(events)
            except StopIteration:
                return
            yield event
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()
