"""Memory that is kept: asked for where the C library can be asked, and it is the same training."""

import sys

import torch

from tinyllm.model import ModelConfig, Transformer
from tinyllm.training import Batch, loop, memory, next_token_loss, optimizer_for, train


def losses():
    torch.manual_seed(3)
    model = Transformer(ModelConfig(vocab_size=64, num_hidden_layers=1))
    ids = torch.randint(64, (4, 33))
    batch = Batch(ids=ids[:, :-1], targets=ids[:, 1:])
    steps = train(model, iter([batch] * 4), next_token_loss, steps=4, stage="base",
                  optimizer=optimizer_for(model), schedule=lambda step: 1.0)  # fmt: skip
    return [step.loss for step in steps]


def test_keeping_memory_changes_no_loss(monkeypatch):
    kept = losses()
    memory.keep_memory(False)
    monkeypatch.setattr(loop, "keep_memory", lambda: None)
    assert losses() == kept


def test_a_system_without_glibc_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert memory.keep_memory() is False


def test_a_c_library_without_mallopt_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert memory.keep_memory() is False


def test_training_asks_to_keep_memory(monkeypatch):
    asked = []
    monkeypatch.setattr(loop, "keep_memory", lambda: asked.append(True))
    losses()
    assert asked
