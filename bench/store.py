"""What the feedback store promises, tried: no acknowledged vote is lost, and none is there twice.

    tinyllm bench store [--kills 200] [--writers 20] [--votes 10000] [--seed 0]

Three trials, on a write-ahead log, and smaller on the rollback journal of a network drive.

`kills`: a process votes as fast as it can, and is killed as nothing but `kill -9` kills, at a
moment drawn from the seed. Then the store is opened, SQLite checks all of it, and every vote that
was acknowledged, by this process or one before it, is looked for. A vote counts as acknowledged
when `add_thumb` has returned. What the power of the machine takes with it is not tried here.

`writers`: so many processes vote at once, each on turns of its own; ids, turns and thumbs that they
said are compared with those in the store.

`revotes`: they vote on the same turns. Votes on a turn that did not overlap have a last one, and it
must be the one that counts; of those that overlapped with the last it may be any.

The store lies in the folder for temporary files (TMPDIR names another). How long a vote takes
depends on the disk: it is acknowledged when it lies there.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from tinyllm.alignment import FeedbackStore, Record, database
from tinyllm.evaluation.intervals import wilson
from tinyllm.files import TinyLLMError, UsageError

KILLS, WRITERS, VOTES = 200, 20, 10_000
SHARES = {"wal": 1, "delete": 5}
"""The journals, and by what their trials are smaller."""
LONGEST_LIFE = 0.25
"""Seconds from a process's first vote to its end, at most: long enough for the log to be written
back into the store now and then, so that this is hit, too."""
VOTES_A_TURN = 20
WRITER = Path(__file__).with_name("store_writer.py")
Process = subprocess.Popen[str]


class Vote(NamedTuple):
    """An acknowledged vote, with the nanoseconds at which it began and was acknowledged."""

    id: str
    turn: str
    value: int
    began: int
    ended: int


def run(
    kills: int = KILLS, writers: int = WRITERS, votes: int = VOTES, seed: int = 0
) -> dict[str, Any]:
    """All trials on both journals."""
    if min(kills, writers) < 1 or votes < writers:
        raise UsageError(
            "--kills and --writers must be at least 1, and --votes one for each writer, got "
            f"{kills}, {writers} and {votes}."
        )
    found: dict[str, Any] = {"bench": "store", "sqlite": sqlite3.sqlite_version}
    for journal, share in SHARES.items():
        with (
            tempfile.TemporaryDirectory(prefix="tinyllm-bench-") as name,
            mock.patch.object(database, "on_network", lambda path, it=journal: it == "delete"),
        ):
            folder = Path(name)
            each = max(1, votes // share // writers)
            found[journal] = {
                "kills": killed(folder / "a.db", journal, max(1, kills // share), seed),
                "writers": at_once(folder / "b.db", journal, writers, each, seed),
                "revotes": revoted(folder / "c.db", journal, writers, each, seed),
            }
    return found


def killed(place: Path, journal: str, kills: int, seed: int) -> dict[str, Any]:
    """Kill one writer after the other; what was lost, and how the store was found each time."""
    draw = random.Random(seed)
    said: set[str] = set()
    kept: set[str] = set()
    lost: set[str] = set()
    losing = hit = damaged = 0
    for number in told(range(kills), kills, f"{journal}: kills"):
        votes, in_a_write = one_life(place, journal, f"life{number}", draw)
        said |= {vote.id for vote in votes}
        hit += in_a_write
        FeedbackStore(place).close()
        verdict, kept = look_into(place)
        damaged += verdict != "ok"
        losing += bool(said - kept - lost)
        lost |= said - kept
    return {
        "kills": kills,
        "in_a_write": hit,
        "acknowledged": len(said),
        "lost": len(lost),
        "kept_unacknowledged": len(kept - said),
        "damaged": damaged,
        "losing_kills": wilson(losing, kills).to_dict(),
    }


def one_life(place: Path, journal: str, name: str, draw: random.Random) -> tuple[list[Vote], bool]:
    """A writer from its start to its violent end: the votes it acknowledged, and whether it was
    killed while it wrote one."""
    process = start(place, journal, name)
    assert process.stdout is not None
    go(process)
    lines = [process.stdout.readline() for _ in range(3)]  # ready, what it does, what was done
    time.sleep(draw.uniform(0, LONGEST_LIFE))
    alive = process.poll() is None
    process.kill()
    lines += process.stdout.readlines()
    finish(process)
    if not alive:
        raise TinyLLMError(f"A writer ended by itself, with code {process.returncode}.")
    whole = [line for line in lines if line.endswith("\n")]
    return list(votes_in(whole)), whole[-1].startswith("?")


def look_into(place: Path) -> tuple[str, set[str]]:
    """What SQLite says of all that is in the store, and the ids of its records."""
    connection = sqlite3.connect(place)
    verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
    ids = {id for (id,) in connection.execute("SELECT id FROM feedback")}
    connection.close()
    return verdict, ids


def at_once(place: Path, journal: str, writers: int, each: int, seed: int) -> dict[str, Any]:
    """Many writers, each on its own turns: what was lost, what is there twice, how long it took."""
    votes = vote_together(place, journal, writers, each, seed)
    store = FeedbackStore(place)
    differing = compared(votes, store.list())
    valid = len(store.valid())
    store.close()
    return {"writers": writers, "votes": len(votes), **differing, "valid": valid, **paced(votes)}


def compared(votes: Sequence[Vote], records: Sequence[Record]) -> dict[str, int]:
    """Acknowledged votes that are not there as they were given, and records that nobody gave."""
    given = Counter((vote.id, vote.turn, vote.value) for vote in votes)
    there = Counter((record.id, record.turn, record.value) for record in records)
    return {"lost": (given - there).total(), "doubled": (there - given).total()}


def revoted(place: Path, journal: str, writers: int, each: int, seed: int) -> dict[str, Any]:
    """Many writers on the same turns: does the last vote of each turn count, and it alone?"""
    turns = max(1, writers * each // VOTES_A_TURN)
    votes = vote_together(place, journal, writers, each, seed, turns)
    store = FeedbackStore(place)
    differing, valid = compared(votes, store.list()), store.valid()
    store.close()
    last = last_votes(votes)
    counting = {record.turn: (record.id, record.value) for record in valid}
    return {
        "votes": len(votes),
        **differing,
        "turns": len(last),
        "valid": len(valid),
        "not_the_last": sum(counting.get(turn) not in some for turn, some in last.items()),
        "without_overlap": sum(len(some) == 1 for some in last.values()),
        **paced(votes),
    }


def last_votes(votes: Iterable[Vote]) -> dict[str, set[tuple[str, int]]]:
    """For each turn the votes, by id and value, after whose end no other vote on it began."""
    by_turn: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        by_turn[vote.turn].append(vote)
    newest = {turn: max(vote.began for vote in some) for turn, some in by_turn.items()}
    return {
        turn: {(vote.id, vote.value) for vote in some if vote.ended > newest[turn]}
        for turn, some in by_turn.items()
    }


def paced(votes: Sequence[Vote]) -> dict[str, float]:
    """Votes a second, and the milliseconds that a writer waited for its vote to be acknowledged."""
    seconds = (max(vote.ended for vote in votes) - min(vote.began for vote in votes)) / 1e9
    waits = [(vote.ended - vote.began) / 1e6 for vote in votes]
    p50, p95, most = np.percentile(waits, [50, 95, 100]).round(2).tolist()
    return {
        "votes_per_second": round(len(votes) / seconds, 1),
        "p50_ms": p50,
        "p95_ms": p95,
        "max_ms": most,
    }


def vote_together(
    place: Path, journal: str, writers: int, each: int, seed: int, turns: int = 0
) -> list[Vote]:
    """Start the writers, let them go at the same moment, and wait for the last of their votes."""
    processes = [
        start(place, journal, f"writer{number}", each, turns, seed) for number in range(writers)
    ]
    with ExitStack() as stack:
        for process in processes:
            stack.callback(finish, process)
            stack.callback(process.kill)
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        for process in processes:
            go(process)
        what = f"{journal}: {writers} writers{', the same turns' if turns else ''}"
        votes = list(told(votes_in(lines_of(processes)), writers * each, what))
        codes = {process.wait() for process in processes}
    if codes != {0} or len(votes) != writers * each:
        raise TinyLLMError(
            f"Expected {writers * each} acknowledged votes, got {len(votes)}; the writers ended "
            f"with the codes {sorted(codes)}. What they said stands above."
        )
    return votes


def lines_of(processes: Sequence[Process]) -> Iterator[str]:
    """What the processes print, as it comes, until all have ended."""
    queue: SimpleQueue[str | None] = SimpleQueue()

    def read(process: Process) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            queue.put(line)
        queue.put(None)

    for process in processes:
        Thread(target=read, args=(process,), daemon=True).start()
    left = len(processes)
    while left:
        line = queue.get()
        if line is None:
            left -= 1
        else:
            yield line


def votes_in(lines: Iterable[str]) -> Iterator[Vote]:
    """The votes that these lines of writers acknowledge."""
    for line in lines:
        if len(parts := line.split()) == len(Vote._fields):
            id, turn, *numbers = parts
            yield Vote(id, turn, *map(int, numbers))


def start(
    place: Path, journal: str, name: str, votes: int = 10**9, turns: int = 0, seed: int = 0
) -> Process:
    """A writer that waits for a line before its first vote."""
    command = [sys.executable, str(WRITER), str(place), journal, name]
    return subprocess.Popen(
        [*command, str(votes), str(turns), str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def go(process: Process) -> None:
    """Let a writer begin; one that is no more will be missed by its votes."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.write("go\n")
        process.stdin.flush()


def finish(process: Process) -> None:
    """Wait for the end of a process, and let go of what it was read by."""
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def told(things: Iterable[Any], total: int, what: str) -> Iterator[Any]:
    """The same things; every two seconds standard error says how many there were."""
    began = spoke = time.monotonic()
    for done, thing in enumerate(things, 1):
        yield thing
        now = time.monotonic()
        if now - spoke > 2 or done == total:
            left = (now - began) / done * (total - done)
            print(f"{what}: {done:,} of {total:,}, {left:.0f} s left", file=sys.stderr)
            spoke = now
