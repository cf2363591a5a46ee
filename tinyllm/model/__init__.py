"""The transformer, what it writes, and how to look inside."""

from tinyllm.devices import keep_freed_memory
from tinyllm.model.cache import KVCache
from tinyllm.model.config import SIZES, ModelConfig
from tinyllm.model.folder import (
    fill,
    from_transformers,
    load_model,
    read_config,
    read_weights,
    save_model,
    to_transformers,
    write_weights,
)
from tinyllm.model.fresh import initialise
from tinyllm.model.generation import Generation, Token, generate, stream
from tinyllm.model.inspection import Trace, next_tokens, sequence_logprobs, trace
from tinyllm.model.sampling import Sampling
from tinyllm.model.transformer import (
    Decoder,
    Transformer,
    attention,
    attention_by_hand,
)

__all__ = [
    "SIZES",
    "Decoder",
    "Generation",
    "KVCache",
    "ModelConfig",
    "Sampling",
    "Token",
    "Trace",
    "Transformer",
    "attention",
    "attention_by_hand",
    "fill",
    "from_transformers",
    "generate",
    "initialise",
    "load_model",
    "next_tokens",
    "read_config",
    "read_weights",
    "save_model",
    "sequence_logprobs",
    "stream",
    "to_transformers",
    "trace",
    "write_weights",
]

keep_freed_memory()  # once a process, before the first large tensor
