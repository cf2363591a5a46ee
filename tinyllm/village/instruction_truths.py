"""Requests about what is true: questions about facts, and statements to judge."""

from __future__ import annotations

import random
from functools import cache

from tinyllm.village.instruction_content import Instruction, facts
from tinyllm.village.instruction_wordings import FACT, TRUE_OR_FALSE
from tinyllm.village.world import Fact, capital

_NOT_PLAIN = (
    *("If", "Do", "Count", "Take", "Say", "Look", "Listen", "Visit", "Try", "Feed", "Ask"),
    *("Sleep", "To", "Nobody", "Without", "There"),
)


@cache
def plain_templates(fact: Fact) -> tuple[int, ...]:
    """Which of the fact's wordings are one plain statement, no question and no command.

    >>> from tinyllm.village.world import WORLD
    >>> fact = WORLD.fact("nell.fear")
    >>> [fact.statements[index] for index in plain_templates(fact)][:2]
    ['Nell is afraid of thunder.', 'The one thing that Nell fears is thunder.']
    """
    return tuple(
        index
        for index, text in enumerate(fact.statements)
        if "?" not in text and ":" not in text and text.split()[0] not in _NOT_PLAIN
    )


def statement(fact: Fact, answer: str, rng: random.Random, among: int) -> str:
    """One plain statement of the fact with this answer, right or wrong."""
    plain = plain_templates(fact)[:among]
    return fact.state(answer)[plain[int(rng.random() * len(plain))]]


def answer_to_fact(fact: Fact, rng: random.Random) -> str:
    """A right answer: one of the two plainest statements, the plainest of all more often."""
    plain = plain_templates(fact)
    return fact.statements[plain[0] if rng.random() < 0.7 or len(plain) == 1 else plain[1]]


def write_fact(rng: random.Random, split: str) -> Instruction:
    """A question about one fact.

    >>> write_fact(random.Random(1), "train").kind
    'fact'
    """
    fact = rng.choice(facts(split))
    frame, number = rng.choice(_question_wordings(split, len(fact.questions)))
    return Instruction(
        prompt=frame.replace("{q}", fact.questions[number]),
        answer=answer_to_fact(fact, rng),
        kind="fact",
        labels={"content": [f"fact:{fact.id}"], "wording": f"{number} {frame}", "fact": fact.id},
        seen=split != "new",
    )


@cache
def _question_wordings(split: str, questions: int) -> tuple[tuple[str, int], ...]:
    """Every (frame, number of the question): the last question of a fact is left to `seen`."""
    training, others = FACT
    if split == "seen":
        new_question = [("{q}", questions - 1)] * len(others)
        return *new_question, *((frame, n) for frame in others for n in range(questions))
    return tuple((frame, n) for frame in training for n in range(questions - 1))


JUDGED = 1
"""In how many of its wordings a fact is judged: the plainest alone, as the village talks of it."""


@cache
def judged_wordings(fact: Fact) -> tuple[int, ...]:
    """The wordings in which a claim is put and judged: plain ones that end in the answer.

    >>> from tinyllm.village.world import WORLD
    >>> fact = WORLD.fact("nell.fear")
    >>> [fact.statements[index] for index in judged_wordings(fact)]
    ['Nell is afraid of thunder.']
    """
    plain = plain_templates(fact)[:3]
    ending = tuple(n for n in plain if fact.statements[n].endswith(f"{fact.answer}."))
    return (ending or plain)[:JUDGED]


def verdict(fact: Fact, claim: str) -> str:
    """What is true first, in the claim's own wording; then the two side by side, and the verdict.

    Whoever recalls before judging judges better, and whether two words are the same is far easier
    to see where they stand beside each other: measured, a verdict right after the recalled truth
    is no better than chance after 1,200 steps, though nearly all that is recalled is right.
    """
    right = fact.statements[judged_wordings(fact)[0]]
    truth = claim == fact.answer
    word = "true" if truth else "false"
    return f"{right} {capital(claim)} and {fact.answer}: that is {word}."


def write_true_or_false(rng: random.Random, split: str) -> Instruction:
    """A statement, true half of the time, to be judged.

    >>> write_true_or_false(random.Random(1), "train").labels["truth"] in (True, False)
    True
    """
    fact = rng.choice(facts(split))
    truth = rng.random() < 0.5
    claim = fact.answer if truth else fact.misconception
    frame = rng.choice(TRUE_OR_FALSE[split == "seen"])
    wording = rng.choice(judged_wordings(fact))
    return Instruction(
        prompt=frame.replace("{s}", fact.state(claim)[wording]),
        answer=verdict(fact, claim),
        kind="true_or_false",
        labels={
            "content": [f"fact:{fact.id}"],
            "wording": frame,
            "fact": fact.id,
            "claim": claim,
            "truth": truth,
        },
        seen=split != "new",
    )
