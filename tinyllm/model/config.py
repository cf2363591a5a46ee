"""The numbers that fix a model's shape, under the names that `transformers` gives them."""

from __future__ import annotations

from dataclasses import dataclass, fields

from tinyllm.files import TinyLLMError

ARCHITECTURES = ("qwen3", "llama")
"""The layouts that we build; they differ in QK-norm, which Qwen3 has and Llama lacks."""


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """How Llama 3.1 and 3.2 stretch their positions over longer texts: see `rotary.frequencies`.

    Pairs of channels that turn fewer than `low_freq_factor` times within
    `original_max_position_embeddings` tokens turn `factor` times more slowly; those that turn more
    than `high_freq_factor` times stay as they are.

    >>> RopeScaling(
    ...     factor=8.0, low_freq_factor=4.0, high_freq_factor=1.0,
    ...     original_max_position_embeddings=8192,
    ... )
    Traceback (most recent call last):
    ...
    tinyllm.files.TinyLLMError: low_freq_factor (4.0) must be below high_freq_factor (1.0).
    """

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: int

    def __post_init__(self) -> None:
        _check_numbers(self)
        if self.low_freq_factor >= self.high_freq_factor:
            raise TinyLLMError(
                f"low_freq_factor ({self.low_freq_factor}) must be below high_freq_factor "
                f"({self.high_freq_factor})."
            )


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A model's shape. The defaults are the size `nano`.

    `hidden_size` is the width C of the residual stream; `intermediate_size` that of the MLP.
    Queries have `num_attention_heads` heads of `head_dim` channels; keys and values may have
    fewer (grouped-query attention, Ainslie et al. 2023). `max_position_embeddings` is the context:
    the most tokens the model reads at once.

    >>> ModelConfig(hidden_size=64, num_attention_heads=2, num_key_value_heads=2).head_dim
    32
    >>> ModelConfig(num_key_value_heads=3)
    Traceback (most recent call last):
    ...
    tinyllm.files.TinyLLMError: num_attention_heads (4) must be a multiple of \
num_key_value_heads (3): every key head serves the same number of query heads.
    """

    vocab_size: int = 2048
    hidden_size: int = 128
    intermediate_size: int = 344
    num_hidden_layers: int = 2
    num_attention_heads: int = 4
    num_key_value_heads: int = 4
    head_dim: int = 32
    max_position_embeddings: int = 256
    rope_theta: float = 10_000.0
    rms_norm_eps: float = 1e-6
    tie_word_embeddings: bool = True
    architecture: str = "qwen3"
    rope_scaling: RopeScaling | None = None

    def __post_init__(self) -> None:
        _check_numbers(self)
        if self.architecture not in ARCHITECTURES:
            raise TinyLLMError(
                f"architecture must be one of {', '.join(ARCHITECTURES)}; "
                f"got {self.architecture!r}."
            )
        if self.num_attention_heads % self.num_key_value_heads:
            raise TinyLLMError(
                f"num_attention_heads ({self.num_attention_heads}) must be a multiple of "
                f"num_key_value_heads ({self.num_key_value_heads}): every key head serves the "
                "same number of query heads."
            )
        if self.head_dim % 2:
            raise TinyLLMError(
                f"head_dim must be even, got {self.head_dim}: rotary embeddings turn channels "
                "in pairs."
            )


def _check_numbers(config: RopeScaling | ModelConfig) -> None:
    """Refuse a number that is none, or not above 0."""
    for field in fields(config):
        value = getattr(config, field.name)
        if field.type == "int" and (type(value) is not int or value < 1):
            raise TinyLLMError(f"{field.name} must be a whole number above 0, got {value!r}.")
        if field.type == "float" and not (isinstance(value, int | float) and value > 0):
            raise TinyLLMError(f"{field.name} must be a number above 0, got {value!r}.")


def _size(*, width: int, layers: int, heads: int, head_dim: int, mlp: int) -> dict[str, int]:
    return {
        "hidden_size": width,
        "intermediate_size": mlp,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "head_dim": head_dim,
    }


SIZES: dict[str, dict[str, int]] = {
    "nano": _size(width=128, layers=2, heads=4, head_dim=32, mlp=344),
    "micro": _size(width=128, layers=4, heads=4, head_dim=32, mlp=344),
    "tiny": _size(width=192, layers=6, heads=6, head_dim=32, mlp=512),
    "small": _size(width=320, layers=8, heads=5, head_dim=64, mlp=856),
    "medium": _size(width=512, layers=10, heads=8, head_dim=64, mlp=1368),
    "large": _size(width=768, layers=12, heads=12, head_dim=64, mlp=2048),
}
"""Named shapes, for `ModelConfig(**SIZES["nano"], vocab_size=...)`.

The MLP is 8/3 as wide as the stream, rounded to a multiple of 8 (Shazeer 2020: a gated MLP of that
width has the parameters of a plain one of four times the stream). `large` has GPT-2's shape.
"""
