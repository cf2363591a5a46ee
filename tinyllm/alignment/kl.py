"""How far a policy has moved from the model it grew from, in nats.

The Kullback-Leibler divergence KL(policy || reference) says by how many nats the policy's answers
surprise the reference more than they surprise the policy. It can be estimated from the sampled
tokens alone (`k1`, `k2`, `k3`); with a vocabulary as small as ours it can be summed over every
token that might have come, which is exact at each position and never negative (`exact_kl`).

Shapes: B sequences, T time, N answer tokens of all sequences together, C channels, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from tinyllm.model import Transformer, sequence_logprobs


def k1(log_ratio: Tensor) -> Tensor:
    """l = log policy - log reference of samples of the policy: unbiased, and noisy.

    As a part of the *reward* it leads to the KL-regularised optimum. J. Schulman, "Approximating
    KL divergence" (2020), names all three.

    >>> k1(torch.tensor([0.5, -0.5])).mean()
    tensor(0.)
    """
    return log_ratio


def k2(log_ratio: Tensor) -> Tensor:
    """l² / 2: biased, little noise; its gradient as a *loss* is that of the true KL.

    >>> k2(torch.tensor([2.0]))
    tensor([2.])
    """
    return log_ratio.square() / 2


def k3(log_ratio: Tensor) -> Tensor:
    """exp(-l) - 1 + l: unbiased and never negative, less noisy than `k1` near the reference.

    To be reported, not to be trained on: as a loss it leads to another optimum.

    >>> k3(torch.tensor([0.0]))
    tensor([0.])
    """
    return torch.expm1(-log_ratio) + log_ratio


def categorical_kl(log_policy: Tensor, log_reference: Tensor) -> Tensor:
    """KL(policy || reference) of distributions given as log-probabilities (..., V) -> (...).

    >>> even = torch.tensor([0.5, 0.5]).log()
    >>> round(categorical_kl(even, torch.tensor([0.9, 0.1]).log()).item(), 4)
    0.5108
    """
    return (log_policy.exp() * (log_policy - log_reference)).sum(-1)


def sum_by_row(values: Tensor, mask: Tensor) -> Tensor:
    """Values (N) of the answer tokens, summed for each row of `mask` (B, T) -> (B).

    >>> mask = torch.tensor([[False, True, True], [False, True, False]])
    >>> sum_by_row(torch.tensor([1.0, 2.0, 5.0]), mask)
    tensor([3., 5.])
    """
    rows = mask.nonzero()[:, 0]
    return values.new_zeros(mask.shape[0]).index_add(0, rows, values)


def by_length(lengths: Tensor, *, tokens: int = 4096) -> Iterator[Tensor]:
    """Cut rows of these lengths (B) into groups of similar length: indices (b), long ones first.

    A group, padded to its longest row, has at most `tokens` tokens (or one row). Without it a batch
    of one story and many short answers would be mostly padding, and the logits of a large one would
    not fit a small memory.

    >>> [group.tolist() for group in by_length(torch.tensor([2, 9, 3, 8]), tokens=18)]
    [[1, 3], [2, 0]]
    """
    order = lengths.argsort(descending=True, stable=True)
    start = 0
    while start < len(order):
        rows = max(1, tokens // max(1, int(lengths[order[start]])))
        yield order[start : start + rows]
        start += rows


@torch.no_grad()
def exact_kl(policy: Transformer, reference: Transformer, ids: Tensor, mask: Tensor) -> Tensor:
    """KL(policy || reference) of each sequence in nats, (B,), given states that the policy visited.

    At every answer position (`mask` (B, T) True at answer tokens, the end token included) the two
    distributions over the whole vocabulary are compared, and the positions summed. Averaged over
    sequences sampled from the policy this estimates the KL between the two distributions over
    answers, without bias and with far less noise than `k1`.
    """
    total = torch.zeros(ids.shape[0], device=ids.device)
    lengths = (mask * torch.arange(1, ids.shape[1] + 1, device=ids.device)).amax(1)
    for rows in by_length(lengths):
        until = int(lengths[rows].max())
        part, chosen = ids[rows, :until], mask[rows, :until]
        _, here = sequence_logprobs(policy, part, chosen, full=True)  # (N,V)
        _, there = sequence_logprobs(reference, part, chosen, full=True)
        total[rows] = sum_by_row(categorical_kl(here, there), chosen)
    return total


class AdaptiveBeta:
    """The price of a nat of KL, raised while the policy spends more than `budget`, else lowered.

    Ziegler et al. 2019, section 2.2: beta grows or shrinks with the relative error, at most `rate`
    a step. It stays within [`low`, `high`].

    >>> beta = AdaptiveBeta(start=0.1, budget=3.0)
    >>> for _ in range(5):
    ...     beta.observe(6.0)
    >>> beta.value > 0.1
    True
    """

    def __init__(
        self,
        *,
        start: float,
        budget: float,
        rate: float = 0.1,
        low: float = 0.02,
        high: float = 2.0,
    ) -> None:
        if not 0 < low <= start <= high or budget <= 0:
            raise ValueError(
                f"expected 0 < low <= start <= high and budget > 0, got low {low}, start {start}, "
                f"high {high}, budget {budget}"
            )
        self.value, self.budget = start, budget
        self._rate, self._low, self._high = rate, low, high

    def observe(self, kl: float) -> None:
        """Take note of a measured KL (nats a sequence) and move the price."""
        error = min(1.0, max(-1.0, kl / self.budget - 1.0))
        self.value = min(self._high, max(self._low, self.value * (1.0 + self._rate * error)))
