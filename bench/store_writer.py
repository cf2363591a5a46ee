"""A process that votes, for `bench/store.py`: it says what it is about to do, and what was done.

    python bench/store_writer.py STORE JOURNAL NAME VOTES TURNS SEED

With TURNS 0 every vote is on a turn of its own; else on one of so many turns, drawn from the seed,
on which other writers vote, too. JOURNAL is "wal", or "delete" as on a network drive.

It prints `ready` when the store is open, and waits for a line. Then it prints for each vote
`? turn` before, and after `add_thumb` has returned `id turn value began ended`, the times in
nanoseconds of a clock that all processes of the machine share.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import tinyllm
from tinyllm.files import TinyLLMError


def open_store(place: str, journal: str, session: str) -> Any:
    """The store, without the rest of its room: PyTorch takes two seconds to come in, ten times as
    long as all else here, and a store has no use for it."""
    room = ModuleType("tinyllm.alignment")
    room.__path__ = [str(Path(tinyllm.__file__).parent / "alignment")]
    sys.modules[room.__name__] = room
    from tinyllm.alignment import database
    from tinyllm.alignment.store import FeedbackStore

    database.on_network = lambda path: journal == "delete"
    return FeedbackStore(Path(place), session=session)


def vote(store: Any, votes: int, turns: int, seed: int) -> None:
    draw = random.Random(f"{seed} {store.session}")
    for number in range(votes):
        turn = f"turn-{draw.randrange(turns)}" if turns else f"{store.session}-{number}"
        value = draw.choice((1, -1))
        print("?", turn, flush=True)
        began = time.perf_counter_ns()
        record = store.add_thumb("Who has it?", f"Nell has {number} of them.", value, turn=turn)
        print(record.id, turn, value, began, time.perf_counter_ns(), flush=True)


if __name__ == "__main__":
    try:
        opened = open_store(*sys.argv[1:4])
        print("ready", flush=True)
        sys.stdin.readline()
        vote(opened, *map(int, sys.argv[4:]))
        opened.close()
    except TinyLLMError as error:
        raise SystemExit(f"{sys.argv[3]}: {error}") from error
