"""Probes: unfinished sentences whose next word is a common fact.

Each of the twenty facts is asked in two wordings that no document, statement or instruction has;
they are new joints of well-known parts ("In a picture, the sky is" and "The colour of the sky is"
are told, "In a picture, the colour of the sky is" is not). A model that answers them has learned
the fact, not the sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyllm.village.world import WORLD


@dataclass(frozen=True, kw_only=True)
class Probe:
    """An unfinished sentence and the words, each with its leading space, that finish it rightly.

    >>> SKY.prompt, SKY.answers
    ('The sky is', (' blue',))
    """

    prompt: str
    answers: tuple[str, ...]


SKY = Probe(prompt="The sky is", answers=(" blue",))
"""The opening probe of the welcome page: " blue" comes first, and " clear" is not far."""

_ASKED: tuple[tuple[tuple[str, ...], tuple[str, str]], ...] = (
    # facts, and two unfinished sentences for each of them
    (
        ("the-sky.colour", "grass.colour", "snow.colour", "coal.colour"),
        ("In a picture, the colour of {s} is", "We say that the colour of {s} is"),
    ),
    (
        ("hot.opposite", "big.opposite", "wet.opposite"),
        ("We say that the opposite of {s} is", "If one is not {s}, it is"),
    ),
    (
        ("a-dog.sound", "a-cat.sound", "a-cow.sound"),
        ("We say that the sound of {s} is", "When you hear {s}, it says"),
    ),
    (
        ("monday.next-day",),
        ("We say that the day after {s} is", "First comes {s}, and after it comes"),
    ),
    (
        ("spring.next-season",),
        ("We say that the season after {s} is", "When {s} is over, then it is"),
    ),
    (
        ("the-legs-of-a-spider.number", "the-days-of-a-week.number"),
        ("We say that the number of {s} is", "If we count {s}, there are"),
    ),
    (
        ("a-puppy.young", "a-kitten.young"),
        ("When {s} grows up, it will be a", "Everybody knows that {s} will be a"),
    ),
    (("two-plus-two.sum",), ("We say that {s} is", "If you count {s}, you get")),
    (("honey.maker",), ("We say that {s} comes from", "People get {s} from")),
    (("fire.feel",), ("We say that {s} is", "If you try {s}, you find that it is")),
    (("see.body",), ("We say that we {s} with our", "If people want to {s}, they use their")),
)


def _probes() -> tuple[Probe, ...]:
    return tuple(
        Probe(
            prompt=wording.format(s=fact.subject),
            answers=(" " + fact.answer.removeprefix("a ").removeprefix("an "),),
        )
        for ids, wordings in _ASKED
        for fact in map(WORLD.fact, ids)
        for wording in wordings
    )


PROBES = _probes()
"""Twenty common facts, each in two wordings that training lacks."""
