"""RMSNorm: every vector scaled to the same length, so that none shouts the others down.

Shapes: C channels.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class RMSNorm(nn.Module):
    """Scale each vector to a root mean square of 1, then each channel by a learned gain.

    Zhang and Sennrich 2019: LayerNorm without the mean. Lengths are measured in float32.

    >>> RMSNorm(4, 1e-6)(torch.tensor([2.0, 2.0, -2.0, -2.0])).detach()
    tensor([ 1.0000,  1.0000, -1.0000, -1.0000])
    """

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> (..., C), in the dtype of x."""
        return rms_norm(x, self.weight, self.eps)


def rms_norm(x: Tensor, gain: Tensor | None, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps), times `gain` (C) if there is one; x is (..., C).

    `torch.nn.functional.rms_norm` gives the same (to the rounding of the dtype). It has one kernel
    of its own on a GPU; on a CPU it is a dozen operations and as many for its gradient, where six
    suffice when the gradient is written down.

    >>> rms_norm(torch.tensor([[3.0, 4.0]]), None, 0.0)
    tensor([[0.8485, 1.1314]])
    """
    if x.device.type != "cpu":
        return F.rms_norm(x, x.shape[-1:], gain, eps)
    normed: Tensor = _RMSNorm.apply(x, gain, eps)  # type: ignore[no-untyped-call]
    return normed


class _RMSNorm(torch.autograd.Function):
    """With n = x r and r = 1 / sqrt(mean(x^2) + eps): dx = r (dn - n mean(dn n))."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor | None, eps: float) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=wide)
        r: Tensor = length.square_().div_(x.shape[-1]).add_(eps).rsqrt_().to(x.dtype)  # (..., 1)
        n = x * r
        ctx.save_for_backward(n, r, gain)
        return n if gain is None else n * gain

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor | None, None]:
        n, r, gain = ctx.saved_tensors
        dyn, channels = dy * n, n.shape[-1]
        if gain is None:
            mean = dyn.mean(-1, keepdim=True)
            return torch.addcmul(dy, n, mean, value=-1).mul_(r), None, None
        mean = (dyn @ gain)[..., None].div_(channels)
        dx = torch.addcmul(dy * gain, n, mean, value=-1).mul_(r)
        return dx, dyn.flatten(0, -2).sum(0), None
