"""REINFORCE with a baseline: the policy gradient as it was at first.

Williams 1992, "Simple statistical gradient-following algorithms for connectionist reinforcement
learning". Every answer is compared with what answers have earned so far, a running mean over all
prompts. The gradient is unbiased, as the baseline is known before the answers are drawn; but where
some prompts are easy and others hard, much of it says which prompt was drawn and nothing about the
answer. That is the noise which RLOO's siblings take away.

Shapes: P prompts, G samples of each.
"""

from __future__ import annotations

from torch import Tensor

from tinyllm.alignment.methods.method import Ingredients, Learning
from tinyllm.alignment.methods.online import on_policy
from tinyllm.alignment.methods.rloo import rloo_loss
from tinyllm.alignment.rollouts import regularised_reward


class RunningBaseline:
    """Advantages over the mean of what earlier batches earned; `memory` is the weight of the past.

    The first batch is compared with 0, which is what the chat model's own answers earn on average.

    >>> import torch
    >>> baseline = RunningBaseline(memory=0.5)
    >>> rewards, same = torch.tensor([[2.0, 4.0]]), torch.zeros(1, 2)
    >>> baseline(rewards, same, 0.1), baseline(rewards, same, 0.1)
    (tensor([[2., 4.]]), tensor([[0.5000, 2.5000]]))
    """

    def __init__(self, *, memory: float = 0.9) -> None:
        if not 0 <= memory < 1:
            raise ValueError(f"expected a memory in [0, 1), got {memory}")
        self.value, self._memory = 0.0, memory

    def __call__(self, rewards: Tensor, log_ratio: Tensor, beta: float) -> Tensor:
        """Advantages (P,G) of answers; then the baseline moves towards what they earned."""
        paid = regularised_reward(rewards, log_ratio, beta)
        advantages = paid - self.value
        self.value += (1 - self._memory) * (float(paid.mean()) - self.value)
        return advantages


def reinforce(given: Ingredients) -> Learning:
    """Rollouts as RLOO's, with a running mean for a baseline."""
    return on_policy(given, rloo_loss(given.reference), RunningBaseline())
