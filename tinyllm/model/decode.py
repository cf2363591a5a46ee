"""One text, one token at a time, in NumPy: the whole model once more.

What `Transformer` does for many texts at once is, for a single token of a single text, a handful of
products of a matrix and a vector. At our size these take less time than PyTorch needs to begin each
of them, so here they are called from NumPy, with everything folded into the matrices that does not
depend on the text: queries, keys and values are one product, the gains of the norms are multiplied
into the matrices behind them. The numbers are those of `Transformer`, to rounding.

Shapes: C channels, H query heads, K key heads, G = H / K, D channels of a head, S tokens so far.
"""
# ruff: noqa: N806  (shapes are named by the capital letters of the legend above)

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tinyllm.model.cache import KVCache
from tinyllm.model.transformer import Block, Transformer

Array = NDArray[np.float32]

LARGEST = 20_000_000
"""Weights; in a larger model PyTorch's own overhead does not matter."""
EXPONENT = 80.0
"""What is raised to the power of e, at most: e^89 is more than float32 can hold."""


class _Layer(NamedTuple):
    """The matrices of a block, with the gains folded in."""

    qkv: Array  # ((H+2K)*D, C)
    gain: Array | None  # (H+K, D), of queries and keys
    o: Array  # (C, H*D)
    gate_up: Array  # (2*I, C)
    down: Array  # (C, I)


class Decoding:
    """The next token's scores for one text; the cache is the one that `Transformer` filled.

    The weights are copied when it is made: make another when they have changed.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=64))
    >>> cache = KVCache(model.config, rows=1, length=8)
    >>> scores = Decoding(model, cache).step(7)
    >>> bool(torch.allclose(scores, model(torch.tensor([[7]]))[0, -1], atol=1e-5))
    True
    """

    def __init__(self, model: Transformer, cache: KVCache) -> None:
        config = model.config
        self.config, self.cache = config, cache
        self.keys, self.values = cache.keys.numpy(), cache.values.numpy()  # (L,rows,K,length,D)
        self.pads = 0 if cache.padding is None else int(cache.padding[0])
        self.embedding = _array(model.model.embed_tokens.weight)
        self.head = _array(model.output_weight * model.model.norm.weight)
        self.cos, self.sin = _array(model.model.rotary.cos), _array(model.model.rotary.sin)
        self.layers = [self._fold(block) for block in model.model.layers]

    def _fold(self, block: nn.Module) -> _Layer:
        """The weights of a block as they are needed here."""
        assert isinstance(block, Block)
        at, mlp, gain = block.self_attn, block.mlp, None
        if self.config.architecture == "qwen3":
            q = at.q_norm.weight.expand(self.config.num_attention_heads, -1)
            k = at.k_norm.weight.expand(self.config.num_key_value_heads, -1)
            gain = _array(torch.cat((q, k)))
        qkv = torch.cat((at.q_proj.weight, at.k_proj.weight, at.v_proj.weight))
        gate_up = torch.cat((mlp.gate_proj.weight, mlp.up_proj.weight))
        return _Layer(
            _array(qkv * block.input_layernorm.weight),
            gain,
            _array(at.o_proj.weight),
            _array(gate_up * block.post_attention_layernorm.weight),
            _array(mlp.down_proj.weight),
        )

    def step(self, token: int) -> Tensor:
        """Read one token more; the scores (V) of what might follow it, float32."""
        at = self.cache.length
        cos, sin = self.cos[at - self.pads], self.sin[at - self.pads]
        x = self.embedding[token].copy()  # (C)
        for number, layer in enumerate(self.layers):
            x += layer.o @ self._attend(number, layer, layer.qkv @ self._norm(x), at, cos, sin)
            gate, up = np.split(layer.gate_up @ self._norm(x), 2)
            closed = 1 + np.exp(np.minimum(-gate, EXPONENT))
            x += layer.down @ (gate / closed * up)
        self.cache.length += 1
        # As one product of a large matrix NumPy would share it among threads: while other programs
        # compute, these wait for each other a hundred times as long as the work takes.
        return torch.from_numpy(np.vecdot(self.head, self._norm(x)))

    def _attend(
        self, number: int, layer: _Layer, qkv: Array, at: int, cos: Array, sin: Array
    ) -> Array:
        """Queries, keys and values (H+2K)*D of one token -> what it gathers, (H*D)."""
        D, K = self.config.head_dim, self.config.num_key_value_heads
        H = self.config.num_attention_heads
        heads = qkv.reshape(H + 2 * K, D)
        qk, half = heads[: H + K], D // 2
        if layer.gain is not None:
            qk = self._norm(qk) * layer.gain
        qk = qk * cos + np.concatenate((qk[:, half:], qk[:, :half]), 1) * sin
        keys, values = self.keys[number, 0], self.values[number, 0]  # (K,length,D)
        keys[:, at], values[:, at] = qk[H:], heads[H + K :]
        keys, values = keys[:, self.pads : at + 1], values[:, self.pads : at + 1]  # (K,S,D)
        query = qk[:H].reshape(K, H // K, D) * np.float32(D**-0.5)
        scores = query @ keys.transpose(0, 2, 1)  # (K,G,S)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        gathered: Array = (weights @ values).reshape(H * D)
        return gathered

    def _norm(self, x: Array) -> Array:
        """RMSNorm without a gain, over the last axis."""
        squares = np.einsum("...c,...c->...", x, x)[..., None] / x.shape[-1]
        normed: Array = x / np.sqrt(squares + np.float32(self.config.rms_norm_eps))
        return normed


def fits(model: Transformer) -> bool:
    """Whether `Decoding` can stand in, and is worth the copy: a small float32 model on the CPU."""
    weight = model.output_weight
    plain = weight.device.type == "cpu" and weight.dtype == torch.float32
    return plain and sum(p.numel() for p in model.parameters()) <= LARGEST


def _array(tensor: Tensor) -> Array:
    """The numbers of a tensor, for themselves."""
    numbers: Array = tensor.detach().contiguous().numpy()
    return numbers
