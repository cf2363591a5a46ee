"""Does a text remember what it said? Five checks that need no other judge than the text itself.

- hero: whom the opening of a story names, the closing names too;
- who_has: after a thing has changed hands, the one who is said to have it is the one who got it;
- lost_found: what is found is what was lost, adjective and noun;
- favour: a chain of favours unwinds in reverse. A grown-up has what the hero needs and wants
  another thing first. So a friend gives that to the hero, the hero gives it to the grown-up, and
  only then the grown-up gives what was needed. Where the friend wants something too, that link
  comes first: no gift may be missing, be one too many or stand elsewhere;
- weather: there is a day that fits all that the text says of the season and the weather. It names a
  season ("in winter"), what one sees in only one season ("icicles on the gutter"), or a weather
  ("one windy evening", "so hot", the village's lines about each weather), and a season has its own
  weathers: no snow in summer, and no second weather or season after the first.

The checks read any text, also what a model wrote. Whether a check belongs to a text is read from
its opening: there the village's own first sentences are recognised. Only the weather can come
anywhere, so that check belongs to each text that speaks of season or weather twice or more: one
mention alone contradicts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Protocol

from tinyllm.village.lists import SEASON_OF
from tinyllm.village.reading import GIVE, NOUN, THING, Pattern, Reading, one_of, reading
from tinyllm.village.scenes import HOURS, WEATHER, WEATHERS
from tinyllm.village.world import SEASONS

CHECKS = ("hero", "who_has", "lost_found", "favour", "weather")

GIVEN = re.compile(rf"\b{GIVE} the (?P<what>{THING})(?: back)? to (?P<to>{reading().person})\b")
"""Somebody gives a thing to somebody."""
_A_THING = re.compile(rf"\ban? ({THING})\b")
_FOUND = re.compile(rf"\b(?:found|finds|find) (?:the|an?|his|her|my|their|your) ({THING}|{NOUN})\b")
_I = {"me": "I"}
_END = re.compile(r'(?<=[.?!])"?\s+')


class Newcomer(Protocol):
    """Somebody who has moved into the village."""

    @property
    def name(self) -> str:
        """What everybody calls them."""
        ...


def check_consistency(text: str, villagers: Sequence[Newcomer] = ()) -> dict[str, bool | None]:
    """For each of `CHECKS`: True, False, or None if it does not belong to the text.

    `villagers` are those who have moved in: the text may be about them.

    >>> text = "Nell lost a red kite. Had anybody seen the red kite? Tom found the {}. Nell had it."
    >>> check_consistency(text.format("red kite"))["lost_found"]
    True
    >>> check_consistency(text.format("old boot"))["lost_found"]
    False
    >>> check_consistency("One windy evening Nell looked at icicles on the gutter.")["weather"]
    True
    >>> set(check_consistency("The sky is blue.").values())
    {None}
    """
    read = reading(tuple(villager.name for villager in villagers))
    narrator, body = _narrator(read, text.strip())
    weather = _weather_stays(read, body)
    body = _past_the_weather(read, body)
    return {
        "hero": _hero_stays(read, narrator, body),
        "who_has": _holder_is_right(read, body),
        "lost_found": _lost_is_found(read, body),
        "favour": _favour_unwinds(read, body),
        "weather": weather,
    }


def checks_for(text: str, villagers: Sequence[Newcomer] = ()) -> tuple[str, ...]:
    """The checks that belong to a text.

    >>> checks_for("Nell had a red kite. Nell gave the red kite to Tom.")
    ('who_has',)
    """
    verdicts = check_consistency(text, villagers)
    return tuple(name for name, verdict in verdicts.items() if verdict is not None)


def _narrator(read: Reading, text: str) -> tuple[str | None, str]:
    """Who writes, if the text opens as a diary or a letter, and the text below its first line."""
    if found := _first(read.heads, text):
        return found["hero"], text[found.end() :].lstrip()
    return None, text


def _first(patterns: Iterable[Pattern], text: str) -> re.Match[str] | None:
    """How the text begins, if it begins with one of the patterns."""
    return next((found for one in patterns if (found := one.match(text))), None)


def _past_the_weather(read: Reading, body: str) -> str:
    """The text behind a line about the weather, if it opens with one."""
    found = _first((line for lines in read.weather.values() for line in lines), body)
    return body[found.end() :].lstrip() if found else body


def _opening(body: str) -> str:
    """The first three sentences."""
    return " ".join(_END.split(body, maxsplit=3)[:3])


def _hero_stays(read: Reading, narrator: str | None, body: str) -> bool | None:
    """A diary or a letter is signed by its writer; another story closes with its hero's name."""
    if narrator is not None:
        words = body.split()
        return bool(words) and words[-1].strip('."!') == narrator
    found = _first(read.openings, body)
    if found is None:
        return None
    closing = [re.findall(rf"\b{read.child}\b", sentence) for sentence in _END.split(body)[-2:]]
    named = [names for names in closing if names]
    return bool(named) and named[-1][0] == found["hero"]


@cache
def _events(read: Reading) -> tuple[Pattern, Pattern]:
    """Who has what to begin with; and every gift (1 to 3) or claim (4, 5) after that."""
    has = rf"\b(?P<has4>{read.person}) (?:now )?(?:had|has|have) the (?P<what4>{THING})\b"
    got = rf"\b(?P<to3>{read.person}) (?:got|gets) the (?P<what3>{THING}) from\b"
    owns = rf"\b(?i:the) (?P<what5>{THING}) (?:belonged|belongs) to (?P<has5>{read.person})\b"
    introduced = rf"\b(?P<has>{read.person}) (?:had|has|have) an? (?P<what>{THING})\b"
    return re.compile(introduced), re.compile("|".join((read.gift.pattern, got, has, owns)))


def _holder_is_right(read: Reading, body: str) -> bool | None:
    """Follows every thing from hand to hand; what is said before the first gift sets the scene."""
    introduced, events = _events(read)
    holders = {found["what"]: found["has"] for found in introduced.finditer(_opening(body))}
    if not holders:
        return None
    given = claims = 0
    for event in events.finditer(body):
        values = event.groupdict()
        number = next(name[-1] for name, value in values.items() if value)
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


def _lost_is_found(read: Reading, body: str) -> bool | None:
    """Whatever is found after the opening must be what the opening lost."""
    opening = _opening(body)
    loses = rf"\b(?:(?:{read.child}|I) (?:lost|loses|lose)|(?:was|is) lost)\b"
    if not re.search(loses, opening) or opening.startswith("If "):
        return None
    lost = _A_THING.search(opening)
    found = _FOUND.findall(body)
    return lost is not None and bool(found) and all(thing == lost[1] for thing in found)


Gift = tuple[str, str, str]
"""Who gives what to whom."""


def _favour_unwinds(read: Reading, body: str) -> bool | None:
    """The gifts of a favour, all of them, in the only order in which it unwinds."""
    opening = _first(read.favours, body)
    if opening is None:
        return None
    hero, adult, thing = opening["hero"], opening["adult"], opening["thing"]
    rest = body[opening.end() :]
    price = next((found for one in read.prices if (found := one.search(rest))), None)
    if price is None or price["adult"] != adult or price["thing2"] == thing:
        return False
    due = [(hero, price["thing2"], adult), (adult, thing, hero)]
    rest = rest[price.end() :]
    second = next((found for one in read.second_prices if (found := one.search(rest))), None)
    last = price["thing2"]
    if second is not None:
        friend, last = second["friend"], second["thing3"]
        if second["thing2"] != price["thing2"]:
            return False
        due = [(hero, last, friend), (friend, price["thing2"], hero), *due]
    gifts = list(_gifts(read, body))
    if not gifts or gifts[1:] != due:
        return False
    giver, what, to = gifts[0]
    return (what, to) == (last, hero) and giver not in {person for gift in due for person in gift}


def _gifts(read: Reading, body: str) -> Iterator[Gift]:
    """Every gift. Who gives is named first in the sentence, or is "who" was given something."""
    for sentence in _END.split(body):
        giver, start = "", 0
        for found in read.gift.finditer(sentence):
            before = sentence[start : found.start()]
            if not before.endswith("who ") or not giver:
                named = re.search(rf"\b{read.person}\b", before)
                giver = named[0] if named else ""
            to = _I.get(who := found["to1"] or found["to2"], who)
            yield _I.get(giver, giver), found["what1"] or found["what2"], to
            giver, start = to, found.end()


Day = tuple[str, str]
"""A season and a weather."""
_DAYS = frozenset((season, word) for season, words in WEATHER.items() for word in words)
_HOUR = one_of((*HOURS, "night"))
_SAYS = re.compile(
    rf"\b(?:[Oo]ne (?P<weather1>{one_of(WEATHERS)}) {_HOUR}|so (?P<weather2>{one_of(WEATHERS)})"
    rf"|[Ii]n (?P<season1>{one_of(SEASONS)})|[Oo]ne (?P<season2>{one_of(SEASONS)}) {_HOUR}"
    rf"|(?P<sign>{one_of(SEASON_OF)}))\b"
)


def _weather_stays(read: Reading, body: str) -> bool | None:
    """Whether one day fits every mention of the season and the weather."""
    fitting = list(_days(read, body))
    return bool(frozenset.intersection(*fitting)) if len(fitting) > 1 else None


def _days(read: Reading, body: str) -> Iterator[frozenset[Day]]:
    """For each mention, the days that it fits; a line that is said of two weathers fits both."""
    for sentence in _END.split(body):
        weathers = set()
        for found in _SAYS.finditer(sentence):
            season = found["season1"] or found["season2"] or SEASON_OF.get(found["sign"] or "")
            if season:
                yield frozenset(day for day in _DAYS if day[0] == season)
            else:
                weathers.add(found["weather1"] or found["weather2"])
        lines = () if weathers else read.weather.items()
        weathers |= {word for word, ways in lines if any(way.search(sentence) for way in ways)}
        if weathers:
            yield frozenset(day for day in _DAYS if day[1] in weathers)
