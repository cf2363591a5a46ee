"""Requests that need a memory of three sentences: who has the thing, and how many there are."""

from __future__ import annotations

import random
from functools import cache
from itertools import pairwise
from typing import Any

from tinyllm.village.instruction_content import (
    HELD_OUT_RESTS,
    HELD_OUT_SUMS,
    Instruction,
    part,
    people,
    things,
)
from tinyllm.village.instruction_wordings import COUNT_ALL, COUNT_LIST, WHO_HAS
from tinyllm.village.world import NUMBERS, WORLD, article, capital

_FIRST = (
    # how the thing comes to its first holder, in the two tenses
    ("{a} has {an_it}.", "{a} finds {an_it} {at}.", "{a} buys {an_it} at the market."),
    ("{a} had {an_it}.", "{a} found {an_it} {at}.", "{a} bought {an_it} at the market."),
)
_HAND_OVER = (
    # {g} gives, {r} receives
    (
        "{g} gives the {t} to {r}.",
        "{g} hands the {t} to {r}.",
        "{g} lends the {t} to {r}.",
        "{r} gets the {t} from {g}.",
    ),
    (
        "{g} gave the {t} to {r}.",
        "{g} handed the {t} to {r}.",
        "{g} lent the {t} to {r}.",
        "{r} got the {t} from {g}.",
    ),
)
_HOLDER = ("{r} has the {t} now.", "Now {r} has the {t}.")


def write_who_has(rng: random.Random, split: str) -> Instruction:
    """A thing goes through one or two hands; who has it?

    >>> one = write_who_has(random.Random(1), "new")
    >>> one.labels["holder"] in one.answer
    True
    """
    hands = rng.sample([person.name for person in people(split)], 3 if rng.random() < 0.5 else 2)
    thing, tense = rng.choice(things(split)), int(rng.random() < 0.5)
    name = f"{rng.choice(thing.adjectives)} {thing.name}"
    first = rng.choice(_FIRST[tense]).format(
        a=hands[0], an_it=article(name), at=rng.choice(WORLD.places).at
    )
    account = [first]
    for giver, receiver in pairwise(hands):
        line = rng.choice(_HAND_OVER[tense]).format(g=giver, r=receiver, t=thing.name)
        account.append(line if len(account) == 1 else f"Then {line}")
    wording = rng.choice(WHO_HAS[split == "seen"])
    return Instruction(
        prompt=wording.format(account=" ".join(account), t=thing.name),
        answer=rng.choice(_HOLDER).format(r=hands[-1], t=thing.name),
        kind="who_has",
        labels={
            "content": [f"thing:{thing.name}", *(f"person:{hand}" for hand in hands)],
            "wording": wording,
            "thing": thing.name,
            "holder": hands[-1],
        },
        seen=split != "new",
    )


_SUMS = tuple((a, b) for a in range(1, 10) for b in range(1, a + 1) if a + b <= 10)
_RESTS = tuple((a, b) for a in range(2, 11) for b in range(1, a))
_MORE = (
    "{n} has {a}. {m} gives {him} {b} more.",
    "{n} had {a}. Then {he} found {b} more.",
    "{n} picks up {a}. {He} gets {b} more from {m}.",
    "In the morning {n} has {a}. In the evening {m} brings {him} {b} more.",
)
_FEWER = (
    "{n} has {a}. {He} gives {b} of them to {m}.",
    "{n} had {a}. Then {he} lost {b} of them.",
    "{n} picks up {a}. {m} gets {b} of them.",
    "In the morning {n} has {a}. In the evening {he} gives {b} of them away.",
)
_WORKED = ("We know that {sum}. {n} has {total} now.", "We know that {sum}, so {n} has {total}.")
"""The working stands before the answer, in the words in which the village teaches sums: what was
recalled first can be copied."""


def amount(number: int, thing: tuple[str, str]) -> str:
    """So many of a counted thing, given as (one, many).

    >>> amount(1, ("egg", "eggs")), amount(3, ("egg", "eggs"))
    ('one egg', 'three eggs')
    """
    return f"{NUMBERS[number]} {thing[number != 1]}"


def write_counting(rng: random.Random, split: str) -> Instruction:
    """More of something, fewer of it, or things in a row to count.

    >>> one = write_counting(random.Random(2), "train")
    >>> one.labels["number"] in one.answer
    True
    """
    draw = rng.random()
    if draw < 0.4:
        return _sum(rng, split, more=True)
    return _sum(rng, split, more=False) if draw < 0.8 else _row(rng, split)


@cache
def _pairs(split: str, more: bool) -> tuple[tuple[int, int], ...]:
    return part(_SUMS, HELD_OUT_SUMS, split) if more else part(_RESTS, HELD_OUT_RESTS, split)


def _sum(rng: random.Random, split: str, *, more: bool) -> Instruction:
    a, b = rng.choice(_pairs(split, more))
    key = f"sum:{a}+{b}" if more else f"rest:{a}-{b}"
    if more and rng.random() < 0.5:
        a, b = b, a
    total = a + b if more else a - b
    person, other = rng.sample(people("train"), 2)
    counted = rng.choice(WORLD.counted)
    account = rng.choice(_MORE if more else _FEWER).format(
        n=person.name,
        m=other.name,
        he=person.he,
        He=capital(person.he),
        him=person.him,
        a=amount(a, counted),
        b=NUMBERS[b],
    )
    wording = rng.choice(COUNT_ALL[split == "seen"])
    labels = {
        "content": [key],
        "wording": wording,
        "number": NUMBERS[total],
        "who": person.name,
        "what": list(counted),
        "sum": f"{NUMBERS[a]} {'plus' if more else 'minus'} {NUMBERS[b]}",
    }
    return Instruction(
        prompt=wording.format(account=account, what=counted[1], who=person.name),
        answer=worked(labels, total, rng),
        kind="counting",
        labels=labels,
        seen=split != "new",
    )


def worked(labels: dict[str, Any], number: int, rng: random.Random) -> str:
    """An answer to a counting request with this number, right or wrong."""
    what = amount(number, (labels["what"][0], labels["what"][1]))
    if labels["sum"]:
        working = f"{labels['sum']} is {NUMBERS[number]}"
        return rng.choice(_WORKED).format(sum=working, n=labels["who"], total=what)
    verb = "is" if number == 1 else "are"
    return rng.choice((f"There {verb} {what} {labels['there']}.", f"That makes {what}."))


_ROWS = (
    # where the things are, how the account says it
    ("on the table", "On the table there are {row}."),
    ("in the box", "In the box there are {row}."),
    ("under the bed", "{n} finds {row} under the bed."),
    ("on the floor", "{n} puts {row} on the floor."),
)


def _row(rng: random.Random, split: str) -> Instruction:
    names = [thing.name for thing in things(split) if thing.name != "box"]
    row = rng.sample(names, 2 + int(4 * rng.random()))
    listed = [article(name) for name in row]
    there, line = rng.choice(_ROWS)
    account = line.format(
        row=", ".join(listed[:-1]) + " and " + listed[-1], n=rng.choice(people("train")).name
    )
    wording = rng.choice(COUNT_LIST[split == "seen"])
    labels = {
        "content": [f"thing:{name}" for name in row],
        "wording": wording,
        "number": NUMBERS[len(row)],
        "who": "",
        "what": ["thing", "things"],
        "sum": "",
        "there": there,
    }
    return Instruction(
        prompt=wording.format(account=account, there=there),
        answer=worked(labels, len(row), rng),
        kind="counting",
        labels=labels,
        seen=split != "new",
    )
