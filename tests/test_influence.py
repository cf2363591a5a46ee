"""Which votes did most to a reward: the short cut beside explaining anew without each vote."""

import torch
from some_votes import simulate

from tinyllm.alignment.explanations import explain, fit_each
from tinyllm.alignment.influence import influences, leave_each_out
from tinyllm.alignment.thumbs import Votes


def told_by(votes, price=2.0):
    zero = torch.zeros(votes.x.shape[1], dtype=torch.float64)
    return explain(votes, zero + price, prior_mean=zero)


def without(votes, number):
    kept = torch.arange(len(votes)) != number
    return Votes(x=votes.x[kept], up=votes.up[kept], thumb=votes.thumb[kept])


def some_answers(features, seed=9):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(64, features, generator=generator, dtype=torch.float64)


def measured(votes, answers):
    names = [f"feature {n}" for n in range(votes.x.shape[1])]
    records = [str(n) for n in range(len(votes))]
    return influences(told_by(votes), votes, answers, records=records, names=names)


def ranks(values):
    return values.argsort().argsort().double()


def test_leaving_a_vote_out_by_the_short_cut_is_nearly_fitting_the_rest_anew():
    votes = simulate(30, 4, seed=1, pairs=5)
    told = told_by(votes)
    zero = torch.zeros(4, dtype=torch.float64)
    alone = told.named.sum(1) == 1
    subsets = told.named[alone].nonzero()[:, 1:]
    with_all, _ = fit_each(votes, subsets, prior_mean=zero)
    for number, guessed in zip(range(len(votes)), leave_each_out(told, votes), strict=True):
        evidence, weights = fit_each(without(votes, number), subsets, prior_mean=zero)
        near = guessed.weights[alone].gather(1, subsets)
        torch.testing.assert_close(near, weights[:, :1], atol=0.02, rtol=0.02)
        shares = (told.shares[alone].log() + evidence - with_all).softmax(0)
        ours = guessed.shares[alone] / guessed.shares[alone].sum()
        torch.testing.assert_close(ours, shares, atol=0.01, rtol=0)


def test_the_order_of_votes_by_influence_has_a_rank_correlation_over_0_9_with_exact_refits():
    votes, answers = simulate(40, 7, seed=2, pairs=5), some_answers(7)
    found = {int(one.record): one.moved for one in measured(votes, answers)}

    def rewards(told):
        raw = told.probability(answers).log()
        return raw - raw.mean()

    usual = rewards(told_by(votes))
    exact = torch.stack(
        [
            (rewards(told_by(without(votes, n))) - usual).square().mean().sqrt()
            for n in range(len(votes))
        ]
    )
    guessed = torch.tensor([found[n] for n in range(len(votes))])
    table = torch.stack([ranks(exact), ranks(guessed)])
    assert torch.corrcoef(table)[0, 1] > 0.9
    assert (exact / usual.std(correction=0)).argmax() == guessed.argmax()


def test_the_one_vote_against_all_others_moved_the_reward_most_and_away_from_theirs():
    x = torch.linspace(-2, 2, 40, dtype=torch.float64)[:, None]
    up = (x[:, 0] > 0).double()
    up[38] = 0.0  # high, and disliked
    votes = Votes(x=x, up=up, thumb=torch.ones(40, dtype=torch.bool))
    most = measured(votes, some_answers(1))[0]
    assert most.record == "38"
    assert most.feature == "feature 0"
    assert most.pull < 0


def test_without_votes_nobody_moved_anything():
    votes = simulate(0, 3, seed=0)
    assert measured(votes, some_answers(3)) == []


def test_rewards_that_hardly_differ_are_not_blown_up():
    votes, answers = simulate(20, 3, seed=4), some_answers(3)
    names, records = list("abc"), [str(n) for n in range(20)]
    told = told_by(votes)
    own = influences(told, votes, answers, records=records, names=names)
    wide = influences(told, votes, answers, records=records, names=names, least_sd=1e3)
    assert wide[0].moved < 0.01 < own[0].moved
