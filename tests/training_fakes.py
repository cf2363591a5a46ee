"""A corpus in tokens, a tokenizer without merges, and a small model, for tests of the training."""

from functools import partial

import numpy as np
import torch

from tinyllm.model import SIZES, ModelConfig, Transformer
from tinyllm.tokens import Tokenizer, TokenShards
from tinyllm.training import Batch, Plan, stage
from tinyllm.training.timing import fit

TINY = ModelConfig(
    vocab_size=261,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=32,
)
SHRUNK = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
SENTENCES = [f"The {what} is {how}." for what in ("sky", "hen", "bee") for how in ("blue", "big")]


def tiny_model(seed=0, **changes):
    config = ModelConfig(**{**vars(TINY), **changes})
    return Transformer(config, generator=torch.Generator().manual_seed(seed))


def a_batch(seed=0, rows=2, length=16, vocab_size=261):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, vocab_size, (rows, length + 1), generator=generator)
    return Batch(ids=ids[:, :-1], targets=ids[:, 1:])


def shards_of(texts):
    """`TokenShards` in memory, a token a byte."""
    ids = [Tokenizer.from_merges([]).encode(text) for text in texts]
    offsets = np.cumsum([0, *map(len, ids)])
    return TokenShards(np.concatenate(ids).astype(np.uint16), offsets)


def encoded_corpus(folder, texts=tuple(SENTENCES)):
    """What the tokens stage leaves, without its merges."""
    folder.mkdir(parents=True)
    Tokenizer.from_merges([]).save(folder)
    for split in ("train", "validation"):
        shards = shards_of(texts)
        shards.tokens.tofile(folder / f"tokens-{split}.bin")
        np.save(folder / f"documents-{split}.npy", shards.offsets)
    return folder


def shrink(patch):
    """Make nano models, their samples and their trials small for the time of a test."""
    patch.setitem(SIZES, "nano", {**SIZES["nano"], **SHRUNK})
    patch.setattr(stage, "SAMPLE_TOKENS", 8)
    patch.setattr("tinyllm.training.finetuning.fit", partial(fit, trial_seconds=0.01))
    patch.setattr("tinyllm.training.timing.available_threads", lambda: 1)
    patch.setattr("tinyllm.training.pretraining.available_threads", lambda: 1)
    patch.setattr("tinyllm.training.finetuning.available_threads", lambda: 1)


def a_plan(**changes):
    return Plan(**{"size": "nano", "steps": 6, "rows": 2, "context": 32, "warmup": 2, **changes})


def weights_of(model):
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
