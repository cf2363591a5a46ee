"""One cell of the figure of labels saved: one person, asked in one way, and what was understood.

No policy is trained. After every so many votes the head is asked about answers of the chat model to
questions on which nobody voted, and the person says what those are worth. `bench/asking.py` runs
many such cells; see there.

Shapes: n questions that may be asked, R answers judged (P prompts, G to each), D features.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tinyllm.alignment.anchor import write_anchor
from tinyllm.alignment.asking import ACTIVE, AT_RANDOM, RANDOM, QuestionPool, after, rank
from tinyllm.alignment.comparisons import encode_prompt
from tinyllm.alignment.explanations import Explained, explain
from tinyllm.alignment.features import Features
from tinyllm.alignment.honesty import ANEW
from tinyllm.alignment.judging import within_prompt_correlation
from tinyllm.alignment.methods.rejection import weigh_answers
from tinyllm.alignment.people import Person, meet
from tinyllm.alignment.records import Answer
from tinyllm.alignment.thumb_reward import believed, describe
from tinyllm.alignment.thumbs import Votes
from tinyllm.alignment.village_feedback import distinct
from tinyllm.alignment.weighed_reward import WeighedReward
from tinyllm.events import result_of
from tinyllm.model import generate
from tinyllm.taste import CONFIG, POOL, TEMPERATURE, Place, open_questions, opened

JUDGED, SAMPLES = 96, 8
"""Questions nobody votes on, half of them of new content, and reference answers to each."""
NATS = 2.0
"""How far from even the weights are that a policy would be made of."""
LEVELS = (25, 50, 100)
CURVE = (0, 12, 25, 50, 75, 100, 150, 200)
"""Numbers of votes after which a head is judged; the longer list where chance alone chooses."""


class Way(NamedTuple):
    """A way of asking: for a thumb or between two answers, and the share left to chance."""

    pairs: bool
    at_random: float


CHANCE = "thumbs, random"
"""What all others are measured against."""
WAYS = {
    CHANCE: Way(pairs=False, at_random=1.0),
    "thumbs, active": Way(pairs=False, at_random=AT_RANDOM),
    "thumbs, half active": Way(pairs=False, at_random=0.5),
    "pairs, random": Way(pairs=True, at_random=1.0),
    "pairs, active": Way(pairs=True, at_random=AT_RANDOM),
}


@dataclass(frozen=True, order=True)
class Cell:
    """One person on one day, and the way in which they are asked."""

    way: str
    person: int
    seed: int


def cells(people: int, seeds: int, ways: Sequence[str]) -> list[Cell]:
    """Everything that is to be measured, so that a person's ways of being asked lie together."""
    return [Cell(way, n, seed) for seed in range(seeds) for n in range(people) for way in ways]


class Scene(NamedTuple):
    """What all people of a day have before them.

    `texts` are two answers to each of n questions, `rows` (n, 2, D) their features. `others` are R
    answers to other questions, `judged` (R, D) theirs.
    """

    texts: list[tuple[str, str]]
    rows: Tensor
    others: list[str]
    judged: Tensor
    prices: Tensor
    prior_mean: Tensor


@cache
def scene(place: Place, seed: int) -> Scene:
    """Let the chat model answer everything, once a process."""
    chat, tokenizer = opened(place.chat)
    asked = [one.prompt for one in distinct(open_questions("train", seed), POOL)]
    other = [
        one.prompt
        for split in ("seen", "new")
        for one in distinct(open_questions(split, seed + 500), JUDGED // 2)
    ]
    prompts = [encode_prompt(tokenizer, prompt) for prompt in (*asked, *other)]
    limits = {"max_new_tokens": CONFIG.max_new_tokens, "pad": tokenizer.pad, "seed": seed}
    anchor = result_of(
        write_anchor(chat, prompts, num_samples=SAMPLES, end=tokenizer.end, **limits)
    )
    base = WeighedReward.load(place.reward) if place.reward else None
    features = Features(tokenizer, anchor, base=base)
    made = generate(
        chat,
        prompts[: len(asked)],
        num_samples=2,
        temperature=TEMPERATURE,
        stop=tokenizer.end,
        rows_at_once=256,
        **limits,
    )
    answers = [
        Answer(text=tokenizer.decode(ids), finish_reason=reason)
        for ids, reason in zip(made.ids, made.finish_reasons, strict=True)
    ]
    which = [number for number in range(len(asked)) for _ in range(2)]
    shown = [prompts[number] for number in which]
    rows = describe(features, chat, tokenizer, shown, answers, which=which)
    first = len(asked) * SAMPLES
    return Scene(
        texts=[(a.text, b.text) for a, b in zip(answers[::2], answers[1::2], strict=True)],
        rows=rows.view(len(asked), 2, -1),
        others=[
            tokenizer.decode(anchor.answers.completion(row))
            for row in range(first, len(anchor.answers))
        ],
        judged=features(anchor.answers, anchor.reading)[first:],
        prices=features.prices,
        prior_mean=believed(features),
    )


def ask(
    person: Person, day: Scene, way: Way, levels: Sequence[int], *, seed: int
) -> Iterator[tuple[Explained, list[tuple[str, float, bool]]]]:
    """Put as many questions as the highest of `levels`; yields what explains the votes whenever
    that was looked for, with how each question was chosen, foreseen and answered so far. In between
    the explanations stay, and a vote changes their shares.

    A question has one answer of the person's, slip included, whichever way leads to it: so ways
    differ in what they ask and in nothing else.
    """
    x = day.rows[:, 0] - day.rows[:, 1] if way.pairs else day.rows[:, 0]
    thumb = torch.full((len(x),), not way.pairs)
    order = random.Random(f"{seed} {person.name}").sample(range(len(x)), len(x))
    up = torch.tensor([_vote(person, *day.texts[n], pairs=way.pairs) for n in range(len(x))])
    pool = QuestionPool(way.at_random)
    pool.add(order)
    asked: list[int] = []
    said: list[tuple[str, float, bool]] = []
    known = -1
    while True:
        last = asked[-1:]
        if len(asked) in levels or len(asked) > known * (1 + ANEW):
            votes = Votes(x=x[asked], up=up[asked].double(), thumb=thumb[asked])
            told, known = explain(votes, day.prices, prior_mean=day.prior_mean), len(asked)
            yield told, said
            if len(asked) == max(levels):
                return
        else:
            told = after(told, x[last], thumb[last], up[last])
        if way.at_random < 1:
            left = pool.rankable
            pool.rank(left[row] for row in rank(told, x[left], thumb[left]))
        number, chosen_by = pool.take()
        expected = told.predict(x[[number]], thumb[[number]])
        asked.append(number)
        said.append((chosen_by, float(expected), bool(up[number])))


def _vote(person: Person, first: str, second: str, *, pairs: bool) -> bool:
    if not pairs:
        return person.thumb(first) == 1
    return person.choose(first, second, person.rng.choice(("ab", "ba"))) == "a"


def win_of(rewards: Tensor, gold: Tensor) -> float:
    """How often an answer wins, by `gold` (P, G), against another to its question drawn evenly, if
    answers are drawn by weights exp(reward / beta) that are `NATS` from even. Ties count half.

    >>> gold = torch.tensor([[0.0, 1.0], [2.0, 1.0]])
    >>> round(win_of(gold * 0, gold), 6)
    0.5
    """
    weights, _ = weigh_answers(rewards.reshape(1, -1), NATS)  # all of them beside each other
    ahead = (gold[:, :, None] - gold[:, None]).sign().sum(2) / (gold.shape[1] - 1)  # (P,G)
    return float(weights[0].double() @ (0.5 + ahead.double().flatten() / 2))


def measure(cell: Cell, place: Place) -> dict[str, Any]:
    """Ask one person, and judge what was understood after so many votes."""
    torch.set_num_threads(1)
    day, way = scene(place, cell.seed), WAYS[cell.way]
    person = meet(cell.person, [first for first, _ in day.texts], seed=cell.seed)
    gold = torch.tensor([person.score(text) for text in day.others]).view(-1, SAMPLES)
    began = time.monotonic()
    curve: dict[str, dict[str, float]] = {}
    levels = CURVE if way.at_random == 1 else LEVELS
    for told, said in ask(person, day, way, levels, seed=cell.seed):
        if len(said) in levels:
            rewards = told.probability(day.judged).log().float().view_as(gold)
            curve[str(len(said))] = {
                "win": win_of(rewards, gold),
                "correlation": within_prompt_correlation(rewards, gold),
            }
    return {
        **asdict(cell),
        "taste": person.name,
        "curve": curve,
        "foreseen": {how: _right(said, how) for how in (RANDOM, ACTIVE)},
        "seconds": round(time.monotonic() - began, 1),
    }


def _right(said: Sequence[tuple[str, float, bool]], chosen_by: str) -> tuple[int, int]:
    """How many votes on questions chosen so were foreseen, and how many there were."""
    hits = [(p > 0.5) == up for how, p, up in said if how == chosen_by]
    return sum(hits), len(hits)
