"""Rejection-sampling fine-tuning and best-of-n: the best of what the chat model says itself."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from method_ingredients import COMPLETIONS, END, PAD, PROMPTS, carry_out, ingredients
from small_models import noisy_model

from tinyllm.alignment.answers import lay_out, read_answers
from tinyllm.alignment.bandit import five_arms, total_variation
from tinyllm.alignment.methods import METHODS, best_of_n, best_of_n_kl, best_rows
from tinyllm.alignment.methods.rejection import (
    Chosen,
    chosen_batches,
    chosen_loss,
    nats_from_even,
    weigh_answers,
)
from tinyllm.training import Rates


@pytest.fixture(scope="module")
def policy():
    return noisy_model(1)


@pytest.fixture(scope="module")
def reference():
    return noisy_model(2).requires_grad_(False)


def test_even_weights_are_no_nats_away_and_a_single_answer_ln_g():
    weights = torch.tensor([[0.25] * 4, [1.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(nats_from_even(weights), torch.tensor([0.0, math.log(4)]))


@settings(deadline=None, max_examples=50)
@given(
    hnp.arrays(
        "float64",
        st.tuples(st.integers(1, 5), st.just(8)),
        elements=st.integers(-500, 500).map(lambda n: n / 100),
    ),
    st.floats(0.2, 1.5),
)
def test_the_weights_are_those_of_a_beta_and_as_far_from_even_as_asked(table, nats):
    rewards = torch.from_numpy(table)
    weights, beta = weigh_answers(rewards, nats)
    torch.testing.assert_close(weights.sum(1), torch.ones(len(rewards)).double())
    if math.isinf(beta):
        assert bool((rewards == rewards[:, :1]).all())
        return
    torch.testing.assert_close(weights, (rewards / beta).softmax(1))
    assert float(nats_from_even(weights).mean()) <= nats + 1e-6


def test_where_rewards_differ_the_nats_are_spent():
    rewards = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    weights, _ = weigh_answers(rewards, 1.0)
    assert float(nats_from_even(weights).mean()) == pytest.approx(1.0, abs=1e-3)
    binary = (rewards > 0.5).float()
    hot, _ = weigh_answers(binary, 2.0)
    assert 0 < float(nats_from_even(hot).mean()) < 2.0, "equally good answers cannot be told apart"


def test_on_many_samples_the_weights_draw_the_regularised_optimum():
    bandit = five_arms()
    generator = torch.Generator().manual_seed(1)
    reference = bandit.log_reference.exp()
    arms = reference.multinomial(200_000, replacement=True, generator=generator)
    weights = (bandit.rewards[arms] / bandit.beta).softmax(0)
    drawn = torch.zeros(5, dtype=torch.float64).index_add(0, arms, weights)
    assert total_variation(drawn, bandit.optimum()) < 0.01


def test_answers_are_drawn_as_often_as_their_weights_say():
    answers = lay_out([[2]] * 6, [[5 + n, END] for n in range(6)], pad=PAD, end=END)
    weights = torch.tensor([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5]])
    batches = chosen_batches(answers, weights, rows=5, drawn=4, seed=0)
    drawn = torch.cat([next(batches).answers.ids[:, 1] - 5 for _ in range(2000)])
    share = torch.bincount(drawn, minlength=6).view(2, 3) / len(drawn) * 2
    torch.testing.assert_close(share, weights, atol=0.02, rtol=0)


def test_what_is_chosen_is_learned_as_in_supervised_fine_tuning(policy):
    answers = lay_out([[2, 7, 3]] * 4, COMPLETIONS, pad=PAD, end=END)
    loss, _ = chosen_loss(policy, Chosen(answers=answers))
    by_hand = -read_answers(policy, answers).log_probs.sum() / answers.mask.sum()
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_the_kl_of_the_best_of_n_is_that_of_its_closed_form():
    assert best_of_n_kl(16) == pytest.approx(1.835, abs=1e-3)
    assert best_of_n_kl(1) == 0
    # n arms of a continuum: the best of n has density n F^(n-1), whose KL to uniform is exact.
    grid = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    density = 4 * grid**3
    assert (density * density.log()).mean().item() == pytest.approx(best_of_n_kl(4), abs=1e-4)
    with pytest.raises(ValueError, match="one answer or more"):
        best_of_n_kl(0)


def test_the_best_of_n_is_the_answer_that_the_reward_likes_best(policy, reference):
    def shorter(answers, reading):
        return -answers.answer_lengths.float()

    answers, rewards = best_of_n(
        policy, reference, PROMPTS, shorter, n=5, max_new_tokens=9, end=END, pad=PAD, seed=3
    )
    lengths = answers.answer_lengths.view(3, 5)
    assert answers.answer_lengths[best_rows(rewards)].tolist() == lengths.amin(1).tolist()
    assert answers.which[best_rows(rewards)].tolist() == [0, 1, 2]


def test_rejection_sampling_finds_what_the_reward_wants_without_a_rollout(reference):
    policy = noisy_model(2)
    learning = METHODS["rejection"](ingredients(policy, reference))
    rates = Rates(matrices=0.01, embedding=0.003, gains=0.003, head=0.003, clip=1.0)
    steps = carry_out(learning, rates, 20)
    assert steps[-1].loss < steps[0].loss
    lengths = {}
    for name, model in (("before", reference), ("after", policy)):
        answers, _ = best_of_n(model, reference, PROMPTS, lambda a, r: a.lengths.float(), n=64,
                               max_new_tokens=12, end=END, pad=PAD, seed=9)  # fmt: skip
        lengths[name] = answers.answer_lengths.float().mean().item()
    assert lengths["after"] < 0.8 * lengths["before"]
