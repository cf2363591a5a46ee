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

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinyllm.alignment.people import PEOPLE
from tinyllm.cells import Row, clustered, measured
from tinyllm.figures import labels_chart, to_html
from tinyllm.files import atomic_write
from tinyllm.runs import Run
from tinyllm.savings import CHANCE, LEVELS, WAYS, Cell, cells, measure
from tinyllm.taste import place_of

RESAMPLES = 2_000
WAYS_BY_CHANCE = {WAYS[way].pairs: way for way in WAYS if WAYS[way].at_random == 1}


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
    planned = cells(people, seeds, tuple(WAYS))
    with tempfile.TemporaryDirectory() as temporary:
        rows = measured(
            (folder or Path(temporary)) / "cells.jsonl",
            planned,
            measure,
            place_of(run),
            workers=workers,
            said=lambda row: (
                f"{row['way']}, {row['taste']}: {row['curve'][str(LEVELS[-1])]['win']:.2f}"
            ),
        )
    known = {Cell(row["way"], row["person"], row["seed"]): row for row in rows}
    found = summarise([known[cell] for cell in planned])
    if picture is not None:
        atomic_write(picture, to_html(labels_chart(found)))
    return found


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
                "win": clustered((r["person"], r["curve"][votes]["win"]) for r in some),
                "correlation": clustered(
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
    return clustered(
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
