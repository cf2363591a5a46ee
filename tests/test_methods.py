"""The methods that learn from rollouts, each against its closed forms."""

import math
from dataclasses import replace
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from method_ingredients import COMPLETIONS, END, PAD, carry_out, ingredients
from method_ingredients import make_policy as make_policy
from method_ingredients import make_reference as make_reference
from small_models import noisy_model

from tinyllm.alignment.answers import lay_out, read_answers
from tinyllm.alignment.kl import k1, k3
from tinyllm.alignment.methods import METHODS
from tinyllm.alignment.methods.grpo import group_advantages, grpo_loss
from tinyllm.alignment.methods.ppo import (
    ActorCritic,
    clipped_surrogate,
    gae,
    judge_tokens,
    ppo_loss,
    token_rewards,
)
from tinyllm.alignment.methods.reinforce import RunningBaseline
from tinyllm.alignment.rollouts import Rollouts
from tinyllm.model import sequence_logprobs
from tinyllm.training import Rates

ROWS = st.tuples(st.integers(1, 4), st.integers(1, 7))


def batch_of(writer, reference, advantages, rewards=(0.0,) * 4, beta=0.1):
    """Rollouts of given answers, with the log-probabilities that `writer` gives them."""
    answers = lay_out([[2, 7, 3]] * 4, COMPLETIONS, pad=PAD, end=END)
    answers = replace(answers, log_probs=read_answers(writer, answers).log_probs)
    return Rollouts(
        answers=answers,
        reading=read_answers(reference, answers),
        rewards=torch.tensor(rewards),
        advantages=torch.tensor(advantages),
        beta=beta,
    )


def gradient_of(loss, model):
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


# REINFORCE


def test_the_running_baseline_is_known_before_the_answers_it_judges():
    baseline = RunningBaseline(memory=0.9)
    same = torch.zeros(1, 2)
    first = baseline(torch.tensor([[3.0, 5.0]]), same, 0.1)
    assert first.tolist() == [[3.0, 5.0]]
    second = baseline(torch.tensor([[3.0, 5.0]]), same, 0.1)
    torch.testing.assert_close(second, torch.tensor([[2.6, 4.6]]))


def test_the_running_baseline_judges_what_is_left_after_paying_for_kl():
    paid = RunningBaseline()(torch.ones(1, 1), torch.full((1, 1), 2.0), 0.25)
    assert paid.tolist() == [[0.5]]


# GRPO


@settings(deadline=None)
@given(st.integers(2, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))))
def test_group_advantages_of_binary_rewards_are_the_square_roots_of_the_odds(counts):
    samples, right = counts
    rewards = torch.tensor([[1.0] * right + [0.0] * (samples - right)])
    p = right / samples
    found = group_advantages(rewards, rewards, 0.1)[0]
    assert found[0].item() == pytest.approx(math.sqrt((1 - p) / p), rel=1e-3)
    assert found[-1].item() == pytest.approx(-math.sqrt(p / (1 - p)), rel=1e-3)


def test_a_group_of_equal_rewards_teaches_nothing():
    assert group_advantages(torch.full((1, 4), 0.7), torch.zeros(1, 4), 0.1).abs().max() < 1e-2


def test_the_loss_of_grpo_is_the_mean_over_answers_of_the_mean_over_tokens(policy, reference):
    advantages = [1.0, -2.0, 0.5, 0.3]
    batch = batch_of(reference, reference, advantages, beta=0.2)
    loss, _ = grpo_loss(reference, clip=0.2)(policy, batch)
    by_hand = 0.0
    for completion, advantage in zip(COMPLETIONS, advantages, strict=True):
        ids = torch.tensor([[2, 7, 3, *completion]])
        new, old = (
            m(ids)[0, 2:-1].log_softmax(-1)[range(len(completion)), completion].detach()
            for m in (policy, reference)
        )
        rho = (new - old).exp()
        gained = torch.minimum(rho * advantage, rho.clamp(0.8, 1.2) * advantage)
        by_hand += (0.2 * k3(new - old) - gained).mean().item() / 4
    assert loss.item() == pytest.approx(by_hand, rel=1e-4)


def test_on_its_own_answers_grpo_weighs_every_token_by_one_over_the_length(policy, reference):
    batch = batch_of(policy, reference, [1.0, -2.0, 0.5, 0.3], beta=0.0)
    found = gradient_of(grpo_loss(reference)(policy, batch)[0], policy)
    log_probs = sequence_logprobs(policy, batch.answers.ids, batch.answers.mask)
    means = log_probs.sum(1) / batch.answers.answer_lengths
    torch.testing.assert_close(found, gradient_of(-(batch.advantages * means).mean(), policy),
                               atol=1e-5, rtol=1e-4)  # fmt: skip


# PPO


tables = hnp.arrays("float32", ROWS, elements=st.floats(-5, 5, width=32)).map(torch.from_numpy)


@settings(deadline=None)
@given(tables, st.randoms())
def test_gae_with_lambda_one_is_what_is_still_to_come_minus_the_value(rewards, random):
    values = torch.tensor([[random.uniform(-2, 2) for _ in row] for row in rewards.tolist()])
    mask = torch.ones_like(rewards).bool()
    still_to_come = rewards.flip(1).cumsum(1).flip(1)
    found = gae(rewards, values, mask, lam=1.0)
    torch.testing.assert_close(found, still_to_come - values, atol=1e-4, rtol=1e-4)


@settings(deadline=None)
@given(tables, st.floats(0, 1))
def test_gae_with_lambda_nought_is_the_surprise_of_one_step(rewards, gamma):
    values = rewards.roll(1, 1) * 0.3 + 1
    mask = torch.ones_like(rewards).bool()
    after = torch.nn.functional.pad(values[:, 1:], (0, 1))
    found = gae(rewards, values, mask, gamma=gamma, lam=0.0)
    torch.testing.assert_close(found, rewards + gamma * after - values, atol=1e-4, rtol=1e-4)


def test_gae_sees_neither_the_prompt_nor_the_padding():
    generator = torch.Generator().manual_seed(0)
    rewards, values = torch.randn(2, 1, 3, generator=generator)
    alone = gae(rewards, values, torch.ones(1, 3).bool(), lam=0.9)
    around = [torch.nn.functional.pad(t, (2, 4), value=9.0) for t in (rewards, values)]
    mask = torch.nn.functional.pad(torch.ones(1, 3).bool(), (2, 4))
    wide = gae(*around, mask, lam=0.9)
    torch.testing.assert_close(wide[:, 2:5], alone)
    assert (wide[~mask] == 0).all()


def test_where_it_is_clipped_the_surrogate_has_no_gradient():
    log_rho = torch.tensor([0.0, 0.5, -0.5, 0.5, -0.5], requires_grad=True)
    advantages = torch.tensor([1.0, 1.0, -1.0, -1.0, 1.0])
    clipped_surrogate(log_rho, advantages, 0.2).sum().backward()
    expected = [1.0, 0.0, 0.0, -math.exp(0.5), math.exp(-0.5)]
    assert log_rho.grad.tolist() == pytest.approx(expected)


def test_in_the_first_epoch_rho_is_one_everywhere_and_nothing_is_clipped(reference):
    learner = ActorCritic(noisy_model(1))
    given = ingredients(learner.policy, reference, seed=5)
    batch = next(METHODS["ppo"](given).batches)
    answers = batch.rollouts.answers
    new = sequence_logprobs(learner.policy, answers.ids, answers.mask)
    assert (new - answers.log_probs).abs().max() < 1e-4
    assert ppo_loss(learner, batch, reference, clip=1e-3)[1]["clipped"] == 0


def test_at_one_update_a_batch_and_lambda_one_ppo_is_reinforce(reference):
    learner = ActorCritic(noisy_model(1))
    batch = batch_of(learner.policy, reference, [0.0] * 4, rewards=(1.0, -0.5, 0.2, 0.9), beta=0.3)
    judged = judge_tokens(learner, batch, lam=1.0)
    mask = batch.answers.mask
    # The critic is still 0, so what is to come is the advantage; it is used unwhitened here.
    raw = gae(token_rewards(batch), torch.zeros(mask.shape), mask, lam=1.0)
    judged = replace(judged, advantages=raw)
    found = gradient_of(ppo_loss(learner, judged, reference)[0], learner.policy)
    paid = batch.beta * k1(batch.answers.log_probs - batch.reading.log_probs) * mask
    to_come = batch.rewards[:, None] - paid.flip(1).cumsum(1).flip(1)
    log_probs = sequence_logprobs(learner.policy, batch.answers.ids, mask)
    reinforce = -(to_come * log_probs * mask).sum() / mask.sum()
    torch.testing.assert_close(found, gradient_of(reinforce, learner.policy), atol=1e-5, rtol=1e-4)


def test_token_rewards_sum_to_the_reward_less_beta_k1_of_the_answer(policy, reference):
    batch = batch_of(policy, reference, [0.0] * 4, rewards=(1.0, -0.5, 0.2, 0.9), beta=0.3)
    log_ratio = (batch.answers.log_probs - batch.reading.log_probs).sum(1)
    torch.testing.assert_close(token_rewards(batch).sum(1), batch.rewards - 0.3 * log_ratio)


def test_the_critic_foresees_a_token_from_what_stands_before_it(policy, reference):
    learner = ActorCritic(policy)
    torch.nn.init.ones_(learner.critic.weight)
    batch = batch_of(policy, reference, [0.0] * 4)
    values = learner.values(batch.reading.hidden)
    assert values[0, 3].item() == pytest.approx(batch.reading.hidden[0, 2].sum().item(), rel=1e-4)
    assert values[:, 0].tolist() == [0.0] * 4


def test_the_critic_learns_the_returns_and_leaves_the_policy_alone(reference):
    learner = ActorCritic(noisy_model(1))
    batch = batch_of(learner.policy, reference, [0.0] * 4, rewards=(1.0, 1.0, 1.0, 1.0), beta=0.0)
    judged = replace(judge_tokens(learner, batch), advantages=torch.zeros(batch.answers.ids.shape))
    loss, before = ppo_loss(learner, judged, reference)
    loss.backward()
    # A policy that gains nothing does not move, whatever the critic has to learn.
    assert all(p.grad is None or p.grad.abs().max() < 1e-8 for p in learner.policy.parameters())
    with torch.no_grad():
        learner.critic.weight -= 1e-3 * learner.critic.weight.grad
    assert ppo_loss(learner, judged, reference)[0] < loss
    assert before["critic"] > 0


# All of them


@pytest.mark.parametrize("name", ["rloo", "ppo", "reinforce", "grpo"])
def test_a_method_that_learns_from_rollouts_finds_what_the_reward_wants(name, reference):
    policy = noisy_model(2)
    learning = METHODS[name](ingredients(policy, reference, prompts_per_step=3, num_samples=8))
    rates = Rates(matrices=0.02, embedding=0.01, gains=0.01, head=0.01, clip=1.0)
    steps = carry_out(learning, rates, 24)
    assert learning.on_policy
    assert learning.usual_tokens > 3 * 8
    lengths = [step.metrics["length"] for step in steps]
    assert sum(lengths[-4:]) < 0.8 * sum(lengths[:4])
    assert all({"kl", "entropy", "reward", "finished", "beta"} <= set(s.metrics) for s in steps)
    assert steps[-1].metrics["kl"] > 0


def test_ppo_uses_every_batch_of_rollouts_twice(policy, reference):
    batches = list(islice(METHODS["ppo"](ingredients(policy, reference)).batches, 4))
    assert batches[0] is batches[1]
    assert batches[2] is batches[3]
    assert batches[1] is not batches[2]
