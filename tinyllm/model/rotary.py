"""Where a token stands: its queries and keys are turned, the further on the further.

Shapes: B batch, T time (tokens), H heads, D channels of a head.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from tinyllm.model.config import RopeScaling

Turn = tuple[Tensor, Tensor]
"""Cosines and signed sines of the angle by which each token's heads are turned."""


class Rotary(nn.Module):
    """Rotary position embedding (Su et al. 2021): position t turns pair i by t / theta^(2i/D).

    A query at t and a key at s then meet at an angle that depends on t - s alone: the model sees
    distances. Channel i is paired with channel i + D/2, as in `transformers`.

    >>> cos, sin = Rotary(8, 4, 10_000.0)(slice(0, 3))
    >>> cos.shape, cos[0].tolist()
    (torch.Size([3, 1, 4]), [[1.0, 1.0, 1.0, 1.0]])
    """

    cos: Tensor
    sin: Tensor

    def __init__(
        self, positions: int, head_dim: int, theta: float, scaling: RopeScaling | None = None
    ) -> None:
        super().__init__()
        self.positions, self.head_dim = positions, head_dim
        self.theta, self.scaling = theta, scaling
        self.register_buffer("cos", torch.empty(0), persistent=False)
        self.register_buffer("sin", torch.empty(0), persistent=False)
        self._fill()

    def _fill(self) -> None:
        frequency = frequencies(self.head_dim, self.theta, self.scaling)  # (D/2)
        angle = torch.arange(self.positions)[:, None] * frequency  # (positions, D/2)
        cos, sin = angle.cos(), angle.sin()
        self.cos = torch.cat((cos, cos), -1).to(self.cos)  # (positions, D)
        self.sin = torch.cat((-sin, sin), -1).to(self.sin)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Rotary:
        """Fill the tables anew after a move, so that a stay in bfloat16 costs them nothing."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._fill()
        return self

    def forward(self, at: Tensor | slice) -> Turn:
        """Cosines and signed sines at positions (T) or (B,T), each (T,1,D) or (B,T,1,D)."""
        return self.cos[at].unsqueeze(-2), self.sin[at].unsqueeze(-2)


def frequencies(head_dim: int, theta: float, scaling: RopeScaling | None = None) -> Tensor:
    """How far each pair of channels turns from one position to the next, in radians: (D/2).

    Llama 3.1 learned to read texts longer than those it was made for by turning more slowly. The
    pairs that turn often within the old context tell neighbours apart and stay; those that hardly
    turn once tell far from near and are slowed by `scaling.factor`; between the two it is a blend.

    >>> frequencies(4, 100.0).tolist()
    [1.0, 0.10000000149011612]
    >>> scaling = RopeScaling(
    ...     factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    ...     original_max_position_embeddings=32,
    ... )
    >>> frequencies(4, 100.0, scaling).tolist()
    [1.0, 0.012500000186264515]
    """
    frequency = theta ** -(torch.arange(0, head_dim, 2) / head_dim)
    if scaling is None:
        return frequency
    turns = frequency * scaling.original_max_position_embeddings / (2 * math.pi)
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return frequency * (kept + (1 - kept) / scaling.factor)


def rotate(x: Tensor, turn: Turn) -> Tensor:
    """Turn the heads x (B,T,H,D) by the angles that `Rotary` gives.

    (a, b) becomes (a cos - b sin, b cos + a sin); `roll` brings each channel its partner.

    >>> x = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    >>> rotate(x, Rotary(2, 2, 10_000.0)(slice(1, 2))).flatten()  # cos 1, sin 1
    tensor([0.5403, 0.8415])
    """
    cos, sin = turn
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)
