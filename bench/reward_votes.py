"""A whole network that learns a person's votes by heart, beside the head that explains them.

    tinyllm bench reward --run NAME           # this is its second half

One simulated person gives 25 or 100 thumbs, slips included, to stories of the chat model, each an
answer to another question. A whole network, grown from the chat model, learns them epoch by epoch;
the head that explains votes by few features learns the same ones. Both are asked about the votes,
about the stories that nobody voted on (200 or more), and about which of several answers to one of
these questions the person likes best.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from tinyllm.alignment.anchor import Anchor, write_anchor
from tinyllm.alignment.answers import Answers, Reading, lay_out, read_answers
from tinyllm.alignment.comparisons import encode_prompt
from tinyllm.alignment.judging import within_prompt_correlation
from tinyllm.alignment.labels import encode_answer
from tinyllm.alignment.people import PEOPLE, meet
from tinyllm.alignment.records import Answer, Record
from tinyllm.alignment.reward import RewardModel
from tinyllm.alignment.reward_training import RATES
from tinyllm.alignment.rollouts import Reward
from tinyllm.alignment.thumb_reward import Grounds, ThumbReward
from tinyllm.alignment.weighed_reward import WeighedReward
from tinyllm.evaluation.intervals import bootstrap_mean
from tinyllm.events import result_of
from tinyllm.taste import Cell, Place, opened, pool, votes_of
from tinyllm.training import Schedule, optimizer_for, train

EPOCHS, ROWS = 20, 20
SHOWN = (1, 2, 3, 5, 10, 20)
"""The epochs that are told."""
MAX_NEW_TOKENS = 96
REFERENCE_SAMPLES = 4


class Batch(NamedTuple):
    """Answers and whether their thumbs go up (B)."""

    answers: Answers
    up: Tensor

    @property
    def tokens(self) -> int:
        """How many tokens are read, padding aside."""
        return int(self.answers.lengths.sum())


class Ground(NamedTuple):
    """What everybody votes on: questions, the chat model's answer to each, and what is usual."""

    place: Place
    base: WeighedReward
    numbers: dict[str, int]
    shown: Answers
    reading: Reading
    anchor: Anchor
    seed: int


class Opinion(NamedTuple):
    """What one person thinks: the votes, slips included; which of the `shown` answers these are
    about, whether the others would please; and the score of each of the anchor's answers (P,G)."""

    votes: Sequence[Record]
    rows: Tensor
    up: Tensor
    others: Tensor
    would_please: Tensor
    scores: Tensor


def run(
    place: Place, base: WeighedReward, *, people: int, votes: int, seed: int = 0
) -> dict[str, Any]:
    """The whole network epoch by epoch, then the head: how well each knows a person.

    The `people` are spread evenly over all tastes.
    """
    ground = prepare(place, base, seed)
    network: list[dict[int, dict[str, float]]] = []
    head: list[dict[str, float]] = []
    for number in range(people):
        opinion = ask(number * PEOPLE // people, votes, ground)
        network.append(dict(whole_network(ground, opinion)))
        head.append(explained(ground, opinion))
        print(
            f"person {number + 1} of {people}: of the other answers foreseen, network "
            f"{network[-1][EPOCHS]['others']:.2f}, head {head[-1]['others']:.2f}",
            file=sys.stderr,
            flush=True,
        )
    last = [epochs[EPOCHS] for epochs in network]
    return {
        "people": people,
        "network": {str(n): over_people([each[n] for each in network]) for n in network[0]},
        "head": over_people(head),
        "head less network": over_people(
            [{name: h[name] - n[name] for name in h} for h, n in zip(head, last, strict=True)]
        ),
    }


def over_people(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    """The mean of each figure with its interval: people are drawn again and again."""
    return {name: bootstrap_mean([row[name] for row in rows]).to_dict() for name in rows[0]}


def prepare(place: Place, base: WeighedReward, seed: int) -> Ground:
    """The chat model's answers that are shown, and some more of its answers to each question."""
    model, tokenizer = opened(place.chat)
    asked, texts, finished = pool(place.chat, seed)
    prompts = [encode_prompt(tokenizer, prompt) for prompt in asked]
    room = model.config.max_position_embeddings
    shown = lay_out(
        prompts,
        [
            encode_answer(
                tokenizer,
                Answer(text=text, finish_reason="stop" if ended else "length"),
                room - len(prompt),
            )
            for prompt, text, ended in zip(prompts, texts, finished, strict=True)
        ],
        pad=tokenizer.pad,
        end=tokenizer.end,
    )
    anchor = result_of(
        write_anchor(
            model, prompts,
            num_samples=REFERENCE_SAMPLES, max_new_tokens=MAX_NEW_TOKENS,
            end=tokenizer.end, pad=tokenizer.pad, seed=seed,
        )
    )  # fmt: skip
    numbers = {prompt: number for number, prompt in enumerate(asked)}
    return Ground(place, base, numbers, shown, read_answers(model, shown), anchor, seed)


def ask(number: int, count: int, ground: Ground) -> Opinion:
    """Person `number` votes on `count` answers, and tells us (nobody else) about the others."""
    tokenizer = opened(ground.place.chat)[1]
    texts = pool(ground.place.chat, ground.seed)[1]
    person = meet(number, texts, seed=ground.seed)
    votes = votes_of(person, ground.place, Cell("thumbs", count, number, ground.seed))
    rows = [ground.numbers[vote.prompt] for vote in votes]
    others = sorted(set(range(len(texts))) - set(rows))
    said = ground.anchor.answers
    scores = [person.score(tokenizer.decode(said.completion(row))) for row in range(len(said))]
    return Opinion(
        votes=votes,
        rows=torch.tensor(rows),
        up=torch.tensor([vote.value == 1 for vote in votes]),
        others=torch.tensor(others),
        would_please=torch.tensor([person.score(texts[row]) >= person.threshold for row in others]),
        scores=torch.tensor(scores).view(len(ground.anchor.prompts), -1),
    )


def thumb_loss(network: RewardModel, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """-log P(the thumb that was given), P(up) = sigmoid(score), in nats a vote."""
    scores = network(batch.answers.ids, batch.answers.lengths - 1)
    return log_loss(scores, batch.up), {}


def log_loss(logits: Tensor, up: Tensor) -> Tensor:
    """Nats a thumb."""
    return -logsigmoid(torch.where(up, logits, -logits)).mean()


def whole_network(ground: Ground, opinion: Opinion) -> Iterator[tuple[int, dict[str, float]]]:
    """Fine-tune trunk and head on the votes; what is known of the person after some epochs."""
    network = RewardModel.grown_from(opened(ground.place.chat)[0])
    each = math.ceil(len(opinion.rows) / ROWS)
    events = train(
        network,
        batches(ground, opinion),
        thumb_loss,
        optimizer=optimizer_for(network, RATES),
        schedule=Schedule(steps=EPOCHS * each, warmup=2, cooldown=0.0),
        steps=EPOCHS * each,
        stage="reward",
    )
    for step in events:
        if step.step % each == 0 and step.step // each in (*SHOWN, EPOCHS):
            known = understood(lambda answers, _: network.reward(answers), ground, opinion)
            yield step.step // each, known


def batches(ground: Ground, opinion: Opinion) -> Iterator[Batch]:
    """The votes, `ROWS` at a time, in another order each time they have all been seen."""
    generator = torch.Generator().manual_seed(ground.seed)
    while True:
        for some in torch.randperm(len(opinion.rows), generator=generator).split(ROWS):
            yield Batch(ground.shown.take(opinion.rows[some]), opinion.up[some])


def explained(ground: Ground, opinion: Opinion) -> dict[str, float]:
    """The same figures of the head that explains the votes by few features."""
    model, tokenizer = opened(ground.place.chat)
    head = ThumbReward(
        Grounds(
            records=opinion.votes, reference=model, tokenizer=tokenizer, anchor=ground.anchor,
            numbers=ground.numbers, base=ground.base,
        )
    )  # fmt: skip

    def logit(answers: Answers, reading: Reading) -> Tensor:
        return head(answers, reading).double().exp().logit(eps=1e-6)

    return understood(logit, ground, opinion)


def understood(logit: Reward, ground: Ground, opinion: Opinion) -> dict[str, float]:
    """How well the logits of a thumb up fit the person.

    `votes` and `others`: the share of thumbs foreseen, of those learned from and of those that
    nobody gave; `loss`: nats a thumb of the others (0.69 is guessing); `correlation` with the score
    within the other questions, over several answers to each: what a policy would be taught.
    """
    shown = logit(ground.shown, ground.reading)
    many = logit(ground.anchor.answers, ground.anchor.reading).view_as(opinion.scores)
    others = opinion.others
    return {
        "votes": foreseen(shown[opinion.rows], opinion.up),
        "others": foreseen(shown[others], opinion.would_please),
        "loss": float(log_loss(shown[others], opinion.would_please)),
        "correlation": within_prompt_correlation(many[others], opinion.scores[others]),
    }


def foreseen(logits: Tensor, up: Tensor) -> float:
    """The share of the thumbs that have the sign of the logit."""
    return float(((logits > 0) == up).double().mean())
