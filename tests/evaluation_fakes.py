"""A tokenizer without merges, a model of one layer, few texts: small enough to test measuring."""

import torch

from tinyllm.evaluation import Amounts
from tinyllm.model import ModelConfig, Transformer

FEW = Amounts(
    documents=6,
    stories=3,
    story_samples=6,
    cell=4,
    prompts=8,
    samples=2,
    kl_sequences=5,
    texts=4,
    memories=4,
)
"""So much of everything is measured."""


class Bytes:
    """Five special tokens, then the 256 bytes."""

    end_of_text, pad, user, assistant, end = range(5)
    vocab_size = 261

    def encode(self, text):
        return [5 + byte for byte in text.encode("utf-8")]

    def encode_batch(self, texts):
        return [self.encode(text) for text in texts]

    def encode_chat(self, messages, *, add_generation_prompt=False):
        ids = []
        for message in messages:
            ids += [getattr(self, message["role"]), *self.encode(message["content"]), self.end]
        return ids + [self.assistant] * add_generation_prompt

    def decode(self, ids):
        return bytes(i - 5 for i in ids if i >= 5).decode("utf-8", errors="replace")

    def pieces(self, ids):
        return [bytes([i - 5]) if i >= 5 else b"" for i in ids]


def small_model(context=64, seed=0, vocab_size=261):
    config = ModelConfig(
        vocab_size=vocab_size,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=context,
    )
    generator = torch.Generator().manual_seed(seed)
    model = Transformer(config, generator=generator)
    for weight in model.parameters():  # off its start, where every block is the identity
        weight.data += 0.05 * torch.randn(weight.shape, generator=generator)
    return model.eval()
