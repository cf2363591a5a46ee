"""PPO: several updates from one batch of rollouts, held together by a clip; and a critic.

Schulman et al. 2017, "Proximal policy optimization algorithms"; for language models Ziegler et al.
2019 and Ouyang et al. 2022. Where RLOO judges an answer as a whole, PPO judges every token: the
critic foresees, from what the chat model makes of the text so far, what the answer will have earned
in the end, and the advantage of a token is by how much things went better from there than foreseen
(generalised advantage estimation, Schulman et al. 2016).

Rewards, token by token: each pays beta times its k1, and the last one earns what the answer earned.
The ratio rho = pi / pi_old says how far the updates from one batch have gone; where it leaves
1 ± clip in the direction that the advantage pulls, the token pulls no more.

The critic is a single row of weights on the frozen chat model's states, which the rollouts have at
hand. At one update a batch with lambda = 1, PPO is REINFORCE with that critic for its baseline.

Shapes: B answers, b of them at a time, T and t time, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from tinyllm.alignment.advantages import whiten
from tinyllm.alignment.kl import k1
from tinyllm.alignment.methods.method import Ingredients, Learning
from tinyllm.alignment.methods.online import over_answers, rollouts_of, usual_tokens
from tinyllm.alignment.rollouts import Rollouts
from tinyllm.model import Transformer

EPOCHS = 2
CLIP = 0.2
LAMBDA = 0.95
CRITIC_RATE = 0.01
CRITIC_WEIGHT = 0.5


def clipped_surrogate(log_rho: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """min(rho A, clip(rho, 1 ± clip) A), equation 7, for rho = exp(log_rho), shapes broadcast.

    >>> one = torch.tensor([0.0, 1.0, -1.0, 1.0])
    >>> [round(x, 2) for x in clipped_surrogate(one, torch.tensor([2.0, 2, 2, -2]), 0.2).tolist()]
    [2.0, 2.4, 0.74, -5.44]
    """
    rho = log_rho.exp()
    return torch.minimum(rho * advantages, rho.clamp(1 - clip, 1 + clip) * advantages)


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float = 1.0, lam: float = LAMBDA
) -> Tensor:
    """Generalised advantage estimates (B,T) of the tokens of `mask` (B,T), 0 elsewhere.

    delta_t = r_t + gamma V_{t+1} - V_t, and A_t = delta_t + gamma lam A_{t+1}; behind the last
    token of an answer everything is 0. With gamma = lam = 1 it is what is still to come minus V_t,
    with lam = 0 it is delta_t.

    >>> rewards, values = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.4, 0.6]])
    >>> gae(rewards, values, torch.ones(1, 2).bool(), lam=1.0)
    tensor([[0.6000, 0.4000]])
    """
    rewards, values = rewards * mask, values * mask
    advantages = torch.zeros_like(values)
    ahead = next_value = torch.zeros(values.shape[0])
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        ahead = (delta + gamma * lam * ahead) * mask[:, t]
        advantages[:, t], next_value = ahead, values[:, t]
    return advantages


class ActorCritic(nn.Module):
    """The policy, and a critic that reads the chat model's states (B,T,C) and starts at 0."""

    def __init__(self, policy: Transformer) -> None:
        super().__init__()
        self.policy = policy
        self.critic = nn.Linear(policy.config.hidden_size, 1, bias=False)
        nn.init.zeros_(self.critic.weight)

    def values(self, hidden: Tensor) -> Tensor:
        """What is foreseen *before* each token, from the state one place earlier: (B,T)."""
        foreseen = self.critic(hidden)[..., 0]
        return torch.nn.functional.pad(foreseen[:, :-1], (1, 0))


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Rollouts with an advantage and a return for every token, each (B,T)."""

    rollouts: Rollouts
    advantages: Tensor
    returns: Tensor

    @property
    def tokens(self) -> int:
        """How many tokens are learned from."""
        return self.rollouts.tokens


def token_rewards(batch: Rollouts) -> Tensor:
    """-beta k1 at every token, and at the last one the answer's reward as well: (B,T)."""
    answers = batch.answers
    paid = -batch.beta * k1(answers.log_probs - batch.reading.log_probs) * answers.mask
    paid[torch.arange(len(answers)), answers.lengths - 1] += batch.rewards
    return paid


@torch.no_grad()
def judge_tokens(learner: ActorCritic, batch: Rollouts, *, lam: float = LAMBDA) -> Judged:
    """Advantages, whitened over the batch's tokens, and what the critic should have foreseen."""
    mask = batch.answers.mask
    values = learner.values(batch.reading.hidden)
    advantages = gae(token_rewards(batch), values, mask, lam=lam)
    returns = (advantages + values) * mask
    return Judged(rollouts=batch, advantages=whiten(advantages, mask), returns=returns)


def repeated(
    learner: ActorCritic, batches: Iterator[Rollouts], *, epochs: int, lam: float = LAMBDA
) -> Iterator[Judged]:
    """Each batch of rollouts `epochs` times, judged once by the critic as it is when they come."""
    for batch in batches:
        judged = judge_tokens(learner, batch, lam=lam)
        for _ in range(epochs):
            yield judged


def ppo_loss(
    learner: ActorCritic, batch: Judged, reference: Transformer, *, clip: float = CLIP
) -> tuple[Tensor, dict[str, float]]:
    """Minus the clipped surrogate, plus the critic's squared error, both means over tokens.

    Metrics: those of `online.over_answers`, `clipped` (the share of tokens that pull no more) and
    `critic`, its squared error as a share of the variance of the returns.
    """
    mask = batch.rollouts.answers.mask
    per_answer = len(mask) / mask.sum()
    clipped = 0.0

    def objective(log_probs: Tensor, mask: Tensor, rollouts: Rollouts, rows: Tensor) -> Tensor:
        nonlocal clipped
        until = mask.shape[1]
        log_rho = (log_probs - rollouts.answers.log_probs[rows, :until]) * mask
        advantages = batch.advantages[rows, :until]
        with torch.no_grad():
            beyond = torch.where(advantages > 0, log_rho.exp() > 1 + clip, log_rho.exp() < 1 - clip)
            clipped += float((beyond & mask).sum())
        gained = clipped_surrogate(log_rho, advantages, clip)
        return -(gained * mask).sum(1) * per_answer

    loss, metrics = over_answers(reference, objective)(learner.policy, batch.rollouts)
    errors = (learner.values(batch.rollouts.reading.hidden) - batch.returns)[mask]
    spread = float(batch.returns[mask].var(correction=0))
    metrics["clipped"] = clipped / float(mask.sum())
    metrics["critic"] = float(errors.detach().square().mean()) / max(spread, 1e-6)
    return loss + CRITIC_WEIGHT * errors.square().mean(), metrics


def ppo(given: Ingredients) -> Learning:
    """Rollouts as RLOO's, each used `EPOCHS` times."""
    learner = ActorCritic(given.policy)
    unjudged = rollouts_of(given, lambda rewards, log_ratio, beta: torch.zeros_like(rewards))
    return Learning(
        learner=learner,
        batches=repeated(learner, unjudged, epochs=EPOCHS),
        loss=lambda learner, batch: ppo_loss(learner, batch, given.reference),
        rates=replace(given.config.rates, head=CRITIC_RATE),
        usual_tokens=usual_tokens(given),
    )
