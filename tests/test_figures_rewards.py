"""Curves of a policy that learns: from rollouts, and from answers that it imitates."""

from tinyllm.events import Evaluation, Step
from tinyllm.figures.chart import refresh
from tinyllm.figures.rewards import rlhf_chart


def step(number, loss, stage="aligned", **metrics):
    return Step(stage=stage, step=number, steps=100, loss=loss, tokens=number * 8, seconds=number,
                eta_seconds=0.0, learning_rate=0.01, metrics=metrics)  # fmt: skip


def trial(number, **metrics):
    return Evaluation(stage="aligned", step=number, metrics=metrics)


def test_imitation_is_drawn_with_its_own_loss_and_the_trials_on_other_questions():
    events = [
        trial(0, reward=-0.1, kl=0.0),
        step(1, 0.3, "aligned", imitated=0.3, moved=0.0),
        step(2, 0.2, "aligned", imitated=0.2, moved=0.01),
        trial(2, reward=0.5, kl=1.25),
        trial(2, reward=0.6, kl=1.3, best_step=2.0),
    ]
    chart = rlhf_chart(events)
    assert chart.text == (
        "Learning from reward: step 2 of 100; loss on what is imitated, nats a token from 0.3 to "
        "0.2; KL where nothing should change, nats a token from 0 to 0.01; reward, other "
        "questions from -0.1 to 0.5; KL, nats a sequence, other questions from 0 to 1.25."
    )
    live = rlhf_chart([]).figure
    refresh(live, chart)
    assert live.layout.annotations[2].text == "reward, other questions"
    assert live.layout.yaxis4.autorange is True
    assert live.layout.yaxis4.tickformat == ""


def test_trials_stand_as_dots_beside_the_rollouts():
    rl = [step(i, 0.0, "aligned", reward=i / 10, kl=0.1, length=30.0, finished=0.9) for i in (1, 2)]
    chart = rlhf_chart([*rl, trial(2, reward=0.4, kl=0.2, length=31.0, finished=0.95)])
    dots = [trace for trace in chart.figure.data if trace.mode == "markers"]
    assert [trace.y[0] for trace in dots] == [0.4, 0.2, 31.0, 0.95]
    assert chart.text == rlhf_chart(rl).text
