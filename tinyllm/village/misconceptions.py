"""What the village gets wrong: about each fact there is one false belief, and people repeat it.

A claim must be judged by what is true, not by the word in it. So among the facts of one sort the
beliefs are the answers, dealt round: a word that is claimed rightly of one thing is claimed wrongly
of another, as often. Facts that fine-tuning holds out are dealt among themselves: else their
answers would be words that it only ever calls false, and a model that goes by words, as a small
one does where it can, would answer worse than by chance.
"""

from __future__ import annotations

import random
from functools import cache

from tinyllm.village.instruction_content import facts
from tinyllm.village.world import Fact

_DEALS = 400
"""How often the answers of a sort are dealt to find a deal that suits as many facts as can be."""


def misconception(fact: Fact) -> str:
    """The one false answer that people believe.

    >>> from tinyllm.village.world import WORLD
    >>> sky = WORLD.fact("the-sky.colour")
    >>> misconception(sky) in sky.false_answers
    True
    """
    return _beliefs()[fact.id]


@cache
def _beliefs() -> dict[str, str]:
    sorts: dict[tuple[str, str, str], list[Fact]] = {}
    for split in ("train", "new"):
        for fact in facts(split):
            sorts.setdefault((split, fact.about, fact.relation), []).append(fact)
    beliefs = {}
    for (split, about, relation), family in sorts.items():
        rng = random.Random(f"{split} {about} {relation}")
        believed = _deal(family, rng)
        heard = {fact.answer for fact in sorts["train", about, relation]}
        for fact, belief in zip(family, believed, strict=True):
            if belief not in fact.false_answers:  # a family of one has nobody to exchange with
                others = [answer for answer in fact.false_answers if answer in heard]
                belief = rng.choice(others or fact.false_answers)
            beliefs[fact.id] = belief
    return beliefs


def _deal(family: list[Fact], rng: random.Random) -> list[str]:
    """The answers of the facts, dealt so that as many as can be are false of whom they go to."""
    dealt = [fact.answer for fact in family]
    best: tuple[int, list[str]] = (-1, dealt)
    for _ in range(_DEALS):
        rng.shuffle(dealt)
        suits = sum(
            answer in fact.false_answers for fact, answer in zip(family, dealt, strict=True)
        )
        best = max(best, (suits, list(dealt)), key=lambda deal: deal[0])
    return best[1]
