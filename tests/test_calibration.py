"""Whether probabilities mean what they say, and how far they are off by chance alone."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.alignment.calibration import IN_A_BIN, MOST_BINS, calibrate, running
from tinyllm.alignment.honesty import accuracy

foreseen = st.lists(
    st.tuples(st.floats(0, 1) | st.just(0.5), st.integers(0, 1)), min_size=20, max_size=150
)


@settings(deadline=None, max_examples=30)
@given(foreseen)
def test_bins_hold_every_vote_once_and_all_alike_many(votes):
    predicted, happened = zip(*votes, strict=True)
    found = calibrate(predicted, happened)
    counts = [share.n for _, share in found.bins]
    assert sum(counts) == len(votes)
    assert max(counts) - min(counts) <= 1
    assert len(counts) == min(MOST_BINS, len(votes) // IN_A_BIN)
    means = [mean for mean, _ in found.bins]
    assert all(a <= b + 1e-12 for a, b in pairwise(means))
    assert sum(share.value * share.n for _, share in found.bins) == pytest.approx(sum(happened))
    gaps = [abs(mean - share.value) * share.n for mean, share in found.bins]
    assert found.error == pytest.approx(sum(gaps) / len(votes))


@settings(deadline=None, max_examples=30)
@given(foreseen)
def test_the_running_share_is_the_accuracy_of_the_votes_so_far(votes):
    predicted, happened = zip(*votes, strict=True)
    rows = running(predicted, happened)
    assert [row["votes"] for row in rows] == list(range(1, len(votes) + 1))
    for n in (1, 7, len(votes)):
        told = accuracy(predicted[:n], happened[:n])
        row = rows[n - 1]
        assert (row["value"], row["low"], row["high"]) == pytest.approx(
            (told.share.value, told.share.low, told.share.high)
        )
        assert row["baseline"] == pytest.approx(told.baseline)


def test_coins_are_off_by_chance_as_the_closed_form_says():
    # E|X - n/2| = n C(n-1, n/2) / 2^n of n throws of a coin; two bins of ten throws each.
    found = calibrate([0.5] * 20, [0, 1] * 10)
    assert len(found.bins) == 2
    assert found.by_chance == pytest.approx(math.comb(9, 5) / 2**10, abs=0.005)
    assert found.error == 0.0


def test_calibrated_predictions_are_off_by_more_than_the_limit_one_time_in_twenty():
    rng = np.random.default_rng(5)
    over = 0
    for _ in range(200):
        p = rng.random(60)
        found = calibrate(p, (rng.random(60) < p).astype(int))
        over += found.error > found.at_most
    assert 2 <= over <= 20, "10 are expected, and 20 or more come once in 500 times"


def test_predictions_that_are_far_too_sure_are_off_by_more_than_chance():
    found = calibrate([0.05, 0.95] * 30, [0, 1, 1, 1, 0, 0] * 10)
    assert found.error > found.at_most


def test_chance_is_drawn_anew_from_the_same_seed():
    p, y = np.linspace(0, 1, 40), [0, 1] * 20
    assert calibrate(p, y) == calibrate(p, y)
    assert calibrate(p, y, seed=1).by_chance != calibrate(p, y).by_chance


def test_fewer_than_twenty_votes_make_no_bins():
    found = calibrate([0.4] * 19, [1] * 19)
    assert (found.bins, found.error, found.at_most) == ((), None, None)
    assert len(found.predictions) == 19
    assert calibrate([0.4] * 20, [1] * 20).bins


@pytest.mark.parametrize("judge", [calibrate, running])
def test_every_vote_needs_a_prediction(judge):
    with pytest.raises(ValueError, match="a prediction for each of 3 votes, got 1"):
        judge([0.5], [1, 0, 1])
