"""The KL divergence, its three estimators, and the price that keeps it within budget."""

from dataclasses import replace

import pytest
import torch
from small_models import TINY

from tinyllm.alignment.kl import (
    AdaptiveBeta,
    by_length,
    categorical_kl,
    exact_kl,
    k1,
    k2,
    k3,
)
from tinyllm.model import Transformer, sequence_logprobs

CONFIG = replace(TINY, vocab_size=23)


def random_model(seed):
    """A model whose every weight is noise, so that no part of it is the identity."""
    generator = torch.Generator().manual_seed(seed)
    model = Transformer(CONFIG, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(noise * (0.5 if parameter.ndim > 1 else 0.1))
    return model


@pytest.fixture(scope="module")
def two_models():
    return random_model(1), random_model(2)


@pytest.fixture(scope="module")
def batch():
    ids = torch.randint(0, 23, (3, 12), generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(3, 12, dtype=torch.bool)
    mask[0, 4:9], mask[1, 2:12], mask[2, 6:7] = True, True, True
    return ids, mask


def test_on_a_fifty_way_categorical_k1_and_k3_are_unbiased_and_k3_has_less_noise():
    generator = torch.Generator().manual_seed(0)
    reference = torch.randn(50, generator=generator).double().log_softmax(0)
    policy = (reference + 0.3 * torch.randn(50, generator=generator).double()).log_softmax(0)
    p, ratio = policy.exp(), policy - reference
    kl = categorical_kl(policy, reference)
    means = {f.__name__: (p * f(ratio)).sum() for f in (k1, k2, k3)}
    torch.testing.assert_close(means["k1"], kl)
    torch.testing.assert_close(means["k3"], kl)
    assert (means["k2"] - kl).abs() > 1e-4
    variance = {f.__name__: (p * (f(ratio) - means[f.__name__]) ** 2).sum() for f in (k1, k3)}
    assert variance["k3"] < variance["k1"] / 10
    sampled = ratio[torch.multinomial(p, 200_000, replacement=True, generator=generator)]
    assert k3(sampled).mean().item() == pytest.approx(kl.item(), rel=0.02)


def test_the_exact_kl_is_the_vocabulary_sum_at_every_answer_position(two_models, batch):
    policy, reference = two_models
    ids, mask = batch
    kl = exact_kl(policy, reference, ids, mask)
    by_hand = torch.zeros(3)
    for row, time in mask.nonzero().tolist():
        p = policy(ids)[row, time - 1].log_softmax(0)
        q = reference(ids)[row, time - 1].log_softmax(0)
        by_hand[row] += (p.exp() * (p - q)).sum().detach()
    torch.testing.assert_close(kl, by_hand)
    assert (kl > 0).all()


def test_a_model_is_at_no_distance_from_itself(two_models, batch):
    assert exact_kl(two_models[0], two_models[0], *batch).abs().max() < 1e-6


def test_padding_and_the_company_of_longer_rows_change_no_kl(two_models, batch):
    ids, mask = batch
    padded = torch.nn.functional.pad(ids, (0, 7), value=1)
    wider = torch.nn.functional.pad(mask, (0, 7), value=False)
    together = exact_kl(*two_models, ids, mask)
    torch.testing.assert_close(exact_kl(*two_models, padded, wider), together)
    torch.testing.assert_close(exact_kl(*two_models, ids[:1, :9], mask[:1, :9]), together[:1])


def test_sampled_k1_agrees_with_the_exact_kl(two_models):
    policy, reference = two_models
    generator = torch.Generator().manual_seed(3)
    ids = torch.zeros(4000, 1, dtype=torch.int64)
    with torch.no_grad():
        for _ in range(3):
            p = policy(ids)[:, -1].softmax(-1)
            ids = torch.cat([ids, torch.multinomial(p, 1, generator=generator)], 1)
    mask = torch.ones_like(ids, dtype=torch.bool)
    mask[:, 0] = False

    with torch.no_grad():
        log_p, log_q = (sequence_logprobs(model, ids, mask).sum(1) for model in two_models)
    estimate = k1(log_p - log_q)
    exact = exact_kl(policy, reference, ids, mask)
    error = (estimate.var() / 4000 + exact.var() / 4000).sqrt()
    assert abs(estimate.mean() - exact.mean()) < 4 * error
    assert exact.var() < estimate.var()


def test_groups_by_length_hold_every_row_once_within_their_room():
    lengths = torch.randint(1, 60, (50,), generator=torch.Generator().manual_seed(0))
    groups = list(by_length(lengths, tokens=200))
    assert sorted(torch.cat(groups).tolist()) == list(range(50))
    assert all(len(rows) * lengths[rows].max() <= 200 for rows in groups)


def test_the_price_rises_above_the_budget_and_falls_below_it_within_bounds():
    beta = AdaptiveBeta(start=0.1, budget=3.0, low=0.05, high=0.4)
    beta.observe(3.0)
    assert beta.value == 0.1
    beta.observe(30.0)
    assert beta.value == pytest.approx(0.11)
    for _ in range(100):
        beta.observe(30.0)
    assert beta.value == 0.4
    for _ in range(100):
        beta.observe(0.0)
    assert beta.value == 0.05
