"""One sentence, four voices: past, present, diary, letter.

A plot's sentences are written once, in the past tense. A verb that changes with the tense carries
a mark: `*` after a single subject ("{hero} *went"), `^` after several ("they ^went"). The hero is
a slot that turns into "I" in a diary or a letter, where the past tense needs no other change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import product

from tinyllm.village.grammar import Scene, Weighted, Wording
from tinyllm.village.tenses import PRESENT, PRESENT_OF_MANY

VOICES = Weighted({"past": 0.49, "present": 0.22, "diary": 0.18, "letter": 0.11})
"""The four voices and how often a story is told in each."""

WRITTEN = ("diary", "letter", "note")
"""The voices in which the hero writes, and is "I". Notes are for texts shorter than a story."""

MARK = re.compile(r"([*^])([A-Za-z]+)")


def present_verb(mark: str, verb: str) -> str:
    """A verb in the present tense, of one ("*") or of several ("^").

    >>> present_verb("*", "went"), present_verb("^", "went")
    ('goes', 'go')
    """
    table = PRESENT_OF_MANY if mark == "^" else PRESENT
    if verb.lower() not in table:
        raise ValueError(f"BASES does not say how to put {mark}{verb} in the present.")
    turned = table[verb.lower()]
    return turned[:1].upper() + turned[1:] if verb[0].isupper() else turned


def present(sentence: str) -> str:
    """The marked verbs of a sentence in the present tense.

    >>> present("{hero} *went home, and they ^were happy.")
    '{hero} goes home, and they are happy.'
    """

    def turn(match: re.Match[str]) -> str:
        return present_verb(*match.groups())

    return MARK.sub(turn, sentence).replace("can not", "cannot")


def past(sentence: str) -> str:
    """The sentence as it was written, without its marks.

    >>> past("{hero} *went home.")
    '{hero} went home.'
    """
    return MARK.sub(r"\2", sentence)


CHOICE = re.compile(r"\[([^\[\]]*)\]")


def variants(wording: str) -> tuple[str, ...]:
    """Every way of saying a wording whose brackets hold choices.

    >>> variants("{hero} [sang|hummed][| a little].")
    ('{hero} sang.', '{hero} sang a little.', '{hero} hummed.', '{hero} hummed a little.')
    """
    parts = CHOICE.split(wording)
    choices = [part.split("|") if number % 2 else [part] for number, part in enumerate(parts)]
    said = tuple("".join(words) for words in product(*choices))
    if len(set(said)) != len(said):
        raise ValueError(f"Two choices say the same thing: {wording!r}.")
    if any(set("[]|") & set(text) for text in said):
        raise ValueError(f"A bracket is open or inside another: {wording!r}.")
    return said


class Beat:
    """One moment of a plot, in several wordings and both tenses.

    A wording with choices has several variants, a tuple; one without is a plain string.

    >>> beat = Beat("{hero} *sang.", "{hero} [*began|*started] to sing.")
    >>> beat.present
    ('{hero} sings.', ('{hero} begins to sing.', '{hero} starts to sing.'))
    """

    __slots__ = ("past", "present", "wordings")

    def __init__(self, *wordings: str) -> None:
        if len(set(wordings)) != len(wordings):
            raise ValueError(f"A beat says the same thing twice: {wordings!r}.")
        self.wordings = wordings
        said = [variants(wording) for wording in wordings]
        self.past = tuple(_in(past, one) for one in said)
        self.present = tuple(_in(present, one) for one in said)


def _in(tense: Callable[[str], str], said: tuple[str, ...]) -> Wording:
    return tense(said[0]) if len(said) == 1 else tuple(tense(text) for text in said)


def tell(scene: Scene, beats: Iterable[Beat]) -> str:
    """The beats in the voice of the scene, one sentence or two each, joined by spaces."""
    if scene["voice"] == "present":
        return " ".join([scene.say(beat.present) for beat in beats])
    return " ".join([scene.say(beat.past) for beat in beats])
