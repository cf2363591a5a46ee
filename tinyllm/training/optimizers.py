"""From gradients to new weights: Muon for matrices, AdamW for everything else.

A model in bfloat16 has too few digits to add small steps to: 1 + 0.003 is 1. So the weights that
are learned, the *masters*, are kept in float32, and the model gets a rounded copy after every step.

Every rule works on all its tensors at once (`torch._foreach_*`): at our size the number of
operations costs more than the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from tinyllm.training.muon import Muon


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How fast which weights learn.

    `matrices` is Muon's rate, for the matrices inside the layers; the others are AdamW's, for the
    embedding, for the gains of the norms, and for a head (untied scores, a reward model's number).
    `clip` bounds the norm of the whole gradient; None leaves it as it is.

    With `embedding_warmup`, the embedding's rate rises from zero over so many steps. Fresh
    embeddings are all different; learned fast, the words that are used alike (the names of
    children, say) soon become one, and a model that cannot tell them apart cannot learn to copy
    the right one. Matrices that learn first find out that the difference matters.

    >>> Rates(matrices=-1.0)
    Traceback (most recent call last):
    ...
    ValueError: expected matrices to be at least 0, got -1.0
    """

    matrices: float = 0.012
    embedding: float = 0.03
    gains: float = 0.03
    head: float = 0.012
    embedding_warmup: int = 0
    momentum: float = 0.95
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        for name in ("matrices", "embedding", "gains", "head", "embedding_warmup", "weight_decay"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"expected {name} to be at least 0, got {getattr(self, name)}")
        for name, value in (("momentum", self.momentum), *(("betas", b) for b in self.betas)):
            if not 0 <= value < 1:
                raise ValueError(f"expected {name} to be in [0, 1), got {value}")
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"expected clip to be above 0 or None, got {self.clip}")


class Rule(Protocol):
    """How some of the weights move: `Muon` or `AdamW`."""

    weights: dict[str, Tensor]
    rate: float

    def update(self, gradients: Mapping[str, Tensor], *, scale: float, step: int) -> None:
        """Move the weights, in place."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What the next step needs, as views."""
        ...


class AdamW:
    """Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).

    m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2, and the weight moves by
    -rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon). `weights` are float32 and changed
    in place; the results are those of `torch.optim.AdamW`. The rate rises to its height over the
    first `warmup` steps.

    >>> weight = torch.zeros(2)
    >>> AdamW({"w": weight}, rate=0.1).update({"w": torch.tensor([5.0, -0.01])}, step=1)
    >>> weight
    tensor([-0.1000,  0.1000])
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        *,
        rate: float,
        betas: tuple[float, float] = (0.9, 0.95),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        warmup: int = 0,
    ) -> None:
        self.weights = dict(weights)
        self.rate = rate
        self.warmup = warmup
        self.betas = betas
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self._weights = list(self.weights.values())
        self.first = [torch.zeros_like(weight) for weight in self._weights]
        self.second = [torch.zeros_like(weight) for weight in self._weights]

    def update(self, gradients: Mapping[str, Tensor], *, scale: float = 1.0, step: int) -> None:
        """Move the weights by step number `step`, counted from 1, at `scale` times the rate."""
        rate, (b1, b2) = self.rate * scale, self.betas
        if step < self.warmup:
            rate *= step / self.warmup
        gradient = [gradients[name].float() for name in self.weights]
        torch._foreach_lerp_(self.first, gradient, 1 - b1)
        torch._foreach_mul_(self.second, b2)
        torch._foreach_addcmul_(self.second, gradient, gradient, 1 - b2)
        spread = torch._foreach_sqrt(self.second)
        torch._foreach_div_(spread, math.sqrt(1 - b2**step))
        torch._foreach_add_(spread, self.epsilon)
        if self.weight_decay:
            torch._foreach_mul_(self._weights, 1 - rate * self.weight_decay)
        torch._foreach_addcdiv_(self._weights, self.first, spread, -rate / (1 - b1**step))

    def state(self) -> dict[str, Tensor]:
        """Both moments of every weight; copying into them restores a state."""
        moments = {"first": self.first, "second": self.second}
        return {
            f"{moment}.{name}": tensor
            for moment, tensors in moments.items()
            for name, tensor in zip(self.weights, tensors, strict=True)
        }


def masters_of(model: nn.Module) -> dict[str, Tensor]:
    """The weights to be learned, float32: the model's own where they are, else a wider copy."""
    return {
        name: parameter.data if parameter.dtype == torch.float32 else parameter.data.float()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


class Optimizer:
    """All rules of a model as one: `step` moves every weight and clears the gradients.

    `steps` counts the steps taken. The first rule's rate is the one that is reported. Every weight
    with a gradient must belong to exactly one rule, by the name it has in the model.

    >>> model = nn.Linear(2, 1)
    >>> optimizer = Optimizer(model, [AdamW(masters_of(model), rate=0.1)])
    >>> model(torch.ones(1, 2)).sum().backward()
    >>> optimizer.step(scale=0.5)
    {}
    >>> optimizer.steps, sorted(optimizer.state_dict())[:2]
    (1, ['first.bias', 'first.weight'])
    """

    def __init__(
        self, model: nn.Module, rules: Sequence[Rule], *, clip: float | None = None
    ) -> None:
        self.parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self.rules = [rule for rule in rules if rule.weights]
        self.clip = clip
        self.steps = 0
        named = [name for rule in self.rules for name in rule.weights]
        if sorted(named) != sorted(self.parameters):
            odd = set(named) ^ set(self.parameters) or {n for n in named if named.count(n) > 1}
            raise ValueError(
                f"expected every weight in exactly one rule, got {min(odd)} in "
                f"{named.count(min(odd))}; give it to one rule, or set its requires_grad to False"
            )
        self.masters = {name: w for rule in self.rules for name, w in rule.weights.items()}
        rounded = [n for n in self.masters if self.parameters[n].dtype != torch.float32]
        self._rounded = [self.parameters[name].data for name in rounded]
        self._wide = [self.masters[name] for name in rounded]

    @property
    def rate(self) -> float:
        """The base rate of the first rule."""
        return self.rules[0].rate

    def step(self, scale: float = 1.0) -> dict[str, float]:
        """Move every weight at `scale` times its rate; gives the gradient's norm when clipping."""
        gradients: dict[str, Tensor] = {}
        for name, parameter in self.parameters.items():
            if parameter.grad is None:
                raise ValueError(
                    f"expected a gradient for every weight, got none for {name}; "
                    "leave out of the optimizer what the loss does not use"
                )
            gradients[name] = parameter.grad
        metrics = {}
        if self.clip is not None:
            norm = nn.utils.clip_grad_norm_(self.parameters.values(), self.clip)
            metrics["gradient_norm"] = float(norm)
        self.steps += 1
        for rule in self.rules:
            rule.update(gradients, scale=scale, step=self.steps)
        if self._rounded:
            torch._foreach_copy_(self._rounded, self._wide)
        for parameter in self.parameters.values():
            parameter.grad = None
        return metrics

    def is_finite(self) -> bool:
        """Whether every weight is a number."""
        return all(bool(torch.isfinite(weight).all()) for weight in self.masters.values())

    def state_dict(self) -> dict[str, Tensor]:
        """Masters and moments as flat named tensors that share memory with the optimizer."""
        state = {f"master.{name}": weight for name, weight in self.masters.items()}
        for rule in self.rules:
            state.update(rule.state())
        return state

    def load_state_dict(self, state: Mapping[str, Tensor], *, steps: int) -> None:
        """Restore what `state_dict` gave after `steps` steps, into the model too."""
        own = self.state_dict()
        if own.keys() != state.keys():
            odd = min(own.keys() ^ state.keys())
            raise ValueError(f"expected a state of the same model and rules; they differ in {odd}")
        for name, tensor in own.items():
            tensor.copy_(state[name])
        if self._rounded:
            torch._foreach_copy_(self._rounded, self._wide)
        self.steps = steps


def optimizer_for(model: nn.Module, rates: Rates | None = None) -> Optimizer:
    """The optimizer of every stage: Muon for the matrices inside layers, AdamW for the rest.

    Muon orthogonalizes in the dtype of the model. Weights that need no gradient are left alone.

    >>> from tinyllm.model import ModelConfig, Transformer
    >>> optimizer = optimizer_for(Transformer(ModelConfig(vocab_size=16, num_hidden_layers=1)))
    >>> [(type(rule).__name__, len(rule.weights), rule.rate) for rule in optimizer.rules]
    [('Muon', 7, 0.012), ('AdamW', 1, 0.03), ('AdamW', 5, 0.03)]
    """
    rates = rates or Rates()
    groups: dict[str, dict[str, Tensor]] = {
        "matrices": {},
        "embedding": {},
        "gains": {},
        "head": {},
    }
    masters = masters_of(model)
    for name, weight in masters.items():
        groups[_group(name, weight)][name] = weight
    dtypes = {p.dtype for p in model.parameters() if p.requires_grad}
    matrices = Muon(
        groups.pop("matrices"),
        rate=rates.matrices,
        momentum=rates.momentum,
        weight_decay=rates.weight_decay,
        dtype=torch.bfloat16 if torch.bfloat16 in dtypes else torch.float32,
    )
    others = [
        AdamW(
            weights,
            rate=getattr(rates, group),
            betas=rates.betas,
            epsilon=rates.epsilon,
            weight_decay=rates.weight_decay if group == "head" else 0.0,
            warmup=rates.embedding_warmup if group == "embedding" else 0,
        )
        for group, weights in groups.items()
    ]
    return Optimizer(model, [matrices, *others], clip=rates.clip)


def _group(name: str, weight: Tensor) -> str:
    if weight.dim() < 2:
        return "gains"
    if ".layers." in f".{name}":
        return "matrices"
    return "embedding" if "embed_tokens" in name else "head"
