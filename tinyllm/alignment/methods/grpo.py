"""GRPO: advantages in standard deviations of the group, and k3 in the loss.

Shao et al. 2024, "DeepSeekMath", equations 3 and 4. Two things differ from RLOO. The advantage is
divided by the spread of the group's rewards, so a prompt on which all answers are nearly alike
counts as much as one on which they differ; and KL is paid token by token in the loss, by k3, which
leads to another optimum than pi* (`alignment.bandit`; TRL multiplies it by rho, which mends that).
The loss of an answer is the mean over its
tokens, so those of a long answer count less each.

Shapes: P prompts, G samples of each, b answers, t time.
"""

from __future__ import annotations

from torch import Tensor

from tinyllm.alignment.kl import k3
from tinyllm.alignment.methods.method import Ingredients, Learning
from tinyllm.alignment.methods.online import Loss, on_policy, over_answers
from tinyllm.alignment.methods.ppo import clipped_surrogate
from tinyllm.alignment.rollouts import Rollouts
from tinyllm.model import Transformer

CLIP = 0.2


def group_advantages(rewards: Tensor, log_ratio: Tensor, beta: float) -> Tensor:
    """(reward - mean) / (sd + 1e-4) within each prompt's group: (P, G) -> (P, G).

    KL is not paid here but in the loss. For rewards of 0 and 1, of which a share p is 1, a good
    answer gets sqrt((1 - p) / p).

    >>> import torch
    >>> half = torch.tensor([[1.0, 0.0]])
    >>> [[round(a, 2) for a in row] for row in group_advantages(half, half, 0.1).tolist()]
    [[1.0, -1.0]]
    """
    centred = rewards - rewards.mean(1, keepdim=True)
    return centred / (rewards.std(1, keepdim=True, correction=0) + 1e-4)


def grpo_loss(reference: Transformer, clip: float = CLIP) -> Loss:
    """The mean over answers of the mean over tokens of -min(rho A, clip(rho) A) + beta k3."""

    def objective(log_probs: Tensor, mask: Tensor, batch: Rollouts, rows: Tensor) -> Tensor:
        until = mask.shape[1]
        log_rho = (log_probs - batch.answers.log_probs[rows, :until]) * mask
        gained = clipped_surrogate(log_rho, batch.advantages[rows, None], clip)
        paid = batch.beta * k3(log_probs - batch.reading.log_probs[rows, :until])
        return ((paid - gained) * mask).sum(1) / mask.sum(1)

    return over_answers(reference, objective)


def grpo(given: Ingredients) -> Learning:
    """Rollouts as RLOO's, with the group's standard deviation for a unit and k3 in the loss."""
    return on_policy(given, grpo_loss(given.reference), group_advantages)
