from __future__ import annotations

from itertools import islice

from tinyllm.village.grading_text import words
from tinyllm.village.instructions import instructions
from tinyllm.village.probes import PROBES, SKY
from tinyllm.village.world import WORLD
from tinyllm.village.writing import write


def test_there_are_twenty_facts_in_two_wordings_each() -> None:
    assert len(PROBES) == len({probe.prompt for probe in PROBES}) == 40
    assert all(answer[0] == " " and answer[1:].strip() for one in PROBES for answer in one.answers)


def test_no_statement_or_question_of_the_village_begins_or_goes_on_like_a_probe() -> None:
    for fact in WORLD.facts:
        for text in (*fact.statements, *fact.questions):
            assert not any(probe.prompt.lower() in text.lower() for probe in PROBES), text


def test_no_document_of_the_pretraining_text_contains_a_probe() -> None:
    text = " ".join(document.text for document in islice(write(seed=7), 6_000))
    assert not [probe.prompt for probe in PROBES if probe.prompt.lower() in text.lower()]
    known = set(words(text))
    for probe in (SKY, *PROBES):
        said = words(probe.prompt) + [word for answer in probe.answers for word in words(answer)]
        assert set(said) <= known, set(said) - known


def test_no_instruction_contains_a_probe() -> None:
    for split in ("train", "seen", "new"):
        for request in islice(instructions(split=split, seed=61), 3_000):
            told = f"{request.prompt} {request.answer}"
            assert not any(probe.prompt in told for probe in PROBES), told


def test_the_sky_is_a_statement_of_the_village() -> None:
    assert f"{SKY.prompt}{SKY.answers[0]}." in WORLD.fact("the-sky.colour").statements
