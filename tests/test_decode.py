"""The model in NumPy gives the scores of the model in PyTorch, whatever its layout."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_models import SMALL, lively, some_ids

from tinyllm.model import KVCache, generate
from tinyllm.model import generation as generation_module
from tinyllm.model.decode import Decoding, fits

LAYOUTS = {
    "qwen3": SMALL,
    "llama": replace(SMALL, architecture="llama"),
    "own head": replace(SMALL, tie_word_embeddings=False),
    "a key head each": replace(SMALL, num_key_value_heads=4),
    "one layer, wide heads": replace(SMALL, num_hidden_layers=1, head_dim=16),
}


@pytest.mark.parametrize("config", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_gives_the_scores_of_the_transformer_token_by_token(config):
    model = lively(config)
    ids = some_ids(1, 20)
    expected = model(ids)[0]
    decoding = Decoding(model, KVCache(config, rows=1, length=20))
    found = torch.stack([decoding.step(token) for token in ids[0].tolist()])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_gate_that_is_tightly_closed_is_closed_without_a_warning():
    model = lively(replace(SMALL, num_hidden_layers=1))
    with torch.no_grad():
        model.model.layers[0].mlp.gate_proj.weight.mul_(1000)
    ids = some_ids(1, 8)
    expected = model(ids)[0]
    decoding = Decoding(model, KVCache(model.config, rows=1, length=8))
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        found = torch.stack([decoding.step(token) for token in ids[0].tolist()])
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pads", [0, 1, 5])
def test_it_goes_on_where_the_transformer_stopped_pads_on_the_left_or_none(pads):
    model, ids = lively(), some_ids(1, 12)
    cache = KVCache(SMALL, rows=1, length=12 + pads)
    begun = torch.nn.functional.pad(ids[:, :7], (pads, 0))
    mask = torch.arange(7 + pads)[None] >= pads
    with torch.inference_mode():
        model(begun, mask=mask if pads else None, cache=cache)
        decoding = Decoding(model, cache)
        found = torch.stack([decoding.step(token) for token in ids[0, 7:].tolist()])
    torch.testing.assert_close(found, model(ids)[0, 7:], rtol=1e-4, atol=1e-4)
    assert cache.length == 12 + pads


def test_the_last_of_many_texts_is_written_by_it_to_the_end(monkeypatch):
    used = []

    class Watched(Decoding):
        def step(self, token):
            used.append(token)
            return super().step(token)

    model = lively()
    prompts = [some_ids(1, length, seed=length)[0].tolist() for length in (2, 9)]
    expected = generate(model, prompts, max_new_tokens=57)  # the longer has room for 55
    monkeypatch.setattr(generation_module, "Decoding", Watched)
    found = generate(model, prompts, max_new_tokens=57)
    assert found == expected
    assert [len(ids) for ids in found.ids] == [57, 55]
    assert used == found.ids[0][54:56], "alone once the other has ended"
    alone = generate(model, prompts[:1], max_new_tokens=57)
    assert alone.ids == expected.ids[:1]
    assert alone.logprobs[0] == pytest.approx(expected.logprobs[0], abs=1e-4)


def test_models_that_are_large_or_not_float32_keep_to_pytorch(monkeypatch):
    model = lively()
    assert fits(model)
    monkeypatch.setattr("tinyllm.model.decode.LARGEST", 10_000)
    assert not fits(model)
    monkeypatch.undo()
    assert not fits(lively().bfloat16())
