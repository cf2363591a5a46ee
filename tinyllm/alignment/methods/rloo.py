"""RLOO: move the policy towards answers that beat their siblings.

For each prompt the policy writes G answers. Each is rewarded, pays beta for every nat by which it
is likelier under the policy than under the reference, and is compared with the mean of the others
(`advantages.leave_one_out`). Answers above it become likelier, answers below it less likely: this
is REINFORCE (Williams 1992) with a leave-one-out baseline (Kool et al. 2019; Ahmadian et al. 2024).

Where the KL goes matters. k1 in the *reward*, as here, leads to the optimum
pi* ∝ pi_ref exp(reward / beta); k3 in the loss, the usual form of GRPO, leads to another one
(`alignment.bandit`).

One update a batch of rollouts, so the policy that learns is the one that wrote. Left out: a critic,
division by the standard deviation, clipped ratios.

Shapes: B = P x G sequences, b of them at a time, t time.
"""

from __future__ import annotations

from torch import Tensor

from tinyllm.alignment.methods.method import Ingredients, Learning
from tinyllm.alignment.methods.online import Loss, on_policy, over_answers
from tinyllm.alignment.rollouts import Rollouts
from tinyllm.model import Transformer


def policy_gradient_loss(log_probs: Tensor, advantages: Tensor) -> Tensor:
    """-mean(advantage · log pi(answer)), both (B): its gradient is the policy gradient.

    Log-probabilities are sums over an answer's tokens, its end included; dividing them by the
    length would favour long bad answers (Liu et al. 2025, "Understanding R1-Zero-like training").

    >>> import torch
    >>> policy_gradient_loss(torch.tensor([-2.0, -1.0]), torch.tensor([0.5, -0.5]))
    tensor(0.2500)
    """
    return -(advantages.detach() * log_probs).mean()


def rloo_loss(reference: Transformer) -> Loss:
    """The loss that the training loop calls with the policy and a batch of rollouts.

    It is `policy_gradient_loss` with whatever advantages the batch has; for its metrics see
    `online.over_answers`.
    """

    def objective(log_probs: Tensor, mask: Tensor, batch: Rollouts, rows: Tensor) -> Tensor:
        return -batch.advantages[rows] * log_probs.sum(1)  # (b)

    return over_answers(reference, objective)


def rloo(given: Ingredients) -> Learning:
    """The default: rollouts with leave-one-out advantages of the reward less beta k1."""
    return on_policy(given, rloo_loss(given.reference))
