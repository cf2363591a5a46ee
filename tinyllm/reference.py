"""Does this machine compute rightly? A small training, done twice and compared.

Once as tinyllm does it everywhere, on a device and in a dtype of choice; and once plainly: the
model formula by formula in float64, differentiated by PyTorch, moved by the textbook's rules. The
two share weights, text and constants and no code, so a kernel that computes wrongly moves one away
from the other, on a graphics card or on a processor, and so does a mistake in a gradient or a rule.

All weights are drawn. In a fresh model the matrices that write into the residual stream are zero,
and what lies behind zeros cannot be seen.

Shapes: B batch, T time, H heads, D channels of a head, V vocabulary; C channels.
"""
# ruff: noqa: N806  (shapes are named by the capital letters of the legend above)

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor

from tinyllm.files import TinyLLMError
from tinyllm.model import ModelConfig, Transformer
from tinyllm.training import IGNORED, Batch, Rates, next_token_loss, optimizer_for, train
from tinyllm.training.muon import QUINTIC
from tinyllm.training.plan import DTYPES

STEPS = 20
ROWS = 4
CONFIG = ModelConfig(vocab_size=256, max_position_embeddings=64)
"""The size nano, with few tokens."""
RATES = Rates()

Weights = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Computed:
    """What a computation gave, on the CPU in float64: the logits (B,T,V), the gradient of every
    weight, and the losses of a training, nats a token, step by step."""

    logits: Tensor
    gradients: Weights
    losses: Tensor


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """How far one computation lies from another.

    `forward`: the norm of the difference of the logits, over their norm. `backward`: the same of
    the gradient of the weight in which they differ most. `training`: the largest difference of two
    losses at the same step, nats a token.

    >>> Gaps(forward=1e-6, backward=0.2, training=1e-6).beyond(TOLERANCES["float32"])
    ['backward']
    """

    forward: float
    backward: float
    training: float

    def beyond(self, most: Gaps) -> list[str]:
        """The names of the gaps that are larger than those of `most`, or no number."""
        return [name for name, gap in vars(self).items() if not gap <= getattr(most, name)]


TOLERANCES = {
    "float32": Gaps(forward=1e-4, backward=1e-3, training=1e-3),
    "bfloat16": Gaps(forward=0.05, backward=0.15, training=0.1),
}
"""What rounding may do. Measured on a CPU, six seeds, the largest of each: 9e-7, 3e-6 and 2e-6 nats
in float32; 0.015, 0.045 and 0.016 nats in bfloat16. Another processor adds in another order and has
other exponentials: in float32 it is given a hundred times as much, in bfloat16, whose eight digits
are lost in the same places everywhere, three to six times. A wrong kernel or rule is no matter of
rounding: the faults planted in the tests lie beyond these numbers in both."""


def compare(device: torch.device, dtype: str, *, plain: Computed) -> Gaps:
    """How far the usual computation, on `device` in `dtype`, lies from `plain` (of `plainly`).

    What `device` cannot do at all is a `RuntimeError`.

    >>> gaps = compare(torch.device("cpu"), "float32", plain=plainly(steps=2))
    >>> gaps.beyond(TOLERANCES["float32"])
    []
    """
    usual = as_usual(device, dtype, steps=len(plain.losses))
    return Gaps(
        forward=_distance(usual.logits, plain.logits),
        backward=_most(
            _distance(usual.gradients[name], gradient) for name, gradient in plain.gradients.items()
        ),
        training=_most((usual.losses - plain.losses).abs().tolist()),
    )


def as_usual(device: torch.device, dtype: str, *, steps: int = STEPS) -> Computed:
    """The computation with tinyllm's own model, loss, optimizer and loop.

    A training whose loss is no longer a number ends there; the losses it owes are NaN, and so is a
    gradient that did not come.

    >>> as_usual(torch.device("cpu"), "float32", steps=2).logits.shape
    torch.Size([4, 64, 256])
    """
    batch = draw_batch().to(device)
    model = Transformer(CONFIG)
    model.load_state_dict(draw_weights())
    model.to(device, DTYPES[dtype])
    losses: list[float] = []
    with _one_thread():
        with torch.no_grad():
            logits = model(batch.ids)
        next_token_loss(model, batch)[0].backward()  # type: ignore[no-untyped-call]
        gradients = {
            name: _wide(torch.full_like(w, torch.nan) if w.grad is None else w.grad)
            for name, w in model.named_parameters()
        }
        model.zero_grad()
        with suppress(TinyLLMError):
            for event in train(
                model,
                repeat(batch),
                next_token_loss,
                optimizer=optimizer_for(model, RATES),
                schedule=lambda step: 1.0,
                steps=steps,
                stage="base",
            ):
                losses.append(event.loss)
    losses += [torch.nan] * (steps - len(losses))
    return Computed(logits=_wide(logits), gradients=gradients, losses=torch.tensor(losses).double())


def plainly(*, steps: int = STEPS) -> Computed:
    """The same by formulas alone, in float64 on the CPU.

    >>> plain = plainly(steps=2)
    >>> bool(plain.losses[1] < plain.losses[0])
    True
    """
    batch = draw_batch()
    weights = {name: w.double().requires_grad_() for name, w in draw_weights().items()}
    memory = {name: torch.zeros(2, *w.shape).double() for name, w in weights.items()}
    losses: list[float] = []
    with _one_thread():
        logits = plain_logits(weights, batch.ids).detach()
        for step in range(1, steps + 1):
            loss = plain_loss(weights, batch)
            gradients = dict(zip(weights, torch.autograd.grad(loss, list(weights.values()))))
            if step == 1:
                first = gradients
            losses.append(loss.item())
            for name, gradient in gradients.items():
                weights[name].data -= plain_move(name, gradient, memory[name], step)
    return Computed(logits=logits, gradients=first, losses=torch.tensor(losses).double())


def draw_weights() -> Weights:
    """Weights of the size of trained ones, float32 with the digits of bfloat16: every dtype then
    begins at the same place.

    >>> draw_weights()["model.norm.weight"].shape
    torch.Size([128])
    """
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, weight in Transformer(CONFIG).named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        matrix = weight.dim() == 2
        weights[name] = noise * weight.shape[-1] ** -0.5 if matrix else 1 + 0.1 * noise
    return {name: weight.bfloat16().float() for name, weight in weights.items()}


def draw_batch() -> Batch:
    """Random tokens: two texts in each row, and places at its beginning that have no target.

    >>> draw_batch().ids.shape
    torch.Size([4, 64])
    """
    T, V = CONFIG.max_position_embeddings, CONFIG.vocab_size
    ids = torch.randint(V, (ROWS, T + 1), generator=torch.Generator().manual_seed(0))
    targets = ids[:, 1:].clone()
    targets[:, : T // 8] = IGNORED
    documents = (torch.arange(T) // (T // 2)).expand(ROWS, T)
    return Batch(ids=ids[:, :-1], targets=targets, documents=documents)


def plain_logits(weights: Weights, ids: Tensor, documents: Tensor | None = None) -> Tensor:
    """The transformer, formula by formula: ids (B,T) -> logits (B,T,V).

    Rotation is written as Su et al. 2021 put it: a pair of channels is a complex number, and
    position t multiplies it by e^(i t / theta^(2j/D)).

    >>> plain_logits(draw_weights(), torch.zeros(1, 3, dtype=torch.int64)).shape
    torch.Size([1, 3, 256])
    """
    (B, T), H, D = ids.shape, CONFIG.num_attention_heads, CONFIG.head_dim
    dtype = weights["model.norm.weight"].dtype
    seen = torch.ones(T, T, dtype=torch.bool).tril()
    if documents is not None:
        seen = seen & (documents[:, None, :, None] == documents[:, None, None, :])  # (B,1,T,T)
    angle = torch.arange(T)[:, None] / CONFIG.rope_theta ** (torch.arange(0, D, 2).to(dtype) / D)
    turn = torch.polar(torch.ones_like(angle), angle)  # (T,D/2)

    def norm(x: Tensor, name: str) -> Tensor:
        square = x.square().mean(-1, keepdim=True)
        return weights[f"{name}.weight"] * x / (square + CONFIG.rms_norm_eps).sqrt()

    def through(x: Tensor, name: str) -> Tensor:
        return x @ weights[f"{name}.weight"].T

    def heads(x: Tensor) -> Tensor:
        return x.view(B, T, H, D).transpose(1, 2)  # (B,H,T,D)

    def turned(x: Tensor) -> Tensor:
        pairs = torch.complex(*x.chunk(2, -1)) * turn
        return torch.cat((pairs.real, pairs.imag), -1)

    x = weights["model.embed_tokens.weight"][ids]  # (B,T,C)
    for layer in (f"model.layers.{number}" for number in range(CONFIG.num_hidden_layers)):
        look, think = f"{layer}.self_attn", f"{layer}.mlp"
        h = norm(x, f"{layer}.input_layernorm")
        q = turned(norm(heads(through(h, f"{look}.q_proj")), f"{look}.q_norm"))
        k = turned(norm(heads(through(h, f"{look}.k_proj")), f"{look}.k_norm"))
        scores = (q @ k.mT / D**0.5).masked_fill(~seen, -torch.inf)  # (B,H,T,T)
        y = scores.softmax(-1) @ heads(through(h, f"{look}.v_proj"))  # (B,H,T,D)
        x = x + through(y.transpose(1, 2).reshape(B, T, H * D), f"{look}.o_proj")
        h = norm(x, f"{layer}.post_attention_layernorm")
        gate, up = through(h, f"{think}.gate_proj"), through(h, f"{think}.up_proj")
        x = x + through(gate * gate.sigmoid() * up, f"{think}.down_proj")
    return through(norm(x, "model.norm"), "model.embed_tokens")


def plain_loss(weights: Weights, batch: Batch) -> Tensor:
    """Mean of log(sum(e^score)) - score of the target, over the targets that are not -100: nats.

    >>> round(plain_loss(draw_weights(), draw_batch()).item())
    6
    """
    asked = batch.targets != IGNORED
    scores = plain_logits(weights, batch.ids, batch.documents)[asked]
    target = scores.gather(1, batch.targets[asked][:, None])[:, 0]
    return (scores.logsumexp(-1) - target).mean()


def plain_move(name: str, gradient: Tensor, memory: Tensor, step: int) -> Tensor:
    """What step number `step`, counted from 1, takes from the weight `name`: Muon's rule (Jordan et
    al. 2024) for a matrix inside a layer, Adam's (Kingma and Ba 2015) for all else.

    `memory` are the two moments, of which Muon needs the first; they are changed in place.

    >>> plain_move("model.norm.weight", torch.tensor([5.0, -0.01]), torch.zeros(2, 2), 1)
    tensor([ 0.0300, -0.0300])
    """
    matrix = ".layers." in name and gradient.dim() == 2
    b1, b2 = (RATES.momentum, 0.0) if matrix else RATES.betas
    memory[0] = b1 * memory[0] + (1 - b1) * gradient
    memory[1] = b2 * memory[1] + (1 - b2) * gradient**2
    if not matrix:
        rate = RATES.embedding if "embed_tokens" in name else RATES.gains
        first, second = memory[0] / (1 - b1**step), memory[1] / (1 - b2**step)
        return rate * first / (second.sqrt() + RATES.epsilon)
    a, b, c = QUINTIC
    ahead = b1 * memory[0] + (1 - b1) * gradient  # Nesterov
    x: Tensor = ahead / (ahead.norm() + 1e-7)
    rows, columns = gradient.shape
    tall = rows > columns
    for _ in range(5):
        square = x.T @ x if tall else x @ x.T  # the smaller one
        change = b * square + c * square @ square
        x = a * x + (x @ change if tall else change @ x)
    return x * RATES.matrices * math.sqrt(max(1.0, rows / columns))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Matrices this small are not worth a second thread, and on a busy machine they wait for it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().double()


def _distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


def _most(gaps: Iterable[float]) -> float:
    """The largest, or NaN where there is one: `max` would look past it."""
    return float(torch.tensor(list(gaps)).max())
