"""Two rungs of the ladder that count: some are taken, or some more come."""

from __future__ import annotations

from tinyllm.village.grammar import Scene
from tinyllm.village.voices import Beat
from tinyllm.village.world import NUMBERS

FEWER = (
    Beat("There ^were {n} {many} {at}.", "{hero} *had {n} {many}.", "{hero} *counted {n} {many}."),
    Beat("{friend} *took {k} of them.", "{friend} *came and *took {k}.", "{animal} *ate {k}."),
    Beat(
        "Now there ^were {m} {many} left.",
        "So {m} of {n} ^were left.",
        "{N} minus {k} is {m}.",
        "How many {many} ^were left? {M}.",
        "We know that {n} minus {k} is {m}. Now there ^were {m} {many} left.",
    ),
)
MORE = (
    Beat("There ^were {n} {many} {at}.", "{hero} *had {n} {many}.", "{hero} *counted {n} {many}."),
    Beat("{friend} *brought {k} more.", "Then {friend} *came with {k} more."),
    Beat(
        "Now there ^were {m} {many}.",
        "{N} and {k} make {m}.",
        "{N} plus {k} is {m}.",
        "How many {many} ^were there now? {M}.",
        "We know that {n} plus {k} is {m}. Now there ^were {m} {many}.",
    ),
)


def draw_amounts(scene: Scene, rung: str) -> None:
    """Puts n, k and m = n - k ("fewer") or n + k (any other rung) into the scene.

    They go up to ten, and what is left is at least two, so that every plural is one.
    """
    draw = scene.draw
    if rung == "fewer":
        have = draw.one(range(3, 11))
        change = draw.one(range(1, have - 1))
        after = have - change
    else:
        have = draw.one(range(2, 10))
        change = draw.one(range(1, 11 - have))
        after = have + change
    scene.update(n=NUMBERS[have], k=NUMBERS[change], m=NUMBERS[after])
