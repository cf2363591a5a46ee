"""What every method is given, very small: for the tests of the methods."""

from dataclasses import replace

import pytest
from small_models import noisy_model

from tinyllm.alignment.anchor import write_anchor
from tinyllm.alignment.kl import AdaptiveBeta
from tinyllm.alignment.labels import Labels
from tinyllm.alignment.methods import Ingredients
from tinyllm.alignment.policy_config import PolicyConfig
from tinyllm.training import optimizer_for, train

PAD, END = 1, 4
PROMPTS = [[2, 7, 3], [2, 8, 9, 3], [2, 3]]
NONE = Labels()
COMPLETIONS = [[8, 9, 4], [10, 4], [11, 12, 13, 14, 15], [7, 4]]


@pytest.fixture(scope="module", name="policy")
def make_policy():
    return noisy_model(1)


@pytest.fixture(scope="module", name="reference")
def make_reference():
    return noisy_model(2).requires_grad_(False)


def ingredients(policy, reference, seed=0, labels=NONE, practised=3, **changes):
    config = PolicyConfig(
        prompts_per_step=2, num_samples=4, max_new_tokens=12, steps=8, seed=seed,
        reference_samples=2,
    )  # fmt: skip
    writing = write_anchor(
        reference, PROMPTS, num_samples=16, max_new_tokens=12, end=END, pad=PAD, seed=seed
    )
    next(writing)  # the one piece of progress; then it is written
    with pytest.raises(StopIteration) as done:
        next(writing)
    return Ingredients(
        policy=policy,
        reference=reference,
        anchor=done.value.value,
        trained_on=3,
        practised=practised,
        reward=lambda answers, reading: -answers.answer_lengths.float(),
        labels=lambda: labels,
        beta=AdaptiveBeta(start=0.05, budget=3.0),
        config=replace(config, **changes),
        end=END,
        pad=PAD,
    )


def carry_out(learning, rates, steps):
    """The steps of the one loop, at full rates."""
    return list(
        train(
            learning.learner,
            learning.batches,
            learning.loss,
            optimizer=optimizer_for(learning.learner, rates),
            schedule=lambda step: 1.0,
            steps=steps,
            stage="aligned",
        )
    )
