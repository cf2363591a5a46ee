"""Rejection-sampling fine-tuning and best-of-n: the best of what the chat model says itself."""

import importlib
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from method_ingredients import COMPLETIONS, END, PAD, PROMPTS, carry_out, ingredients
from method_ingredients import make_policy as make_policy
from method_ingredients import make_reference as make_reference
from small_models import noisy_model

from tinyllm.alignment.answers import lay_out, read_answers
from tinyllm.alignment.bandit import five_arms, total_variation
from tinyllm.alignment.kl import exact_kl
from tinyllm.alignment.methods import METHODS, best_of_n, best_of_n_kl, best_rows
from tinyllm.alignment.methods.rejection import (
    HOLD,
    Chosen,
    chosen_batches,
    chosen_loss,
    nats_from_even,
    no_more_of,
    weigh_answers,
)
from tinyllm.training import Rates


def test_even_weights_are_no_nats_away_and_a_single_answer_ln_g():
    weights = torch.stack([torch.tensor([0.25] * 4), torch.eye(4)[0]])
    torch.testing.assert_close(nats_from_even(weights), torch.tensor([0.0, math.log(4)]))


@settings(deadline=None, max_examples=50)
@given(
    hnp.arrays(
        "float64",
        st.tuples(st.integers(1, 5), st.integers(2, 40)),
        elements=st.integers(-500, 500).map(lambda n: n / 9),
    ),
    st.floats(0.2, 1.5),
)
def test_the_weights_are_those_of_one_beta_and_as_far_from_even_as_asked(table, nats):
    rewards = torch.from_numpy(table)
    weights, beta = weigh_answers(rewards, nats)
    torch.testing.assert_close(weights.sum(1), torch.ones(len(rewards)).double())
    if math.isinf(beta):
        assert bool((rewards == rewards[:, :1]).all())
        return
    torch.testing.assert_close(weights, (rewards / beta).softmax(1))
    assert float(nats_from_even(weights).mean()) <= nats + 1e-6


def test_where_rewards_differ_the_nats_are_spent():
    rewards = torch.randn(16, 32, generator=torch.Generator().manual_seed(0))
    weights, _ = weigh_answers(rewards, 1.0)
    assert float(nats_from_even(weights).mean()) == pytest.approx(1.0, abs=1e-3)
    hot, _ = weigh_answers((rewards > 0.5).float(), 2.0)
    assert 0 < float(nats_from_even(hot).mean()) < 1.5, "equally good answers cannot be told apart"


def test_no_prompt_has_more_weight_for_having_better_answers():
    rewards = torch.tensor([[0.0, 1.0, 0.0, 0.0], [5.0, 6.0, 5.0, 5.0]])
    weights, _ = weigh_answers(rewards, 0.5)
    torch.testing.assert_close(weights[0], weights[1])


def test_on_many_samples_the_weights_draw_the_regularised_optimum():
    bandit = five_arms()
    generator = torch.Generator().manual_seed(1)
    reference = bandit.log_reference.exp()
    arms = reference.multinomial(200_000, replacement=True, generator=generator)
    weights = (bandit.rewards[arms] / bandit.beta).softmax(0)
    drawn = torch.zeros(5, dtype=torch.float64).index_add(0, arms, weights)
    assert total_variation(drawn, bandit.optimum()) < 0.01


def test_answers_are_drawn_as_often_as_their_weights_say_and_those_held_on_to_evenly():
    answers = lay_out([[2]] * 6, [[5 + n, END] for n in range(6)], pad=PAD, end=END)
    weights = torch.tensor([0.5, 0.3, 0.15, 0.05])
    held = torch.tensor([4, 5])
    batches = chosen_batches(answers, weights, held, rows=5, held_rows=2, seed=0)
    drawn = [next(batches) for _ in range(2000)]
    chosen = torch.cat([batch.answers.ids[:, 1] - 5 for batch in drawn])
    kept = torch.cat([batch.held.ids[:, 1] - 5 for batch in drawn])
    torch.testing.assert_close(
        torch.bincount(chosen, minlength=4) / 10_000, weights, atol=0.02, rtol=0
    )
    torch.testing.assert_close(
        torch.bincount(kept, minlength=6)[4:] / 4000, torch.tensor([0.5, 0.5]), atol=0.03, rtol=0
    )
    assert drawn[0].tokens == 14


def test_what_is_chosen_is_learned_as_in_supervised_fine_tuning_and_moving_elsewhere_costs(
    policy, reference
):
    answers = lay_out([[2, 7, 3]] * 4, COMPLETIONS, pad=PAD, end=END)
    held = answers.take(torch.tensor([2, 0]))
    loss, told = chosen_loss(policy, Chosen(answers=answers, held=held), reference=reference)
    by_hand = -read_answers(policy, answers).log_probs.sum() / answers.mask.sum()
    assert told["imitated"] == pytest.approx(by_hand.item(), rel=1e-5)
    ours, theirs = (
        model.logits(model.hidden(held.ids[:, :-1])[held.mask[:, 1:]]).log_softmax(-1)
        for model in (policy, reference)
    )
    moved = torch.nn.functional.kl_div(ours, theirs, log_target=True, reduction="batchmean")
    assert told["moved"] == pytest.approx(moved.item(), rel=1e-4)
    assert loss.item() == pytest.approx(told["imitated"] + HOLD * told["moved"], rel=1e-5)
    _, still = chosen_loss(reference, Chosen(answers=answers, held=held), reference=reference)
    assert still["moved"] == pytest.approx(0, abs=1e-6)


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


def test_what_is_not_practised_moves_less_where_it_is_held_in_place(reference, monkeypatch):
    moved = {}
    for hold in (0.0, 4.0):
        module = importlib.import_module("tinyllm.alignment.methods.rejection")
        monkeypatch.setattr(module, "HOLD", hold)
        policy = noisy_model(2)
        learning = METHODS["rejection"](ingredients(policy, reference, practised=1))
        rates = Rates(matrices=0.01, embedding=0.003, gains=0.003, head=0.003, clip=1.0)
        carry_out(learning, rates, 20)
        answers, _ = best_of_n(policy, reference, PROMPTS[1:], lambda a, r: a.lengths.float(), n=64,
                               max_new_tokens=12, end=END, pad=PAD, seed=9)  # fmt: skip
        moved[hold] = exact_kl(policy, reference, answers.ids, answers.mask).mean().item()
    assert moved[4.0] < 0.6 * moved[0.0]


def test_answers_that_lost_the_thread_are_drawn_no_more_often_than_they_are_written():
    lost = torch.tensor([True, False, False, True, False])
    for weights in (torch.tensor([0.6, 0.1, 0.1, 0.1, 0.1]), torch.tensor([0.5, 0, 0, 0.5, 0])):
        spared = no_more_of(lost, weights)
        assert spared[lost].sum().item() == pytest.approx(0.4, abs=1e-6)
        torch.testing.assert_close(spared[0] / spared[3], weights[0] / weights[3])
    few = torch.tensor([0.1, 0.3, 0.3, 0.1, 0.2])
    assert no_more_of(lost, few) is few
    every = torch.full((5,), 0.2)
    assert no_more_of(torch.ones(5).bool(), every) is every
