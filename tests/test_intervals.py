"""Intervals against published tables and closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.evaluation.intervals import bootstrap_mean, bootstrap_ratio, wilson


# R. G. Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I,
# method 3.
@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_intervals_of_the_published_table(passed, n, low, high):
    interval = wilson(passed, n)
    assert round(interval.low, 4) == low
    assert round(interval.high, 4) == high


@given(n=st.integers(1, 10_000), share=st.floats(0, 1))
def test_wilson_lies_in_the_unit_interval_and_holds_its_value(n, share):
    interval = wilson(round(share * n), n)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_of_failures_mirrors_wilson_of_passes(n, share):
    passed = round(share * n)
    one, other = wilson(passed, n), wilson(n - passed, n)
    assert math.isclose(one.low, 1 - other.high, abs_tol=1e-12)


def test_wilson_ends_solve_the_score_equation():
    interval = wilson(30, 100)
    for end in (interval.low, interval.high):
        z = (0.3 - end) / math.sqrt(end * (1 - end) / 100)
        assert math.isclose(abs(z), 1.959964, rel_tol=1e-5)


def test_nothing_counted_says_that_nothing_is_known():
    assert wilson(0, 0).to_dict() == {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}


@pytest.mark.parametrize(("passed", "n"), [(3, 2), (-1, 2), (1, -1)])
def test_more_passes_than_cases_are_refused(passed, n):
    with pytest.raises(ValueError, match="expected 0 <= passed <= n"):
        wilson(passed, n)


def test_bootstrap_agrees_with_the_normal_interval_on_many_values():
    values = np.random.default_rng(1).normal(3.0, 2.0, size=1_000)
    interval = bootstrap_mean(values.tolist(), seed=2)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert math.isclose(interval.value, values.mean())
    assert math.isclose(interval.low, values.mean() - half, abs_tol=0.1 * half)
    assert math.isclose(interval.high, values.mean() + half, abs_tol=0.1 * half)


def test_copies_inside_a_cluster_add_no_certainty():
    values = np.random.default_rng(3).random(40).tolist()
    copied = [v for v in values for _ in range(5)]
    clusters = [i for i in range(40) for _ in range(5)]
    clustered, once = bootstrap_mean(copied, clusters, seed=4), bootstrap_mean(values, seed=4)
    assert clustered.n == once.n == 40
    assert math.isclose(clustered.low, once.low)
    assert math.isclose(clustered.high, once.high)
    careless = bootstrap_mean(copied, seed=4)
    assert careless.high - careless.low < 0.6 * (once.high - once.low)


def test_clusters_of_unequal_size_are_weighted_by_their_values():
    assert bootstrap_mean([0.0, 1.0, 1.0, 1.0], ["a", "b", "b", "b"]).value == 0.75


def test_the_same_seed_gives_the_same_interval():
    values = [0.1, 0.9, 0.4, 0.7]
    assert bootstrap_mean(values, seed=5) == bootstrap_mean(values, seed=5)


def test_nothing_to_average_and_missing_clusters_are_refused():
    with pytest.raises(ValueError, match="nothing to average"):
        bootstrap_mean([])
    with pytest.raises(ValueError, match="a cluster for each value"):
        bootstrap_mean([1.0, 2.0], ["a"])


def test_a_ratio_is_a_sum_over_a_sum_and_equal_sizes_make_it_a_mean():
    values = [1.0, 2.0, 4.0, 9.0]
    ratio = bootstrap_ratio(values, [1.0] * 4, seed=3)
    assert ratio == bootstrap_mean(values, seed=3)
    assert bootstrap_ratio([1.0, 9.0], [1.0, 3.0]).value == 2.5


def test_a_part_without_a_size_is_refused():
    with pytest.raises(ValueError, match="got 2 parts and 1 sizes"):
        bootstrap_ratio([1.0, 2.0], [1.0])
