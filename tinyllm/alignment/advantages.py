"""From rewards to advantages: how much better an answer was than could be expected.

Shapes: P prompts, G samples per prompt, B sequences, T time.
"""

from __future__ import annotations

import torch
from torch import Tensor


def leave_one_out(rewards: Tensor) -> Tensor:
    """Each reward minus the mean of the *other* samples of its prompt: (P, G) -> (P, G).

    The baseline does not depend on the sample it judges, so the policy gradient stays unbiased.
    It equals G / (G - 1) times the reward minus the mean of all. Ahmadian et al. 2024, "Back to
    Basics", equation 8 (RLOO; Kool et al. 2019).

    >>> leave_one_out(torch.tensor([[1.0, 0.0, 0.0]]))
    tensor([[ 1.0000, -0.5000, -0.5000]])
    """
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise ValueError(
            f"expected rewards of shape (prompts, samples) with two samples or more, got "
            f"{tuple(rewards.shape)}; a single sample has no others to be compared with"
        )
    samples = rewards.shape[1]
    return rewards - (rewards.sum(dim=1, keepdim=True) - rewards) / (samples - 1)


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Values (B, T) moved to mean 0 and scaled to sd 1 over the positions of `mask` (B, T) bool.

    Masked positions neither count nor come back: they are 0, so padding changes nothing.

    >>> whiten(torch.tensor([[1.0, 3.0, 99.0]]), torch.tensor([[True, True, False]]))
    tensor([[-1.,  1.,  0.]])
    """
    if values.shape != mask.shape or mask.dtype != torch.bool:
        raise ValueError(
            f"expected a bool mask of shape {tuple(values.shape)}, got {mask.dtype} "
            f"{tuple(mask.shape)}"
        )
    kept = values[mask]
    if kept.numel() == 0:
        return torch.zeros_like(values)
    centred = values - kept.mean()
    sd = kept.std(correction=0)
    return torch.where(mask, centred / (sd + 1e-8), torch.zeros_like(values))
