"""The language model: a decoder-only transformer, all of it.

Text comes in as token numbers; for every position the model returns a score (logit) for every
token that might come next. The layout is Qwen3's (RMSNorm before each part, rotary positions,
QK-norm, SwiGLU, tied embeddings, no biases) and so are the parameter names: a folder of ours opens
in `transformers` and the other way round. Llama is the same without QK-norm.

Shapes: B batch, T time (tokens), S tokens seen so far (cache included), C channels of the residual
stream, H query heads, K key and value heads, D channels of a head, V vocabulary.

Left out: dropout (a small model that sees each text once does not need it), biases, sliding
windows, mixtures of experts.
"""
# ruff: noqa: N806  (shapes are named by the capital letters of the legend above)

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tinyllm.files import TinyLLMError
from tinyllm.model.cache import KVCache, left_padding
from tinyllm.model.config import ModelConfig
from tinyllm.model.fresh import initialise
from tinyllm.model.norm import RMSNorm, rms_norm
from tinyllm.model.rotary import Rotary, Turn, rotate

Attend = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""(queries (B,H,T,D), keys (B,K,S,D), values (B,K,S,D), bias or None) -> (B,H,T,D)."""


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A matrix (outputs, inputs) without bias, left unfilled: `initialise` draws all weights."""
    return nn.Linear(inputs, outputs, bias=False, device="meta").to_empty(device="cpu")


def attention_by_hand(
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """softmax(q k^T / sqrt(D)) v, each token seeing itself and what came before it.

    Vaswani et al. 2017, equation 1. q is (B,H,T,D), k and v are (B,K,S,D), the T queries being the
    last T of S; `bias` (broadcast to (B,H,T,S)) is added to the scores in place of the causal
    one. Returns the output (B,H,T,D) and the weights (B,H,T,S), of which every row sums to 1.

    >>> q = k = v = torch.ones(1, 1, 3, 2)
    >>> attention_by_hand(q, k, v)[1][0, 0]
    tensor([[1.0000, 0.0000, 0.0000],
            [0.5000, 0.5000, 0.0000],
            [0.3333, 0.3333, 0.3333]])
    """
    T, S = q.shape[2], k.shape[2]
    shared = q.shape[1] // k.shape[1]  # query heads that share a key head
    if shared > 1:
        k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)  # (B,H,S,D)
    if bias is None:
        bias = q.new_full((T, S), float("-inf")).triu(S - T + 1)  # the future weighs nothing
    scores = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1) + bias  # (B,H,T,S)
    weights = scores.softmax(-1)
    return weights @ v, weights


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """The output of `attention_by_hand`, by PyTorch's fused kernel where that is faster.

    On a CPU it is slower than plain matrix products twice (measured on Zen 4): in bfloat16, where
    forward and backward together take it twice as long (T = 256), and for one query a text.
    """
    if q.shape[2] == 1 and q.device.type == "cpu":
        return _attention_of_one(q, k, v, bias)
    if q.dtype == torch.bfloat16 and q.device.type == "cpu":
        return attention_by_hand(q, k, v, bias)[0]
    causal = bias is None and q.shape[2] > 1
    grouped = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=bias, is_causal=causal, enable_gqa=grouped
    )


def _attention_of_one(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """`attention` for T = 1: query heads that share a key head meet it together."""
    B, H, _, D = q.shape
    q = q.reshape(B, k.shape[1], -1, D) * D**-0.5  # (B,K,H/K,D)
    scores = q @ k.transpose(-2, -1)  # (B,K,H/K,S)
    if bias is not None:
        scores = scores + bias  # (B,1,1,S)
    return (scores.softmax(-1) @ v).view(B, H, 1, D)


class Attention(nn.Module):
    """Tokens look back: each gathers what it needs from the tokens before it.

    Queries and keys are normed (QK-norm, Henry et al. 2020), so that scores stay bounded.
    """

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        C, D = config.hidden_size, config.head_dim
        H, K = config.num_attention_heads, config.num_key_value_heads
        self.config, self.layer = config, layer
        self.q_proj = linear(C, H * D)
        self.k_proj = linear(C, K * D)
        self.v_proj = linear(C, K * D)
        self.o_proj = linear(H * D, C)
        if config.architecture == "qwen3":
            self.q_norm = RMSNorm(D, config.rms_norm_eps)
            self.k_norm = RMSNorm(D, config.rms_norm_eps)

    def forward(
        self, x: Tensor, turn: Turn, bias: Tensor | None, cache: KVCache | None, attend: Attend
    ) -> Tensor:
        """x (B,T,C) -> (B,T,C)."""
        B, T, _ = x.shape
        H, K = self.config.num_attention_heads, self.config.num_key_value_heads
        D = self.config.head_dim
        # One product, and one norm and turn for queries and keys: many small operations cost.
        weight = torch.cat((self.q_proj.weight, self.k_proj.weight, self.v_proj.weight))
        qk, v = torch.split(F.linear(x, weight).view(B, T, H + 2 * K, D), [H + K, K], 2)
        if self.config.architecture == "qwen3":
            gain = torch.cat((self.q_norm.weight.expand(H, D), self.k_norm.weight.expand(K, D)))
            qk = rms_norm(qk, None, self.config.rms_norm_eps) * gain
        q, k = torch.split(rotate(qk, turn).transpose(1, 2), [H, K], 1)  # (B,H,T,D), (B,K,T,D)
        v = v.transpose(1, 2)  # (B,K,T,D)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)  # (B,K,S,D)
        y = attend(q, k, v, bias)  # (B,H,T,D)
        mixed: Tensor = self.o_proj(y.transpose(1, 2).reshape(B, T, H * D))
        return mixed


class MLP(nn.Module):
    """Each token thinks by itself: SwiGLU, a gated two-layer network (Shazeer 2020)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = linear(config.hidden_size, config.intermediate_size)
        self.up_proj = linear(config.hidden_size, config.intermediate_size)
        self.down_proj = linear(config.intermediate_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        """x (B,T,C) -> (B,T,C)."""
        y: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return y


class Block(nn.Module):
    """One layer: look back, then think; each adds its result to the residual stream."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(
        self, x: Tensor, turn: Turn, bias: Tensor | None, cache: KVCache | None, attend: Attend
    ) -> Tensor:
        """x (B,T,C) -> (B,T,C)."""
        x = x + self.self_attn(self.input_layernorm(x), turn, bias, cache, attend)
        y: Tensor = self.mlp(self.post_attention_layernorm(x))
        return x + y


class Decoder(nn.Module):
    """Embedding, blocks, final norm: all but the scores. A reward model stands on it too."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        V, C = config.vocab_size, config.hidden_size
        self.embed_tokens = nn.Embedding(V, C, _weight=torch.empty(V, C))
        self.layers = nn.ModuleList(Block(config, i) for i in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.rotary = Rotary(
            config.max_position_embeddings, config.head_dim, config.rope_theta, config.rope_scaling
        )

    def forward(
        self,
        ids: Tensor,
        *,
        mask: Tensor | None = None,
        cache: KVCache | None = None,
        documents: Tensor | None = None,
    ) -> Tensor:
        """Ids (B,T) int64 -> hidden states (B,T,C); see `Transformer.forward`."""
        turn, bias = self.place(ids, mask, cache)
        if documents is not None:
            bias = self.within(documents)
        x = self.embed_tokens(ids)  # (B,T,C)
        for block in self.layers:
            x = block(x, turn, bias, cache, attention)
        if cache is not None:
            cache.length += ids.shape[1]
        normed: Tensor = self.norm(x)
        return normed

    def place(
        self, ids: Tensor, mask: Tensor | None = None, cache: KVCache | None = None
    ) -> tuple[Turn, Tensor | None]:
        """How far each token is turned, and what it may see, as a bias on attention scores.

        Without padding a token sees itself and all before it, and no bias says so. Positions count
        from a row's first real token, so padding changes nothing.
        """
        T, context = ids.shape[1], self.config.max_position_embeddings
        past = 0 if cache is None else cache.length
        padding = None if cache is None else cache.padding
        if mask is not None:
            if past:
                raise ValueError(
                    "expected a mask with the first tokens alone, got one with later ones"
                )
            padding = left_padding(mask)  # (B)
            if cache is not None:
                cache.padding = padding
        length = past + T - (0 if padding is None else int(padding.min()))
        if length > context:
            raise TinyLLMError(
                f"The text has {length} tokens and this model reads at most {context}. Shorten it."
            )
        if padding is None:
            if past == 0 or T == 1:
                return self.rotary(slice(past, past + T)), None
            padding = ids.new_zeros(1)
        query = torch.arange(past, past + T, device=ids.device)  # (T)
        key = torch.arange(past + T, device=ids.device)  # (S)
        seen = (key <= query[:, None]) & (key >= padding[:, None, None])  # (B,T,S)
        # A pad sees nothing. The least number in place of -inf keeps its softmax a number.
        dtype = self.norm.weight.dtype
        bias = torch.zeros_like(seen, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)
        return self.rotary((query - padding[:, None]).clamp(min=0)), bias[:, None]

    def within(self, documents: Tensor) -> Tensor:
        """The bias (B,1,T,T) that keeps each token inside its own document, given as a number for
        every token (B,T): it sees itself and what came before it there."""
        seen = (documents[:, None, :, None] == documents[:, None, None, :]).tril()  # (B,1,T,T)
        return torch.zeros_like(seen, dtype=self.norm.weight.dtype).masked_fill(~seen, -torch.inf)


class Transformer(nn.Module):
    """A language model: token numbers in, a score for every possible next token out.

    Fresh weights come from `generator` (None: one seeded with 0). `o_proj` and `down_proj` start
    at zero and the embeddings small, so that every block is at first the identity and the loss of
    a fresh model is ln V, that of a uniform guess.

    >>> config = ModelConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2)
    >>> model = Transformer(config)
    >>> ids = torch.tensor([[1, 2, 3]])
    >>> model(ids).shape
    torch.Size([1, 3, 64])
    >>> round(F.cross_entropy(model(ids)[0, :-1], ids[0, 1:]).item(), 1)  # ln 64 is 4.2
    4.3
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        if not config.tie_word_embeddings:
            self.lm_head = linear(config.hidden_size, config.vocab_size)
        initialise(self, generator)

    def hidden(
        self,
        ids: Tensor,
        *,
        mask: Tensor | None = None,
        cache: KVCache | None = None,
        documents: Tensor | None = None,
    ) -> Tensor:
        """Ids (B,T) int64 -> hidden states (B,T,C). Where documents share a row, `documents`
        (B,T) numbers them, and none sees another."""
        hidden: Tensor = self.model(ids, mask=mask, cache=cache, documents=documents)
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states (...,C) -> logits (...,V), float32. Pass the positions you need alone."""
        return F.linear(hidden, self.output_weight).float()

    @property
    def output_weight(self) -> Tensor:
        """The matrix (V,C) that turns hidden states to logits: the embeddings, when tied."""
        tied = self.config.tie_word_embeddings
        return self.model.embed_tokens.weight if tied else self.lm_head.weight

    def forward(
        self, ids: Tensor, *, mask: Tensor | None = None, cache: KVCache | None = None
    ) -> Tensor:
        """Ids (B,T) int64 -> logits (B,T,V), float32.

        `mask` (B,T) is False where a row is padded on its left. With a `cache`, `ids` are the
        tokens that follow those already in it; a mask comes with the first of them. More tokens
        than the context: `TinyLLMError`.
        """
        return self.logits(self.hidden(ids, mask=mask, cache=cache))
