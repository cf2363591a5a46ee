"""The generation bench, on little work: what it runs and reports, not how fast it is."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from small_models import SMALL, OwnTokens, lively, some_ids

from tinyllm.files import TinyLLMError, UsageError
from tinyllm.model import generate, save_model
from tinyllm.report import load_bench

LLAMA = replace(SMALL, architecture="llama", rms_norm_eps=1e-5)
KINDS = (
    "embedding", "attention norm", "q", "k", "v", "o", "mlp norm", "w1", "w2", "w3", "final norm",
)  # fmt: skip
RUN_C = r"""
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **given) {
    int header[7], longest, length;
    float score;
    char piece[16];
    FILE *model = fopen(given[1], "rb"), *tokens = fopen(given[3], "rb");
    if (fread(header, 4, 7, model) != 7 || fread(&longest, 4, 1, tokens) != 1) return 1;
    int wanted = atoi(given[5]), seed = atoi(given[11]);
    if (atof(given[7]) > 0 && seed % 2) wanted = 3;
    for (int i = 0; i < wanted; i++) {
        if (fread(&score, 4, 1, tokens) != 1 || fread(&length, 4, 1, tokens) != 1) return 1;
        if (length > longest || fread(piece, 1, length, tokens) != length) return 1;
        printf("%.*s", length, piece);
    }
    fprintf(stderr, "achieved tok/s: %d.0\n", header[5]);
    return 0;
}
"""
"""Writes the first tokens of the vocabulary at a pace of as many tokens a second as there are; at
a temperature and with an odd seed it ends too soon."""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_bench("generate")
    small = {"NEW_TOKENS": 8, "MANY": 3, "REPEATS": 2, "GREEDY_TOKENS": 8, "VOCABULARY": 300}
    for name, value in small.items():
        monkeypatch.setattr(module, name, value)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(lively(), OwnTokens(), tmp_path / "model", eos=OwnTokens.end)
    return tmp_path / "model"


def scores_in_the_way_of_run_c(path: Path, ids: list[int]) -> np.ndarray:
    """What run.c computes for `ids`, from the file alone: neighbouring channels turn together."""
    header = np.fromfile(path, dtype="<i4", count=7).tolist()
    dim, hidden, layers, heads, kv_heads, vocabulary, context = header
    tied, vocabulary, size = vocabulary > 0, abs(vocabulary), dim // heads
    kv, stack = kv_heads * size, (layers,)
    shapes = [
        (vocabulary, dim), (*stack, dim), (*stack, dim, dim), (*stack, kv, dim), (*stack, kv, dim),
        (*stack, dim, dim), (*stack, dim), (*stack, hidden, dim), (*stack, dim, hidden),
        (*stack, hidden, dim), (dim,),
    ]  # fmt: skip
    numbers, at, w = np.fromfile(path, dtype="<f4", offset=28), 0, {}
    for kind, shape in zip(KINDS, shapes, strict=True):
        w[kind] = numbers[at : (at := at + int(np.prod(shape)))].reshape(shape)
    at += context * size  # what used to be tables of angles
    head = w["embedding"] if tied else numbers[at:].reshape(vocabulary, dim)
    assert len(numbers) == at + (0 if tied else head.size)

    def norm(x, gain):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * gain

    def turn(x):  # (T, heads, size)
        pairs = x.reshape(len(ids), -1, size // 2, 2)
        frequencies = 10_000.0 ** (-np.arange(0, size, 2) / size)
        turned = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(
            1j * np.arange(len(ids))[:, None, None] * frequencies
        )
        return np.stack((turned.real, turned.imag), -1).reshape(x.shape)

    x = w["embedding"][ids]  # (T, dim)
    for n in range(layers):
        y = norm(x, w["attention norm"][n])
        q = turn((y @ w["q"][n].T).reshape(len(ids), heads, size))
        k = turn((y @ w["k"][n].T).reshape(len(ids), kv_heads, size))
        v = (y @ w["v"][n].T).reshape(len(ids), kv_heads, size)
        k, v = (part.repeat(heads // kv_heads, 1) for part in (k, v))
        scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(size)
        weights = np.exp(scores) * np.tri(len(ids))
        weights /= weights.sum(-1, keepdims=True)
        x = x + np.einsum("hts,shd->thd", weights, v).reshape(len(ids), dim) @ w["o"][n].T
        y = norm(x, w["mlp norm"][n])
        gate = y @ w["w1"][n].T
        x = x + (gate / (1 + np.exp(-gate)) * (y @ w["w3"][n].T)) @ w["w2"][n].T
    return norm(x, w["final norm"]) @ head.T


@pytest.mark.parametrize("tied", [True, False])
def test_the_exported_weights_give_our_scores_when_they_are_read_as_run_c_does(
    bench, tmp_path, tied
):
    model, ids = lively(replace(LLAMA, tie_word_embeddings=tied)), some_ids(1, 12)
    bench.export(model, tmp_path)
    found = scores_in_the_way_of_run_c(tmp_path / "model.bin", ids[0].tolist())
    with torch.no_grad():
        expected = model(ids)[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_the_exported_pieces_are_the_numbers_of_the_tokens(bench, tmp_path):
    bench.export(lively(LLAMA), tmp_path)
    written = (tmp_path / "tokenizer.bin").read_bytes()
    assert int.from_bytes(written[:4], "little") == 3, "the longest piece"
    pieces, at = [], 4
    while at < len(written):
        length = int.from_bytes(written[at + 4 : at + 8], "little")
        pieces.append(written[at + 8 : at + 8 + length].decode())
        at += 8 + length
    assert pieces == [f" {number}" for number in range(97)]


def test_both_write_the_same_amount_and_the_same_greedy_text(bench, folder):
    found = bench.run(model=folder, rounds=3)
    assert found["same_greedy"]
    assert found["same_amount"]
    for name in ("one", "many"):
        assert found[f"{name}_ratio"] == sorted(found[f"{name}_ratios"])[1] > 0
        assert set(found[f"{name}_tokens_per_second"]) == {"ours", "transformers"}
    assert found["model"] == str(folder)
    assert "not measured" in found["llama2c"]
    json.dumps(found)


def test_without_a_model_one_is_made_and_the_result_says_so(bench):
    found = bench.run(rounds=1)
    assert "size nano, 300 tokens, random weights" in found["model"]
    assert found["same_greedy"]


def test_another_text_at_temperature_0_is_noticed(bench, folder, monkeypatch):
    monkeypatch.setattr(bench, "load_model", lambda folder: lively(seed=2))
    assert not bench.run(model=folder, rounds=1)["same_greedy"]


def test_texts_of_unequal_length_are_not_counted(bench):
    assert bench.pace(lambda texts: [[1] * 8] * texts, 3)[1] == 8
    with pytest.raises(TinyLLMError, match=r"8 tokens each, got \[7, 8\]"):
        bench.pace(lambda texts: [[1] * 8, [1] * 7], 2)


def test_the_model_made_for_the_bench_writes_more_than_one_token(bench):
    model = bench.random_model(replace(SMALL, hidden_size=64, head_dim=16, vocab_size=1000))
    assert len(set(generate(model, [[1, 2]], max_new_tokens=20, temperature=0).ids[0])) > 10


@pytest.mark.skipif(shutil.which("gcc") is None, reason="run.c needs gcc")
def test_run_c_is_compiled_and_a_text_that_it_ends_too_soon_is_not_counted(bench, folder, tmp_path):
    (tmp_path / "run.c").write_text(RUN_C)
    try:
        bench.compile_run_c(tmp_path, tmp_path)
    except TinyLLMError:
        pytest.skip("this gcc knows no OpenMP")
    found = bench.run(llama2c=tmp_path, model=folder, rounds=1)
    assert found["llama2c_tokens_per_second"] == 97
    assert not found["llama2c_same_greedy"], "0, 1, 2, 3 ... is not what the model writes"
    ratio = found["ours_of_that_model_tokens_per_second"] / 97
    assert found["one_over_llama2c"] == pytest.approx(ratio, rel=0.01)
    bench.export(lively(LLAMA), tmp_path)
    assert bench.run_c(tmp_path, temperature=1.0, seed=3)[0] == [0, 1, 2]
    json.dumps(found)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="run.c needs gcc")
def test_what_gcc_cannot_compile_is_said_in_a_sentence(bench, tmp_path):
    (tmp_path / "run.c").write_text("this is no C\n")
    with pytest.raises(TinyLLMError, match="could not compile"):
        bench.compile_run_c(tmp_path, tmp_path)


def test_what_cannot_be_measured_is_refused_at_once(bench, folder, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="at least 1, got 0"):
        bench.run(rounds=0)
    with pytest.raises(UsageError, match=r"no checkout of llama2\.c"):
        bench.run(llama2c=tmp_path)
    monkeypatch.setattr(bench, "NEW_TOKENS", 61)
    with pytest.raises(UsageError, match="reads at most 64 tokens"):
        bench.run(model=folder)
    (tmp_path / "run.c").write_text(RUN_C)
    monkeypatch.setattr(bench.shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match="there is none on this machine"):
        bench.run(llama2c=tmp_path)
    with pytest.raises(UsageError, match="4 heads have 16 channels"):
        bench.llama_shape(replace(SMALL, head_dim=16))
