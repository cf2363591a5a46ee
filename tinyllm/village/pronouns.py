"""Children in a row, each with the pronouns that are theirs: who reads that learns who is a girl.

Of the words of the village one in four hundred is "he", "she" or one of their cases, so from the
stories alone a small model learns late whose pronouns are whose, or not at all
(`bench/RESULTS.md`).
"""

from __future__ import annotations

from tinyllm.village.grammar import Draw, Weighted
from tinyllm.village.world import WORLD, capital

HE_OR_SHE: tuple[str, ...] = (
    "{name} took {his} {thing}.",
    "{name} had a {thing}, and {he} liked it.",
    "{name} cleaned {his} {thing} until {he} was tired.",
    "{name} was glad because {he} had a {thing}.",
    "Then {name} came. {He} had {his} {thing} in {his} hand.",
    "{name} came, and I gave {him} a {thing}.",
    "The {thing} of {name} was on {his} bed. {He} had put it there.",
    "{name} said that {he} wanted a {thing}.",
)
"""Only the name tells which pronoun comes: nothing else in these sentences does."""
THINGS = tuple(thing.name for thing in WORLD.things if thing.name[0] not in "aeiou")
HOW_MANY = Weighted({3: 0.1, 4: 0.2, 5: 0.25, 6: 0.25, 7: 0.2})


def he_or_she(draw: Draw) -> tuple[str, dict[str, str]]:
    """The same sentence about some children, and its labels.

    >>> he_or_she(Draw(2))[1]["rung"]
    'he or she'
    """
    wording, thing = draw.one(HE_OR_SHE), draw.one(THINGS)
    children = draw.several(WORLD.children, draw.weighted(HOW_MANY))
    told = [
        wording.format(
            name=child.name,
            he=child.he,
            He=capital(child.he),
            him=child.him,
            his=child.his,
            thing=thing,
        )
        for child in children
    ]
    return " ".join(told), {"hero": children[0].name, "voice": "past", "rung": "he or she"}
