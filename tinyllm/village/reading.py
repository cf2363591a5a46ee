"""The village's sentences as patterns, so that a text can be read again as it was written.

A wording becomes a pattern: a marked verb is read in either tense, a slot that a reader must know
(a name, a thing) by what may stand in it, any other slot as a few words. Who has moved in is a name
like the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, cached_property

from tinyllm.village.letters import HEADS
from tinyllm.village.plots import FAVOUR, PROBLEMS
from tinyllm.village.voices import CHOICE, MARK, present_verb
from tinyllm.village.weather import WEATHER_LINES
from tinyllm.village.world import WORLD

Pattern = re.Pattern[str]


def one_of(words: Iterable[str]) -> str:
    """A pattern of any of these words, the longest first.

    >>> one_of(["hat", "hat stand"])
    '(?:hat\\\\ stand|hat)'
    """
    return "(?:" + "|".join(sorted(map(re.escape, set(words)), key=len, reverse=True)) + ")"


NOUN = one_of(thing.name for thing in WORLD.things)
THING = f"{one_of(word for thing in WORLD.things for word in thing.adjectives)} {NOUN}"
"""A thing as it is named everywhere: "red kite"."""
GIVE = "(?:gave|gives|give|handed|hands|lent|lends)"
_ANYTHING = r"[^.?!]{1,60}?"
"""What another slot may hold: nobody needs to know."""
_HERO = ("hero", "whom", "name")
_SLOT = re.compile(r"\{(\w+)\}")


def _verbs(text: str) -> str:
    """Plain text as a pattern, its marked verbs in either tense."""
    parts = MARK.split(text)
    pattern = re.escape(parts[0])
    for mark, verb, rest in zip(parts[1::3], parts[2::3], parts[3::3]):
        pattern += f"(?:{verb}|{present_verb(mark, verb)}){re.escape(rest)}"
    return pattern.replace(r"(?:could|can)\ not", r"(?:could not|cannot)")


class Reading:
    """How a village is read in which also these people live.

    >>> lost = "One wet day {} lost a red kite by the mill."
    >>> Reading().openings[0].match(lost.format("Nell"))["hero"]
    'Nell'
    >>> newcomers = Reading(("Mina",))
    >>> newcomers.openings[0].match(lost.format("Mina"))["hero"]
    'Mina'
    """

    def __init__(self, moved_in: tuple[str, ...] = ()) -> None:
        children = (*(child.name for child in WORLD.children), *moved_in)
        people = (*(person.name for person in WORLD.people), *moved_in)
        self.child, self.person = one_of(children), one_of((*people, "I", "me"))
        self._slots = {
            **dict.fromkeys(_HERO, one_of((*children, "I", "me"))),
            **dict.fromkeys(("friend", "third"), self.child),
            **dict.fromkeys(("reader", "adult", "owner", "witness"), one_of(people)),
            "thing": THING,
            "he": "(?:he|she|I)",
            "him": "(?:him|her|me)",
            "his": "(?:his|her|my)",
        }

    def pattern(self, wording: str, named: Iterable[str] = ()) -> Pattern:
        """A wording with choices and slots as a pattern.

        The hero, "I" included, is group `hero`, and each slot of `named` is a group of its name;
        named again, they are the same again. A thing that comes with an article is named by its
        slot without one.

        >>> lost = Reading().pattern("{Hero} *lost {a_thing}.", ["thing"])
        >>> lost.match("Tom loses an old key.").groupdict()
        {'hero': 'Tom', 'thing': 'old key'}
        """
        met: set[str] = set()
        groups = {"hero", *named}
        pattern = ""
        for number, part in enumerate(CHOICE.split(wording)):
            if number % 2:
                choices = (self._filled(choice, set(), set()) for choice in part.split("|"))
                pattern += f"(?:{'|'.join(choices)})"
            else:
                pattern += self._filled(part, groups, met)
        return re.compile(pattern)

    def _filled(self, text: str, groups: set[str], met: set[str]) -> str:
        """Text with its slots as patterns; those of `groups` are groups, once each."""
        parts = _SLOT.split(text)
        pattern = _verbs(parts[0])
        for slot, rest in zip(parts[1::2], parts[2::2]):
            pattern += self._slot(slot[:1].lower() + slot[1:], groups, met) + _verbs(rest)
        return pattern

    def _slot(self, slot: str, groups: set[str], met: set[str]) -> str:
        if slot.startswith("a_thing"):
            return f"(?i:an?) {self._slot(slot.removeprefix('a_'), groups, met)}"
        name = "hero" if slot in _HERO else slot
        may_be = self._slots.get(slot.rstrip("23"), _ANYTHING)
        if name in met:
            return f"(?P={name})"
        if name in groups:
            met.add(name)
            return f"(?P<{name}>{may_be})"
        return may_be if name == "hero" else f"(?i:{may_be})"

    @cached_property
    def openings(self) -> tuple[Pattern, ...]:
        """The first sentences of stories."""
        return self._all(word for one in PROBLEMS.values() for word in one.opening.wordings)

    @cached_property
    def favours(self) -> tuple[Pattern, ...]:
        """The first sentences of favours: groups `hero`, `adult` and his or her `thing`."""
        return self._all(FAVOUR["opening"].wordings, "adult", "thing")

    @cached_property
    def prices(self) -> tuple[Pattern, ...]:
        """What the `adult` wants for it: `thing2`."""
        return self._all(FAVOUR["price"].wordings, "adult", "thing2")

    @cached_property
    def second_prices(self) -> tuple[Pattern, ...]:
        """What the `friend` who has `thing2` wants: `thing3`."""
        return self._all(FAVOUR["second_price"].wordings, "friend", "thing2", "thing3")

    @cached_property
    def weather(self) -> dict[str, tuple[Pattern, ...]]:
        """The lines about each kind of weather."""
        return {word: self._all(beat.wordings) for word, beat in WEATHER_LINES.items()}

    @cached_property
    def heads(self) -> tuple[Pattern, ...]:
        """What stands above a diary or a letter."""
        return self._all(text.strip() for voice in ("diary", "letter") for text in HEADS[voice])

    @cached_property
    def gift(self) -> Pattern:
        """Somebody gives a thing to somebody: `what1` to `to1`, or `to2` gets `what2`."""
        return re.compile(
            rf"\b{GIVE} (?:the (?P<what1>{THING})(?: back)? to (?P<to1>{self.person})\b"
            rf"|(?P<to2>{self.person}) the (?P<what2>{THING})\b)"
        )

    def _all(self, wordings: Iterable[str], *named: str) -> tuple[Pattern, ...]:
        return tuple(self.pattern(wording, named) for wording in wordings)


@cache
def reading(moved_in: tuple[str, ...] = ()) -> Reading:
    """The reading with these newcomers, made once."""
    return Reading(moved_in)
