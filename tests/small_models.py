"""Small models for tests: weights that all matter, ids from a fixed seed, a stand-in tokenizer."""

import torch

from tinyllm.model import ModelConfig, Transformer

SMALL = ModelConfig(
    vocab_size=97,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=8,
    max_position_embeddings=64,
)


def lively(config=SMALL, seed=1):
    """A model in which every weight matters, as after training."""
    model = Transformer(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight.copy_(0.3 * noise if weight.dim() > 1 else 1 + 0.2 * noise)
    return model


TINY = ModelConfig(
    vocab_size=19,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=2,
    head_dim=8,
    max_position_embeddings=32,
)


def noisy_model(seed, config=TINY):
    """A very small model of which no part is the identity."""
    generator = torch.Generator().manual_seed(seed)
    model = Transformer(config, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def some_ids(rows, length, seed=0):
    """Token numbers (rows, length) below 97."""
    return torch.randint(0, 97, (rows, length), generator=torch.Generator().manual_seed(seed))


class OwnTokens:
    """What a model folder takes from a tokenizer: four numbers, names and a file."""

    vocab_size, end_of_text, pad, end = 97, 0, 1, 4

    def pieces(self, ids):
        return [b"<%d>" % number for number in ids]

    def save(self, folder, *, eos_token):
        (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
