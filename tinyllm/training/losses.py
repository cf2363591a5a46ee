"""The loss of pretraining and of fine-tuning: how surprised the model is by what comes next."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from tinyllm.model import Transformer
from tinyllm.training.batches import IGNORED, Batch
from tinyllm.training.cross_entropy import cross_entropy

ROUND = 256
"""Scores are computed for so many places at a time. PyTorch's bfloat16 products on a CPU prepare,
and keep, a kernel for every new shape: with as many places as there are targets, another number in
every batch, fine-tuning held 1.1 GB of them."""


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
    return cross_entropy(hidden, model.output_weight, targets), {}
