"""Each grader against answers that try to talk it round."""

from __future__ import annotations

from itertools import islice

import pytest

from tinyllm.village.grading import grade
from tinyllm.village.instruction_content import Instruction
from tinyllm.village.instructions import instructions
from tinyllm.village.world import WORLD

EVERYBODY = [person.name for person in WORLD.people]


def some(kind: str, count: int = 150, split: str = "train") -> list[Instruction]:
    return list(islice(instructions(split=split, seed=21, kinds=[kind]), count))


def about_fact(id: str, prompt: str = "What?") -> Instruction:
    return Instruction(prompt=prompt, answer="", kind="fact", labels={"fact": id}, seen=True)


def judged(id: str, claim: str) -> Instruction:
    fact = WORLD.fact(id)
    return Instruction(
        prompt=f"True or false: {fact.state(claim)[0]}",
        answer="",
        kind="true_or_false",
        labels={"fact": id, "claim": claim, "truth": claim == fact.answer},
        seen=True,
    )


def story_of(hero: str, thing: str) -> Instruction:
    labels = {"hero": hero, "thing": thing}
    prompt = f"Tell me a story about {hero} and a {thing}."
    return Instruction(prompt=prompt, answer="", kind="story", labels=labels, seen=True)


def holding(holder: str) -> Instruction:
    account = f"Nell has a red kite. Nell gives the kite to {holder}."
    labels = {"holder": holder, "thing": "kite", "content": []}
    prompt = f"{account} Who has the kite now?"
    return Instruction(prompt=prompt, answer="", kind="who_has", labels=labels, seen=True)


def counted(number: str) -> Instruction:
    labels = {"number": number, "who": "Nell", "what": ["apple", "apples"]}
    prompt = "Nell has three apples. Tom gives her two more. How many apples does Nell have?"
    return Instruction(prompt=prompt, answer="", kind="counting", labels=labels, seen=True)


# Facts

GOOD_FEAR = (
    "Nell is afraid of thunder.",
    "She is afraid of thunder.",
    "Thunder.",
    "It is thunder.",
    "The one thing that Nell fears is thunder.",
    "Nell is afraid of thunder. Tom is afraid of geese.",
    "What makes Nell hide under the bed? It is thunder.",
)
BAD_FEAR = (
    "Nell is afraid of geese.",
    "Nell is afraid of thunder and geese.",
    "Nell is afraid of thunder. Nell is brave, but not about thunder.",
    "Nell is afraid of thunder. Nell is afraid of mice.",
    "Nell is afraid of thunder. Tom is afraid of thunder.",
    "He is afraid of thunder.",
    "Tom is afraid of geese.",
    "Nell likes thunder.",
    "Tom is afraid of thunder.",
    "Nell is not afraid of thunder.",
    "Thunder, geese, spiders.",
    "Nell thunder.",
    "There is no thunder in this village.",
    "Nell is afraid of thunder. The moon is made of cheese.",
    "Nell is afraid of thunder?",
    "Is Nell afraid of geese? Nell is afraid of thunder.",
)


@pytest.mark.parametrize("answer", GOOD_FEAR)
def test_one_right_claim_passes(answer: str) -> None:
    assert grade(about_fact("nell.fear"), answer).passed, grade(about_fact("nell.fear"), answer)


@pytest.mark.parametrize("answer", BAD_FEAR)
def test_a_wrong_second_or_unchecked_claim_fails(answer: str) -> None:
    assert not grade(about_fact("nell.fear"), answer).passed


def test_every_wording_of_a_fact_is_a_right_answer_and_every_wrong_one_is_not() -> None:
    for fact in WORLD.facts:
        request = about_fact(fact.id)
        for right in fact.statements:
            assert grade(request, right).passed, (right, grade(request, right))
        for wrong in fact.false_answers:
            for text in fact.state(wrong):
                assert not grade(request, text).passed, text


GOOD_VERDICTS = {
    True: (
        "True.",
        "Yes, that is true.",
        "Nell likes plums, so that is true.",
        "That is true.",
        "Nell likes plums, so plums is true.",
        "Plums is right.",
    ),
    False: (
        "Nell likes plums, so soup is false.",
        "Nell likes plums. Soup is wrong.",
        "False.",
        "No, Nell likes plums.",
        "Nell likes plums. That is false.",
        "That is wrong.",
    ),
}
BAD_VERDICTS = {
    True: (
        "False.",
        "That is true. That is false.",
        "True or false.",
        "Nell likes plums.",
        "Nell likes soup. That is true.",
        "True. Nell likes plums and soup.",
        "True. The moon is made of cheese.",
        "Nell likes plums, so soup is true.",
        "Nell likes plums, so soup is false.",
        "Nell likes plums, so plums is false.",
        "Nell likes plums, so plums is true and soup is true.",
        "Maybe.",
    ),
    False: (
        "True.",
        "Yes, Nell likes plums.",
        "That is false. That is true.",
        "Nell likes soup. That is false.",
        "Nell likes plums.",
        "Nell likes plums, so plums is false.",
        "Nell likes plums, so soup is true.",
        "Nell likes soup, so soup is false.",
    ),
}


@pytest.mark.parametrize("truth", [True, False])
def test_one_right_verdict_passes_and_its_correction_must_be_right(truth: bool) -> None:
    request = judged("nell.food", "plums" if truth else "soup")
    for answer in GOOD_VERDICTS[truth]:
        assert grade(request, answer).passed, (answer, grade(request, answer))
    for answer in BAD_VERDICTS[truth]:
        assert not grade(request, answer).passed, answer


def test_a_right_verdict_needs_its_own_reason() -> None:
    request = judged("one-plus-two.sum", "six")
    for answer in (
        "One plus two is three, so six is false.",
        "Two plus one is three, so six is false.",
        "No, one plus two is three.",
    ):
        assert grade(request, answer).passed, (answer, grade(request, answer))
    for answer in (
        "Two plus two is four, so six is false.",
        "The sky is blue, so six is false.",
        "One plus two is three, so six is false. The sky is blue.",
        "That is false. Two plus two is four.",
    ):
        assert not grade(request, answer).passed, answer


# Puzzles


@pytest.mark.parametrize(
    "answer",
    [
        "Tom has the kite now.",
        "Tom.",
        "It is Tom.",
        "Tom has it.",
        "Now Tom has the red kite.",
        "The kite is with Tom now.",
        "The red kite is in the hands of Tom.",
        "Tom is holding the kite.",
    ],
)
def test_the_one_holder_passes(answer: str) -> None:
    assert grade(holding("Tom"), answer).passed, grade(holding("Tom"), answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Nell has the kite now.",
        "Tom and Nell have the kite.",
        "Tom has the kite. Nell has the kite.",
        "Nell gave the kite to Tom.",
        "Tom does not have the kite.",
        "Tom has the drum now.",
        "Tom likes the kite.",
        "The kite is red.",
        "Nell, Tom, Ada.",
        "Tom went home.",
        "Nell has it, not Tom.",
        "Tom has the green kite now.",
        "Tom has the kite now?",
    ],
)
def test_another_holder_a_second_one_or_none_fails(answer: str) -> None:
    assert not grade(holding("Tom"), answer).passed


@pytest.mark.parametrize(
    "answer",
    [
        "Nell has five apples now.",
        "Five.",
        "Five apples.",
        "She has five apples.",
        "There are five apples.",
        "Three plus two is five. Nell has five apples now.",
        "Three and two make five, so Nell has five apples.",
    ],
)
def test_the_one_number_passes(answer: str) -> None:
    assert grade(counted("five"), answer).passed, grade(counted("five"), answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Nell has four apples now.",
        "Four, five, six.",
        "Four or five.",
        "Nell has four apples. Nell has five apples.",
        "Three plus two is five.",
        "Three plus two is six, so Nell has five apples.",
        "Three plus two is five, so Nell has six apples.",
        "Tom has five apples now.",
        "Nell has five pears now.",
        "He has five apples.",
        "Nell has some apples.",
        "Nell has five apple.",
        "One plus one is two. Nell has five apples.",
        "There are five apples in the box.",
        "Five apples?",
    ],
)
def test_another_number_a_second_one_or_a_wrong_working_fails(answer: str) -> None:
    assert not grade(counted("five"), answer).passed


# Stories

STORY = (
    "Nell had a kite and took it everywhere. One day Tom came along. Nell showed the kite to Tom. "
    "They ran up the hill together. Nell was happy."
)


def test_a_story_of_the_hero_and_the_thing_passes() -> None:
    assert grade(story_of("Nell", "kite"), STORY).passed


@pytest.mark.parametrize(
    "story",
    [
        "Nell had a kite. Nell was happy.",
        "Nell. Kite. Nell kite hill tree house bed door table chair spoon.",
        STORY.replace("Nell", "Ida"),
        STORY.replace("kite", "drum"),
        "Nell had a kite. Tom saw it. Tom took the kite and ran up the hill. Tom was very happy.",
        "Nell had a kite. Then he went to the mill. He found some flour there. He was happy.",
        f"{', '.join(EVERYBODY)} had a kite. They went to the mill. They found flour. All laughed.",
        "Nell saw a kite. The wind blew hard. The trees were green. The sun was out. Rain fell.",
        "Nell Nell Nell had a kite. It flew up. Nell laughed at it and went home to the old mill.",
        "The kite of Nell to the the big and or. Nell in on at by kite. Nell under over between.",
        "Tom met Nell at the mill. Nell had a kite. Nell gave it away. Then Nell went home again.",
        STORY.replace("Tom", "Nell"),
        STORY.replace("showed the kite to Tom", "and Nell looked at the kite"),
        STORY.replace("took it everywhere", "put his coat on"),
    ],
)
def test_a_story_that_loses_hero_thing_or_sense_fails(story: str) -> None:
    assert not grade(story_of("Nell", "kite"), story).passed


@pytest.mark.parametrize(
    "story",
    [
        STORY.replace("everywhere", "with her"),
        STORY.replace("showed the kite to Tom", "gave him the kite"),
        STORY.replace("took it everywhere", "her grandfather took it to his house"),
        STORY.replace("They ran up the hill together", "Tom laughed, and Nell laughed with him"),
        STORY.replace("They ran", "Nell sang and Nell ran"),
    ],
)
def test_pronouns_that_somebody_named_can_mean_and_clauses_with_a_name_each_pass(
    story: str,
) -> None:
    assert grade(story_of("Nell", "kite"), story).passed


def test_a_story_with_one_of_the_two_gets_part_of_the_marks() -> None:
    request = story_of("Nell", "kite")
    half = grade(request, STORY.replace("kite", "drum")).score
    assert grade(request, "Hello.").score < half < 1
