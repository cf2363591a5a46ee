"""One reward pushed far past what it knows: by best-of-n and by RLOO, proxy and gold on the way.

"When a measure becomes a target, it ceases to be a good measure" (Goodhart's law, in the words of
Strathern 1997). `bench/overoptimisation.py` runs several of these; see there.

Shapes: P held-out prompts, N answers of the chat model to each, K points along the way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tinyllm.alignment.anchor import Anchor, write_anchor
from tinyllm.alignment.answers import Answers, Reading, read_answers, write_answers
from tinyllm.alignment.comparisons import encode_prompt
from tinyllm.alignment.judging import within_prompt_correlation
from tinyllm.alignment.kl import AdaptiveBeta, exact_kl
from tinyllm.alignment.labels import Labels
from tinyllm.alignment.methods import Ingredients, rloo
from tinyllm.alignment.overoptimisation import Array, best_of_n_kls, best_of_n_means
from tinyllm.alignment.people import TASTES, Person, meet
from tinyllm.alignment.policy_config import RATES, PolicyConfig
from tinyllm.alignment.policy_training import WARMUP
from tinyllm.alignment.promotion import compare_habits
from tinyllm.alignment.rollouts import Reward
from tinyllm.alignment.thumb_reward import Grounds, ThumbReward
from tinyllm.alignment.village_feedback import distinct
from tinyllm.alignment.weighed_reward import WeighedReward
from tinyllm.events import result_of
from tinyllm.model import Transformer, load_model
from tinyllm.taste import Cell, Place, open_questions, opened, pool, votes_of
from tinyllm.training import Schedule, optimizer_for, train
from tinyllm.village import Instruction, grade, instructions

PUSHED = (2, 7, 18)
"""Whose thumbs are followed: animals and a happy ending, food, ten words and a happy ending."""
VOTES = 50
TRAINED = 300
"""Prompts to train on; of a person's, those that people are shown (`taste.POOL`)."""
HELD_OUT = {"thumbs": 24, "base": 48}
DRAWN = 384
"""Answers of the chat model to each held-out prompt, to choose from and to measure by."""
BEST_OF = (1, 2, 4, 8, 16, 32, 64, 128, 256)
STEPS = {"thumbs": 96, "base": 288}
"""The answers to all kinds of questions move more slowly than stories alone."""
MARKS = (2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 144, 192, 288)
"""After so many steps of RLOO the policy is measured."""
SAMPLES = 8
TOLD = 20
"""Held-out prompts whose answers are kept to be read."""
FASTER = 3
"""So many times the rates of `policy_config`: those are for staying near the chat model."""
CONFIG = PolicyConfig(
    prompts_per_step=8,
    num_samples=SAMPLES,
    max_new_tokens=96,
    reference_samples=4,
    rates=replace(
        RATES,
        matrices=FASTER * RATES.matrices,
        embedding=FASTER * RATES.embedding,
        gains=FASTER * RATES.gains,
    ),
)
FREE = 1e-9
"""The price of a nat: none that could be felt."""
Judge = Callable[[Answers], Tensor]


def cells(seeds: int, people: Sequence[int] = PUSHED) -> list[Cell]:
    """What is to be pushed: the head of each person's thumbs, and the base reward model.

    >>> [cell.condition for cell in cells(1, people=[0])]
    ['thumbs', 'base']
    """
    every = [Cell("thumbs", VOTES, person, seed) for seed in range(seeds) for person in people]
    return every + [Cell("base", 0, 0, seed) for seed in range(seeds)]


class Ground(NamedTuple):
    """What rewards of one kind are pushed on: prompts, those from number `trained` on held out, the
    instructions behind these, and what the chat model says: `drawn` are many answers to each."""

    prompts: list[list[int]]
    numbers: dict[str, int]
    trained: int
    asked: list[Instruction]
    anchor: Anchor
    drawn: Answers

    @property
    def held_out(self) -> range:
        """The numbers of the held-out prompts."""
        return range(self.trained, len(self.prompts))


@cache
def prepare(place: Place, condition: str, seed: int) -> Ground:
    """Prompts and the chat model's answers, once a process: stories for thumbs, else all kinds."""
    chat, tokenizer = opened(place.chat)
    if condition == "thumbs":
        known = pool(place.chat, seed)[0]
        source = open_questions("new", seed + 900)
    else:
        known = [
            one.prompt for one in distinct(instructions(split="train", seed=seed + 900), TRAINED)
        ]
        source = instructions(split="new", seed=seed + 900)
    asked = distinct(source, HELD_OUT[condition])
    texts = [*known, *(one.prompt for one in asked)]
    prompts = [encode_prompt(tokenizer, text) for text in texts]
    told: dict[str, Any] = {
        "max_new_tokens": CONFIG.max_new_tokens, "end": tokenizer.end, "pad": tokenizer.pad
    }  # fmt: skip
    anchor = result_of(
        write_anchor(chat, prompts, num_samples=CONFIG.reference_samples, seed=seed, **told)
    )
    held_out = range(len(known), len(prompts))
    drawn = write_answers(chat, prompts, held_out, num_samples=DRAWN, seed=seed + 1, **told)
    numbers = {text: number for number, text in enumerate(texts)}
    return Ground(prompts, numbers, len(known), asked, anchor, drawn)


def proxy_of(cell: Cell, person: Person | None, place: Place, ground: Ground) -> Reward:
    """The reward that is pushed: what explains a person's thumbs, or the base reward model."""
    base = WeighedReward.load(place.reward) if place.reward else None
    if person is None:
        assert base is not None
        return base
    chat, tokenizer = opened(place.chat)
    return ThumbReward(
        Grounds(
            records=votes_of(person, place, cell),
            reference=chat,
            tokenizer=tokenizer,
            anchor=ground.anchor,
            numbers=ground.numbers,
            base=base,
            practised=ground.trained,
        )
    )


class Scale(NamedTuple):
    """Rewards as the gain over the chat model's mean answer to the same prompt, in its standard
    deviations within a prompt. `mean` is (P,1)."""

    mean: Array
    sd: float

    @classmethod
    def of(cls, values: Array) -> Scale:
        """That of the chat model's own values (P,N)."""
        mean = values.mean(1, keepdims=True)
        return cls(mean, max(float((values - mean).std()), 1e-6))

    def __call__(self, values: Array) -> Array:
        """These values (P,n), measured so."""
        scaled: Array = (values - self.mean) / self.sd
        return scaled


class Judges(NamedTuple):
    """All that is thought of answers to held-out prompts: proxy, gold, and the village's grade."""

    proxy: Reward
    gold: Judge
    grade: Judge

    def __call__(self, answers: Answers, reading: Reading, prompts: int) -> dict[str, Array]:
        """Each judgement as (P,n)."""
        found = {
            "proxy": self.proxy(answers, reading),
            "gold": self.gold(answers),
            "grade": self.grade(answers),
        }
        return {name: v.double().numpy().reshape(prompts, -1) for name, v in found.items()}


def judges_of(cell: Cell, person: Person | None, place: Place, ground: Ground) -> Judges:
    """The proxy of a cell; gold is the person's own score, or else the village's grade."""
    tokenizer = opened(place.chat)[1]

    def said(answers: Answers) -> list[str]:
        return [tokenizer.decode(answers.completion(row)) for row in range(len(answers))]

    def graded(answers: Answers) -> Tensor:
        asked = [ground.asked[n - ground.trained] for n in answers.which.tolist()]
        rows = zip(asked, said(answers), answers.finished.tolist(), strict=True)
        return torch.tensor([grade(one, text, finished=ended).score for one, text, ended in rows])

    def liked(answers: Answers) -> Tensor:
        assert person is not None
        return torch.tensor([person.score(text) for text in said(answers)])

    return Judges(
        proxy_of(cell, person, place, ground), graded if person is None else liked, graded
    )


def measure(cell: Cell, place: Place) -> dict[str, Any]:
    """Push one reward by both means, and tell what it, gold and the answers became."""
    torch.set_num_threads(1)
    began = time.monotonic()
    person = None
    if cell.condition == "thumbs":
        person = meet(cell.person, pool(place.chat, cell.seed)[1], seed=cell.seed)
    ground = prepare(place, cell.condition, cell.seed)
    judges = judges_of(cell, person, place, ground)
    # The chat model wrote these itself: how likely it finds them is known.
    known = Reading(hidden=torch.zeros(0), log_probs=ground.drawn.log_probs)
    own = judges(ground.drawn, known, len(ground.held_out))  # (P,N)
    scales = {name: Scale.of(own[name]) for name in ("proxy", "gold")}
    return {
        **asdict(cell),
        "taste": person.name if person else "the village's grade",
        "learned": judges.proxy.learned(5) if isinstance(judges.proxy, ThumbReward) else [],
        "chat": {
            "grade": float(own["grade"].mean()),
            "gold sd": scales["gold"].sd,
            "correlation": within_prompt_correlation(
                torch.from_numpy(own["proxy"]), torch.from_numpy(own["gold"])
            ),
        },
        "best-of-n": best_of_n_curve(own, scales, ground, place),
        "rl": rl_curve(cell, judges, scales, ground, place),
        "prompts": [one.prompt for one in ground.asked[:TOLD]],
        "seconds": round(time.monotonic() - began, 1),
    }


def best_of_n_curve(
    own: dict[str, Array], scales: dict[str, Scale], ground: Ground, place: Place
) -> dict[str, Any]:
    """The best of n of the chat model's own answers, every n from the same many."""
    values = {**own, **{name: scale(own[name]) for name, scale in scales.items()}}
    tokenizer = opened(place.chat)[1]

    def said(n: int) -> list[str]:
        first = own["proxy"][:TOLD, :n].argmax(1)
        return [
            tokenizer.decode(ground.drawn.completion(number * DRAWN + int(column)))
            for number, column in enumerate(first)
        ]

    found: dict[str, Any] = {"n": BEST_OF, "said": [said(n) for n in BEST_OF]}
    found["kl"] = [plain(best_of_n_kls(own["proxy"], n)) for n in BEST_OF]
    for name, table in values.items():
        found[name] = [plain(best_of_n_means(own["proxy"], table, n)) for n in BEST_OF]
    return found


def rl_curve(
    cell: Cell, judges: Judges, scales: dict[str, Scale], ground: Ground, place: Place
) -> dict[str, Any]:
    """RLOO with nothing to hold it back, measured at `MARKS` on the held-out prompts."""
    chat, tokenizer = opened(place.chat)
    first = torch.arange(len(ground.drawn)).view(-1, DRAWN)[:, :SAMPLES].flatten()
    before = ground.drawn.take(first)
    found: dict[str, Any] = {"step": [], "said": [], "kl": [], "proxy": [], "gold": [], "grade": []}
    found |= {"distinct": [], "length": [], "finished": []}
    for step, policy in pushed(cell, judges.proxy, scales["proxy"].sd, ground, place):
        answers = write_answers(
            policy, ground.prompts, ground.held_out,
            num_samples=SAMPLES, max_new_tokens=CONFIG.max_new_tokens,
            end=tokenizer.end, pad=tokenizer.pad, seed=cell.seed + 2,
        )  # fmt: skip
        kl = exact_kl(policy, chat, answers.ids, answers.mask)
        values = judges(answers, read_answers(chat, answers), len(ground.held_out))
        values |= {name: scale(values[name]) for name, scale in scales.items()}
        values["kl"] = kl.double().numpy().reshape(-1, SAMPLES)
        for name, table in values.items():
            found[name].append(plain(table.mean(1)))
        habits = compare_habits(answers, before)
        found["step"].append(step)
        found["distinct"].append(habits["distinct_2"] / habits["chat_distinct_2"])
        found["length"].append(habits["length"] / habits["chat_length"])
        found["finished"].append(habits["finished"])
        rows = range(0, len(answers), SAMPLES)
        found["said"].append([tokenizer.decode(answers.completion(row)) for row in rows[:TOLD]])
    return found


def pushed(
    cell: Cell, proxy: Reward, sd: float, ground: Ground, place: Place
) -> Iterator[tuple[int, Transformer]]:
    """A policy after each of `MARKS` steps: no price for KL, no limits, no gate.

    It is trained in place, so each must be looked at before the next is asked for.
    """
    chat, tokenizer = opened(place.chat)
    policy = load_model(place.chat)
    learning = rloo(
        Ingredients(
            policy=policy,
            reference=chat,
            anchor=ground.anchor,
            trained_on=ground.trained,
            practised=ground.trained,
            reward=lambda answers, reading: proxy(answers, reading) / sd,
            labels=Labels,
            beta=AdaptiveBeta(start=FREE, low=FREE, budget=1.0),  # never told of any KL
            config=replace(CONFIG, seed=cell.seed * len(TASTES) + cell.person),
            end=tokenizer.end,
            pad=tokenizer.pad,
        )
    )
    count = STEPS[cell.condition]
    steps = train(
        learning.learner,
        learning.batches,
        learning.loss,
        optimizer=optimizer_for(learning.learner, learning.rates),
        schedule=Schedule(steps=count, warmup=WARMUP, cooldown=0.0),
        steps=count,
        stage="aligned",
    )
    for step in steps:
        if step.step in MARKS:
            yield step.step, policy


def plain(values: Array) -> list[float]:
    """Numbers as they are written down."""
    return [round(float(value), 4) for value in np.asarray(values)]
