"""What becomes of a reward that is optimised far past what it knows: proxy and gold against KL.

    tinyllm bench overoptimisation --run NAME --folder FOLDER     # goes on where it was stopped

Two kinds of proxy. "thumbs" is the head fitted to 50 thumbs, slips included, that a simulated
person gave on stories of the chat model; gold is the person's own score. "base" is the base reward
model; gold is the village's grade. Both are measured as the gain over the chat model's mean answer
to the same prompt, in its standard deviations within a prompt, on prompts that nothing was trained
on, with content that fine-tuning lacked.

Each is pushed twice. *Best-of-n*, n = 1 to 256, takes every n from the same 384 answers to each
prompt, all ways of choosing averaged; its KL is that of the pool, ln n - (n - 1) / n where no two
answers are equally good and less where they are. *RLOO* trains a policy for 96 steps (the base
reward's for 288) with nothing that holds it back: no price for KL, no limit on length, no clipped
rewards, no gate, at three times the usual rates. It is measured on the way, its KL exactly.

Gold is fitted with the forms of Gao et al. 2022 (`tinyllm.alignment.overoptimisation`), for each
proxy (another seed is other votes) and for all together; intervals draw people, then prompts.
Beside each stands how well the *other* form fits the same points, and what the law, fitted to the
points up to ten nats, says of the last one. Every cell is one line of FOLDER/cells.jsonl, answers
to 20 prompts included; "read" has those near, further and far away.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from tinyllm.alignment.overoptimisation import BENDS, Curve, bootstrap_law, fit_law
from tinyllm.cells import measured
from tinyllm.evaluation.intervals import bootstrap_mean
from tinyllm.files import TinyLLMError
from tinyllm.goodhart import cells, measure
from tinyllm.runs import Run, find
from tinyllm.taste import Place

SEEDS, WORKERS = 2, 2
SHOWN = 3
"""Prompts whose answers stand in the summary."""
NEAR = 1.0
"""A KL in nats that a promoted policy may well have; four is what the gate allows."""
FAR = 10.0
"""Up to this KL the points are near."""
MEANS = ("kl", "proxy", "gold", "grade")
JUDGED = ("proxy", "gold")
HABITS = ("distinct", "length", "finished")


def run(folder: Path, run: Run, *, seeds: int = SEEDS, workers: int = WORKERS) -> dict[str, Any]:
    """Measure what is not measured yet, and summarise all of it."""
    chat, reward = find(run, "chat"), find(run, "reward")
    if chat is None or reward is None:
        raise TinyLLMError(
            f"Run {run.name} has no {'reward' if chat else 'chat'} model. "
            f"`tinyllm train --run {run.name} --until reward` makes it."
        )
    place = Place(chat.chat, reward.reward)
    rows = measured(
        folder / "cells.jsonl", cells(seeds), measure, place, workers=workers, said=last_point
    )
    return summarise(rows)


def last_point(row: dict[str, Any]) -> str:
    """How far RLOO went, and what that was worth."""
    kl, proxy, gold = (np.mean(row["rl"][name][-1]) for name in ("kl", "proxy", "gold"))
    return f"{row['taste']}, KL {kl:.1f}: proxy {proxy:+.2f}, gold {gold:+.2f}"


def summarise(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """For each kind of proxy and each way of pushing: the means on the way, the laws, some text."""
    found: dict[str, Any] = {"bench": "overoptimisation", "cells": len(rows)}
    for condition in sorted({row["condition"] for row in rows}):
        some = [row for row in rows if row["condition"] == condition]
        some.sort(key=lambda row: (row["person"], row["seed"]))
        people = [list(group) for _, group in groupby(some, key=lambda row: row["person"])]
        found[condition] = {
            "chat": {
                name: float(np.mean([r["chat"][name] for r in some])) for name in some[0]["chat"]
            },
            **{
                form: {
                    "on the way": on_the_way(some, form),
                    "law": {f"{r['taste']}, seed {r['seed']}": law_of([[r]], form) for r in some}
                    | {"all": law_of(people, form)},
                }
                for form in BENDS
            },
            "read": [read(row, SHOWN) for row in some if row["seed"] == 0],
        }
    return found


def on_the_way(rows: Sequence[dict[str, Any]], form: str) -> list[dict[str, Any]]:
    """The means over all cells at each n, or after each number of steps."""
    found: list[dict[str, Any]] = []
    place = "n" if form == "best-of-n" else "step"
    for k, at in enumerate(rows[0][form][place]):
        point: dict[str, Any] = {place: at}
        for name in MEANS:
            values = bootstrap_mean([v for row in rows for v in row[form][name][k]]).to_dict()
            point[name] = values["value"]
            if name in JUDGED:
                point[f"{name}_interval"] = [values["low"], values["high"]]
        if form == "rl":
            point |= {name: float(np.mean([row[form][name][k] for row in rows])) for name in HABITS}
        found.append(point)
    return found


def law_of(people: Sequence[Sequence[dict[str, Any]]], form: str) -> dict[str, Any]:
    """The law of gold over these people's cells, its intervals, and where gold turns."""
    groups = [
        [Curve(np.array(row[form]["kl"]), np.array(row[form]["gold"])) for row in rows]
        for rows in people
    ]
    law, sure = bootstrap_law(groups, form)
    every = [curve for group in groups for curve in group]
    kl = np.concatenate([curve.kl.mean(1) for curve in every])
    gold = np.concatenate([curve.gold.mean(1) for curve in every])
    (other,) = set(BENDS) - {form}
    found = {
        "alpha": sure["alpha"].to_dict(),
        "beta": sure["beta"].to_dict(),
        "r2": round(law.r2, 3),
        "r2 of the other form": round(fit_law(kl, gold, other).r2, 3),
        "peak": round(law.peak, 2) if np.isfinite(law.peak) else None,
    }
    if len(every) == 1 and kl[-1] > FAR and (near := kl <= FAR).sum() > 2:
        told = fit_law(kl[near], gold[near], form)(kl[-1:])
        found["last"] = {"kl": kl[-1], "gold": gold[-1], "foretold": float(told[0])}
    return found


def read(row: dict[str, Any], count: int) -> dict[str, Any]:
    """What a policy said near the chat model, four nats away and at the end, and what it said at
    first; the same prompts each time."""
    kls = np.array([np.mean(each) for each in row["rl"]["kl"]])
    at = sorted(
        {int(np.abs(kls - NEAR).argmin()), int(np.abs(kls - 4 * NEAR).argmin()), len(kls) - 1}
    )
    return {
        "taste": row["taste"],
        "prompts": row["prompts"][:count],
        "chat": row["best-of-n"]["said"][0][:count],
        **{f"KL {kls[k]:.1f}": row["rl"]["said"][k][:count] for k in at},
        "best of 256": row["best-of-n"]["said"][-1][:count],
    }
