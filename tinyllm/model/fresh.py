"""Fresh weights: what a model is before it has read anything.

The size of the embeddings decides more than it seems to. Words that are used alike (the names of
children, say) are pulled alike by training, so what tells them apart is what they began with. From
a standard deviation of 0.02, the usual choice, that difference drowns, and a model copies no name
it has read, for millions of tokens. From 0.4 copying began after 300 steps or not within 800, as
chance had it; from 0.8 earlier, and from 1.0 earlier still, in every text that was tried with both.
That embeddings begin slowly (`Rates.embedding_warmup`) is the other half (`bench/RESULTS.md`).
"""

from __future__ import annotations

import torch
from torch import nn

EMBEDDING_STD = 1.0
FINAL_GAIN = 0.02
"""The final norm's gain where the embeddings are also the output head: it keeps a fresh model's
scores small, so that all tokens are alike to it and its loss is ln V."""


def initialise(model: nn.Module, generator: torch.Generator | None = None) -> None:
    """Draw fresh weights for every matrix of `model`, in place.

    Matrices are normal with standard deviation 1 / sqrt(inputs), which keeps the size of what
    passes through; those that write into the residual stream, and an output head, are zero.

    >>> layer = nn.ModuleDict({"down_proj": nn.Linear(4, 2, bias=False)})
    >>> initialise(layer)
    >>> layer["down_proj"].weight.abs().sum().item()
    0.0
    """
    generator = generator or torch.Generator().manual_seed(0)
    tied = not hasattr(model, "lm_head")
    for name, weight in model.named_parameters():
        if name.endswith(("o_proj.weight", "down_proj.weight", "lm_head.weight")):
            nn.init.zeros_(weight)
        elif name.endswith("embed_tokens.weight"):
            nn.init.normal_(weight, std=EMBEDDING_STD, generator=generator)
        elif name in ("norm.weight", "model.norm.weight") and tied:
            nn.init.constant_(weight, FINAL_GAIN)
        elif weight.dim() == 2:
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5, generator=generator)
