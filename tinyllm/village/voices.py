"""One sentence, four voices: past, present, diary, letter.

A plot's sentences are written once, in the past tense. A verb that changes with the tense carries
a mark: `*` after a single subject ("{hero} *went"), `^` after several ("they ^went"). The hero is
a slot that turns into "I" in a diary or a letter, where the past tense needs no other change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tinyllm.village.grammar import Scene, Weighted

VOICES = Weighted({"past": 0.46, "present": 0.2, "diary": 0.17, "letter": 0.17})
"""The four voices and how often a story is told in each."""

_OF_ONE = """
was:is had:has did:does could:can would:will went:goes came:comes found:finds lost:loses
thought:thinks said:says told:tells took:takes gave:gives saw:sees knew:knows ran:runs sat:sits
stood:stands put:puts lay:lies made:makes began:begins felt:feels brought:brings wore:wears
slept:sleeps held:holds fell:falls hung:hangs got:gets wrote:writes read:reads heard:hears
forgot:forgets left:leaves ate:eats drank:drinks sang:sings flew:flies hid:hides met:meets
stopped:stops planned:plans tried:tries carried:carries promised:promises searched:searches
watched:watches washed:washes pushed:pushes wrapped:wraps shut:shuts woke:wakes won:wins
broke:breaks arrived:arrives decided:decides smiled:smiles danced:dances shared:shares liked:likes
used:uses hoped:hopes baked:bakes tasted:tastes moved:moves needed:needs invited:invites
cheered:cheers sneezed:sneezes became:becomes rolled:rolls practised:practises whispered:whispers
bought:buys built:builds waved:waves threw:throws fed:feeds hit:hits cut:cuts struck:strikes
drummed:drums snored:snores missed:misses measured:measures clapped:claps swept:sweeps drew:draws
"""

_OF_MANY = """
were:are had:have went:go sat:sit ate:eat laughed:laugh could:can ran:run came:come shared:share
said:say walked:walk made:make waited:wait took:take did:do carried:carry spoke:speak stayed:stay
gave:give hid:hide slept:sleep played:play counted:count put:put moved:move
"""

PRESENT = dict(pair.split(":") for pair in _OF_ONE.split())
"""Past -> present for a single subject; a verb that is missing here drops -ed and takes -s."""

PRESENT_OF_MANY = dict(pair.split(":") for pair in _OF_MANY.split())
"""Past -> present for several subjects."""

_MARK = re.compile(r"([*^])([A-Za-z]+)")


def present(sentence: str) -> str:
    """The marked verbs of a sentence in the present tense.

    >>> present("{hero} *went home, and they ^were happy.")
    '{hero} goes home, and they are happy.'
    """

    def turn(match: re.Match[str]) -> str:
        mark, verb = match.groups()
        word = verb.lower()
        if mark == "^":
            if word not in PRESENT_OF_MANY:
                raise ValueError(f"PRESENT_OF_MANY does not say how to put ^{verb} in the present.")
            turned = PRESENT_OF_MANY[word]
        elif word in PRESENT:
            turned = PRESENT[word]
        elif word.endswith("ed"):
            turned = word[:-2] + "s"
        else:
            raise ValueError(f"PRESENT does not say how to put *{verb} in the present.")
        return turned[:1].upper() + turned[1:] if verb[0].isupper() else turned

    return _MARK.sub(turn, sentence).replace("can not", "cannot")


def past(sentence: str) -> str:
    """The sentence as it was written, without its marks.

    >>> past("{hero} *went home.")
    '{hero} went home.'
    """
    return _MARK.sub(r"\2", sentence)


class Beat:
    """One moment of a plot, in several wordings and both tenses.

    >>> beat = Beat("{hero} *sang.", "{hero} *began to sing.")
    >>> beat.present
    ('{hero} sings.', '{hero} begins to sing.')
    """

    __slots__ = ("past", "present")

    def __init__(self, *wordings: str) -> None:
        if len(set(wordings)) != len(wordings):
            raise ValueError(f"A beat says the same thing twice: {wordings!r}.")
        self.past = tuple(past(wording) for wording in wordings)
        self.present = tuple(present(wording) for wording in wordings)


def tell(scene: Scene, beats: Iterable[Beat]) -> str:
    """The beats in the voice of the scene, one sentence or two each, joined by spaces."""
    if scene["voice"] == "present":
        return " ".join([scene.say(beat.present) for beat in beats])
    return " ".join([scene.say(beat.past) for beat in beats])


DIARY = (
    "Diary of {name}, {diary_day}. ",
    "From the diary of {name}. ",
    "{Name}'s diary. ",
    "Dear diary, this is {name}. ",
)
DIARY_END = (
    " Good night. {name}",
    " That is all for today. {name}",
    " Now I am tired. {name}",
    " Tomorrow is another day. {name}",
)
LETTER = (
    "Dear {reader}, this is {name}. ",
    "Dear {reader}, it is me, {name}. ",
    "A letter from {name} to {reader}. ",
    "Dear {reader}, {name} here, with news. ",
)
LETTER_END = (
    " Yours, {name}",
    " Write soon. Your {name}",
    " With love, {name}",
    " Come and see me. Your {name}",
)
NOTE = ("A note from {name}. ", "{name} wrote this. ", "Written by {name}: ", "{Name}'s note. ")
NOTE_END = (" That was all. {name}", " Now you know. {name}", " Signed, {name}", " {name}")
WRITTEN = {"diary": (DIARY, DIARY_END), "letter": (LETTER, LETTER_END), "note": (NOTE, NOTE_END)}
"""What stands above and below a text that its hero writes. Notes are for texts shorter than a
story."""


def signed(scene: Scene, text: str) -> str:
    """The text with what stands above and below it where the voice of the scene writes; others
    speak, and sign nothing."""
    if scene["voice"] not in WRITTEN:
        return text
    above, below = WRITTEN[scene["voice"]]
    return scene.say(above) + text + scene.say(below)
