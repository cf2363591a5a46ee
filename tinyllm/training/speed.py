"""How fast this machine could train, and how much of that a training step reaches.

The measure is MFU, model FLOPs utilization (Chowdhery et al. 2022, "PaLM", appendix B): the
operations that the model needs, over those that the machine's matrix products could have done in
the same time. What is done besides, by the optimizer or by computing something twice, counts as
nothing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from tinyllm.model import ModelConfig

SIDE = 1024
"""Rows and columns of the matrices whose product is the measure: 2 x 1024^3 operations."""


def flops_per_token(config: ModelConfig) -> int:
    """Operations to learn from one token: 6N, and 12 L H D T for attention.

    N is `weights_in_products`; T is the whole context. Each weight is a multiplication and an
    addition forward, and twice that backward.

    >>> flops_per_token(ModelConfig(vocab_size=4096)) / 1e6
    6.303744
    """
    heads = config.num_attention_heads * config.head_dim
    attention = config.num_hidden_layers * heads * config.max_position_embeddings
    return 6 * weights_in_products(config) + 12 * attention


def weights_in_products(config: ModelConfig) -> int:
    """The weights that take part in matrix products: tied embeddings count once, gains do not.

    >>> weights_in_products(ModelConfig(vocab_size=4096))
    919552
    """
    heads = config.num_attention_heads * config.head_dim
    keys = config.num_key_value_heads * config.head_dim
    layer = 2 * config.hidden_size * (heads + keys)  # q and o, k and v
    layer += 3 * config.hidden_size * config.intermediate_size
    return config.num_hidden_layers * layer + config.vocab_size * config.hidden_size


def matmul_peak(
    dtype: torch.dtype = torch.float32, *, device: torch.device | str = "cpu", products: int = 20
) -> float:
    """Operations a second of the product of two square matrices: the median of `products`.

    >>> matmul_peak(products=1) > 1e6
    True
    """
    a, b = (torch.randn(SIDE, SIDE, device=device).to(dtype) for _ in range(2))
    took = [seconds(lambda: a @ b, device) for _ in range(products + 2)]
    return 2 * SIDE**3 / statistics.median(took[2:] or took)


def seconds(work: Callable[[], object], device: torch.device | str = "cpu") -> float:
    """How long `work` takes, until the device has done it."""
    device = torch.device(device)
    _wait(device)
    began = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
