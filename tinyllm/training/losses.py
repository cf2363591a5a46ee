"""The loss of pretraining and of fine-tuning: how surprised the model is by what comes next."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tinyllm.model import Transformer
from tinyllm.training.batches import IGNORED, Batch

ROUND = 256
"""Scores are computed for so many places at a time. PyTorch's bfloat16 products on a CPU prepare,
and keep, a kernel for every new shape: with as many places as there are targets, another number in
every batch, fine-tuning held 1.1 GB of them."""


PIECE = 512
"""Places whose scores are computed together. For 2,048 places and 4,096 tokens all scores are 33 MB
and pass through memory many times; those of 512 places stay in the processor's cache, and loss and
gradient take 60 ms where they took 85 (two cores, bfloat16)."""


class SurprisePiecewise(torch.autograd.Function):
    """The mean of -log softmax(hidden weight^T)[target], piece by piece.

    The gradient of a place's loss with respect to its scores is softmax(scores) - onehot(target);
    it is multiplied into the gradients of `hidden` and `weight` at once, so that no more than one
    piece of scores exists at a time. `hidden` (N,C) and `weight` (V,C) of one dtype, `targets` (N)
    int64 with -100 where nothing is asked; the scores' exponentials are taken in float32.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        """The loss; its gradients are computed on the way and kept."""
        asked = targets != IGNORED
        number = asked.sum()
        loss = torch.zeros((), device=hidden.device)
        to_hidden = torch.empty_like(hidden)
        to_weight = torch.zeros(weight.shape, dtype=torch.float32, device=weight.device)
        for start in range(0, len(hidden), PIECE):
            piece = slice(start, start + PIECE)
            here = asked[piece, None]
            target = targets[piece, None].clamp_min(0)
            scores = hidden[piece] @ weight.T  # (P,V)
            log_p = F.log_softmax(scores, dim=1, dtype=torch.float32)
            loss -= (log_p.gather(1, target) * here).sum()
            slope = log_p.exp_().scatter_add_(1, target, -here.float())
            if not bool(here.all()):
                slope *= here
            slope = slope.to(hidden.dtype)
            to_hidden[piece] = slope @ weight
            to_weight += slope.T @ hidden[piece]
        ctx.save_for_backward(to_hidden / number, (to_weight / number).to(weight.dtype))
        return loss / number

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        """The gradients that `forward` kept."""
        to_hidden, to_weight = ctx.saved_tensors
        return slopes[0] * to_hidden, slopes[0] * to_weight, None


def next_token_loss(model: Transformer, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """-mean log p(target), in nats a token, over all targets of the batch that are not -100.

    Every target counts the same: the mean is over the tokens of the batch, not over rows or
    answers, so a long answer weighs more than a short one. Scores are computed at the places that
    need them and nowhere else, and the loss in float32.

    >>> import torch
    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=1000, num_hidden_layers=1))
    >>> ids = torch.tensor([[1, 2, 3, 0]])
    >>> loss, _ = next_token_loss(model, Batch(ids=ids, targets=torch.tensor([[2, 3, -100, -100]])))
    >>> round(loss.item())  # ln 1000 is 6.9
    7
    """
    hidden = model.hidden(batch.ids, documents=batch.documents).flatten(0, 1)  # (B*T,C)
    targets = batch.targets.flatten()  # (B*T)
    needed = (targets != IGNORED).nonzero()[:, 0]
    if len(needed) == 0:
        raise ValueError("expected a batch with a target, got one in which every target is -100")
    room = -(-len(needed) // ROUND) * ROUND
    if room < len(targets):
        places = F.pad(needed, (0, room - len(needed)))
        hidden = hidden.index_select(0, places)
        targets = F.pad(targets[needed], (0, room - len(needed)), value=IGNORED)
    loss: Tensor = SurprisePiecewise.apply(hidden, model.output_weight, targets)  # type: ignore[no-untyped-call]
    return loss, {}
