"""Logistic regression on votes: convex, deterministic, sure only of what the votes have said."""

import math

import pytest
import torch
from some_votes import simulate, swapped
from torch.nn.functional import logsigmoid

from tinyllm.alignment.thumbs import Votes, fit


def votes_of(x, up, thumb=True):
    x = torch.as_tensor(x, dtype=torch.float64)
    return Votes(
        x=x,
        up=torch.as_tensor(up, dtype=torch.float64),
        thumb=torch.full((len(x),), thumb) if isinstance(thumb, bool) else torch.as_tensor(thumb),
    )


def fit_plain(votes, sd=1.0, lapse=0.05, **arguments):
    features = votes.x.shape[1]
    zero = torch.zeros(features, dtype=torch.float64)
    return fit(votes, prior_mean=zero, prior_sd=zero + sd, lapse=lapse, **arguments)


def test_constant_features_give_the_base_rate():
    votes = votes_of(torch.zeros(8, 2), [1, 1, 1, 1, 1, 1, 0, 0])
    head = fit_plain(votes)
    p = torch.sigmoid(head.mean[-1]).item()
    assert (p - 0.05) / 0.9 == pytest.approx(6 / 8, abs=1e-4)
    assert head.mean[:-1].abs().max() < 1e-9


def test_two_items_are_told_apart_by_the_logit_of_the_win_rate():
    votes = votes_of(torch.ones(10, 1), [1] * 7 + [0] * 3, thumb=False)
    head = fit_plain(votes, sd=1e4, lapse=1e-9)
    assert head.mean[0].item() == pytest.approx(math.log(7 / 3), abs=1e-5)


def test_the_peak_has_no_gradient_and_the_covariance_is_the_inverse_hessian():
    votes = simulate(30, 3, seed=0, pairs=10)
    sd, lapse = 0.7, 0.1
    head = fit_plain(votes, sd=sd, lapse=lapse)
    spread = torch.tensor([sd, sd, sd, 100.0], dtype=torch.float64)

    def negative_log_posterior(w):
        logits = votes.x @ w[:-1] + votes.thumb * w[-1]
        target = lapse + (1 - 2 * lapse) * votes.up
        fits = target * logsigmoid(logits) + (1 - target) * logsigmoid(-logits)
        return -fits.sum() + ((w / spread) ** 2).sum() / 2

    w = head.mean.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(negative_log_posterior(w), w)
    hessian = torch.autograd.functional.hessian(negative_log_posterior, head.mean)
    assert gradient.abs().max() < 1e-4
    torch.testing.assert_close(head.covariance @ hessian, torch.eye(4, dtype=torch.float64))


def test_the_evidence_is_the_integral_over_the_weight():
    votes = votes_of([[1.0]] * 6 + [[-1.0]] * 6, [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1], thumb=False)
    head = fit_plain(votes, sd=1.0, lapse=0.05)
    w = torch.linspace(-12, 12, 20_001, dtype=torch.float64)[:, None]
    target = 0.05 + 0.9 * votes.up
    logits = w * votes.x[:, 0]
    log_p = (target * logsigmoid(logits) + (1 - target) * logsigmoid(-logits)).sum(1)
    log_p = log_p - w[:, 0] ** 2 / 2 - math.log(2 * math.pi) / 2
    integral = torch.trapezoid(log_p.exp(), w[:, 0]).log().item()
    assert head.evidence == pytest.approx(integral, abs=0.03)


def test_the_order_of_votes_and_of_a_pair_does_not_matter():
    votes = simulate(20, 3, seed=1, pairs=20)
    torch.testing.assert_close(fit_plain(votes).mean, fit_plain(swapped(votes)).mean)


def test_the_same_votes_give_the_same_head_bit_for_bit():
    votes = simulate(40, 5, seed=2)
    assert torch.equal(fit_plain(votes).mean, fit_plain(votes).mean)


def test_no_votes_leave_the_prior():
    mean, sd = torch.tensor([0.5, -1.0]).double(), torch.tensor([0.2, 0.4]).double()
    head = fit(votes_of(torch.zeros(0, 2), []), prior_mean=mean, prior_sd=sd)
    torch.testing.assert_close(head.mean[:-1], mean)
    torch.testing.assert_close(head.covariance.diagonal()[:-1], sd**2)
    assert head.evidence == pytest.approx(0.0, abs=1e-9)


def test_thumbs_and_pairs_share_what_they_teach():
    thumbs, pairs = simulate(60, 2, seed=3), simulate(0, 2, seed=4, pairs=60)
    both = Votes(
        x=torch.cat([thumbs.x, pairs.x]),
        up=torch.cat([thumbs.up, pairs.up]),
        thumb=torch.cat([thumbs.thumb, pairs.thumb]),
    )
    spreads = [fit_plain(votes).covariance[0, 0].item() for votes in (both, thumbs, pairs)]
    assert spreads[0] < min(spreads[1:])


@pytest.mark.parametrize("lapse", [0.0, 0.5, 0.9])
def test_a_lapse_that_is_no_lapse_is_refused(lapse):
    with pytest.raises(ValueError, match="expected a lapse between 0"):
        fit_plain(simulate(5, 1, seed=0), lapse=lapse)
