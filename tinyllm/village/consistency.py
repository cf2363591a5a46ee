"""Does a text remember what it said? Three checks that need no other judge than the text itself.

- hero: whom the opening of a story names, the closing names too;
- who_has: after a thing has changed hands, the one who is said to have it is the one who got it;
- lost_found: what is found is what was lost, adjective and noun.

The checks read any text, also what a model wrote. Whether a check belongs to a text is read from
its opening: there the village's own first sentences are recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from tinyllm.village.letters import HEADS
from tinyllm.village.plots import PROBLEMS
from tinyllm.village.voices import CHOICE, MARK, present_verb
from tinyllm.village.weather import WEATHER_LINES
from tinyllm.village.world import WORLD

CHECKS = ("hero", "who_has", "lost_found")

_CHILDREN = tuple(child.name for child in WORLD.children)
_PEOPLE = tuple(person.name for person in WORLD.people)
_ADJECTIVES = tuple(dict.fromkeys(word for thing in WORLD.things for word in thing.adjectives))
_NOUNS = tuple(thing.name for thing in WORLD.things)


def _any(words: Iterable[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, set(words)), key=len, reverse=True)) + ")"


_THING = f"{_any(_ADJECTIVES)} {_any(_NOUNS)}"
_SLOTS = {
    **dict.fromkeys(("friend", "third"), _any(_CHILDREN)),
    **dict.fromkeys(("reader", "adult", "owner", "witness"), _any(_PEOPLE)),
    "thing": _THING,
    "a_thing": f"an? {_THING}",
    "he": "(?:he|she|I)",
    "him": "(?:him|her|me)",
    "his": "(?:his|her|my)",
}
_ANYTHING = r"[^.?!]{1,60}?"
"""What another slot may hold: no check needs to know."""
_HERO = ("hero", "whom", "name")
_SLOT = re.compile(r"\{(\w+?)\d?\}")


def _verbs(text: str) -> str:
    """Plain text as a pattern, its marked verbs in either tense."""
    parts = MARK.split(text)
    pattern = re.escape(parts[0])
    for mark, verb, rest in zip(parts[1::3], parts[2::3], parts[3::3]):
        pattern += f"(?:{verb}|{present_verb(mark, verb)}){re.escape(rest)}"
    return pattern.replace(r"(?:could|can)\ not", r"(?:could not|cannot)")


def _slots(text: str, group: str) -> str:
    """Text with slots as a pattern; `group` is what stands for the hero."""
    parts = _SLOT.split(text)
    pattern = _verbs(parts[0])
    for slot, rest in zip(parts[1::2], parts[2::2]):
        slot = slot[:1].lower() + slot[1:]
        pattern += group if slot in _HERO else f"(?i:{_SLOTS.get(slot, _ANYTHING)})"
        pattern += _verbs(rest)
    return pattern


def _pattern(wording: str) -> re.Pattern[str]:
    """A wording with choices and slots as a pattern; the hero, "I" included, is group `hero`."""
    anybody = _any((*_CHILDREN, "I", "me"))
    pattern = ""
    for number, part in enumerate(CHOICE.split(wording)):
        if number % 2:
            pattern += f"(?:{'|'.join(_slots(choice, anybody) for choice in part.split('|'))})"
        else:
            pattern += _slots(part, f"(?P<hero>{anybody})")
    first, *others = pattern.split("(?P<hero>")
    again = [other.replace(f"{anybody})", "(?P=hero)", 1) for other in others[1:]]
    return re.compile(first + "".join([f"(?P<hero>{others[0]}", *again] if others else []))


@cache
def _openings() -> tuple[re.Pattern[str], ...]:
    beats = (problem.opening for problem in PROBLEMS.values())
    return tuple(_pattern(wording) for beat in beats for wording in beat.wordings)


@cache
def _weather() -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(text) for beat in WEATHER_LINES.values() for text in beat.wordings)


@cache
def _heads() -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(text.strip()) for voice in ("diary", "letter") for text in HEADS[voice])


_PERSON = _any((*_PEOPLE, "I", "me"))
_GIVE = "(?:gave|gives|give|handed|hands|lent|lends)"
_GIVEN_TO = rf"\b{_GIVE} the (?P<what1>{_THING})(?: back)? to (?P<to1>{_PERSON})\b"
_GIVEN = rf"\b{_GIVE} (?P<to2>{_PERSON}) the (?P<what2>{_THING})\b"
_GOT = rf"\b(?P<to3>{_PERSON}) (?:got|gets) the (?P<what3>{_THING}) from\b"
_HAS = rf"\b(?P<has4>{_PERSON}) (?:now )?(?:had|has|have) the (?P<what4>{_THING})\b"
_OWNS = rf"\b(?i:the) (?P<what5>{_THING}) (?:belonged|belongs) to (?P<has5>{_PERSON})\b"
GIVEN = re.compile(rf"\b{_GIVE} the (?P<what>{_THING})(?: back)? to (?P<to>{_PERSON})\b")
"""Somebody gives a thing to somebody."""
_EVENT = re.compile("|".join((_GIVEN_TO, _GIVEN, _GOT, _HAS, _OWNS)))
_INTRODUCED = re.compile(rf"\b(?P<has>{_PERSON}) (?:had|has|have) an? (?P<what>{_THING})\b")
_LOST = re.compile(rf"\b(?:{_any((*_CHILDREN, 'I'))} (?:lost|loses|lose)|(?:was|is) lost)\b")
_A_THING = re.compile(rf"\ban? ({_THING})\b")
_FOUND = re.compile(
    rf"\b(?:found|finds|find) (?:the|an?|his|her|my|their|your) ({_THING}|{_any(_NOUNS)})\b"
)
_I = {"me": "I"}
_END = re.compile(r'(?<=[.?!])"?\s+')
_CHILD = re.compile(rf"\b{_any(_CHILDREN)}\b")


def check_consistency(text: str) -> dict[str, bool | None]:
    """For each of `CHECKS`: True, False, or None if the text does not open as one of its kind.

    >>> text = "Nell lost a red kite. Had anybody seen the red kite? Tom found the {}. Nell had it."
    >>> check_consistency(text.format("red kite"))["lost_found"]
    True
    >>> check_consistency(text.format("old boot"))["lost_found"]
    False
    >>> check_consistency("The sky is blue.")
    {'hero': None, 'who_has': None, 'lost_found': None}
    """
    narrator, body = _narrator(text.strip())
    body = _past_the_weather(body)
    return {
        "hero": _hero_stays(narrator, body),
        "who_has": _holder_is_right(body),
        "lost_found": _lost_is_found(body),
    }


def checks_for(text: str) -> tuple[str, ...]:
    """The checks that belong to a text, read from its opening.

    >>> checks_for("Nell had a red kite. Nell gave the red kite to Tom.")
    ('who_has',)
    """
    return tuple(name for name, verdict in check_consistency(text).items() if verdict is not None)


def _narrator(text: str) -> tuple[str | None, str]:
    """Who writes, if the text opens as a diary or a letter, and the text below its first line."""
    for head in _heads():
        if found := head.match(text):
            return found["hero"], text[found.end() :].lstrip()
    return None, text


def _past_the_weather(body: str) -> str:
    """The text behind a line about the weather, if it opens with one."""
    lines = (line.match(body) for line in _weather())
    return next((body[found.end() :].lstrip() for found in lines if found), body)


def _opening(body: str) -> str:
    """The first three sentences."""
    return " ".join(_END.split(body, maxsplit=3)[:3])


def _hero_stays(narrator: str | None, body: str) -> bool | None:
    """A diary or a letter is signed by its writer; another story closes with its hero's name."""
    if narrator is not None:
        words = body.split()
        return bool(words) and words[-1].strip('."!') == narrator
    for opening in _openings():
        if found := opening.match(body):
            break
    else:
        return None
    closing = [_CHILD.findall(sentence) for sentence in _END.split(body)[-2:]]
    named = [names for names in closing if names]
    return bool(named) and named[-1][0] == found["hero"]


def _holder_is_right(body: str) -> bool | None:
    """Follows every thing from hand to hand; what is said before the first gift sets the scene."""
    opening = _opening(body)
    holders = {found["what"]: found["has"] for found in _INTRODUCED.finditer(opening)}
    if not holders:
        return None
    given = claims = 0
    for event in _EVENT.finditer(body):
        values = event.groupdict()
        kind = event.lastgroup or ""
        number = kind[-1]
        what = values[f"what{number}"]
        if number in "123":
            holders[what] = _I.get(values[f"to{number}"], values[f"to{number}"])
            given += 1
        elif not given:
            holders[what] = values[f"has{number}"]
        else:
            claims += 1
            if holders.get(what) != _I.get(values[f"has{number}"], values[f"has{number}"]):
                return False
    return given > 0 and claims > 0


def _lost_is_found(body: str) -> bool | None:
    """Whatever is found after the opening must be what the opening lost."""
    opening = _opening(body)
    if not _LOST.search(opening) or opening.startswith("If "):
        return None
    lost = _A_THING.search(opening)
    found = _FOUND.findall(body)
    return lost is not None and bool(found) and all(thing == lost[1] for thing in found)
