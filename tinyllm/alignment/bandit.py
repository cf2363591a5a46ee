"""Where a method leads when nothing is left to chance: a bandit with a handful of arms.

One state, K actions, all rewards known. Every draw can be listed with its probability, so gradients
are exact expectations, and the question remains that noise usually hides: to *which* policy does a
way of paying for KL lead? The optimum of reward minus beta KL is

    pi* ∝ pi_ref exp(reward / beta)

k1 in the reward and k2 in the loss reach it. k3 in the loss, as GRPO was published, comes to rest
elsewhere; multiplied by rho, the ratio of the policy to the one that drew the samples (1, but with
a gradient), it reaches pi* as well (DeepSeek-AI 2025, "DeepSeek-V3.2"). k3 in the reward has no
place to rest at all. `TERMS` names the five.

Shapes: K arms. All numbers are float64, log-probabilities are in nats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tinyllm.alignment.kl import categorical_kl, k1, k2, k3

Estimator = Callable[[Tensor], Tensor]
TERMS: dict[str, tuple[str, Estimator]] = {
    "k1 in the reward": ("reward", k1),
    "k2 in the loss": ("loss", k2),
    "k3 in the loss": ("loss", k3),
    "k3 in the loss, times rho": ("weighted loss", k3),
    "k3 in the reward": ("reward", k3),
}
"""Where the payment for KL stands, and how it is reckoned."""


@dataclass(frozen=True)
class Bandit:
    """Rewards (K), the reference's log-probabilities (K), and the price of a nat, `beta`."""

    rewards: Tensor
    log_reference: Tensor
    beta: float

    def optimum(self) -> Tensor:
        """pi* (K): the policy with the largest expected reward minus beta KL.

        >>> five_arms().optimum().argmax().item()  # rare under the reference, and the best
        0
        """
        return (self.log_reference + self.rewards / self.beta).softmax(0)

    def k3_optimum(self) -> Tensor:
        """The policy (K) at which k3 in the loss comes to rest: pi_ref / (c - reward / beta).

        The gradient of k3 with respect to log pi is 1 - pi_ref / pi, so at rest reward + beta
        pi_ref / pi is the same number, beta c, for every arm. c makes the probabilities sum to 1;
        above max(reward / beta) the sum falls from infinity to 0, so there is one such c.

        >>> bandit = five_arms()
        >>> bool((bandit.k3_optimum() - bandit.optimum()).abs().max() > 0.01)
        True
        """
        wanted = self.rewards / self.beta
        weights = self.log_reference.exp()
        low, high = wanted.max(), wanted.max() + 1.0
        for _ in range(200):
            middle = (low + high) / 2
            if (weights / (middle - wanted)).sum() > 1:
                low = middle
            else:
                high = middle
        return weights / ((low + high) / 2 - wanted)

    def gradient(self, logits: Tensor, term: str) -> Tensor:
        """The exact gradient (K) to step against, for the softmax policy of `logits`.

        In the reward, an estimate is a number that the policy gradient weighs (REINFORCE, no
        gradient through it); in the loss, it is differentiated at fixed samples. Both as libraries
        do it, here averaged over all samples there can be.
        """
        place, estimate = TERMS[term]
        logits = logits.detach().requires_grad_()
        log_policy = logits.log_softmax(0)
        chance = log_policy.exp().detach()
        log_ratio = log_policy - self.log_reference
        if place == "reward":
            paid = self.rewards - self.beta * estimate(log_ratio).detach()
            loss = -(chance * paid * log_policy).sum()
        else:
            rho = (log_policy - log_policy.detach()).exp() if place == "weighted loss" else 1.0
            gained = -(chance * self.rewards * log_policy).sum()
            loss = gained + self.beta * (chance * rho * estimate(log_ratio)).sum()
        (found,) = torch.autograd.grad(loss, logits)
        return found


def five_arms(beta: float = 0.5) -> Bandit:
    """The bandit of the gallery: the best arm is rare under the reference."""
    rewards = torch.tensor([1.0, 0.2, -0.5, 0.7, 0.0], dtype=torch.float64)
    reference = torch.tensor([0.1, 0.4, 0.2, 0.05, 0.25], dtype=torch.float64)
    return Bandit(rewards, reference.log(), beta)


def three_arms(beta: float = 0.5) -> Bandit:
    """A bandit whose policies are the points of a triangle, to be drawn: the best arm is rare."""
    rewards = torch.tensor([1.0, -0.5, 0.5], dtype=torch.float64)
    reference = torch.tensor([0.1, 0.6, 0.3], dtype=torch.float64)
    return Bandit(rewards, reference.log(), beta)


@dataclass(frozen=True)
class Stand:
    """A policy (K) on its way: after so many steps, its expected reward and its KL in nats."""

    step: int
    policy: Tensor
    reward: float
    kl: float


def descend(
    bandit: Bandit, term: str, *, steps: int = 3000, rate: float = 0.5, every: int = 10
) -> Iterator[Stand]:
    """Follow the exact gradient from the reference on; a stand every so many steps, and the last.

    A policy that runs away ends where its numbers leave the range of a machine.

    >>> *_, last = descend(five_arms(), "k1 in the reward")
    >>> total_variation(last.policy, five_arms().optimum()) < 1e-3
    True
    """
    logits = bandit.log_reference.clone()
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            log_policy = logits.log_softmax(0)
            policy = log_policy.exp()
            if not policy.isfinite().all():
                return
            kl = float(categorical_kl(log_policy, bandit.log_reference))
            yield Stand(step, policy, float(policy @ bandit.rewards), kl)
        logits = logits - rate * bandit.gradient(logits, term)


def total_variation(p: Tensor, q: Tensor) -> float:
    """Half the sum of |p - q|: the most by which two policies differ on any set of arms.

    >>> total_variation(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    1.0
    """
    return float((p - q).abs().sum() / 2)
