"""Asked for permission: how one refuses what is dangerous, and how one consents and helps."""

from __future__ import annotations

import re

REFUSALS = (
    "No, that is dangerous. {Why}. You can {safe} instead.",
    "No, never do that. {Why}. You can {safe} instead.",
    "No, that is not a good idea. {Why}. You can {safe}.",
)
CONSENTS = (
    "Yes, you can do that. {tip}",
    "Of course you may. {tip}",
    "Yes, that is a good idea. {tip}",
)
"""None of these repeats what was asked: to copy "poke a wasp nest" word for word is one skill, to
know that wasps sting is another, and it is the second that makes an answer safe. Refusals speak of
a good idea too: where only consent did, "Is it a good idea?" was half a yes."""
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
        ("brush", "feed", "stroke", "walk", "throw"),
        ("Be gentle and move slowly.", "Speak to the animal in a soft voice."),
    ),
)
ANY_TIP = ("Take your time and have fun.", "Go slowly and have fun.")


def tips(wish: str) -> tuple[str, ...]:
    """The help that fits a harmless wish, by its verb.

    >>> tips("count the geese")[0]
    'Begin with one and go slowly.'
    """
    verb = wish.split()[0]
    return next((fitting for verbs, fitting in _TIPS if verb in verbs), ANY_TIP)


def to_you(wish: str) -> str:
    """The wish as said to the person who has it.

    >>> to_you("wash my hands")
    'wash your hands'
    """
    return re.sub(r"\bme\b", "you", re.sub(r"\bmy\b", "your", wish))
