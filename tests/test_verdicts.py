"""Verdicts on curves that were drawn by hand: each fault has the shape it is known by.

How often real runs with planted faults are named, `bench/diagnose.py` counts.
"""

import math

import numpy as np
import pytest

from tinyllm.evaluation.verdicts import HEALTHY, NAMES, RULES, Curve, diagnose
from tinyllm.events import Evaluation, Notice, Step

UNIFORM = math.log(2048)  # 7.62
RULERS = {"uniform": UNIFORM, "floor": 0.6}


def fall(low, steps=400, pace=60.0, start=UNIFORM):
    """From `start` down to `low`, as healthy losses fall."""
    return low + (start - low) * np.exp(-np.arange(steps) / pace)


def bumpy(losses, size=0.15):
    """The same, jumping from step to step."""
    return losses + size * np.random.default_rng(0).standard_normal(len(losses))


def history(losses, looks, *, steps=None, readings=0.5, stage="base", start=UNIFORM):
    """The events of a run with these training losses; `looks` are spread evenly over it."""
    losses = list(losses)
    at = {round((i + 1) * len(losses) / len(looks)): loss for i, loss in enumerate(looks)}
    for number, loss in enumerate(losses, start=1):
        yield Step(
            stage=stage,
            step=number,
            steps=steps or len(losses),
            loss=float(loss),
            tokens=number * 2048,
            seconds=float(number),
            eta_seconds=0.0,
            learning_rate=0.01,
            metrics={} if readings is None else {"readings": readings * number / len(losses)},
        )
        if number == 1:
            yield Evaluation(stage=stage, step=1, metrics={"loss": start})
        if number in at:
            yield Evaluation(stage=stage, step=number, metrics={"loss": at[number]})


HEALTHY_LOOKS = [4.0, 3.0, 2.6, 2.5]
CASES = {
    HEALTHY: (bumpy(fall(2.4)), HEALTHY_LOOKS, {}),
    "sees the answer": (fall(0.02), [2.0, 0.4, 0.05, 0.03], {}),
    "labels shifted": (bumpy(fall(2.4)), [6.5, 7.0, 7.9, 8.4], {}),
    "duplicated batches": (fall(0.02), [16.0, 17.0, 18.0, 18.0], {}),
    "data too small": (fall(0.05), [4.0, 5.0, 7.0, 9.0], {"readings": 40.0}),
    "overfitting": (fall(1.0), [3.0, 2.5, 2.7, 3.1], {"readings": 6.0}),
    "diverging": (fall(40.0), [20.0, 30.0, 38.0, 40.0], {}),
    "learning rate too high": (
        bumpy(np.concatenate([np.linspace(UNIFORM, 5.8, 200), np.linspace(5.8, 3.9, 200)])),
        [5.8, 5.5, 4.6, 3.9],
        {},
    ),
    "too short": (bumpy(fall(4.4, steps=30, pace=12.0)), [6.0, 5.0, 4.6], {}),
    "learning rate too low": (bumpy(fall(5.0, pace=800.0), 0.01), [7.5, 7.0, 6.8, 6.6], {}),
    "still improving": (bumpy(fall(2.4)[:120], 0.01), [4.0, 3.2], {"steps": 4000}),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_curve_of_each_shape_gets_its_name(name):
    losses, looks, how = CASES[name]
    verdict = diagnose(history(losses, looks, **how), RULERS)
    assert verdict.name == name
    assert verdict.sentence.endswith(".")
    assert verdict.advice


def test_every_rule_is_tried_on_a_curve():
    assert set(CASES) == {HEALTHY, *RULES}


def test_a_label_that_is_the_token_itself_is_known_by_its_first_step():
    losses = np.concatenate([[5.1], fall(0.0, start=1.0)])
    verdict = diagnose(history(losses, [30.0, 40.0, 50.0, 60.0]), RULERS)
    assert verdict.name == "labels shifted"
    assert "5.10" in verdict.sentence


def test_the_sentence_holds_the_figures_that_show_it():
    verdict = diagnose(history(fall(1.0), [3.0, 2.5, 2.7, 3.1], readings=6.0), RULERS)
    assert "2.50" in verdict.sentence
    assert "3.10" in verdict.sentence
    assert "6 readings" in verdict.sentence


def test_without_knowing_how_often_a_text_was_read_a_rising_loss_is_overfitting():
    verdict = diagnose(history(fall(0.05), [4.0, 5.0, 7.0, 9.0], readings=None), RULERS)
    assert verdict.name == "overfitting"


def test_a_loss_below_the_entropy_of_the_text_is_seen_only_where_that_is_known():
    losses, looks = bumpy(fall(0.4), 0.01), [2.0, 0.8, 0.5, 0.45]
    assert diagnose(history(losses, looks), RULERS).name == "sees the answer"
    assert diagnose(history(losses, looks), {"uniform": UNIFORM}).name == HEALTHY


def test_without_rulers_and_looks_a_healthy_curve_is_healthy():
    losses = bumpy(fall(2.4))
    only_steps = [event for event in history(losses, [1.0]) if isinstance(event, Step)]
    assert diagnose(only_steps).name == HEALTHY


def test_fine_tuning_is_not_judged_as_a_fresh_model():
    """It begins with a loss far below ln V, and is short."""
    losses = bumpy(fall(0.7, steps=60, start=1.6), 0.03)
    made = list(history(losses, [1.1, 0.9, 0.8], stage="chat", start=1.6))
    assert diagnose(made).name == HEALTHY


def test_notices_between_the_steps_change_nothing():
    losses, looks, how = CASES["overfitting"]
    events = list(history(losses, looks, **how))
    noted = [Notice(stage="base", text="hello"), *events, Notice(stage="base", text="bye")]
    assert diagnose(noted, RULERS) == diagnose(events, RULERS)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_first_steps_of_a_run_are_a_history_too(count):
    verdict = diagnose(history(fall(2.4)[:count], [7.0], steps=400), RULERS)
    assert verdict.name in ("still improving", HEALTHY)


def test_a_history_without_a_step_is_refused():
    with pytest.raises(ValueError, match="at least one step"):
        diagnose([Notice(stage="base", text="hello")])


def test_means_on_the_way_are_over_a_twentieth_of_the_steps():
    curve = Curve(history(range(100), [1.0]), {})
    assert curve.at(1.0) == pytest.approx(np.mean([95, 96, 97, 98, 99]))
    assert curve.at(0.4) == pytest.approx(np.mean([35, 36, 37, 38, 39]))
    assert curve.first_below(3.5) == 5  # 0, 1, 2, 3, 4 have the mean 2
