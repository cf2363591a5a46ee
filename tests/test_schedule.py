"""The learning rate over a run: closed forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.training import Schedule


def test_the_rate_rises_stays_and_falls_as_the_closed_form_says():
    schedule = Schedule(steps=100, warmup=10, cooldown=0.6)
    for step in range(100):
        expected = min((step + 1) / 10, 1.0, (100 - step) / 60)
        assert schedule(step) == pytest.approx(expected)
    assert [schedule(step) for step in (9, 20, 40)] == [1.0, 1.0, 1.0]
    assert schedule(70) == 0.5


@given(
    steps=st.integers(1, 500), warmup=st.integers(0, 50), cooldown=st.floats(0, 1, allow_nan=False)
)
def test_the_factor_is_never_zero_and_never_above_one(steps, warmup, cooldown):
    schedule = Schedule(steps=steps, warmup=warmup, cooldown=cooldown)
    factors = [schedule(step) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)


@given(st.integers(20, 400), st.integers(20, 400))
def test_the_beginning_does_not_depend_on_the_length(one, other):
    shorter = min(one, other)
    first, second = Schedule(steps=one), Schedule(steps=other)
    for step in range(int(0.4 * shorter)):
        assert first(step) == second(step)


def test_without_cooldown_the_rate_stays():
    assert [Schedule(steps=5, warmup=0, cooldown=0.0)(step) for step in range(5)] == [1.0] * 5


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"warmup": -1}, {"cooldown": 1.5}])
def test_a_schedule_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Schedule(**{"steps": 10, **wrong})
