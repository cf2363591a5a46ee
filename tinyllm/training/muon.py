"""Muon: momentum whose direction is made orthogonal before it is followed.

The gradient of a matrix is dominated by a few directions. Muon (Jordan et al. 2024, "Muon: an
optimizer for hidden layers in neural networks") gives all of them the same length: with the
singular value decomposition G = U S V^T of the momentum, it steps along U V^T. The decomposition is
never computed; five rounds of a polynomial that needs matrix products alone come close enough.

At our size a step is many small operations, so matrices of equal shape, tall ones turned on their
side, are stacked and go through those products together.

Shapes: N stacked matrices, R rows, C columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of x -> ax + bx^3 + cx^5, which brings every singular value in (0, 1] near 1 in five
rounds: steep at zero, and wavering between about 0.7 and 1.2 rather than converging (Jordan)."""


def orthogonalize(
    matrices: Tensor, *, rounds: int = 5, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Bring the singular values of each of `matrices` (N,R,C) near 1, computing in `dtype`.

    Newton-Schulz: with X scaled to a norm below 1, X <- aX + (bA + cA^2) X for A = X X^T applies
    the quintic to every singular value at once. Returns (N,R,C) in `dtype`; zeros stay zeros.

    >>> orthogonalize(torch.tensor([[[3.0, 0.0], [0.0, 1.0]]])).round(decimals=1)
    tensor([[[0.8000, 0.0000],
             [0.0000, 1.1000]]])
    """
    a, b, c = QUINTIC
    tall = matrices.shape[-2] > matrices.shape[-1]  # A is R x R: let R be the shorter side
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(dtype)
    for _ in range(rounds):
        gram = x @ x.mT  # (N,R,R)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)  # bA + cA^2
        x = torch.baddbmm(x, polynomial, x, beta=a)  # (N,R,C)
    return x.mT if tall else x


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Matrices of one shape, or of that shape turned on its side, and their momentum (N,R,C).

    `scales` (N,1,1) are sqrt(max(1, rows / columns)) of the matrices as they stand: a step then
    changes what a matrix puts out by as much, whatever its shape.
    """

    names: tuple[str, ...]
    turned: tuple[bool, ...]
    momentum: Tensor
    scales: Tensor

    def gather(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """The tensors of this stack, stacked (N,R,C), float32."""
        return torch.stack(
            [tensors[name].mT if turn else tensors[name] for name, turn in self._members()]
        ).float()

    def scatter(self, stacked: Tensor) -> dict[str, Tensor]:
        """The inverse of `gather`, as views."""
        return {
            name: matrix.mT if turn else matrix
            for (name, turn), matrix in zip(self._members(), stacked, strict=True)
        }

    def _members(self) -> list[tuple[str, bool]]:
        return list(zip(self.names, self.turned, strict=True))


def stack_shapes(matrices: Mapping[str, Tensor]) -> list[Stack]:
    """Sort `matrices` by shape, transposed shapes together, with momentum of zeros.

    >>> stacks = stack_shapes({"up": torch.ones(8, 2), "down": torch.ones(2, 8)})
    >>> [(stack.names, stack.turned, stack.momentum.shape) for stack in stacks]
    [(('up', 'down'), (True, False), torch.Size([2, 2, 8]))]
    >>> stacks[0].scales.flatten().tolist()
    [2.0, 1.0]
    """
    by_shape: dict[tuple[int, ...], list[str]] = {}
    for name, matrix in matrices.items():
        if matrix.dim() != 2:
            raise ValueError(
                f"expected matrices, got {name} of shape {tuple(matrix.shape)}; "
                "give vectors and embeddings to AdamW"
            )
        by_shape.setdefault(tuple(sorted(matrix.shape)), []).append(name)
    stacks = []
    for (rows, columns), names in by_shape.items():
        first = matrices[names[0]]
        scales = [max(1.0, matrices[n].shape[0] / matrices[n].shape[1]) ** 0.5 for n in names]
        stacks.append(
            Stack(
                names=tuple(names),
                turned=tuple(matrices[n].shape[0] > matrices[n].shape[1] for n in names),
                momentum=torch.zeros(len(names), rows, columns, device=first.device),
                scales=torch.tensor(scales, device=first.device).view(-1, 1, 1),
            )
        )
    return stacks


class Muon:
    """The rule for matrices: Nesterov momentum, orthogonalized, scaled to the shape.

    `weights` are float32 and changed in place. `rate` is what a step moves a weight matrix, in
    units of an orthogonal one, at the schedule's height.

    >>> weight = torch.zeros(2, 2)
    >>> Muon({"w": weight}, rate=0.1).update({"w": torch.eye(2)})
    >>> weight.round(decimals=2)
    tensor([[-0.1100,  0.0000],
            [ 0.0000, -0.1100]])
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        *,
        rate: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.weights = dict(weights)
        self.rate = rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.dtype = dtype
        self.stacks = stack_shapes(self.weights)

    def update(self, gradients: Mapping[str, Tensor], *, scale: float = 1.0, step: int = 1) -> None:
        """Move the weights by one step at `scale` times the rate; `step` does not matter here."""
        for stack in self.stacks:
            gradient = stack.gather(gradients)
            stack.momentum.lerp_(gradient, 1 - self.momentum)
            ahead = gradient.lerp_(stack.momentum, self.momentum)  # Nesterov: look a step ahead
            direction = orthogonalize(ahead, dtype=self.dtype).float().mul_(stack.scales)
            weights = [self.weights[name] for name in stack.names]
            if self.weight_decay:
                torch._foreach_mul_(weights, 1 - self.rate * scale * self.weight_decay)
            moves = list(stack.scatter(direction).values())
            torch._foreach_add_(weights, moves, alpha=-self.rate * scale)

    def state(self) -> dict[str, Tensor]:
        """What the next step needs, by name; views, so that copying into them restores a state."""
        return {
            f"momentum.{name}": momentum
            for stack in self.stacks
            for name, momentum in stack.scatter(stack.momentum).items()
        }
