"""Rollouts: answers of the policy, judged, as a stream of batches.

Reinforcement learning is then an ordinary training loop: only its batches are written by the model
that learns, each after the update before it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from tinyllm.alignment.advantages import leave_one_out
from tinyllm.alignment.answers import Answers, Reading, read_answers, write_answers
from tinyllm.alignment.kl import AdaptiveBeta, k1
from tinyllm.model import Transformer

Reward = Callable[[Answers, Reading], Tensor]
"""(answers, what the reference makes of them) -> rewards (B)."""


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


def rollouts(
    policy: Transformer,
    reference: Transformer,
    prompts: Sequence[Sequence[int]],
    reward: Reward,
    *,
    beta: AdaptiveBeta,
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
    `beta.value`; nothing else is drawn. `prompts` are token ids, ready for the answer to begin.
    """
    step = start
    while True:
        answers = write_answers(
            policy,
            prompts,
            prompt_numbers(len(prompts), prompts_per_step, step, seed),
            num_samples=num_samples,
            max_new_tokens=max_new_tokens,
            end=end,
            pad=pad,
            seed=seed * 1_000_003 + step,
        )
        reading = read_answers(reference, answers)
        rewards = reward(answers, reading)
        log_ratio = answers.log_probs - reading.log_probs.sum(1)
        paid = regularised_reward(rewards, log_ratio, beta.value)
        yield Rollouts(
            answers=answers,
            reading=reading,
            rewards=rewards,
            advantages=leave_one_out(paid.view(-1, num_samples)).flatten(),
            beta=beta.value,
        )
        step += 1


def prompt_numbers(prompts: int, per_step: int, step: int, seed: int) -> list[int]:
    """Which of `prompts` prompts are asked at `step`: all of them in random order, then again.

    >>> sorted(n for step in range(3) for n in prompt_numbers(6, 4, step, seed=0))
    [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    """
    places = range(step * per_step, (step + 1) * per_step)
    orders = {
        epoch: random.Random(f"{seed} {epoch}").sample(range(prompts), prompts)
        for epoch in {place // prompts for place in places}
    }
    return [orders[place // prompts][place % prompts] for place in places]
