"""Ready comparisons, each in a folder of its own in the home: what `tinyllm compare` runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tinyllm.effects.clock import STAGE
from tinyllm.effects.compare import compare_data
from tinyllm.effects.variants import PAIRS, Pair
from tinyllm.events import Event, Notice
from tinyllm.files import UsageError
from tinyllm.line import MOST_MINUTES
from tinyllm.runs import COMPARISONS, home


def compare_pair(
    name: str, *, minutes: float = 1.0, seed: int = 0, controls: int = 1
) -> Iterator[Event]:
    """`compare_data` for one of `PAIRS`, in a folder of the home that is the pair's own.

    Each training takes so many `minutes`. A name that is not there is a `UsageError`.
    """
    pair = ready_pair(name)
    folder = comparison_folder(name, minutes=minutes, seed=seed)
    yield Notice(stage=STAGE, text=pair.question)
    yield from compare_data(
        pair.first,
        pair.second,
        folder=folder,
        seconds=minutes * 60,
        seed=seed,
        controls=controls,
    )


def ready_pair(name: str) -> Pair:
    """The pair of this name in `PAIRS`; another name is a `UsageError`.

    >>> ready_pair("tenth").second.share
    0.1
    """
    if name not in PAIRS:
        raise UsageError(f"What can be compared is one of {', '.join(PAIRS)}; got {name!r}.")
    return PAIRS[name]


def comparison_folder(name: str, *, minutes: float, seed: int) -> Path:
    """Where `compare_pair` keeps its work."""
    if not 0 < minutes <= MOST_MINUTES:
        raise UsageError(f"--minutes must be above 0 and at most a week, got {minutes}.")
    return home() / COMPARISONS / f"{name}-{minutes:g}-minutes-seed-{seed}"
