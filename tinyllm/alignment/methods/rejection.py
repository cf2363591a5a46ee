"""Rejection-sampling fine-tuning: imitate what the chat model itself says at its best.

The chat model has answered every prompt G times. Each answer gets a weight, exp(reward / beta), so
that the weights of a prompt's answers sum to one, and the policy is fine-tuned on answers drawn by
these weights, as if somebody had written them. For a beta near 0 only the best answer is kept: that
is rejection sampling (Touvron et al. 2023, "Llama 2", section 3.2.3; Dong et al. 2023, "RAFT"). For
a larger one it is reward-weighted regression (Peters and Schaal 2007), and no heuristic: drawn so,
the answers come from

    pi* ∝ pi_ref exp(reward / beta)

the optimum that all of RLHF with a price for KL is after (they are an importance sample of it, as
good as G allows). Learning them by cross-entropy makes KL(pi* || policy) small, which asks the
policy to be able to say *all* that pi* says. A policy gradient makes KL(policy || pi*) small, and
that is small, too, for a policy that has found one good answer and says nothing else.

beta follows from how far the policy may go: of the betas, the one whose weights are `nats` away
from even ones on average. ln G is the most there can be.

Shapes: P prompts, G answers to each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tinyllm.alignment.answers import Answers
from tinyllm.alignment.methods.method import Ingredients, Learning
from tinyllm.alignment.methods.offline import answer_log_probs
from tinyllm.model import Transformer

NATS = 1.5
DRAWN = 4
"""Answers drawn for each prompt in an epoch."""
ROWS = 128
"""Answers in a batch."""


def nats_from_even(weights: Tensor) -> Tensor:
    """KL(weights || even weights) in nats, for weights (P, G) that sum to one -> (P).

    >>> nats_from_even(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    tensor([0.0000, 0.6931])
    """
    far: Tensor = math.log(weights.shape[1]) + torch.special.xlogy(weights, weights).sum(1)
    return far


def weigh_answers(rewards: Tensor, nats: float) -> tuple[Tensor, float]:
    """Weights exp(reward / beta) of the answers to each prompt (P, G), summing to one; and beta.

    beta is chosen so that the weights are `nats` away from even ones, on average over the prompts;
    or, where no beta takes them so far (the best answers of a prompt may be equally good), nine
    tenths of the way to where they would go. Where all rewards are equal the weights are even.
    """

    centred = rewards - rewards.mean(1, keepdim=True)
    unit = float(centred.abs().max())
    if unit == 0:
        return torch.full_like(rewards, 1 / rewards.shape[1]), math.inf

    def weights(beta: float) -> Tensor:
        return (centred / unit / beta).softmax(1)

    def away(beta: float) -> float:
        return float(nats_from_even(weights(beta)).mean())

    low, high = 1e-4, 1e4
    nats = min(nats, 0.9 * away(low))
    for _ in range(60):
        beta = math.sqrt(low * high)
        low, high = (beta, high) if away(beta) > nats else (low, beta)
    return weights(high), high * unit


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Answers to imitate."""

    answers: Answers

    @property
    def tokens(self) -> int:
        """How many tokens are learned from."""
        return int(self.answers.mask.sum())


def chosen_batches(
    answers: Answers, weights: Tensor, *, rows: int, drawn: int, seed: int
) -> Iterator[Chosen]:
    """Endless batches of `rows` answers: in every epoch, `drawn` to each prompt by its weights."""
    prompts, samples = weights.shape
    generator = torch.Generator().manual_seed(seed)
    first = torch.arange(prompts)[:, None] * samples
    while True:
        picked = torch.multinomial(weights, drawn, replacement=True, generator=generator)
        numbers = (first + picked).flatten()
        numbers = numbers[torch.randperm(len(numbers), generator=generator)]
        for start in range(0, len(numbers), rows):
            yield Chosen(answers=answers.take(numbers[start : start + rows]))


def chosen_loss(policy: Transformer, batch: Chosen) -> tuple[Tensor, dict[str, float]]:
    """The mean of -log pi(answer), in nats a token: that of supervised fine-tuning."""
    loss = -answer_log_probs(policy, batch.answers).sum() / batch.tokens
    return loss, {}


def rejection(given: Ingredients) -> Learning:
    """Batches of the chat model's answers, the better ones more often."""
    anchor = given.anchor
    answers = anchor.answers.take(torch.arange(given.trained_on * anchor.num_samples))
    rewards = anchor.per_prompt(given.reward(anchor.answers, anchor.reading))
    weights, _ = weigh_answers(rewards[: given.trained_on], NATS)
    return Learning(
        learner=given.policy,
        batches=chosen_batches(answers, weights, rows=ROWS, drawn=DRAWN, seed=given.config.seed),
        loss=chosen_loss,
        rates=given.config.rates,
        usual_tokens=ROWS * float(answers.answer_lengths.float().mean()),
        on_policy=False,
    )
