"""Looking inside: what comes next, how likely a text is, and what each layer holds.

Shapes: B rows, T tokens, C channels, H heads, L layers, V vocabulary, N answer tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import torch
import torch.nn.functional as F
from torch import Tensor

from tinyllm.model.generation import room_for
from tinyllm.model.transformer import Transformer, attention_by_hand


@torch.no_grad()
def next_tokens(model: Transformer, ids: Sequence[int], k: int = 10) -> list[tuple[int, float]]:
    """The `k` likeliest tokens after `ids`, likeliest first, each with its probability.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16, num_hidden_layers=1))
    >>> [(token, probability)] = next_tokens(model, [1, 2, 3], k=1)
    >>> 1 / 16 < probability < 1
    True
    """
    room_for(model, ids, 0)
    hidden = model.hidden(torch.tensor([ids], device=model.output_weight.device))
    probabilities = model.logits(hidden[0, -1]).softmax(-1)  # (V)
    best, tokens = probabilities.topk(min(k, len(probabilities)))
    return list(zip(tokens.tolist(), best.tolist(), strict=True))


@overload
def sequence_logprobs(
    model: Transformer, ids: Tensor, answer_mask: Tensor, *, full: Literal[False] = False
) -> Tensor: ...
@overload
def sequence_logprobs(
    model: Transformer, ids: Tensor, answer_mask: Tensor, *, full: Literal[True]
) -> tuple[Tensor, Tensor]: ...
def sequence_logprobs(
    model: Transformer, ids: Tensor, answer_mask: Tensor, *, full: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """log p(token | what stands before it), in nats, where `answer_mask` is True; 0 elsewhere.

    `ids` (B,T) are padded on the right, `answer_mask` (B,T) is boolean and False in the first
    column, before which nothing stands. Scores are computed where they are needed and nowhere
    else. Gradients flow unless the caller turned them off.

    Returns (B,T). With `full`, also the log-probabilities of the whole vocabulary (N,V) for the N
    tokens of `answer_mask`, row after row, as an exact KL divergence needs them.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16, num_hidden_layers=1))
    >>> ids = torch.tensor([[1, 2, 3, 4]])
    >>> answer = torch.tensor([[False, False, True, True]])
    >>> logprobs, everything = sequence_logprobs(model, ids, answer, full=True)
    >>> bool((logprobs != 0).equal(answer)), everything.shape
    (True, torch.Size([2, 16]))
    """
    if answer_mask.dtype != torch.bool or answer_mask.shape != ids.shape:
        raise ValueError(
            f"expected a boolean answer_mask of shape {tuple(ids.shape)}, got {answer_mask.dtype} "
            f"of shape {tuple(answer_mask.shape)}"
        )
    if bool(answer_mask[:, 0].any()):
        raise ValueError(
            "expected an answer_mask that is False in its first column, got True: nothing stands "
            "before the first token, so it has no probability"
        )
    before = model.hidden(ids[:, :-1])[answer_mask[:, 1:]]  # (N,C), one position ahead
    scores = model.logits(before).log_softmax(-1)  # (N,V)
    chosen = scores.gather(1, ids[answer_mask][:, None])[:, 0]  # (N)
    logprobs = torch.zeros(ids.shape, device=ids.device).masked_scatter(answer_mask, chosen)
    return (logprobs, scores) if full else logprobs


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Everything that one text of T tokens leaves behind on its way through the model, float32.

    `attention` (L,H,T,T): how much token t (row) takes from token s (column); rows sum to 1.
    `residual` (L+1,T,C): the residual stream before the first layer and after each.
    `lens` (L+1,T,V): the log-probabilities that the stream would give there, were the other layers
    skipped (the logit lens, nostalgebraist 2020); the last are the model's own.
    """

    attention: Tensor
    residual: Tensor
    lens: Tensor


@torch.no_grad()
def trace(model: Transformer, ids: Sequence[int]) -> Trace:
    """Read `ids` with attention computed by hand, and keep what there is to see.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16, num_hidden_layers=2))
    >>> seen = trace(model, [1, 2, 3])
    >>> seen.attention.shape, seen.residual.shape, seen.lens.shape
    (torch.Size([2, 4, 3, 3]), torch.Size([3, 3, 128]), torch.Size([3, 3, 16]))
    """
    room_for(model, ids, 0)
    weights: list[Tensor] = []

    def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        mixed, looks = attention_by_hand(q, k, v, bias)
        weights.append(looks[0])
        return mixed

    decoder = model.model
    text = torch.tensor([ids], device=model.output_weight.device)
    turn, bias = decoder.place(text)
    stream = [decoder.embed_tokens(text)]  # each (1,T,C)
    for block in decoder.layers:
        stream.append(block(stream[-1], turn, bias, None, attend))
    residual = torch.cat(stream)  # (L+1,T,C)
    lens = F.log_softmax(model.logits(decoder.norm(residual)), -1)
    return Trace(attention=torch.stack(weights).float(), residual=residual.float(), lens=lens)
