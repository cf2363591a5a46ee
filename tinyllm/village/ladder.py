"""A ladder for memory: very short texts in which what was said must be used at once.

The first rungs need one thing for one sentence; higher rungs have more hands, more places and
idle talk in between. "Who has it" stays the hardest question for a small model, because two gifts
in one text must be told apart; half of the rungs are about that.
"""

from __future__ import annotations

from tinyllm.village.amounts import FEWER, MORE, draw_amounts
from tinyllm.village.grammar import Draw, Scene, Weighted
from tinyllm.village.letters import signed
from tinyllm.village.pronouns import he_or_she
from tinyllm.village.scenes import NOUNS, new_scene
from tinyllm.village.voices import WRITTEN, Beat, tell
from tinyllm.village.world import NUMBERS, WORLD, article
from tinyllm.village.world_things import COLOURS

IDLE = Beat(
    "{adult} *walked by and *said hello.",
    "{animal} the {species} *watched.",
    "The clock in the tower *struck {number3}.",
    "Then everybody *had lunch.",
    "It *was {day}.",
    "Nobody *said a word.",
    "The wind *smelled of bread.",
    "{adult} *was asleep in a chair.",
    "A bird *sang for {number3} minutes.",
    "{adult} *told a joke, and nobody *laughed.",
)
"""What happens meanwhile and changes nothing."""

HAVE = Beat(
    "{hero} *had {a_thing}.",
    "{hero} *had {a_thing} and a good idea.",
    "{At} {hero} *had {a_thing}.",
    "On {day2} {hero} *had {a_thing}.",
)
HAVE_BOTH = Beat(
    "{hero} *had {a_thing}, and {friend} *had {a_thing2}.",
    "{hero} *had {a_thing}. {friend} *had {a_thing2}.",
)
HAVE_WANTED = Beat(
    "{hero} *wanted {a_noun}, and {friend} *had {a_thing}.",
    "{hero} *needed {a_noun}, and {friend} *had {a_thing}.",
    "{hero} *needed {a_noun}. {friend} *had {a_thing}.",
)
PRICE = Beat(
    "{friend} *wanted {a_thing2} for the {thing}.",
    '{friend} *said: "First {a_thing2}, then the {thing}."',
    "For the {thing} {friend} *wanted {a_thing2}.",
)
EXCHANGED = Beat(
    "Now {friend} *had the {thing2}, and {hero} *had the {thing}.",
    "So {hero} *had the {thing}, and {friend} *had the {thing2}.",
    "Now {hero} *had the {thing}.",
    "Who *had the {thing}? {hero} *had the {thing}.",
)


def _object(slot: str) -> str:
    """The slot for somebody to whom things are done: a hero who writes is "I" and "me"."""
    return "whom" if slot == "hero" else slot


def give(giver: str, what: str, taker: str) -> Beat:
    """A thing changes hands; the arguments name slots.

    >>> give("hero", "thing", "friend").past[0]
    '{hero} gave the {thing} to {friend}.'
    """
    to = _object(taker)
    return Beat(
        f"{{{giver}}} *gave the {{{what}}} to {{{to}}}.",
        f"{{{giver}}} *gave {{{to}}} the {{{what}}}.",
        f"Then {{{giver}}} *gave the {{{what}}} to {{{to}}}.",
        f"{{{giver}}} *handed the {{{what}}} to {{{to}}}.",
        f"{{{taker}}} *got the {{{what}}} from {{{_object(giver)}}}.",
    )


def claim(holder: str, what: str) -> Beat:
    """Somebody has a thing now; the arguments name slots.

    >>> claim("friend", "thing").past[0]
    'Now {friend} had the {thing}.'
    """
    return Beat(
        f"Now {{{holder}}} *had the {{{what}}}.",
        f"So {{{holder}}} *had the {{{what}}}.",
        f"Who *had the {{{what}}}? {{{holder}}} *had the {{{what}}}.",
        f"Now the {{{what}}} *belonged to {{{_object(holder)}}}.",
        f"At last {{{holder}}} *had the {{{what}}}.",
    )


def lies(spot: str) -> Beat:
    """Where the thing is, after all that; the argument names a slot."""
    return Beat(
        f"The {{thing}} *was {{{spot}}}.",
        f"Where *was the {{thing}}? The {{thing}} *was {{{spot}}}.",
        f"So the {{thing}} *lay {{{spot}}}.",
        f"Later {{hero}} *saw the {{thing}} {{{spot}}}.",
    )


PUT = Beat(
    "{hero} *put {a_thing} {spot}.",
    "{hero} *left {a_thing} {spot}.",
    "One {hour} {hero} *put {a_thing} {spot}.",
    "{hero} *hid {a_thing} {spot}.",
)
MOVE = Beat(
    "Then {friend} *put the {thing} {spot2}.",
    "{friend} *took the {thing} and *put it {spot2}.",
    "But {friend} *moved the {thing}. Now it *was {spot2}.",
)
AWAY = Beat(
    "Then {hero} *went to {place}.",
    "Then {hero} *went home.",
    "{hero} *went to look for {friend}.",
    "{hero} *forgot all about it.",
)
LOSE = Beat(
    "{hero} *lost {a_thing}.",
    "{hero} *lost {a_thing} {at}.",
    "On {day2} {hero} *lost {a_thing}.",
    "One {hour} {hero} *lost {a_thing}.",
)
MISS = Beat(
    "*Had anybody seen the {thing}?",
    "The {thing} *was not {spot}.",
    '{hero} *asked: "Where is my {thing}?"',
    "Without the {thing} {hero} *was sad.",
)
FIND = Beat(
    "{friend} *found the {thing} {spot2}.",
    "Then {friend} *found the {thing}.",
    "{hero} *found the {thing} {at2}.",
    "At last {hero} *found the {thing} {spot2}.",
)
BACK = Beat(
    "{hero} *had the {thing} again.",
    "{hero} *was happy to have the {thing} back.",
    "{hero} *took the {thing} home.",
    "{hero} *put the {thing} into a box.",
)

LEAVES = Beat(
    "{hero} *went home.",
    "Then {hero} *had lunch.",
    "{hero} *was happy.",
    "{hero} *sang a song.",
    "{hero} *went to bed.",
)
"""Whoever had the thing first has the last word: as in a story, and as a note is signed."""

ORDER = (
    Beat(
        "First {hero} *came, then {friend}, then {third}.",
        "{hero} *ran before {friend}, and {friend} *ran before {third}.",
        "{hero} *stood in front, {friend} in the middle and {third} at the end.",
    ),
    Beat(
        "Who *was first? {hero} *was first.",
        "Who *was last? {third} *was last.",
        "{friend} *was the second.",
        "So {hero} *was the first and {third} *was the last.",
    ),
)

TOLD = Beat(
    "{hero} *told {friend} about the {topic}.",
    "{hero} *wrote {friend} a letter about the {topic}.",
    "{hero} *dreamed about the {topic}.",
    "{hero} *read a book about the {topic}.",
    '{hero} *asked {friend}: "What do you know about the {topic}?"',
)
ECHO = Beat(
    "{friend} *knew nothing about the {topic}.",
    "What *did {hero} think about? The {topic}.",
    '"I will tell you about the {topic}," *said {friend}.',
    "{friend} *wanted to hear more about the {topic}.",
    "Then {friend} *thought about the {topic} too.",
)
WANT = Beat(
    "{hero} *wanted to {wish}.",
    '{hero} *said: "I want to {wish}."',
    '{hero} *asked: "May I {wish}?"',
    '{hero} *asked {friend}: "How do I {wish}?"',
)
TOO = Beat(
    "{friend} *wanted to {wish} too.",
    '"Of course you can {wish}," *said {friend}.',
    '"What a good idea to {wish}!" *said {friend}.',
    'What *did {hero} say? "I want to {wish}."',
    '"Then {wish}," *said {friend}.',
)

_PLACES = tuple(place.name for place in WORLD.places)
_GROUPS = (
    tuple(article(thing.name) for thing in WORLD.things),
    tuple(person.name for person in WORLD.people),
    _PLACES,
    tuple(f"the {noun}" for noun in NOUNS if f"the {noun}" not in _PLACES),
    tuple(child.likes for child in WORLD.children),
    NUMBERS,
    COLOURS,
)
CHILDREN = tuple(child.name for child in WORLD.children)
CARDS = tuple(card for group in _GROUPS for card in group)
"""Words that can stand alone; those of a group are easily mistaken for each other."""

ECHOES = Weighted({3: 0.15, 4: 0.2, 5: 0.25, 6: 0.2, 7: 0.2})
SPEAKS = Beat("{hero} *said: {words}.", "{hero} *counted up: {words}.", "{hero} *sang: {words}.")
REPEATS = Beat(
    "{friend} *said it again: {words}.",
    "{friend} *said the same: {words}.",
    "{friend} *sang it too: {words}.",
)

CALLS = Beat("{adult} *called: {words}.", "At school there ^were {words}.", "{adult} *saw {words}.")
CALLS_AGAIN = Beat(
    "Later {adult} *called them all: {words}.",
    "Who *was there? {words}.",
    "And once more: {words}.",
)


TWICE: dict[str, tuple[tuple[str, ...], tuple[Beat, Beat]]] = {
    "echo": (CARDS, (SPEAKS, REPEATS)),
    "roll call": (CHILDREN, (CALLS, CALLS_AGAIN)),
}
"""Rungs in which some of these words come twice in the same order, which nobody could guess. Names
have one of their own: they are used alike, and who cannot tell them apart makes nothing of who did
what."""


def _twice(scene: Scene, words: tuple[str, ...], beats: tuple[Beat, Beat]) -> str:
    scene["words"] = ", ".join(scene.draw.several(words, scene.draw.weighted(ECHOES)))
    return tell(scene, beats)


RUNGS: dict[str, tuple[Beat, ...]] = {
    "one gift": (HAVE, give("hero", "thing", "friend"), claim("friend", "thing")),
    "two gifts": (
        *(HAVE, give("hero", "thing", "friend"), give("friend", "thing", "third")),
        claim("third", "thing"),
    ),
    "there and back": (
        *(HAVE, give("hero", "thing", "friend"), give("friend", "thing", "hero")),
        claim("hero", "thing"),
    ),
    "swap": (
        *(HAVE_BOTH, give("hero", "thing", "friend"), give("friend", "thing2", "hero")),
        *(claim("friend", "thing"), claim("hero", "thing2")),
    ),
    "two things": (
        *(HAVE_BOTH, give("hero", "thing", "third"), give("friend", "thing2", "fourth")),
        *(claim("third", "thing"), claim("fourth", "thing2")),
    ),
    "two things backwards": (
        *(HAVE_BOTH, give("hero", "thing", "third"), give("friend", "thing2", "fourth")),
        *(claim("fourth", "thing2"), claim("third", "thing")),
    ),
    "exchange": (
        *(HAVE_WANTED, PRICE, give("third", "thing2", "hero"), give("hero", "thing2", "friend")),
        *(give("friend", "thing", "hero"), EXCHANGED),
    ),
    "stays": (PUT, AWAY, lies("spot")),
    "moved": (PUT, AWAY, MOVE, lies("spot2")),
    "lost": (LOSE, MISS, FIND, BACK),
    "told": (TOLD, ECHO),
    "wish": (WANT, TOO),
    "fewer": FEWER,
    "more": MORE,
    "order": ORDER,
    **dict.fromkeys((*TWICE, "he or she"), ()),
}
"""Each rung, by name: its moments in order."""

SHARES = Weighted(
    {"one gift": 16.0, "two gifts": 12.0, "there and back": 6.0, "swap": 6.0, "two things": 6.0}
    | {"two things backwards": 4.0, "exchange": 14.0, "stays": 10.0, "moved": 8.0, "lost": 10.0}
    | {"told": 14.0, "wish": 18.0, "fewer": 12.0, "more": 11.0, "order": 5.0}
    | {"echo": 15.0, "roll call": 10.0, "he or she": 10.0}
)
VOICES = Weighted({"past": 0.32, "present": 0.3, "note": 0.38})
"""Who writes a note signs soon, and must sign with the name that stands above."""
PAUSES = Weighted({0: 0.5, 1: 0.3, 2: 0.2})
"""How many idle sentences stand before the last moment."""


def write_ladder(draw: Draw, *, rung: str = "") -> tuple[str, dict[str, str]]:
    """One short text and its labels: rung, voice, and the hero if one is named.

    >>> text, labels = write_ladder(Draw(2))
    >>> labels["rung"] in RUNGS, labels["hero"] in text
    (True, True)
    """
    rung = rung or draw.weighted(SHARES)
    if rung == "he or she":
        return he_or_she(draw)
    scene = new_scene(draw, draw.weighted(VOICES))
    text = _twice(scene, *TWICE[rung]) if rung in TWICE else _climb(scene, rung)
    labels = {"hero": scene.get("name", ""), "voice": scene["voice"], "rung": rung}
    return signed(scene, text), labels


def _climb(scene: Scene, rung: str) -> str:
    """The moments of the rung, and idle talk before the last."""
    if rung in ("fewer", "more"):
        draw_amounts(scene, rung)
    beats = RUNGS[rung]
    start = tell(scene, beats[:1])
    middle = tell(scene, beats[1:-1]) if rung != "order" else ""
    pause = idle(scene, scene.draw.weighted(PAUSES))
    owned = beats[0] in (HAVE, HAVE_BOTH, HAVE_WANTED)
    leaves = tell(scene, [LEAVES]) if owned and scene["voice"] not in WRITTEN else ""
    parts = (start, middle, pause, tell(scene, beats[-1:]), leaves)
    return " ".join([part for part in parts if part])


def idle(scene: Scene, number: int) -> str:
    """So many sentences in which something happens that changes nothing."""
    wordings = IDLE.present if scene["voice"] == "present" else IDLE.past
    return " ".join([scene.say((idle,)) for idle in scene.draw.several(wordings, number)])
