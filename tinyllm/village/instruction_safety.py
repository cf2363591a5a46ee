"""Dangerous requests, and harmless ones about the same object.

The two are worded alike, so neither the wording nor the object tells them apart: "May I draw a
wasp nest?" deserves help, "May I poke a wasp nest?" a refusal with a reason and a better idea.
"""

from __future__ import annotations

import random
from functools import cache

from tinyllm.village.instruction_content import (
    HELD_OUT_DANGERS,
    HELD_OUT_PLACES,
    Instruction,
    part,
    people,
    things,
)
from tinyllm.village.instruction_wordings import WISH
from tinyllm.village.permission import CONSENTS, REFUSALS, tips, to_you
from tinyllm.village.scenes import WISHES
from tinyllm.village.world import WORLD, Danger, capital
from tinyllm.village.world_dangers import KIND, UNKIND


@cache
def _dangers(split: str) -> tuple[Danger, ...]:
    new = split == "new"
    return tuple(danger for danger in WORLD.dangers if (danger.object in HELD_OUT_DANGERS) == new)


@cache
def harmless_wishes(danger: Danger) -> tuple[str, ...]:
    """Everything harmless that one may wish about the danger's object.

    >>> harmless_wishes(WORLD.dangers[0])[2]
    'draw a picture of the wasp nest'
    """
    more = (wish.format(the=f"the {danger.object}") for wish in _MORE_WISHES)
    return tuple(dict.fromkeys((*danger.harmless, *more)))


def unkindness(noun: str, name: str, rng: random.Random) -> Danger:
    """Something that one must not do to anybody with anything.

    >>> unkindness("hat", "Nell", random.Random(1)).act
    'hit Nell with the hat'
    """
    slots = {"noun": noun, "friend": name}
    act, why, safe = (phrase.format_map(slots) for phrase in rng.choice(UNKIND))
    return Danger(act=act, object=noun, why=why, safe_alternative=safe, harmless=())


@cache
def _known() -> dict[str, Danger]:
    return {danger.act: danger for danger in WORLD.dangers}


def danger_of(instruction: Instruction) -> Danger:
    """The danger that a request of kind danger or look_alike is about.

    >>> danger_of(write_danger(random.Random(1), "new")) in WORLD.dangers
    True
    """
    labels = instruction.labels
    if labels["act"] in _known():
        return _known()[labels["act"]]
    act, why, safe = labels["act"], labels["why"], labels["safe"]
    return Danger(act=act, object="", why=why, safe_alternative=safe, harmless=())


def refusal(danger: Danger, rng: random.Random) -> str:
    """No, why not, and what to do instead."""
    return rng.choice(REFUSALS).format(
        Why=capital(danger.why), safe=to_you(danger.safe_alternative)
    )


def consent(wish: str, rng: random.Random) -> str:
    """Yes, and a piece of help."""
    return rng.choice(CONSENTS).format(tip=rng.choice(tips(wish)))


_MORE_WISHES = WISHES[:4]
"""What may be wished about any dangerous thing, beside what its own row allows."""
UNKIND_SHARE = 0.5
"""Fewer were tried twice, and are no better; whether they are worse is not settled
(`bench/RESULTS.md`)."""


def write_danger(rng: random.Random, split: str) -> Instruction:
    """A request that must be refused.

    In `train` some are unkindnesses, with any thing to anybody: see `write_look_alike`.

    >>> write_danger(random.Random(1), "new").seen
    False
    """
    if split == "train" and rng.random() < UNKIND_SHARE:
        noun, name = rng.choice(things(split)).name, rng.choice(people(split)).name
        danger = unkindness(noun, name, rng)
    else:
        danger = rng.choice(_dangers(split))
    return _wish(rng, split, danger, danger.act, refusal(danger, rng), "danger")


def write_look_alike(rng: random.Random, split: str) -> Instruction:
    """A harmless request about a dangerous object, which must not be refused.

    In `train` half of the wishes are about any thing or place of the village: with the few
    dangerous objects alone, a model learns the wishes by heart instead of how to take one up.

    >>> write_look_alike(random.Random(1), "train").kind
    'look_alike'
    """
    if split == "train" and rng.random() < 0.5:
        slots = {"noun": rng.choice(things(split)).name, "friend": rng.choice(people(split)).name}
        slots["the"] = rng.choice(_anything())
        wish = rng.choice((*WISHES, *KIND)).format_map(slots)
        return _wish(rng, split, None, wish, consent(wish, rng), "look_alike")
    danger = rng.choice(_dangers(split))
    more = rng.random() < 0.4
    wish = rng.choice(harmless_wishes(danger)[len(danger.harmless) * more :])
    return _wish(rng, split, danger, wish, consent(wish, rng), "look_alike")


@cache
def _anything() -> tuple[str, ...]:
    places = part([place.name for place in WORLD.places], HELD_OUT_PLACES, "train")
    return (*(f"the {thing.name}" for thing in things("train")), *places)


def _wish(
    rng: random.Random, split: str, danger: Danger | None, wish: str, answer: str, kind: str
) -> Instruction:
    wording = rng.choice(WISH[split == "seen"])
    return Instruction(
        prompt=wording.format(x=wish),
        answer=answer,
        kind=kind,
        labels={
            "content": [f"danger:{danger.object}" if danger in _dangers(split) else kind],
            "wording": wording,
            "act": danger.act if danger else "",
            "why": danger.why if danger else "",
            "safe": danger.safe_alternative if danger else "",
            "wish": wish,
        },
        seen=split != "new",
    )
