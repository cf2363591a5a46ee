"""Taste-N: do N thumbs of one person make the model more to that person's taste?

    tinyllm bench taste --folder FOLDER              # hours; goes on where it was stopped
    tinyllm bench taste --folder FOLDER --votes 50 --condition thumbs --seeds 1

Simulated people (`tinyllm.alignment.people`) with a hidden taste, a threshold and slips of the
thumb vote on answers of the chat model of a run to questions that leave room for a taste, those for
a story. From N votes a policy is made exactly as `tinyllm align` makes one, gate included, and
where the gate refuses it the chat model goes on answering. Then the person judges four answers of
the model in use against four of the chat model, to each of 48 questions with wordings that
fine-tuning lacked and 48 on content that it lacked. Ties count half, so no change is 0.5.

Controls, each trained the same way: the same votes in another order ("shuffled"), upside down
("inverted"), a reward that may see the length of an answer and nothing else ("length only"), a
random direction among the features ("random reward"), and the person's own score in place of the
reward ("oracle"). "nobody" is the reward model without any votes, and "beyond" are two people more,
who like what the chat model hardly ever says.

Every cell is one line of FOLDER/cells.jsonl with three of its answers; `summarise` makes the table.
Intervals are bootstraps over people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tinyllm.alignment.people import CONTENT, PEOPLE
from tinyllm.cells import clustered, measured
from tinyllm.files import UsageError
from tinyllm.runs import Run
from tinyllm.taste import CONDITIONS, SEEDS, SHUFFLES, VOTES, Cell, cells, measure, place_of


def run(
    folder: Path,
    run: Run,
    *,
    people: int = PEOPLE,
    seeds: int = SEEDS,
    shuffles: int = SHUFFLES,
    votes: Sequence[int] = VOTES,
    conditions: Sequence[str] = CONDITIONS,
    workers: int = 2,
) -> dict[str, Any]:
    """Measure what is not measured yet, and summarise all of it."""
    if unknown := sorted(set(conditions) - set(CONDITIONS)):
        raise UsageError(f"There is no condition {unknown[0]}. There are: {', '.join(CONDITIONS)}.")
    planned = cells(people, seeds, shuffles, votes)
    rows = measured(
        folder / "cells.jsonl",
        [cell for cell in planned if cell.condition in conditions],
        measure,
        place_of(run),
        workers=workers,
        said=lambda row: (
            f"{row['condition']} {row['votes']} {row['taste']}: {row['win']:.2f} "
            f"(KL {row['kl']:.2f})"
        ),
    )
    return summarise(rows)


def summarise(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The table: for each condition and N, the mean over people with its interval."""
    found: dict[str, Any] = {"bench": "taste", "cells": len(rows)}
    for condition, n in sorted({(row["condition"], row["votes"]) for row in rows}):
        some = [row for row in rows if (row["condition"], row["votes"]) == (condition, n)]
        by_taste = {taste: mean_of(r for r in some if r["taste"] == taste) for taste in
                    sorted({row["taste"] for row in some})}  # fmt: skip
        content = (row for row in some if row["taste"].split(" + ")[0] in CONTENT)
        win, about_content = (
            clustered((row["person"], row["win"]) for row in part) for part in (some, content)
        )
        found.setdefault(condition, {})[str(n)] = {
            "win": win,
            "content": about_content,
            "worst": min(by_taste.items(), key=lambda item: item[1]),
            "by_taste": by_taste,
            "promoted": sum(row["promoted"] for row in some) / len(some),
            **{name: mean_of(some, name) for name in ("kl", "distinct", "length", "seconds")},
            "falls": {
                name: sum(row["falls"][name] for row in some) / len(some)
                for name in some[0]["falls"]
            },
        }
    won = {tuple(row[name] for name in asdict(Cell("", 0, 0, 0))): row["win"] for row in rows}
    for n, entry in found.get("thumbs", {}).items():
        entry["above length only"] = clustered(
            (person, win - won["length only", votes, person, seed])
            for (condition, votes, person, seed), win in won.items()
            if (condition, votes) == ("thumbs", int(n))
            and ("length only", votes, person, seed) in won
        )
    return found


def mean_of(rows: Any, name: str = "win") -> float:
    """The mean of a column."""
    values = [row[name] for row in rows]
    return sum(values) / len(values)
