"""What explains the votes: very many small models, averaged by how probable each is."""

from dataclasses import replace
from itertools import chain, combinations

import pytest
import torch
from some_votes import simulate, swapped

from tinyllm.alignment.explanations import SLOPE_SD, Explained, explain, fit_each
from tinyllm.alignment.honesty import accuracy, prequential
from tinyllm.alignment.thumbs import Votes, fit


def told_by(votes, price=2.0, believed=0.0):
    features = votes.x.shape[1]
    zero = torch.zeros(features, dtype=torch.float64)
    return explain(votes, zero + price, prior_mean=zero + believed)


def test_many_explanations_at_once_are_fitted_as_each_alone():
    votes = simulate(40, 6, seed=0, pairs=20)
    subsets = torch.tensor([[0, 3, 5], [1, 2, 4], [0, 1, 2]])
    believed = torch.tensor([0.5, 0, 0, -0.3, 0, 0]).double()
    evidence, weights = fit_each(votes, subsets, prior_mean=believed)
    for row, subset in enumerate(subsets):
        alone = Votes(x=votes.x[:, subset], up=votes.up, thumb=votes.thumb)
        spread = torch.full((3,), SLOPE_SD, dtype=torch.float64)
        head = fit(alone, prior_mean=believed[subset], prior_sd=spread)
        torch.testing.assert_close(weights[row], head.mean, atol=1e-5, rtol=0)
        assert evidence[row].item() == pytest.approx(head.evidence, abs=1e-5)


def test_the_average_is_that_over_every_set_of_features():
    votes = simulate(25, 4, seed=1, pairs=5)
    sets = list(chain.from_iterable(combinations(range(4), size) for size in range(4)))
    zero = torch.zeros(4).double()
    scores, likely = [], torch.zeros(4).double()
    for each in sets:
        evidence, _ = fit_each(votes, torch.tensor([each], dtype=torch.long), prior_mean=zero)
        scores.append(float(evidence) - 2.0 * len(each))
    shares = torch.tensor(scores).double().softmax(0)
    for each, share in zip(sets, shares, strict=True):
        likely[list(each)] += share
    torch.testing.assert_close(told_by(votes).likely, likely, atol=1e-3, rtol=0)


def test_what_matters_is_found_among_hundreds_of_features_and_noise_is_not():
    votes = simulate(100, 300, seed=2)
    told = told_by(votes, price=4.0)
    assert told.likely[0] > 0.99
    assert told.pull[0] > 1
    assert told.likely[1:].max() < 0.5
    assert told.shares.sum().item() == pytest.approx(1)


def test_explanations_do_not_depend_on_the_order_of_votes_or_on_the_side_of_a_pair():
    votes = simulate(20, 3, seed=3, pairs=20)
    torch.testing.assert_close(told_by(votes).pull, told_by(swapped(votes)).pull)
    torch.testing.assert_close(told_by(votes).likely, told_by(swapped(votes)).likely)


def test_without_votes_what_was_believed_speaks():
    told = told_by(simulate(0, 1, seed=4), price=0.0, believed=0.8)
    x = torch.tensor([[-2.0], [0.0], [2.0]]).double()
    either = (torch.sigmoid(0.8 * x[:, 0]) + 0.5) / 2  # it matters, or it does not
    torch.testing.assert_close(told.probability(x), either, atol=1e-3, rtol=0)


def test_what_was_believed_is_overridden_only_by_votes():
    votes = simulate(100, 1, seed=7)
    few, many = (told_by(votes[:n], price=0.0, believed=-1.0).pull[0] for n in (2, 100))
    assert few < 0 < many


def test_an_answer_that_one_explanation_doubts_is_worth_less_than_one_that_none_does():
    told = Explained(
        weights=torch.tensor([[2.0, 0.0], [0.0, 2.0]]).double(),
        thresholds=torch.zeros(2).double(),
        shares=torch.tensor([0.5, 0.5]).double(),
        named=torch.eye(2).bool(),
    )
    both, one_more = torch.tensor([[1.0, 1.0], [2.0, 0.0]]).double()
    assert told.probability(both[None]) > told.probability(one_more[None])
    assert both @ told.pull == one_more @ told.pull


def test_a_feature_must_have_a_price_and_a_belief():
    votes = simulate(5, 3, seed=0)
    with pytest.raises(ValueError, match=r"for 3 features, got \(2,\) and \(3,\)"):
        explain(votes, torch.ones(2).double(), prior_mean=torch.zeros(3).double())


def foresee(votes):
    features = torch.zeros(votes.x.shape[1], dtype=torch.float64)
    return prequential(votes, features + 2.0, prior_mean=features)


def test_a_vote_does_not_help_to_predict_itself_or_those_before_it():
    votes = simulate(40, 3, seed=8)
    other = replace(votes, up=votes.up.clone())
    other.up[30:] = 1 - other.up[30:]
    first, second = foresee(votes), foresee(other)
    assert first[:31] == second[:31]
    assert first[0] == 0.5


def test_foresight_is_claimed_for_a_taste_and_not_for_coin_flips():
    votes = simulate(100, 3, seed=9)
    told = accuracy(foresee(votes), [int(y) for y in votes.up])
    assert told.better_than_guessing
    assert told.log_loss < told.baseline_log_loss
    flips = torch.rand(100, generator=torch.Generator().manual_seed(1)) < 0.5
    coin = replace(votes, up=flips.double())
    guessed = accuracy(foresee(coin), [int(y) for y in coin.up])
    assert guessed.sentence.endswith("not distinguishable from guessing.")
