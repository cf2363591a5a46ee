"""Every kind of request against every way to spoil its answer: only the reference passes."""

from __future__ import annotations

import random
from functools import cache
from itertools import islice

import pytest
from grading_corruptions import corruptions

from tinyllm.village.grading import grade
from tinyllm.village.instruction_content import SPLITS, Instruction
from tinyllm.village.instructions import INSTRUCTION_KINDS, instructions

EACH = 70
"""So many requests of every split."""


@cache
def asked(kind: str) -> tuple[Instruction, ...]:
    return tuple(
        request
        for split in SPLITS
        for request in islice(instructions(split=split, seed=51, kinds=[kind]), EACH)
    )


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in INSTRUCTION_KINDS for name in corruptions(kind)]
)
def test_a_spoiled_answer_scores_below_the_reference(kind: str, name: str) -> None:
    spoil, rng, spoiled = corruptions(kind)[name], random.Random(name), 0
    for request in asked(kind):
        bad = spoil(request, rng)
        if bad is None or bad == request.answer:
            continue
        spoiled += 1
        good, found = grade(request, request.answer), grade(request, bad)
        assert good.passed
        assert not found.passed, (request.prompt, bad)
        assert found.score < good.score == 1.0
    assert spoiled >= 20, "the corruption changes too few answers to say anything"


@pytest.mark.parametrize("kind", INSTRUCTION_KINDS)
def test_an_answer_that_did_not_end_by_itself_fails(kind: str) -> None:
    assert not any(grade(one, one.answer, finished=False).passed for one in asked(kind))


@pytest.mark.parametrize("kind", INSTRUCTION_KINDS)
def test_small_letters_are_forgiven(kind: str) -> None:
    for request in asked(kind):
        assert grade(request, request.answer.lower()).passed, request.answer
