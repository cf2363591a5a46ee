"""Rollouts: answers of the policy, judged, as a stream of batches.

Reinforcement learning is then an ordinary training loop: only its batches are written by the model
that learns, each after the update before it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from torch import Tensor

from tinyllm.alignment.advantages import leave_one_out
from tinyllm.alignment.answers import Answers, Reading, read_answers, write_answers
from tinyllm.alignment.kl import AdaptiveBeta, k1
from tinyllm.model import Transformer

Advantages = Callable[[Tensor, Tensor, float], Tensor]
"""(rewards (P,G), log policy - log reference of each whole answer (P,G), beta) -> advantages (P,G):
by how much the answer was better than could be expected. How is what methods differ in."""
Reward = Callable[[Answers, Reading], Tensor]
"""(answers, what the reference makes of them) -> rewards (B)."""
ABOUT = (0.75, 1.25)
"""A length may be taken for one so many times as long when prompts are put together: so the same
ones do not meet in every round."""


@dataclass(frozen=True, kw_only=True)
class Rollouts:
    """A judged batch: the answers, what the reference makes of them, their rewards and advantages
    (B), and the price of a nat, `beta`, at which they were judged."""

    answers: Answers
    reading: Reading
    rewards: Tensor
    advantages: Tensor
    beta: float

    @property
    def tokens(self) -> int:
        """How many tokens are learned from: those of the answers."""
        return int(self.answers.mask.sum())


def regularised_reward(reward: Tensor, log_ratio: Tensor, beta: float) -> Tensor:
    """Reward minus beta times k1 of the whole answer, each (B).

    `log_ratio` is log policy - log reference, summed over the answer's tokens, in nats; no gradient
    passes through it. Its expectation is the reward minus beta KL(policy || reference).

    >>> import torch
    >>> regularised_reward(torch.tensor([1.0]), torch.tensor([2.0]), beta=0.1)
    tensor([0.8000])
    """
    return reward - beta * k1(log_ratio).detach()


def leave_one_out_of_paid(rewards: Tensor, log_ratio: Tensor, beta: float) -> Tensor:
    """RLOO's advantages: what an answer earned less what it pays for KL, beside its siblings."""
    return leave_one_out(regularised_reward(rewards, log_ratio, beta))


def rollouts(
    policy: Transformer,
    reference: Transformer,
    prompts: Sequence[Sequence[int]],
    lengths: Sequence[float],
    reward: Reward,
    *,
    beta: AdaptiveBeta,
    advantages: Advantages = leave_one_out_of_paid,
    prompts_per_step: int = 16,
    num_samples: int = 8,
    max_new_tokens: int = 192,
    end: int,
    pad: int,
    seed: int = 0,
    start: int = 0,
) -> Iterator[Rollouts]:
    """Endless batches of `num_samples` answers to each of `prompts_per_step` prompts.

    Batch number `start + i` depends on `seed`, its number, the policy as it is then, and
    `beta.value`; nothing else is drawn. `prompts` are token ids, ready for the answer to begin;
    `lengths` says how many tokens an answer to each usually has.
    """
    step = start
    while True:
        answers = write_answers(
            policy,
            prompts,
            prompt_numbers(lengths, prompts_per_step, step, seed),
            num_samples=num_samples,
            max_new_tokens=max_new_tokens,
            end=end,
            pad=pad,
            seed=seed * 1_000_003 + step,
        )
        reading = read_answers(reference, answers)
        rewards = reward(answers, reading)
        log_ratio = (answers.log_probs - reading.log_probs).sum(1)
        shape = (-1, num_samples)
        judged = advantages(rewards.view(shape), log_ratio.view(shape), beta.value)
        yield Rollouts(
            answers=answers,
            reading=reading,
            rewards=rewards,
            advantages=judged.flatten(),
            beta=beta.value,
        )
        step += 1


def prompt_numbers(lengths: Sequence[float], per_step: int, step: int, seed: int) -> list[int]:
    """Which prompts are asked at `step`: all of them once, then all again in another order.

    Prompts whose answers are about as long (`lengths`, one a prompt) are asked together. A batch
    takes as long as its longest answer; and in a mixed one the stories, with five times as many
    tokens to move as an answer of one line, would decide most of the update (`bench/RESULTS.md`).

    >>> sorted(n for step in range(3) for n in prompt_numbers([9.0] * 6, 4, step, seed=0))
    [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    >>> sorted(sorted(prompt_numbers([50, 5, 60, 6], 2, step, seed=0)) for step in range(2))
    [[0, 2], [1, 3]]
    """
    places, prompts = range(step * per_step, (step + 1) * per_step), len(lengths)
    orders = {
        epoch: _order(lengths, per_step, random.Random(f"{seed} {epoch}"))
        for epoch in {place // prompts for place in places}
    }
    return [orders[place // prompts][place % prompts] for place in places]


def _order(lengths: Sequence[float], per_step: int, rng: random.Random) -> list[int]:
    """Every prompt once, in groups of about one length; the groups come in random order."""
    about = [length * rng.uniform(*ABOUT) for length in lengths]
    by_length = sorted(range(len(lengths)), key=about.__getitem__)
    groups = [by_length[first : first + per_step] for first in range(0, len(lengths), per_step)]
    rng.shuffle(groups)
    return list(chain.from_iterable(groups))
