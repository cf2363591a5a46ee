"""Gao's laws recovered exactly, and best-of-n against the count of all choices."""

import math
from itertools import combinations

import numpy as np
import pytest

from tinyllm.alignment.methods.best_of_n import best_of_n_kl
from tinyllm.alignment.overoptimisation import (
    BENDS,
    Curve,
    Law,
    best_of_n_kls,
    best_of_n_means,
    bootstrap_law,
    fit_law,
)

KL = np.array([0.1, 0.5, 1.0, 2.5, 6.0, 14.0, 30.0])
D = np.sqrt(KL)
WRITTEN_OUT = {
    "best-of-n": lambda alpha, beta: D * (alpha - beta * D),
    "rl": lambda alpha, beta: D * (alpha - beta * np.log(D)),
}


@pytest.mark.parametrize("form", BENDS)
@pytest.mark.parametrize(("alpha", "beta"), [(1.3, 0.4), (0.2, -0.1), (-0.5, 0.7)])
def test_points_on_a_law_give_the_law_back(form, alpha, beta):
    law = fit_law(KL, WRITTEN_OUT[form](alpha, beta), form)
    assert law.alpha == pytest.approx(alpha)
    assert law.beta == pytest.approx(beta)
    assert law.r2 == pytest.approx(1.0)
    np.testing.assert_allclose(law(KL), WRITTEN_OUT[form](alpha, beta))


@pytest.mark.parametrize("form", BENDS)
def test_at_the_chat_model_itself_nothing_is_gained(form):
    assert Law(form, 1.3, 0.4, 0.9)([0.0]).tolist() == [0.0]
    with_zero = fit_law([0.0, *KL], [0.7, *WRITTEN_OUT[form](1.3, 0.4)], form)
    assert with_zero.alpha == pytest.approx(1.3), "a point at KL 0 is not fitted"


@pytest.mark.parametrize("form", BENDS)
def test_the_peak_is_where_the_curve_is_highest(form):
    law = Law(form, 1.1, 0.3, 1.0)
    near = law.peak * np.array([0.9, 0.99, 1.0, 1.01, 1.1])
    assert law(near).argmax() == 2
    assert law(law.peak) > law(KL).max() - 1e-9
    assert Law(form, 1.1, -0.1, 1.0).peak == math.inf


def test_a_best_of_n_that_only_harms_is_best_not_done():
    assert Law("best-of-n", -0.3, 0.2, 1.0).peak == 0.0


def test_a_level_line_that_fits_better_makes_r2_negative():
    gold = np.array([1.0, 1.1, 0.9, 1.0, 1.1, 0.9, 1.0])  # a jump at once, then nothing
    assert fit_law(KL, gold, "best-of-n").r2 < 0


@pytest.mark.parametrize(
    ("kl", "gold", "form", "told"),
    [
        ([1.0, 4.0], [1.0, 2.0], "ppo", "'ppo'"),
        ([1.0, 4.0], [1.0], "rl", "for each KL"),
        ([0.0, 4.0, 4.0], [0.0, 1.0, 2.0], "rl", "two different KLs"),
    ],
)
def test_what_cannot_be_fitted_is_said(kl, gold, form, told):
    with pytest.raises(ValueError, match=told):
        fit_law(kl, gold, form)


def noisy(form, seed, prompts=40, away=0.0):
    rng = np.random.default_rng(seed)
    gold = WRITTEN_OUT[form](1.0 + away, 0.3)[:, None] + rng.normal(0, 0.5, (1, prompts))
    return Curve(np.repeat(KL[:, None], prompts, 1), gold + rng.normal(0, 0.1, gold.shape))


def test_intervals_hold_the_law_and_shrink_with_more_prompts():
    law, few = bootstrap_law([[noisy("rl", 1)]], "rl", resamples=200)
    _, many = bootstrap_law([[noisy("rl", 1, prompts=640)]], "rl", resamples=200)
    for name, value in (("alpha", 1.0), ("beta", 0.3)):
        assert few[name].low < value < few[name].high
        assert few[name].high - few[name].low > 2 * (many[name].high - many[name].low)
        assert few[name].low < few[name].value == getattr(law, name) < few[name].high
    assert few["alpha"].n == 40


def test_people_who_differ_make_the_interval_wide():
    alike = [[noisy("rl", n, 400)] for n in range(6)]
    unlike = [[noisy("rl", n, 400, away=n - 2.5)] for n in range(6)]
    width = {}
    for name, people in (("alike", alike), ("unlike", unlike)):
        _, sure = bootstrap_law(people, "rl", resamples=200)
        assert sure["alpha"].n == 6
        width[name] = sure["alpha"].high - sure["alpha"].low
    assert width["unlike"] > 5 * width["alike"]


def test_a_curve_has_a_value_for_each_point_and_prompt():
    with pytest.raises(ValueError, match="each point and prompt"):
        Curve(KL, KL)


@pytest.mark.parametrize("n", range(1, 8))
def test_best_of_n_is_the_mean_over_all_choices_of_n(n):
    rng = np.random.default_rng(n)
    proxy = rng.integers(0, 4, (3, 7)).astype(float)  # with equals
    gold = rng.normal(size=(3, 7))
    expected = []
    for by, worth in zip(proxy, gold, strict=True):
        best = []
        for chosen in map(list, combinations(range(7), n)):
            top = by[chosen].max()
            best.append(worth[chosen][by[chosen] == top].mean())
        expected.append(np.mean(best))
    np.testing.assert_allclose(best_of_n_means(proxy, gold, n), expected)


def test_the_best_of_n_ranks_is_known_in_closed_form():
    ranks = np.arange(1.0, 385.0)[None]
    for n in (1, 2, 16, 256, 384):
        assert best_of_n_means(ranks, ranks, n)[0] == pytest.approx(n * 385 / (n + 1))


def test_more_than_the_pool_cannot_be_chosen_from():
    with pytest.raises(ValueError, match="n = 3"):
        best_of_n_means([[1.0, 2.0]], [[1.0, 2.0]], 3)


def test_the_kl_of_best_of_n_is_the_known_one_where_no_two_are_equal():
    for n in (1, 2, 16, 256):
        (kl,) = best_of_n_kls([np.arange(4096.0)], n)
        assert kl == pytest.approx(best_of_n_kl(n), abs=0.01)
        assert kl <= best_of_n_kl(n) + 1e-12


def test_among_equals_nothing_is_chosen():
    share = 0.25  # of two values, the better one has it
    (kl,) = best_of_n_kls([[0.0, 0.0, 0.0, 1.0]], 8)
    missed = (1 - share) ** 8
    assert kl == pytest.approx(
        missed * math.log(missed / (1 - share)) + (1 - missed) * math.log((1 - missed) / share)
    )
    assert kl < best_of_n_kl(8)
