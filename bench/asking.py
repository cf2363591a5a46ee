"""Labels saved: what is a vote worth that was asked for, beside one that came by chance?

    tinyllm bench asking --run default --picture FILE.html       # a quarter of an hour
    tinyllm bench asking --folder FOLDER --people 5 --seeds 1    # noted there; goes on there

Simulated people (`tinyllm.alignment.people`) vote on answers of the chat model to 300 open
questions. Which of them they see is left to chance, or chosen by what the votes so far leave open
(`tinyllm.alignment.asking`) but for a quarter, or for half of them; and they give a thumb to one
answer, or prefer one of two. After 25, 50 and 100 votes what was understood is judged on eight
reference answers each to 96 other questions: the share of duels that an answer wins, by the
person's own score, if answers are drawn by weights exp(reward / beta) that are 2 nats from even;
and the correlation of reward and score within questions. No policy is trained.

A person has one verdict on each answer, slips included, whichever way leads to it. Intervals are
bootstraps over people, and differences are of each person to themselves on the same day. "Worth" is
the number of thumbs given by chance that make the same win rate, read off their curve; it ends
where the curve does, at 0 and at 200.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from loky import get_reusable_executor

from tinyllm.alignment.people import PEOPLE
from tinyllm.evaluation.intervals import bootstrap_mean
from tinyllm.figures import labels_chart, to_html
from tinyllm.files import TinyLLMError, atomic_write
from tinyllm.runs import Run, find
from tinyllm.savings import CHANCE, LEVELS, WAYS, Cell, cells, measure
from tinyllm.taste import Place

RESAMPLES = 2_000
WAYS_BY_CHANCE = {WAYS[way].pairs: way for way in WAYS if WAYS[way].at_random == 1}
Row = dict[str, Any]


def run(
    run: Run,
    *,
    folder: Path | None = None,
    people: int = PEOPLE,
    seeds: int = 2,
    picture: Path | None = None,
    workers: int = 2,
) -> dict[str, Any]:
    """Measure what is not measured yet, summarise all of it, and draw it if asked to."""
    owner = find(run, "chat")
    if owner is None:
        raise TinyLLMError(f"Run {run.name} has no chat model. `tinyllm train` makes one.")
    reward = find(run, "reward")
    place = Place(owner.chat, reward.reward if reward else None)
    planned = cells(people, seeds, tuple(WAYS))
    with tempfile.TemporaryDirectory() as temporary:
        path = (folder or Path(temporary)) / "cells.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        known = _read(path)
        _measure([cell for cell in planned if cell not in known], place, path, workers)
        known = _read(path)
    found = summarise([known[cell] for cell in planned])
    if picture is not None:
        atomic_write(picture, to_html(labels_chart(found)))
    return found


def _read(path: Path) -> dict[Cell, Row]:
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {Cell(row["way"], row["person"], row["seed"]): row for row in rows}


def _measure(ahead: Sequence[Cell], place: Place, path: Path, workers: int) -> None:
    executor = get_reusable_executor(max_workers=workers)
    began = time.monotonic()
    waiting: list[Future[Row]] = [executor.submit(measure, cell, place) for cell in ahead]
    for done, future in enumerate(as_completed(waiting), 1):
        row = future.result()
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        left = (time.monotonic() - began) / done * (len(ahead) - done)
        sys.stderr.write(
            f"{done} of {len(ahead)}, {left / 60:.0f} min left: {row['way']}, {row['taste']}: "
            f"{row['curve'][str(LEVELS[-1])]['win']:.2f}\n"
        )


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """The table: for each way and number of votes win, correlation, the difference to chance, and
    how many thumbs given by chance that is worth."""
    found: dict[str, Any] = {"bench": "asking", "cells": len(rows)}
    for way in dict.fromkeys(row["way"] for row in rows):
        some = [row for row in rows if row["way"] == way]
        beside = _beside(rows, way, CHANCE)
        wins, curve = (_by_person(each) for each in zip(*beside)) if beside else ({}, {})
        found[way] = {
            votes: {
                "win": _clustered((r["person"], r["curve"][votes]["win"]) for r in some),
                "correlation": _clustered(
                    (r["person"], r["curve"][votes]["correlation"]) for r in some
                ),
                "above chance": _above(beside, [votes]),
                "worth": worth(wins, curve, int(votes)),
            }
            for votes in some[0]["curve"]
        }
        levels = [str(votes) for votes in LEVELS]
        found[way]["above chance"] = _above(beside, levels)
        if (own := WAYS_BY_CHANCE[WAYS[way].pairs]) != CHANCE:
            found[way]["above pairs by chance"] = {
                votes: _above(_beside(rows, way, own), [votes]) for votes in levels
            } | {"all": _above(_beside(rows, way, own), levels)}
        found[way]["foreseen"] = {
            how: {"right": sum(r["foreseen"][how][0] for r in some),
                  "votes": sum(r["foreseen"][how][1] for r in some)}
            for how in ("random", "active")
        }  # fmt: skip
    return found


def _beside(rows: Sequence[Row], way: str, other: str) -> list[tuple[Row, Row]]:
    """The rows of one way, each with that of the same person on the same day of the other way."""
    theirs = {(row["person"], row["seed"]): row for row in rows if row["way"] == other}
    return [
        (row, theirs[row["person"], row["seed"]])
        for row in rows
        if row["way"] == way and (row["person"], row["seed"]) in theirs
    ]


def _above(beside: Iterable[tuple[Row, Row]], levels: Sequence[str]) -> dict[str, float] | None:
    """By how much win rates lie above those of chance, on average over `levels`."""
    return _clustered(
        (row["person"], row["curve"][votes]["win"] - theirs["curve"][votes]["win"])
        for row, theirs in beside
        for votes in levels
    )


def _by_person(rows: Iterable[Row]) -> dict[int, dict[int, float]]:
    """The mean win rate of each person after so many votes."""
    days: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        days.setdefault(row["person"], []).append(row["curve"])
    return {
        person: {int(n): float(np.mean([day[n]["win"] for day in each])) for n in each[0]}
        for person, each in days.items()
    }


def worth(
    wins: dict[int, dict[int, float]], chance: dict[int, dict[int, float]], votes: int
) -> dict[str, float] | None:
    """How many votes by chance make the win rate of so many `votes`: the inverse of their curve,
    straight between its points, with its interval over people; `saved` is what that is more."""
    people = sorted(set(wins) & set(chance))
    if not people:
        return None
    levels = sorted(next(iter(chance.values())))
    theirs = np.array([[chance[person][n] for n in levels] for person in people])
    ours = np.array([wins[person][votes] for person in people])

    def invert(drawn: Any) -> float:
        rising = np.maximum.accumulate(theirs[drawn].mean(0))
        return float(np.interp(ours[drawn].mean(), rising, levels))

    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(people), size=(RESAMPLES, len(people)))
    low, high = np.quantile([invert(drawn) for drawn in draws], [0.025, 0.975])
    value = invert(np.arange(len(people)))
    return {"value": round(value, 1), "low": round(float(low), 1), "high": round(float(high), 1),
            "saved": round(value - votes, 1), "n": len(people)}  # fmt: skip


def _clustered(pairs: Iterable[tuple[int, float]]) -> dict[str, float] | None:
    """The mean with its interval: people are drawn again and again, not days or votes."""
    people: dict[int, list[float]] = {}
    for person, value in pairs:
        people.setdefault(person, []).append(value)
    if not people:
        return None
    return bootstrap_mean([float(np.mean(values)) for values in people.values()]).to_dict()
