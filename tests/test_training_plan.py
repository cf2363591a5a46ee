"""The plan: chosen once from the seconds there are."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from training_fakes import a_batch, a_plan, same, tiny_model, weights_of

from tinyllm.files import TinyLLMError
from tinyllm.model import SIZES
from tinyllm.training import Plan, Rates, available_threads, plan_for, size_for, time_steps
from tinyllm.training.timing import SET_ASIDE, fit


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setattr("tinyllm.training.timing.available_threads", lambda: 1)


def test_a_plan_survives_json():
    plan = a_plan(
        dtype="bfloat16", seconds=3.5, bends=((2, 0.5),), rates=Rates(clip=1.0, betas=(0.8, 0.9))
    )
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": "vast"}, "one of nano, micro"),
        ({"dtype": "float8"}, "one of float32, bfloat16"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"context": 4}, "context must be at least 8"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(TinyLLMError, match=said):
        a_plan(**wrong)


def test_a_model_of_a_plan_has_its_size_and_context():
    config = a_plan(size="tiny").model_config(300)
    assert config.hidden_size == SIZES["tiny"]["hidden_size"]
    assert (config.vocab_size, config.max_position_embeddings) == (300, 32)


def test_more_seconds_give_more_steps():
    short, long = (fit_quickly(seconds) for seconds in (1.0, 20.0))
    assert 1 <= short.steps < long.steps
    assert long.seconds == 20.0


def test_no_more_tokens_are_planned_than_were_allowed_however_much_time_there_is():
    plan = plan_for(
        1e4, vocab_size=64, rows=2, context=32, most_tokens=1000, trial_seconds=0.02, threads=1
    )
    assert plan.steps == 16  # of 64 tokens
    assert plan.settled(taken=4, seconds=0.1).steps == 16


def fit_quickly(seconds):
    return fit(a_plan(), tiny_model(), a_batch(), seconds=seconds, trial_seconds=0.02)


@pytest.mark.parametrize(("faster", "slower"), [("bfloat16", "float32"), ("float32", "bfloat16")])
def test_the_faster_dtype_and_threads_are_taken(monkeypatch, faster, slower):
    def pace(model, batch, *, rates, choices, seconds):
        return {(dtype, n): (0.1 if dtype == faster else 0.2) / n**0.5 for dtype, n in choices}

    monkeypatch.setattr("tinyllm.training.timing.time_steps", pace)
    monkeypatch.setattr("tinyllm.training.timing.available_threads", lambda: 4)
    plan = fit_quickly(100.0)
    assert (plan.dtype, plan.threads) == (faster, 4)
    assert plan.steps == pytest.approx(100 * (1 - SET_ASIDE) / 0.05, abs=2)
    assert plan.room == pytest.approx(100 * (1 - SET_ASIDE), abs=1)


@pytest.mark.parametrize(("alone", "threads"), [(0.1, 4), (0.096, 4), (0.09, 1)])
def test_float32_and_all_cores_are_kept_unless_others_are_clearly_faster(
    monkeypatch, alone, threads
):
    def pace(model, batch, *, rates, choices, seconds):
        return {(dtype, n): alone if n == 1 else 0.1 for dtype, n in choices}

    monkeypatch.setattr("tinyllm.training.timing.time_steps", pace)
    monkeypatch.setattr("tinyllm.training.timing.available_threads", lambda: 4)
    plan = fit_quickly(100.0)
    assert (plan.dtype, plan.threads) == ("float32", threads)


def test_timing_changes_neither_the_model_nor_the_threads():
    model = tiny_model()
    before, threads = weights_of(model), torch.get_num_threads()
    choices = [("float32", 1), ("bfloat16", 1)]
    paces = time_steps(model, a_batch(), rates=Rates(), choices=choices, seconds=0.02)
    assert list(paces) == choices
    assert same(weights_of(model), before)
    assert torch.get_num_threads() == threads


def test_more_operations_make_a_larger_model():
    assert size_for(5e13) == "nano", "five minutes of two cores"
    sizes = [size_for(10.0**power) for power in range(12, 19)]
    assert sizes == sorted(sizes, key=list(SIZES).index)
    assert sizes[-1] == "large"


def test_a_fast_machine_or_a_long_training_gets_a_larger_model(monkeypatch):
    trial = {"vocab_size": 300, "rows": 2, "context": 32, "threads": 1, "trial_seconds": 0.01}
    assert plan_for(10.0, **trial).size == "nano"
    monkeypatch.setattr(
        "tinyllm.training.timing.SIZES_BY_OPERATIONS", (("nano", 0), ("tiny", 1e99))
    )
    plan = plan_for(10.0, **trial, most_tokens=640)
    assert (plan.size, plan.steps, plan.most_steps, plan.seconds) == ("tiny", 10, 10, 10.0)
    assert plan_for(10.0, **trial, size="nano").size == "nano"


def test_the_number_of_steps_is_settled_from_those_taken():
    estimate = a_plan(steps=100, room=60.0)
    assert estimate.settles_after == 20
    settled = estimate.settled(taken=20, seconds=16.0)
    assert (settled.steps, settled.bends) == (75, ((20, 0.2),))
    assert estimate.settled(taken=20, seconds=16.0, pace=0.4).steps == 20 + 110
    assert replace(estimate, most_steps=40).settled(taken=20, seconds=16.0).steps == 40


def test_it_is_settled_four_times_and_then_final():
    plan = a_plan(steps=100, room=60.0)
    at = []
    while plan.room is not None:
        at.append(plan.settles_after)
        plan = plan.settled(taken=at[-1], seconds=0.6 * at[-1])
    assert at == [20, 40, 60, 80]
    assert (plan.steps, plan.settles_after) == (100, None)
    assert plan.settled(taken=80, seconds=1.0) == plan


def test_a_machine_that_became_slower_gets_fewer_steps_and_is_done_in_time():
    plan, seconds, last = a_plan(steps=100, room=60.0), 0.0, 0
    while plan.room is not None:
        taken = plan.settles_after
        pace = 0.6 if last < 30 else 1.2
        seconds += pace * (taken - last)
        plan, last = plan.settled(taken=taken, seconds=seconds, pace=pace), taken
    assert seconds + 1.2 * (plan.steps - last) == pytest.approx(60.0, abs=2.4)


def test_however_late_it_is_the_rate_has_time_to_fall():
    plan = a_plan(steps=100, room=60.0).settled(taken=20, seconds=1000.0)
    assert plan.steps == 40
    assert plan.schedule()(39) < 0.1


@given(st.lists(st.floats(0.05, 20.0), min_size=4, max_size=4), st.integers(60, 300))
def test_the_rate_never_jumps_however_the_pace_changes(paces, steps):
    plan, seconds, last = a_plan(steps=steps, room=float(steps), warmup=2), 0.0, 0
    rates = []
    for pace in paces:
        until = plan.settles_after
        if until is None:
            break
        rates += [plan.schedule()(step) for step in range(last, until)]
        seconds += pace * (until - last)
        plan, last = plan.settled(taken=until, seconds=seconds, pace=pace), until
    rates += [plan.schedule()(step) for step in range(last, plan.steps)]
    assert all(0 < rate <= 1 for rate in rates)
    level = rates[2:]
    assert all(after <= before for before, after in pairwise(level))
    assert rates == pytest.approx([plan.schedule()(step) for step in range(plan.steps)])


def test_no_time_is_said():
    with pytest.raises(TinyLLMError, match="above 0"):
        plan_for(0.0, vocab_size=300)


def test_threads_are_those_the_process_may_use():
    assert 1 <= available_threads() <= 8
