"""RLOO: its advantages and its loss. Where it leads is in test_bandit."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from small_models import noisy_model

from tinyllm.alignment.advantages import leave_one_out, whiten
from tinyllm.alignment.answers import lay_out, read_answers
from tinyllm.alignment.methods.rloo import rloo_loss
from tinyllm.alignment.rollouts import Rollouts, regularised_reward
from tinyllm.model import Transformer

PAD, END = 1, 4

rewards = hnp.arrays("float64", st.tuples(st.integers(1, 5), st.integers(2, 9)),
                     elements=st.floats(-10, 10)).map(torch.from_numpy)  # fmt: skip


@settings(deadline=None)
@given(rewards)
def test_leave_one_out_is_g_over_g_minus_one_times_the_centred_reward(r):
    samples = r.shape[1]
    expected = samples / (samples - 1) * (r - r.mean(1, keepdim=True))
    torch.testing.assert_close(leave_one_out(r), expected, rtol=1e-9, atol=1e-9)


@settings(deadline=None)
@given(rewards)
def test_leave_one_out_subtracts_the_mean_of_the_others_and_sums_to_nothing(r):
    others = torch.cat([r[:, :0], r[:, 1:]], dim=1)
    torch.testing.assert_close(leave_one_out(r)[:, 0], r[:, 0] - others.mean(1))
    assert leave_one_out(r).sum(1).abs().max() < 1e-9


def test_a_lone_sample_has_nothing_to_be_compared_with():
    with pytest.raises(ValueError, match="a single sample has no others"):
        leave_one_out(torch.ones(4, 1))


def test_whitened_values_have_mean_nought_and_sd_one_and_padding_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    values = 5 + 3 * torch.randn(4, 6, generator=generator)
    mask = torch.rand(4, 6, generator=generator) < 0.7
    white = whiten(values, mask)
    assert white[mask].mean().abs() < 1e-6
    assert white[mask].std(correction=0).item() == pytest.approx(1, abs=1e-6)
    assert (white[~mask] == 0).all()
    padded = torch.nn.functional.pad(values, (0, 3), value=1e6)
    wider = torch.nn.functional.pad(mask, (0, 3), value=False)
    assert torch.equal(whiten(padded, wider)[:, :6], white)


def test_no_gradient_passes_through_the_reward():
    log_ratio = torch.tensor([1.0, 2.0], requires_grad=True)
    assert not regularised_reward(torch.ones(2), log_ratio, 0.1).requires_grad


@pytest.fixture(scope="module")
def models():
    return [noisy_model(1), noisy_model(2)]


def rollouts_of(reference, completions, advantages, pad_to=0):
    answers = lay_out([[2, 7, 3]] * len(completions), completions, pad=PAD, end=END)
    if pad_to:
        width = pad_to - answers.ids.shape[1]
        answers = type(answers)(
            which=answers.which,
            ids=torch.nn.functional.pad(answers.ids, (0, width), value=PAD),
            mask=torch.nn.functional.pad(answers.mask, (0, width), value=False),
            finished=answers.finished,
            log_probs=torch.nn.functional.pad(answers.log_probs, (0, width)),
        )
    return Rollouts(
        answers=answers,
        reading=read_answers(reference, answers),
        rewards=torch.zeros(len(completions)),
        advantages=torch.tensor(advantages),
        beta=0.1,
    )


COMPLETIONS = [[8, 9, 4], [10, 4], [11, 12, 13, 14, 15]]


def test_the_loss_is_minus_the_mean_of_advantage_times_log_probability_end_included(models):
    policy, reference = models
    batch = rollouts_of(reference, COMPLETIONS, [1.0, -2.0, 0.5])
    loss, metrics = rloo_loss(reference)(policy, batch)
    by_hand = 0.0
    for completion, advantage in zip(COMPLETIONS, [1.0, -2.0, 0.5], strict=True):
        ids = torch.tensor([[2, 7, 3, *completion]])
        log_p = policy(ids)[0, 2:-1].log_softmax(-1)
        by_hand -= advantage * log_p[range(len(completion)), completion].sum().item() / 3
    assert loss.item() == pytest.approx(by_hand, rel=1e-5)
    assert metrics["finished"] == pytest.approx(2 / 3)
    assert metrics["length"] == pytest.approx(10 / 3)


def test_padding_changes_neither_loss_nor_gradient_nor_any_metric(models):
    policy, reference = models

    def measure(pad_to):
        policy.zero_grad()
        batch = rollouts_of(reference, COMPLETIONS, [1.0, -2.0, 0.5], pad_to)
        loss, metrics = rloo_loss(reference)(policy, batch)
        loss.backward()
        return loss.item(), metrics, policy.model.layers[0].mlp.up_proj.weight.grad.clone()

    short, long = measure(0), measure(30)
    assert short[0] == pytest.approx(long[0], rel=1e-5)
    assert short[1] == pytest.approx(long[1], rel=1e-5)
    torch.testing.assert_close(short[2], long[2])


def test_prompt_tokens_are_not_learned_and_the_end_token_is(models):
    policy, reference = models
    alone = rollouts_of(reference, [[END], [END]], [1.0, -1.0])
    loss, _ = rloo_loss(reference)(policy, alone)
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    one_sided = rollouts_of(reference, [[END], [8]], [1.0, 0.0])
    loss, _ = rloo_loss(reference)(policy, one_sided)
    log_p = policy(torch.tensor([[2, 7, 3]]))[0, -1].log_softmax(-1)
    assert loss.item() == pytest.approx(-log_p[END].item() / 2, rel=1e-5)


def test_a_step_down_the_loss_makes_the_better_answer_likelier(models):
    reference = models[1]
    policy = Transformer(reference.config)
    policy.load_state_dict(models[0].state_dict())
    batch = rollouts_of(reference, [[8, 9, 4], [10, 4]], [1.0, -1.0])

    def difference():
        log_probs = read_answers(policy, batch.answers).log_probs.sum(1)
        return (log_probs[0] - log_probs[1]).item()

    before = difference()
    loss, _ = rloo_loss(reference)(policy, batch)
    loss.backward()
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter -= 1e-3 * parameter.grad
    assert difference() > before


def test_the_metrics_are_exact_and_over_answer_tokens_alone(models):
    policy, reference = models
    batch = rollouts_of(reference, [[8, 4], [9, 10, 4]], [0.5, -0.5])
    _, metrics = rloo_loss(reference)(policy, batch)
    kl = entropy = 0.0
    for completion in ([8, 4], [9, 10, 4]):
        ids = torch.tensor([[2, 7, 3, *completion]])
        p, q = (m(ids)[0, 2:-1].log_softmax(-1).detach() for m in (policy, reference))
        kl += (p.exp() * (p - q)).sum().item() / 2
        entropy -= (p.exp() * p).sum().item() / 5
    assert metrics["kl"] == pytest.approx(kl, rel=1e-4)
    assert metrics["entropy"] == pytest.approx(entropy, rel=1e-4)
    assert 0 < metrics["entropy"] < math.log(19)
