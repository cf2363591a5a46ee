"""Who and what is talked about most: in a village, as anywhere, a few are on everybody's lips.

The first of each table of the world are well known: they are met six times as often as the others,
and what is known about them is told and asked twelve times as often as what is known about others.
A model that has minutes to read learns to know them; the others it meets now and then, and with
more minutes it learns to know them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tinyllm.village.grammar import Draw, Weighted
from tinyllm.village.world import WORLD, Animal, Fact, Person, Place
from tinyllm.village.world_common import COMMON

FAME, FAME_OF_FACTS = 6.0, 12.0
"""How often the well known are met, and talked about, for each time another is."""
_CHILDREN, _ADULTS, _ANIMALS, _PLACES = 14, 9, 8, 14

_SUBJECTS = frozenset(
    one.name
    for table, number in (
        (WORLD.children, _CHILDREN),
        (WORLD.adults, _ADULTS),
        (WORLD.animals, _ANIMALS),
        (WORLD.places, _PLACES),
    )
    for one in table[:number]
)
_COMMON = frozenset(
    (relation, subject) for relation, (_, _, rows, _) in COMMON.items() for subject, _ in rows
)

Being = TypeVar("Being", Person, Animal, Place)


def well_known(fact: Fact) -> bool:
    """Whether a fact is about somebody or something well known.

    >>> [well_known(WORLD.fact(id)) for id in ("nell.fear", "kurt.fear", "the-sky.colour")]
    [True, False, True]
    """
    if fact.about == "common":
        return (fact.relation, fact.subject) in _COMMON
    return fact.subject in _SUBJECTS


def weight(fact: Fact) -> float:
    """How often a fact is told, beside others."""
    return FAME_OF_FACTS if well_known(fact) else 1.0


def draw_being(draw: Draw, beings: Sequence[Being]) -> Being:
    """One of them, the well known more often.

    >>> names = [draw_being(Draw(seed), WORLD.children).name for seed in range(400)]
    >>> names.count("Nell") > 2 * names.count("Kurt")
    True
    """
    return beings[draw.weighted_index([FAME if b.name in _SUBJECTS else 1.0 for b in beings])]


def draw_facts(draw: Draw, facts: Sequence[Fact], number: int) -> list[Fact]:
    """Different facts in the order they were drawn, the well known more often."""
    left, weights = list(facts), [weight(fact) for fact in facts]
    return [draw.take(left, weights) for _ in range(number)]


def by_fame(facts: Sequence[Fact], often: dict[str, float] | None = None) -> Weighted[int]:
    """The places of facts in a row, each as likely as it is well known; `often` by id on top."""
    more = often or {}
    return Weighted({n: weight(fact) * more.get(fact.id, 1.0) for n, fact in enumerate(facts)})
