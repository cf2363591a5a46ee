"""What an instruction is, and which content fine-tuning never sees.

The split goes by content, never by seed: a fact, a person, a thing, a danger or a pair of numbers
is either learned in fine-tuning or held out of it for good. `train` and `seen` share content and
differ in wording; `new` asks the held-out content in training wordings. Pretraining text knows no
such split: the village tells everything, and the question is what a model can still be asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from tinyllm.village.world import NUMBERS, WORLD, Fact, Person, Thing

SPLITS = ("train", "seen", "new")

HELD_OUT_PEOPLE = ("Ada", "Hugo", "Ruby", "Mr Flint", "Mrs Hay")
HELD_OUT_THINGS = ("drum", "scarf", "kettle", "rope", "umbrella", "jar", "bag", "clock")
HELD_OUT_FOODS = ("berries", "cake", "toast")
HELD_OUT_PLACES = ("the orchard", "the smithy", "the bridge")
HELD_OUT_DANGERS = ("ice", "donkey", "saw", "beans", "geese")
"""Dangers by their object, harmless wishes about it included."""
HELD_OUT_SUMS = ((2, 1), (3, 3), (4, 2), (5, 4), (7, 2))
"""Pairs (larger, smaller) whose sum fine-tuning never states, in counting and among the facts."""
HELD_OUT_RESTS = ((3, 1), (4, 3), (5, 2), (6, 4), (7, 1), (8, 3), (9, 6), (10, 5))
"""Pairs (had, given away) that fine-tuning never subtracts."""


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """A request and one right answer.

    `labels` is what the grader needs, as plain JSON values; `labels["content"]` lists the content
    by which instructions are split, `labels["wording"]` names the wording. `seen` is True where
    fine-tuning has the content (splits `train` and `seen`).

    >>> hello = Instruction(prompt="Hello!", answer="Hello!", kind="talk", labels={}, seen=True)
    >>> hello.kind
    'talk'
    """

    prompt: str
    answer: str
    kind: str
    labels: dict[str, Any]
    seen: bool


Content = TypeVar("Content")


def part(items: Sequence[Content], held_out: Sequence[object], split: str) -> tuple[Content, ...]:
    """The items that this split asks about: the held-out ones for `new`, the others otherwise.

    >>> part(("a", "b", "c"), ("b",), "train"), part(("a", "b", "c"), ("b",), "new")
    (('a', 'c'), ('b',))
    """
    if split not in SPLITS:
        raise ValueError(f"Expected a split of instructions, one of {SPLITS}; got {split!r}.")
    return tuple(item for item in items if (item in held_out) == (split == "new"))


def people(split: str) -> tuple[Person, ...]:
    """The people whom this split's stories and accounts are about.

    >>> [person.name for person in people("new")]
    ['Ada', 'Ruby', 'Hugo', 'Mr Flint', 'Mrs Hay']
    """
    names = part([person.name for person in WORLD.people], HELD_OUT_PEOPLE, split)
    return tuple(WORLD.person(name) for name in names)


def things(split: str) -> tuple[Thing, ...]:
    """The things that this split's stories, talk and accounts are about.

    >>> [thing.name for thing in things("new")][:3]
    ['drum', 'scarf', 'kettle']
    """
    return tuple(
        thing for thing in WORLD.things if (thing.name in HELD_OUT_THINGS) == (split == "new")
    )


def _order(fact: Fact) -> bytes:
    """A place in line that depends on the fact alone; neighbours of each other stand together."""
    pair = sorted((fact.subject, fact.answer)) if fact.relation == "neighbour" else [fact.id]
    return hashlib.blake2b(" ".join(pair).encode(), digest_size=8).digest()


def _held_out_facts() -> frozenset[str]:
    """About one fact in five of every relation, in the order of a hash of it; sums as listed."""
    sums = {sum_id(*pair) for a, b in HELD_OUT_SUMS for pair in ((a, b), (b, a))}
    held = sums & {fact.id for fact in WORLD.facts}
    families: dict[tuple[str, str], list[Fact]] = {}
    for fact in WORLD.facts:
        families.setdefault((fact.about, fact.relation), []).append(fact)
    for (_, relation), family in families.items():
        number = 2 * round(len(family) / 10) if relation == "neighbour" else round(len(family) / 5)
        if relation != "sum":
            held |= {fact.id for fact in sorted(family, key=_order)[:number]}
    return frozenset(held)


def sum_id(a: int, b: int) -> str:
    """The id that the fact "a plus b" has, if the village states it.

    >>> sum_id(2, 3)
    'two-plus-three.sum'
    """
    return f"{NUMBERS[a]}-plus-{NUMBERS[b]}.sum"


HELD_OUT_FACTS = _held_out_facts()


@cache
def facts(split: str) -> tuple[Fact, ...]:
    """The facts that this split asks for.

    >>> {fact.id for fact in facts("new")} & {fact.id for fact in facts("train")}
    set()
    """
    return tuple(fact for fact in WORLD.facts if (fact.id in HELD_OUT_FACTS) == (split == "new"))
