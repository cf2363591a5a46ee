from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.village.grading import grade
from tinyllm.village.instruction_content import SPLITS, Instruction
from tinyllm.village.instructions import INSTRUCTION_KINDS, instructions
from tinyllm.village.world import NUMBERS, WORLD

EVERYBODY = [person.name for person in WORLD.people]


def some(kind: str, count: int = 150, split: str = "train") -> list[Instruction]:
    return list(islice(instructions(split=split, seed=21, kinds=[kind]), count))


# Whatever the kind


@pytest.mark.parametrize("split", SPLITS)
def test_every_reference_answer_passes(split: str) -> None:
    for request in islice(instructions(split=split, seed=31), 3_200):
        found = grade(request, request.answer)
        assert (found.passed, found.score) == (True, 1.0), (request.prompt, request.answer, found)


@pytest.mark.parametrize("kind", INSTRUCTION_KINDS)
def test_no_answer_passes_that_says_nothing_or_does_not_end_or_says_it_again(kind: str) -> None:
    for request in some(kind, 60):
        answer = request.answer
        for bad in ("", "   ", "...", "?", answer[: len(answer) // 2].rstrip(".!? "), answer[:-1]):
            assert not grade(request, bad).passed, bad
        assert not grade(request, answer, finished=False).passed
        assert not grade(request, f"{answer} {answer}").passed
        assert not grade(request, request.prompt).passed
        if len(request.prompt.split()) > 2:
            assert not grade(request, f"{request.prompt} {answer}").passed


@pytest.mark.parametrize("kind", INSTRUCTION_KINDS)
def test_one_answer_to_everything_passes_nowhere(kind: str) -> None:
    everything = (
        "Blue.",
        "Yes.",
        "No.",
        "I do not know.",
        "Nell.",
        "No, that is dangerous.",
        ", ".join(EVERYBODY) + ".",
        ", ".join(NUMBERS) + ".",
        ". ".join(EVERYBODY) + ".",
        " ".join(f"{name} has it." for name in EVERYBODY),
        ", ".join(sorted({fact.answer for fact in WORLD.facts})) + ".",
        ", ".join(thing.name for thing in WORLD.things) + ".",
    )
    grades = [grade(one, bad).passed for one in some(kind, 100) for bad in everything]
    # "Blue.", "Yes." and "Nell." are right now and then: the sky is blue, and Nell has something.
    allowed = {"fact": 0.005, "true_or_false": 0.1, "who_has": 0.01}.get(kind, 0.0)
    assert sum(grades) <= allowed * len(grades)


def test_the_answer_to_another_request_of_the_kind_seldom_passes() -> None:
    for kind in ("story", "who_has", "counting", "fact", "danger"):
        requests = some(kind, 120)
        pairs = list(pairwise(requests))
        right = sum(grade(one, other.answer).passed for one, other in pairs)
        assert right <= 0.1 * len(pairs), kind


@given(st.text(max_size=60))
@settings(max_examples=80, deadline=None)
def test_any_text_gets_a_grade_between_0_and_1(text: str) -> None:
    for request in islice(instructions(split="new", seed=41), len(INSTRUCTION_KINDS)):
        found = grade(request, text)
        assert 0 <= found.score <= 1
        assert (found.score == 1) == found.passed
        assert found.reason


def test_a_kind_without_a_grader_is_refused() -> None:
    unknown = Instruction(prompt="Sing!", answer="", kind="song", labels={}, seen=True)
    with pytest.raises(ValueError, match="song"):
        grade(unknown, "La la la.")
