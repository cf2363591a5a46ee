"""Exact gradients on a bandit with five arms: where each way of paying for KL comes to rest."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.alignment.advantages import leave_one_out
from tinyllm.alignment.bandit import (
    TERMS,
    Bandit,
    descend,
    five_arms,
    three_arms,
    total_variation,
)
from tinyllm.alignment.methods.rloo import policy_gradient_loss
from tinyllm.alignment.rollouts import regularised_reward

PAIRS = torch.cartesian_prod(torch.arange(5), torch.arange(5))  # (25, G = 2)


def at_rest(term, bandit=None):
    *_, last = descend(bandit or five_arms(), term, steps=6000)
    return last


@pytest.mark.parametrize(
    "term", ["k1 in the reward", "k2 in the loss", "k3 in the loss, times rho"]
)
def test_three_ways_of_paying_reach_the_regularised_optimum(term):
    assert total_variation(at_rest(term).policy, five_arms().optimum()) < 1e-3


def test_k3_in_the_loss_comes_to_rest_at_its_own_closed_form():
    bandit = five_arms()
    rest = at_rest("k3 in the loss").policy
    assert total_variation(rest, bandit.k3_optimum()) < 1e-3
    assert total_variation(rest, bandit.optimum()) > 0.1
    balance = bandit.rewards + bandit.beta * bandit.log_reference.exp() / rest
    assert (balance - balance[0]).abs().max() < 1e-3


def test_k3_in_the_reward_runs_away():
    stands = list(descend(five_arms(), "k3 in the reward", steps=3000))
    assert stands[-1].step < 3000
    assert stands[-1].policy.max() > 0.999
    assert stands[-1].kl > 2 * at_rest("k1 in the reward").kl


arms = st.lists(st.tuples(st.floats(-1, 1), st.floats(0.1, 1)), min_size=2, max_size=6)


@settings(deadline=None, max_examples=30)
@given(arms, st.floats(0.2, 2.0))
def test_both_optima_are_distributions_and_their_gradients_vanish(arms, beta):
    rewards, weights = torch.tensor(arms, dtype=torch.float64).T
    bandit = Bandit(rewards, (weights / weights.sum()).log(), beta)
    resting = {"k1 in the reward": bandit.optimum(), "k2 in the loss": bandit.optimum(),
               "k3 in the loss, times rho": bandit.optimum(),
               "k3 in the loss": bandit.k3_optimum()}  # fmt: skip
    for term, policy in resting.items():
        assert policy.sum().item() == pytest.approx(1, abs=1e-9)
        assert bandit.gradient(policy.log(), term).abs().max() < 1e-9


def test_the_gradient_of_rloo_over_all_pairs_of_draws_is_that_of_k1_in_the_reward():
    bandit = five_arms()
    logits = torch.tensor([0.3, -0.2, 0.1, 0.5, -0.7], dtype=torch.float64, requires_grad=True)
    log_policy = logits.log_softmax(0)
    with torch.no_grad():
        chance = log_policy[PAIRS].sum(1).exp()  # (25)
        paid = regularised_reward(bandit.rewards, log_policy - bandit.log_reference, bandit.beta)
        advantages = leave_one_out(paid[PAIRS])
    losses = [
        policy_gradient_loss(log_policy[pair], advantage)
        for pair, advantage in zip(PAIRS, advantages, strict=True)
    ]
    (gradient,) = torch.autograd.grad((chance * torch.stack(losses)).sum(), logits)
    torch.testing.assert_close(gradient, bandit.gradient(logits, "k1 in the reward"))


def test_every_way_of_paying_begins_at_the_reference():
    for term in TERMS:
        first = next(descend(five_arms(), term))
        torch.testing.assert_close(first.policy, five_arms().log_reference.exp())
        assert (first.step, first.kl) == (0, pytest.approx(0, abs=1e-12))


def test_over_three_arms_the_ways_of_paying_part_as_over_five():
    bandit = three_arms()
    for term in ("k1 in the reward", "k2 in the loss", "k3 in the loss, times rho"):
        assert total_variation(at_rest(term, bandit).policy, bandit.optimum()) < 1e-3
    rest = at_rest("k3 in the loss", bandit).policy
    assert total_variation(rest, bandit.k3_optimum()) < 1e-3
    assert total_variation(rest, bandit.optimum()) > 0.1
