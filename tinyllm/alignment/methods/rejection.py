"""Rejection-sampling fine-tuning: imitate what the chat model itself says at its best.

The chat model has answered every prompt G times. Each answer gets a weight, exp(reward / beta)
beside that of the other answers to its prompt, and the policy is fine-tuned on answers drawn by
these weights, as if somebody had written them. For a beta near 0 only the best are kept: that is
rejection sampling (Touvron et al. 2023, "Llama 2", section 3.2.3; Dong et al. 2023, "RAFT"). For a
larger one it is reward-weighted regression (Peters and Schaal 2007), and no heuristic: drawn so,
the answers come from

    pi* ∝ pi_ref exp(reward / beta)

the optimum that all of RLHF with a price for KL is after (they are an importance sample of it).
Where the reward is log P(thumb up), as it is with votes, beta = 1 has a plain meaning: pi* is how
the chat model answers *given* a thumb up (Bayes' theorem), and beta = 1/3, given three of them.

Learning by cross-entropy makes KL(pi* || policy) small, which asks the policy to be able to say
*all* that pi* says. A policy gradient makes KL(policy || pi*) small, and that is small, too, for a
policy that has found one good answer and says nothing else. It needs no rollouts either: all that
it learns from was written before it began.

Answers in which even the chat model lost the thread may please (they are long, and have every
word), and are imitated no more often than it writes them. What is *not* to change is held in place:
on answers to the other prompts the policy pays for its exact KL from the chat model, token by
token.

Many answers to a prompt, rather than many prompts, make this work. Weights across prompts mostly
choose prompts: those to which anything good is said at all, where there is least to learn.

Shapes: P prompts, G answers to each, B = P x G, N tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tinyllm.alignment.answers import Answers
from tinyllm.alignment.methods.method import Ingredients, Learning
from tinyllm.alignment.methods.offline import answer_log_probs
from tinyllm.alignment.policy_config import FOR_VOTES
from tinyllm.model import Transformer, sequence_logprobs
from tinyllm.training import Rates

NATS = 2.0
"""How far the weights of a prompt's answers are from even ones, on average."""
LOST = 0.1
"""The share of answers, those least likely a token, in which the thread counts as lost."""
ROWS, HELD = 96, 32
"""Answers in a batch to imitate, and to hold on to."""
HOLD = 1.0
"""What a nat a token costs where nothing is to change."""
FASTER = 2.0
"""Rates beside those of a policy gradient, whose steps are mostly noise."""


def nats_from_even(weights: Tensor) -> Tensor:
    """KL(weights || even weights) in nats (P), for weights (P,G) of which each row sums to one.

    >>> nats_from_even(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    tensor([0.0000, 0.6931])
    """
    far: Tensor = math.log(weights.shape[1]) + torch.special.xlogy(weights, weights).sum(1)
    return far


def weigh_answers(rewards: Tensor, nats: float) -> tuple[Tensor, float]:
    """Weights exp(reward / beta) of answers with these rewards (P,G), those to a prompt summing to
    one; and beta, one for all of them.

    beta is chosen so that the weights are `nats` away from even ones, on average over prompts; or,
    where no beta takes them so far (the best answers may be equally good), nine tenths of the way
    to where they would go. Where all rewards to a prompt are equal its weights are even.
    """
    centred = (rewards - rewards.mean(1, keepdim=True)).double()
    unit = float(centred.abs().max())
    if unit < 1e-9:
        return torch.full_like(rewards, 1 / rewards.shape[1]), math.inf

    def weights(beta: float) -> Tensor:
        return (centred / unit / beta).softmax(1)

    def away(beta: float) -> float:
        return float(nats_from_even(weights(beta)).mean())

    low, high = 1e-4, 1e4
    nats = max(min(nats, 0.9 * away(low)), away(high))
    for _ in range(60):
        beta = math.sqrt(low * high)
        low, high = (beta, high) if away(beta) > nats else (low, beta)
    return weights(high).to(rewards.dtype), high * unit


def no_more_of(lost: Tensor, weights: Tensor) -> Tensor:
    """Weights (B) with which the `lost` answers (B) are drawn no more often than evenly; all sum to
    one.

    >>> no_more_of(torch.tensor([True, False, False, False]), torch.tensor([0.7, 0.1, 0.1, 0.1]))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    usual, now = lost.to(weights.dtype).mean(), weights[lost].sum()
    if now <= usual or usual == 1:
        return weights
    rest = (1 - usual) / weights[~lost].sum().clamp(min=1e-12)
    return torch.where(lost, weights * usual / now, weights * rest)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Answers to imitate, and answers to hold on to."""

    answers: Answers
    held: Answers

    @property
    def tokens(self) -> int:
        """How many tokens are learned from."""
        return int(self.answers.mask.sum() + self.held.mask.sum())


def chosen_batches(
    answers: Answers, weights: Tensor, held: Tensor, *, rows: int, held_rows: int, seed: int
) -> Iterator[Chosen]:
    """Endless batches: `rows` answers drawn by their `weights` (B), and `held_rows` of those with
    the numbers `held`, drawn evenly."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        drawn = torch.multinomial(weights, rows, replacement=True, generator=generator)
        keep = held[torch.randint(len(held), (held_rows,), generator=generator)]
        yield Chosen(answers=answers.take(drawn), held=answers.take(keep))


def chosen_loss(
    policy: Transformer, batch: Chosen, *, reference: Transformer
) -> tuple[Tensor, dict[str, float]]:
    """The mean of -log pi(answer), in nats a token: that of supervised fine-tuning. To it comes
    `HOLD` times the mean of KL(reference || policy) at the tokens of what is held on to."""
    imitated = -answer_log_probs(policy, batch.answers).sum() / batch.answers.mask.sum()
    moved = exact_forward_kl(policy, reference, batch.held)
    return imitated + HOLD * moved, {"imitated": imitated.item(), "moved": moved.item()}


def exact_forward_kl(policy: Transformer, reference: Transformer, answers: Answers) -> Tensor:
    """KL(reference || policy) over the whole vocabulary, the mean over tokens, in nats."""
    with torch.no_grad():
        _, theirs = sequence_logprobs(reference, answers.ids, answers.mask, full=True)  # (N,V)
    _, ours = sequence_logprobs(policy, answers.ids, answers.mask, full=True)
    kl: Tensor = (theirs.exp() * (theirs - ours)).sum(1).mean()
    return kl


def faster(rates: Rates, factor: float) -> Rates:
    """The same rates, multiplied, with the momentum of many equal steps."""
    return replace(
        rates,
        matrices=factor * rates.matrices,
        embedding=factor * rates.embedding,
        gains=factor * rates.gains,
        head=factor * rates.head,
        momentum=0.9,
    )


def rejection(given: Ingredients) -> Learning:
    """Batches of the chat model's answers, the better ones more often."""
    anchor = given.anchor
    lengths = anchor.answers.answer_lengths
    practised = anchor.rows(range(given.practised)).stop
    trained_on = anchor.rows(range(given.trained_on)).stop
    rewards = given.reward(anchor.answers, anchor.reading)[:practised]
    likely = (anchor.reading.log_probs.sum(1) / lengths)[:practised]
    lost = (likely < likely.quantile(LOST)) | ~anchor.answers.finished[:practised]
    by_prompt, _ = weigh_answers(rewards.view(given.practised, -1), NATS)
    weights = no_more_of(lost, by_prompt.flatten() / given.practised)
    held = torch.arange(practised if practised < trained_on else 0, trained_on)
    return Learning(
        learner=given.policy,
        batches=chosen_batches(
            anchor.answers, weights, held, rows=ROWS, held_rows=HELD, seed=given.config.seed
        ),
        loss=lambda policy, batch: chosen_loss(policy, batch, reference=given.reference),
        rates=faster(given.config.rates, FASTER),
        usual_tokens=float(weights @ lengths[:practised].to(weights.dtype)) * ROWS
        + float(lengths[held].float().mean()) * HELD,
        on_policy=False,
        enough=FOR_VOTES["steps"],
    )
