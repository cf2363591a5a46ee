"""The pretraining bench, on little work: what it runs and reports, not how fast it is."""

import json
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tinyllm.files import UsageError
from tinyllm.model import SIZES, ModelConfig, Transformer
from tinyllm.report import load_bench
from tinyllm.training.speed import flops_per_token, matmul_peak

CHECKOUT = {
    "data/shakespeare_char/prepare.py": """
import numpy as np
text = open("input.txt").read()
letters = sorted(set(text))
ids = np.array([letters.index(letter) for letter in text], dtype=np.uint16)
ids[:-500].tofile("train.bin")
ids[-500:].tofile("val.bin")
""",
    "model.py": """
import torch

class GPTConfig:
    def __init__(self, vocab_size): self.vocab_size = vocab_size

class GPT(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        print("a uniform guess")
        self.scores = torch.nn.Embedding(config.vocab_size, config.vocab_size)
    def forward(self, ids, targets=None):
        scores = self.scores(ids)
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())
        return scores, loss
""",
    "train.py": """
import os, sys, torch
assert sys.argv[1] == "config/train_shakespeare_char.py"
assert {"--device=cpu", "--compile=False", "--max_iters=2000"} < set(sys.argv)
os.makedirs("out")
weights = {"scores.weight": torch.zeros(4, 4)}
torch.save({"model_args": {"vocab_size": 4}, "model": weights}, "out/ckpt.pt")
for step in range(3):
    print(f"iter {step}: loss 1.0, time {10 if step else 9000}.00ms, mfu 1%")
""",
}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_bench("pretrain")
    small = {"STEPS": 40, "ROWS": 4, "SPEED_STEPS": 3, "SPEED_ROWS": 1, "VOCABULARY": 300}
    for name, value in small.items():
        monkeypatch.setattr(module, name, value)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in CHECKOUT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "data/shakespeare_char/input.txt").write_text("abcd" * 1000)
    return tmp_path


def test_nanogpt_runs_its_own_command_and_both_are_measured_on_all_the_text(bench, checkout):
    found = bench.run(nanogpt=checkout, rounds=1)
    assert found["nanogpt"][0]["loss"] == pytest.approx(1.3863, abs=1e-4), "four letters, no idea"
    assert found["nanogpt"][0]["seconds"] == pytest.approx(0.03), "without the evaluation"
    assert found["nanogpt"][0]["tokens"] == 3 * 12 * 64
    assert found["ours"][0]["loss"] < 0.1, "a text that repeats is soon known"
    assert found["same_loss_reached"]
    ours, theirs = found["ours"][0], found["nanogpt"][0]
    assert found["tokens_ratio"] == pytest.approx(ours["tokens"] / theirs["tokens"], abs=1e-4)
    assert found["seconds_ratio"] == pytest.approx(ours["seconds"] / 0.03, rel=0.2)
    assert found["default_model"]["tokens_per_second_ratio"] > 0
    assert set(found["default_model"]["mfu"]) == {"float32", "bfloat16"}
    json.dumps(found)
    assert not (checkout / "out").exists(), "the checkout itself stays as it was"


def test_without_a_checkout_the_default_model_alone_is_measured(bench):
    found = bench.run(rounds=1)
    assert "seconds_ratio" not in found
    assert "not measured" in found["nanogpt"]


def test_what_is_no_checkout_or_lacks_the_text_is_refused_at_once(bench, checkout, tmp_path):
    with pytest.raises(UsageError, match="no checkout of nanoGPT"):
        bench.run(nanogpt=tmp_path / "data")
    (checkout / "data/shakespeare_char/input.txt").unlink()
    with pytest.raises(UsageError, match="no tinyshakespeare at"):
        bench.run(nanogpt=checkout)


@pytest.mark.parametrize("size", ["nano", "tiny"])
def test_flops_are_six_a_weight_and_token_and_twelve_for_each_pair_of_channel_and_place(size):
    config = ModelConfig(**SIZES[size], vocab_size=512)
    model = Transformer(config)
    weights = sum(p.numel() for p in model.parameters() if p.dim() == 2)
    heads = config.num_attention_heads * config.head_dim
    attention = 12 * config.num_hidden_layers * heads * config.max_position_embeddings
    assert flops_per_token(config) == 6 * weights + attention


def test_the_peak_is_that_of_the_dtype_asked_for(monkeypatch):
    seen = []
    times = iter([1.0, 2.0] * 4)
    monkeypatch.setattr("tinyllm.training.speed.time.perf_counter", lambda: next(times))
    monkeypatch.setattr(
        "torch.Tensor.__matmul__", lambda a, b: seen.append((a.dtype, tuple(a.shape)))
    )
    assert matmul_peak(torch.bfloat16, products=2) == 2 * 1024**3
    assert set(seen) == {(torch.bfloat16, (1024, 1024))}
