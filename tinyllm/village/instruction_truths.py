"""Requests about what is true: questions about facts, and statements to judge."""

from __future__ import annotations

import random
from functools import cache

from tinyllm.village.facts import plain_templates
from tinyllm.village.fame import weight, well_known
from tinyllm.village.instruction_content import Instruction, facts
from tinyllm.village.instruction_wordings import FACT, TRUE_OR_FALSE
from tinyllm.village.misconceptions import misconception
from tinyllm.village.quiz import judge
from tinyllm.village.world import Fact


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
    fact = rng.choices(facts(split), _weights(split))[0]
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


@cache
def _judged(split: str) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts(split) if fact.about == "common" and well_known(fact))


@cache
def _weights(split: str) -> tuple[float, ...]:
    return tuple(weight(fact) for fact in facts(split))


def write_true_or_false(rng: random.Random, split: str) -> Instruction:
    """A statement about what everybody knows, true half of the time, to be judged.

    Whether two words are the same, a model of this size does not see: it learns by heart what is
    said and right or wrong (`bench/RESULTS.md`). In minutes that is time for a few hundred claims,
    so only what is best known is judged; the village's own facts (what Nell likes) are asked for.

    >>> write_true_or_false(random.Random(1), "train").labels["truth"] in (True, False)
    True
    """
    fact = rng.choice(_judged(split))
    truth = rng.random() < 0.5
    claim = fact.answer if truth else misconception(fact)
    frame = rng.choice(TRUE_OR_FALSE[split == "seen"])
    return Instruction(
        prompt=frame.replace("{s}", fact.state(claim)[0]),
        answer=judge(fact, claim),
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
