"""Muon, AdamW and the two as one, beside PyTorch's own and the singular value decomposition."""

import copy

import pytest
import torch
from torch import nn
from training_fakes import a_batch, same, tiny_model, weights_of

from tinyllm.training import (
    AdamW,
    Muon,
    Optimizer,
    Rates,
    masters_of,
    next_token_loss,
    optimizer_for,
    orthogonalize,
)
from tinyllm.training.muon import stack_shapes


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def take_steps(model, optimizer, count, scale=1.0):
    for step in range(count):
        next_token_loss(model, a_batch(seed=step))[0].backward()
        optimizer.step(scale)


@pytest.mark.parametrize("shape", [(5, 16, 16), (3, 16, 40), (3, 40, 16)])
def test_batched_newton_schulz_equals_one_at_a_time(shape):
    matrices = random(*shape)
    one_by_one = torch.cat([orthogonalize(matrix[None]) for matrix in matrices])
    torch.testing.assert_close(orthogonalize(matrices), one_by_one, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_newton_schulz_brings_singular_values_near_one(dtype):
    values = torch.linalg.svdvals(orthogonalize(random(4, 32, 80), dtype=dtype).float())
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_newton_schulz_keeps_the_singular_vectors():
    matrix = random(24, 24)
    u, _, vt = torch.linalg.svd(matrix)
    middle = u.T @ orthogonalize(matrix[None])[0] @ vt.T
    assert (middle - middle.diagonal().diag()).abs().max() < 1e-3


def test_a_tall_matrix_goes_as_its_transpose():
    tall = random(2, 40, 16)
    torch.testing.assert_close(orthogonalize(tall), orthogonalize(tall.mT).mT)


def test_zero_gradients_stay_zero():
    assert orthogonalize(torch.zeros(1, 4, 4)).abs().max() == 0


def test_transposed_shapes_share_a_stack_and_come_back_as_they_were():
    matrices = {"up": random(6, 2), "down": random(2, 6, seed=1), "square": random(3, 3)}
    stacks = stack_shapes(matrices)
    assert [stack.names for stack in stacks] == [("up", "down"), ("square",)]
    back = {k: v for s in stacks for k, v in s.scatter(s.gather(matrices)).items()}
    assert same(back, matrices)


def test_a_muon_step_is_the_textbook_step_for_every_matrix():
    weights = {"up": random(12, 4), "down": random(4, 12, seed=1), "square": random(6, 6, seed=2)}
    expected = copy.deepcopy(weights)
    momentum = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    muon = Muon(weights, rate=0.1, momentum=0.9)
    for step in range(3):
        gradients = {n: random(*w.shape, seed=10 + step) for n, w in weights.items()}
        muon.update(gradients, scale=0.5)
        for name, g in gradients.items():
            momentum[name] = 0.9 * momentum[name] + 0.1 * g
            ahead = 0.1 * g + 0.9 * momentum[name]
            rows, columns = g.shape
            factor = max(1.0, rows / columns) ** 0.5
            expected[name] -= 0.05 * factor * orthogonalize(ahead[None])[0]
    for name, weight in weights.items():
        torch.testing.assert_close(weight, expected[name], atol=1e-5, rtol=1e-4)


def test_muon_refuses_a_vector_by_name():
    with pytest.raises(ValueError, match=r"norm.weight of shape \(4,\)"):
        Muon({"norm.weight": torch.zeros(4)}, rate=0.1)


def test_adamw_equals_that_of_torch():
    ours, theirs = tiny_model(), tiny_model()
    settings = {"betas": (0.8, 0.99), "weight_decay": 0.1}
    optimizer = Optimizer(ours, [AdamW(masters_of(ours), rate=0.01, **settings)])
    oracle = torch.optim.AdamW(theirs.parameters(), lr=0.01, eps=1e-8, **settings)
    for step in range(5):
        take = a_batch(seed=step)
        next_token_loss(ours, take)[0].backward()
        next_token_loss(theirs, take)[0].backward()
        optimizer.step()
        oracle.step()
        oracle.zero_grad()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_the_rate_of_the_embedding_rises_over_its_warmup():
    moved = []
    for warmup in (0, 4):
        weight = torch.zeros(3)
        rule = AdamW({"w": weight}, rate=0.1, warmup=warmup)
        rule.update({"w": torch.ones(3)}, step=1)
        moved.append(weight.abs().max().item())
    assert moved[1] == pytest.approx(moved[0] / 4)


def test_bfloat16_weights_are_the_rounded_masters():
    model = tiny_model().bfloat16()
    optimizer = optimizer_for(model)
    take_steps(model, optimizer, 3)
    for name, weight in model.named_parameters():
        assert optimizer.masters[name].dtype == torch.float32
        assert torch.equal(weight, optimizer.masters[name].bfloat16())


def test_masters_keep_steps_too_small_for_bfloat16():
    model = nn.Linear(1, 1, bias=False).bfloat16()
    nn.init.ones_(model.weight)
    optimizer = Optimizer(model, [AdamW(masters_of(model), rate=1e-3)])
    for _ in range(8):
        model.weight.grad = torch.ones_like(model.weight)
        optimizer.step()
    assert optimizer.masters["weight"].item() == pytest.approx(1 - 8e-3, abs=1e-5)
    assert model.weight.item() == pytest.approx(1 - 8e-3, abs=4e-3)


def test_float32_masters_are_the_weights_themselves():
    model = tiny_model()
    optimizer = optimizer_for(model)
    weight = model.model.embed_tokens.weight
    assert optimizer.masters["model.embed_tokens.weight"].data_ptr() == weight.data_ptr()


def test_every_weight_has_its_rule_and_rate():
    model = tiny_model(tie_word_embeddings=False)
    optimizer = optimizer_for(model, Rates(matrices=0.1, embedding=0.2, gains=0.3, head=0.4))
    rates = {name: rule.rate for rule in optimizer.rules for name in rule.weights}
    assert rates["model.embed_tokens.weight"] == 0.2
    assert rates["lm_head.weight"] == 0.4
    assert rates["model.norm.weight"] == 0.3
    assert rates["model.layers.0.mlp.down_proj.weight"] == 0.1
    assert rates.keys() == dict(model.named_parameters()).keys()


def test_frozen_weights_do_not_move():
    model = tiny_model()
    model.model.embed_tokens.weight.requires_grad_(False)
    before = model.model.embed_tokens.weight.clone()
    take_steps(model, optimizer_for(model), 2)
    assert torch.equal(model.model.embed_tokens.weight, before)


def test_a_weight_without_a_rule_is_named():
    model = tiny_model()
    masters = masters_of(model)
    masters.pop("model.norm.weight")
    with pytest.raises(ValueError, match=r"model\.norm\.weight in 0"):
        Optimizer(model, [AdamW(masters, rate=0.1)])


def test_a_weight_that_the_loss_does_not_use_is_named():
    model = nn.Linear(2, 2)
    optimizer = Optimizer(model, [AdamW(masters_of(model), rate=0.1)])
    with pytest.raises(ValueError, match="none for weight"):
        optimizer.step()


def test_clipping_bounds_the_gradient_and_tells_its_norm():
    model = nn.Linear(3, 1, bias=False)
    optimizer = Optimizer(model, [AdamW(masters_of(model), rate=0.0)], clip=1.0)
    model.weight.grad = torch.tensor([[3.0, 4.0, 0.0]])
    assert optimizer.step()["gradient_norm"] == pytest.approx(5.0)
    first = optimizer.state_dict()["first.weight"]
    torch.testing.assert_close(first, 0.1 * torch.tensor([[0.6, 0.8, 0.0]]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_restored_state_goes_on_bit_for_bit(dtype):
    model = tiny_model().to(dtype)
    optimizer = optimizer_for(model)
    take_steps(model, optimizer, 2)
    state = {name: tensor.clone() for name, tensor in optimizer.state_dict().items()}
    take_steps(model, optimizer, 2)

    other = tiny_model(seed=5).to(dtype)
    restored = optimizer_for(other)
    restored.load_state_dict(state, steps=2)
    take_steps(other, restored, 2)
    assert restored.steps == 4
    assert same(weights_of(other), weights_of(model))


def test_a_state_of_another_model_is_refused():
    optimizer = optimizer_for(tiny_model())
    with pytest.raises(ValueError, match="same model"):
        optimizer.load_state_dict({"master.weight": torch.zeros(1)}, steps=1)


@pytest.mark.parametrize(
    "wrong", [{"matrices": -0.1}, {"momentum": 1.0}, {"betas": (0.9, 1.0)}, {"clip": 0.0}]
)
def test_rates_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Rates(**wrong)
