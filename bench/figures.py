"""Every figure of what alignment taught, on one page and as SVG.

    tinyllm bench figures --folder FOLDER                     # the bandit, which needs nothing
    tinyllm bench figures --folder FOLDER --run default       # and one person's votes, minutes
    tinyllm bench figures --folder FOLDER --taste CELLS --overoptimisation FILE

FOLDER/figures.html shows all of them without any network, each with its words; beside it lies each
as FOLDER/NAME.svg. What there is no data for is named at the end, with the command that makes it.

With --run, a simulated person (`tinyllm.alignment.people`) votes on answers of the run's chat
model: how well each vote was foreseen, what was found of the taste, and how far the reward agrees
with it on prompts that were not voted on. Where the run has votes of its own, they are shown, too;
nobody knows the taste behind those.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tinyllm.alignment import FeedbackStore, Record, village_prompts
from tinyllm.alignment.anchor import Anchor, write_anchor
from tinyllm.alignment.bandit import TERMS, Bandit, descend, five_arms, three_arms
from tinyllm.alignment.calibration import calibrate, running
from tinyllm.alignment.honesty import prequential
from tinyllm.alignment.judging import within_prompt_correlation
from tinyllm.alignment.people import meet
from tinyllm.alignment.thumb_reward import Grounds, ThumbReward, number_prompts
from tinyllm.alignment.weighed_reward import WeighedReward
from tinyllm.answering import feedback_database, lineage
from tinyllm.evaluation.intervals import Interval
from tinyllm.events import result_of
from tinyllm.figures import (
    Chart,
    arms_chart,
    foreseen_chart,
    overoptimisation_chart,
    reliability_chart,
    simplex_chart,
    taste_chart,
    taste_found_chart,
    to_div,
)
from tinyllm.figures.chart import FONT
from tinyllm.files import TinyLLMError, UsageError, atomic_write
from tinyllm.report import load_bench
from tinyllm.runs import Run
from tinyllm.taste import CONFIG, Cell, Place, opened, place_of, pool, votes_of

OTHERS = 64
"""Prompts that were not voted on, on which reward and taste are compared."""
NAMES = {"best-of-n": "best of n", "rl": "RLOO"}
COMMANDS = {
    "taste": "tinyllm bench taste --folder CELLS; then --taste CELLS",
    "overoptimisation": "tinyllm bench overoptimisation --folder CELLS --json > FILE; then "
    "--overoptimisation FILE",
    "person": "tinyllm train; then --run default",
    "votes": "thumbs on the Chat page, then the same command",
    "pictures": "a browser, then the same command",
}
"""How to make what is missing."""


def run(
    folder: Path,
    *,
    taste: Path | None = None,
    overoptimisation: Path | None = None,
    run: Run | None = None,
    person: int = 0,
    votes: int = 100,
) -> dict[str, Any]:
    """Draw everything that there are data for; returns the words of each, and what is missing."""
    charts: dict[str, Chart] = {}
    missing: list[str] = []
    if taste is None:
        missing.append("taste")
    else:
        charts["taste"] = taste_chart(load_bench("taste").summarise(rows_in(taste / "cells.jsonl")))
    if overoptimisation is None:
        missing.append("overoptimisation")
    else:
        charts |= overoptimisations(overoptimisation)
    if run is None:
        missing += ["person", "votes"]
    else:
        place = place_of(run)
        charts |= simulated(place, person, votes)
        own = FeedbackStore(feedback_database()).valid(lineage(run))
        charts |= real(place, own) if own else {}
        missing += [] if own else ["votes"]
    charts |= bandits()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        figures = [chart.figure for chart in charts.values()]
        for name, drawn in zip(charts, load_bench("drawing").as_svgs(figures), strict=True):
            atomic_write(folder / f"{name}.svg", drawn)
    except TinyLLMError:
        missing.append("pictures")
    atomic_write(folder / "figures.html", page(charts, missing))
    return {
        "bench": "figures",
        "page": str(folder / "figures.html"),
        **{name: chart.text for name, chart in charts.items()},
        "missing": {name: COMMANDS[name] for name in missing},
    }


def bandits() -> dict[str, Chart]:
    """Where each way of paying for KL leads, over three arms and over five."""
    three, five = three_arms(), five_arms()
    paths = {
        term: np.stack([stand.policy.numpy() for stand in descend(three, term, rate=0.1, every=5)])
        for term in TERMS
    }
    ends = {term: list(descend(five, term))[-1].policy.tolist() for term in TERMS}
    return {
        "simplex": simplex_chart(paths, beta=three.beta, **about(three)),
        "arms": arms_chart(ends, **about(five)),
    }


def about(bandit: Bandit) -> dict[str, Any]:
    """What both charts of a bandit are told."""
    return {
        "rewards": bandit.rewards.tolist(),
        "reference": bandit.log_reference.exp().tolist(),
        "optima": {
            "pi*": bandit.optimum().tolist(),
            "k3's optimum": bandit.k3_optimum().tolist(),
        },
    }


def rows_in(path: Path) -> list[dict[str, Any]]:
    """The cells of a bench, a JSON line each."""
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise UsageError(f"Could not read {path} ({error}). {COMMANDS['taste']}") from error


def overoptimisations(file: Path) -> dict[str, Chart]:
    """A chart for each kind of proxy in what `tinyllm bench overoptimisation --json` printed."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        kinds = {name: kind for name, kind in found.items() if isinstance(kind, dict)}
        return {
            f"overoptimisation-{name}": overoptimisation_chart(
                [series(kind[form], form) for form in NAMES if form in kind],
                title=f"Earned and worth it: {name}",
            )
            for name, kind in kinds.items()
        }
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UsageError(
            f"Could not read {file} ({error!r}). {COMMANDS['overoptimisation']}"
        ) from error


def series(found: Mapping[str, Any], form: str) -> dict[str, Any]:
    """One way of pushing as the chart reads it, with the law over all people, if there is one."""
    laws = found["law"]
    law = laws.get("all") or (next(iter(laws.values())) if len(laws) == 1 else None)
    way = {"name": NAMES[form], "form": form, "rows": found["on the way"]}
    if law is None:
        return way
    return {**way, "fit": {"gold": (law["alpha"]["value"], law["beta"]["value"])}, "r2": law["r2"]}


class Understood(NamedTuple):
    """What explains the votes; of the anchor's prompts the first `voted` were voted on."""

    head: ThumbReward
    anchor: Anchor
    voted: int


def understood(place: Place, records: Sequence[Record], others: Sequence[str]) -> Understood:
    """Explain these votes as `tinyllm align` does; `others` are prompts that nobody voted on."""
    model, tokenizer = opened(place.chat)
    voted = list(dict.fromkeys(record.prompt for record in records))
    longest = model.config.max_position_embeddings - 16
    prompts, numbers = number_prompts(tokenizer, [*voted, *others], longest=longest)
    anchor = result_of(
        write_anchor(
            model, prompts, num_samples=CONFIG.reference_samples,
            max_new_tokens=CONFIG.max_new_tokens, end=tokenizer.end, pad=tokenizer.pad, seed=0,
        )
    )  # fmt: skip
    head = ThumbReward(
        Grounds(
            records=[record for record in records if record.prompt in numbers],
            reference=model,
            tokenizer=tokenizer,
            anchor=anchor,
            numbers=numbers,
            base=WeighedReward.load(place.reward) if place.reward else None,
        )
    )
    return Understood(head, anchor, sum(prompt in numbers for prompt in voted))


def simulated(place: Place, number: int, votes: int) -> dict[str, Chart]:
    """A simulated person's votes: foreseen, explained, and set beside the taste behind them."""
    asked, texts, _ = pool(place.chat, 0)
    person = meet(number, texts)
    records = votes_of(person, place, Cell("thumbs", votes, number, 0))
    shown = {record.prompt for record in records}
    others = [prompt for prompt in asked if prompt not in shown][:OTHERS]
    told = understood(place, records, others)
    _, tokenizer = opened(place.chat)
    answers = told.anchor.answers
    scores = [person.score(tokenizer.decode(answers.completion(n))) for n in range(len(answers))]
    gold = torch.tensor(scores, dtype=torch.float64)
    reward = told.head(answers, told.anchor.reading)
    shape = (len(told.anchor.prompts), -1)
    agreed = agreement(*(each.reshape(shape)[told.voted :] for each in (reward, gold)))
    found = taste_found_chart(
        told.head.learned(), person.taste, agreement=agreed.to_dict(), votes=len(told.head.votes)
    )
    return {"hidden-taste": found, **foreseen(told.head, "simulated")}


def agreement(reward: Tensor, gold: Tensor, *, draws: int = 1000) -> Interval:
    """The correlation of reward and gold (P, G) within prompts; the bootstrap draws prompts."""
    generator = torch.Generator().manual_seed(0)
    drawn = []
    for _ in range(draws):
        rows = torch.randint(len(gold), (len(gold),), generator=generator)
        drawn.append(within_prompt_correlation(reward[rows], gold[rows]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = within_prompt_correlation(reward, gold)
    return Interval(value, float(low), float(high), len(gold))


def real(place: Place, records: Sequence[Record]) -> dict[str, Chart]:
    """The run's own votes: foreseen, and explained."""
    head = understood(place, records, village_prompts()[0][:OTHERS]).head
    found = taste_found_chart(head.learned(), votes=len(head.votes))
    return {"your-votes": found, **foreseen(head, "yours")}


def foreseen(head: ThumbReward, whose: str) -> dict[str, Chart]:
    """How well the votes were foreseen, each from those before it."""
    predicted = prequential(head.votes, head.features.prices, prior_mean=head.prior_mean)
    happened = [int(up) for up in head.votes.up]
    return {
        f"reliability-{whose}": reliability_chart(calibrate(predicted, happened).to_dict()),
        f"foreseen-{whose}": foreseen_chart(running(predicted, happened)),
    }


def page(charts: Mapping[str, Chart], missing: Sequence[str]) -> str:
    """All charts below each other, plotly written into the page once, and what is missing."""
    parts = [
        f'<section id="{name}">{to_div(chart, with_plotly=number == 0)}</section>'
        for number, (name, chart) in enumerate(charts.items())
    ]
    rows = "".join(
        f"<li>{name}: <code>{html.escape(COMMANDS[name])}</code></li>" for name in missing
    )
    left = f"<h2>What is missing, and what makes it</h2><ul>{rows}</ul>" if missing else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>What alignment taught</title>"
        f"<style>:root{{color-scheme:light dark}}body{{font-family:{FONT};font-size:15px;"
        "line-height:1.5;margin:1rem auto;max-width:960px;padding:0 1rem}"
        "section{margin-bottom:3rem}code{overflow-wrap:anywhere}</style></head>"
        f"<body><h1>What alignment taught</h1>{''.join(parts)}{left}</body></html>\n"
    )
