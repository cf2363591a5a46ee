"""The transformer by itself: closed forms, attention by hand, padding, cache, dtypes."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import SMALL, lively, some_ids

from tinyllm.files import TinyLLMError
from tinyllm.model import (
    SIZES,
    KVCache,
    ModelConfig,
    Transformer,
    attention,
    attention_by_hand,
)
from tinyllm.model.transformer import Rotary, rotate

MODEL = lively()


def test_a_fresh_model_guesses_uniformly():
    model = Transformer(ModelConfig())
    ids = torch.randint(0, 2048, (4, 65), generator=torch.Generator().manual_seed(0))
    loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    assert loss.item() == pytest.approx(math.log(2048), abs=0.05)


def test_a_fresh_untied_model_has_exactly_the_loss_ln_v():
    model = Transformer(ModelConfig(vocab_size=50, tie_word_embeddings=False))
    loss = F.cross_entropy(model(some_ids(1, 9) % 50)[0], torch.arange(9))
    assert loss.item() == pytest.approx(math.log(50), abs=1e-6)


def test_fresh_weights_come_from_the_generator_and_touch_no_global_state():
    before = torch.get_rng_state()
    same = [Transformer(SMALL, generator=torch.Generator().manual_seed(5)) for _ in range(2)]
    other = Transformer(SMALL, generator=torch.Generator().manual_seed(6))
    assert torch.equal(torch.get_rng_state(), before)
    first, second, third = (m.model.layers[0].mlp.up_proj.weight for m in (*same, other))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_every_block_of_a_fresh_model_is_the_identity():
    model = Transformer(SMALL)
    ids = some_ids(1, 7)
    assert torch.equal(model.hidden(ids), model.model.norm(model.model.embed_tokens(ids)))


def test_every_weight_gets_a_gradient():
    model = lively()
    model(some_ids(2, 9)).logsumexp(-1).sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in model.parameters())


def test_one_batch_overfits():
    model = Transformer(SMALL)
    ids = some_ids(2, 12)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(60):
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


@given(st.integers(1, 19), st.integers(0, 96))
@settings(max_examples=15, deadline=None)
def test_future_tokens_do_not_change_past_logits(at, token):
    ids = some_ids(1, 20)
    changed = ids.clone()
    changed[0, at] = token
    with torch.no_grad():
        torch.testing.assert_close(MODEL(ids)[:, :at], MODEL(changed)[:, :at])


@pytest.mark.parametrize("heads", [4, 2, 1])
@pytest.mark.parametrize("past", [0, 5])
def test_attention_by_hand_equals_the_fused_kernel(heads, past):
    g = torch.Generator().manual_seed(0)
    q = torch.randn(2, 4, 6, 8, generator=g)
    k, v = (torch.randn(2, heads, 6 + past, 8, generator=g) for _ in range(2))
    seen = torch.arange(6 + past) <= torch.arange(past, 6 + past)[:, None]
    fused = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, enable_gqa=heads < 4)
    mixed, weights = attention_by_hand(q, k, v)
    torch.testing.assert_close(mixed, fused)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 6))
    assert not weights[..., ~seen].any()
    if past == 0:
        torch.testing.assert_close(attention(q, k, v), mixed)


def test_attention_with_a_bias_equals_attention_by_hand_with_it():
    g = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 4, 6, 8, generator=g) for _ in range(3))
    bias = torch.randn(2, 1, 6, 6, generator=g)
    torch.testing.assert_close(attention(q, k, v, bias), attention_by_hand(q, k, v, bias)[0])


def test_rotary_scores_depend_on_the_distance_alone():
    turn = Rotary(40, 8, 10_000.0)
    g = torch.Generator().manual_seed(0)
    q, k = torch.randn(1, 1, 1, 8, generator=g), torch.randn(1, 1, 1, 8, generator=g)
    scores = [
        (rotate(q, turn(slice(t, t + 1))) * rotate(k, turn(slice(t - 7, t - 6)))).sum()
        for t in (7, 20, 39)
    ]
    torch.testing.assert_close(scores[0], scores[1])
    torch.testing.assert_close(scores[0], scores[2])
    assert rotate(q, turn(slice(9, 10))).norm() == pytest.approx(q.norm().item(), rel=1e-6)


def test_rotary_tables_survive_a_stay_in_bfloat16():
    model = Transformer(SMALL)
    before = model.model.rotary.cos.clone()
    assert model.bfloat16().model.rotary.cos.dtype == torch.bfloat16
    assert torch.equal(model.float().model.rotary.cos, before)


@torch.no_grad()
def test_padding_on_either_side_changes_nothing():
    ids, pad = some_ids(2, 10), torch.full((2, 6), 3)
    plain = MODEL(ids)
    left = torch.cat((pad, ids), 1)
    mask = (torch.arange(16) >= 6).expand(2, -1)
    torch.testing.assert_close(MODEL(left, mask=mask)[:, 6:], plain, atol=2e-5, rtol=1e-4)
    right = torch.cat((ids, pad), 1)
    torch.testing.assert_close(MODEL(right)[:, :10], plain, atol=2e-5, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("padded", [False, True])
def test_a_cache_filled_in_pieces_gives_the_logits_of_one_pass(padded):
    ids = some_ids(2, 20)
    padding = torch.tensor([[0], [4]]) if padded else torch.zeros(2, 1)
    mask = torch.arange(20) >= padding
    whole = MODEL(ids, mask=mask if padded else None)
    cache = KVCache(SMALL, rows=2, length=20)
    pieces = [MODEL(ids[:, :9], mask=mask[:, :9] if padded else None, cache=cache)]
    pieces += [MODEL(ids[:, start:end], cache=cache) for start, end in ((9, 15), (15, 16))]
    pieces += [MODEL(ids[:, at : at + 1], cache=cache) for at in range(16, 20)]
    found = torch.cat(pieces, 1)
    torch.testing.assert_close(found[mask], whole[mask], atol=2e-5, rtol=1e-4)


def test_a_mask_with_holes_is_refused():
    with pytest.raises(ValueError, match="False only left of each text"):
        MODEL(some_ids(1, 3), mask=torch.tensor([[True, False, True]]))


def test_a_full_cache_says_so():
    cache = KVCache(SMALL, rows=1, length=2)
    with pytest.raises(TinyLLMError, match="room for 2 tokens and got 3"):
        MODEL(some_ids(1, 3), cache=cache)


def test_a_text_longer_than_the_context_is_refused_with_both_lengths():
    with pytest.raises(TinyLLMError, match="65 tokens and this model reads at most 64"):
        MODEL(some_ids(1, 65))


@torch.no_grad()
def test_rows_that_stay_in_a_cache_keep_their_texts():
    ids = some_ids(5, 9)
    alive = torch.tensor([True, False, False, True, True])
    cache = KVCache(SMALL, rows=5, length=9)
    MODEL(ids[:, :8], cache=cache)
    order = cache.keep(alive)
    assert sorted(order.tolist()) == [0, 3, 4]
    torch.testing.assert_close(MODEL(ids[order, 8:], cache=cache)[:, 0], MODEL(ids)[order, -1])


@torch.no_grad()
@pytest.mark.parametrize("architecture", ["qwen3", "llama"])
def test_bfloat16_stays_near_float32(architecture):
    config = ModelConfig(vocab_size=97, num_hidden_layers=2, architecture=architecture)
    model, ids = lively(config), some_ids(2, 30)
    for weight in model.parameters():
        weight.mul_(0.3 if weight.dim() > 1 else 1)
    exact = model(ids)
    rounded = model.bfloat16()(ids)
    assert rounded.dtype == torch.float32
    assert (exact - rounded).abs().max() < 0.05 * exact.abs().max()


def test_autocast_runs_without_a_warning():
    with torch.autocast("cpu", torch.bfloat16):
        MODEL(some_ids(2, 8)).sum().backward()
    MODEL.zero_grad()


def test_tied_embeddings_are_one_parameter_and_untied_ones_two():
    untied = ModelConfig(**{**vars(SMALL), "tie_word_embeddings": False})
    assert "lm_head.weight" not in Transformer(SMALL).state_dict()
    assert "lm_head.weight" in Transformer(untied).state_dict()
    assert "model.layers.2.self_attn.q_norm.weight" in Transformer(SMALL).state_dict()


@pytest.mark.parametrize("size", list(SIZES))
def test_every_named_size_is_a_valid_shape(size):
    config = ModelConfig(**SIZES[size], vocab_size=512)
    assert config.intermediate_size % 8 == 0
    assert config.num_attention_heads * config.head_dim == config.hidden_size


def test_the_size_nano_is_the_default():
    assert ModelConfig(**SIZES["nano"]) == ModelConfig()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vocab_size": 0}, "vocab_size must be a whole number above 0, got 0"),
        ({"hidden_size": 12.5}, "hidden_size must be a whole number above 0, got 12.5"),
        ({"num_hidden_layers": True}, "num_hidden_layers must be a whole number"),
        ({"num_key_value_heads": 3}, "must be a multiple of num_key_value_heads"),
        ({"head_dim": 7}, "head_dim must be even, got 7"),
        ({"rope_theta": -1.0}, "rope_theta must be a number above 0"),
        ({"architecture": "gpt2"}, "architecture must be one of qwen3, llama; got 'gpt2'"),
    ],
)
def test_an_impossible_shape_is_refused_in_plain_words(change, words):
    with pytest.raises(TinyLLMError, match=words):
        ModelConfig(**change)
