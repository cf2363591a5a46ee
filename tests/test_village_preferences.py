from __future__ import annotations

import random
from collections import Counter
from itertools import islice

import pytest

from tinyllm.village.grading import grade
from tinyllm.village.instruction_content import SPLITS
from tinyllm.village.instructions import INSTRUCTION_KINDS, instructions
from tinyllm.village.preferences import FAULTS, corrupt, preferences


@pytest.mark.parametrize("split", SPLITS)
def test_the_grader_puts_the_chosen_answer_above_the_rejected_one(split: str) -> None:
    rng = random.Random(1)
    for request in islice(instructions(split=split, seed=51), 3_200):
        rejected, fault = corrupt(request, rng)
        worse, better = grade(request, rejected), grade(request, request.answer)
        assert better.passed
        assert worse.score < better.score, (fault, request.prompt, rejected)


def test_every_kind_and_every_fault_occurs() -> None:
    pairs = list(islice(preferences(split="train", seed=2), 4_000))
    assert {pair.kind for pair in pairs} == set(INSTRUCTION_KINDS)
    faults = Counter(pair.fault for pair in pairs)
    assert set(faults) == set(FAULTS)
    assert min(faults.values()) >= 20


def test_a_seed_always_writes_the_same_pairs() -> None:
    first = list(islice(preferences(split="seen", seed=3), 100))
    assert first == list(islice(preferences(split="seen", seed=3), 100))
    assert first != list(islice(preferences(split="seen", seed=4), 100))


def test_length_alone_does_not_tell_which_answer_is_better() -> None:
    pairs = list(islice(preferences(split="train", seed=5), 4_000))
    longer = sum(len(pair.chosen) > len(pair.rejected) for pair in pairs)
    shorter = sum(len(pair.chosen) < len(pair.rejected) for pair in pairs)
    assert 0.4 < longer / (longer + shorter) < 0.7


def test_an_unknown_split_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="split"):
        preferences(split="test", seed=0)
