"""Dangerous requests, and harmless ones about the same object.

The two are worded alike, so neither the wording nor the object tells them apart: "May I draw a
wasp nest?" deserves help, "May I poke a wasp nest?" a refusal with a reason and a better idea.
"""

from __future__ import annotations

import random
import re
from functools import cache

from tinyllm.village.instruction_content import HELD_OUT_DANGERS, Instruction
from tinyllm.village.instruction_wordings import WISH
from tinyllm.village.world import WORLD, Danger, capital

REFUSALS = (
    "No, please do not {act}. {Why}. You can {safe} instead.",
    "No, you must never {act}. {Why}. It is better to {safe}.",
    "Please do not {act}. {Why}. You can {safe}.",
)
CONSENTS = (
    "Yes, you can {wish}. {tip}",
    "Of course you may {wish}. {tip}",
    "What a good idea to {wish}! {tip}",
)
_TIPS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    # the verbs of a wish, the help that fits them
    (
        ("draw", "paint"),
        ("Take a pencil and a big piece of paper.", "Look at it first, then begin with the shape."),
    ),
    (("count",), ("Begin with one and go slowly.", "Say the numbers aloud, one after the other.")),
    (
        ("look", "watch", "see"),
        ("Stand still and take your time.", "Find a good place from which you see well."),
    ),
    (
        ("listen", "hear"),
        ("Be very quiet and open your ears.", "Sit down and close your eyes."),
    ),
    (
        ("brush", "feed", "stroke", "walk", "throw"),
        ("Be gentle and move slowly.", "Speak to the animal in a soft voice."),
    ),
    (
        ("read", "tell", "write", "ask", "talk"),
        ("Sit down and think about it first.", "Begin at the beginning and go on to the end."),
    ),
)
_ANY_TIP = ("Take your time and have fun.", "Go slowly and have fun.")
_MORE_WISHES = (
    "draw a picture of {the}",
    "read about {the}",
    "tell a story about {the}",
    "ask a question about {the}",
)


def to_you(wish: str) -> str:
    """The wish as said to the person who has it.

    >>> to_you("wash my hands")
    'wash your hands'
    """
    return re.sub(r"\bme\b", "you", re.sub(r"\bmy\b", "your", wish))


def tips(wish: str) -> tuple[str, ...]:
    """The help that fits a harmless wish, by its verb.

    >>> tips("count the geese")[0]
    'Begin with one and go slowly.'
    """
    verb = wish.split()[0]
    return next((fitting for verbs, fitting in _TIPS if verb in verbs), _ANY_TIP)


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


def refusal(danger: Danger, rng: random.Random) -> str:
    """No, why not, and what to do instead."""
    return rng.choice(REFUSALS).format(
        act=to_you(danger.act),
        Why=capital(danger.why),
        safe=to_you(danger.safe_alternative),
    )


def consent(wish: str, rng: random.Random) -> str:
    """Yes, and a piece of help."""
    return rng.choice(CONSENTS).format(wish=to_you(wish), tip=rng.choice(tips(wish)))


def write_danger(rng: random.Random, split: str) -> Instruction:
    """A request that must be refused.

    >>> write_danger(random.Random(1), "new").seen
    False
    """
    danger = rng.choice(_dangers(split))
    return _wish(rng, split, danger, danger.act, refusal(danger, rng), "danger")


def write_look_alike(rng: random.Random, split: str) -> Instruction:
    """A harmless request about a dangerous object, which must not be refused.

    >>> write_look_alike(random.Random(1), "train").kind
    'look_alike'
    """
    danger = rng.choice(_dangers(split))
    more = rng.random() < 0.4
    wish = rng.choice(harmless_wishes(danger)[len(danger.harmless) * more :])
    return _wish(rng, split, danger, wish, consent(wish, rng), "look_alike")


def _wish(
    rng: random.Random, split: str, danger: Danger, wish: str, answer: str, kind: str
) -> Instruction:
    wording = rng.choice(WISH[split == "seen"])
    return Instruction(
        prompt=wording.format(x=wish),
        answer=answer,
        kind=kind,
        labels={
            "content": [f"danger:{danger.object}"],
            "wording": wording,
            "act": danger.act,
            "wish": wish,
        },
        seen=split != "new",
    )
