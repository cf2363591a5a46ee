"""Favours and weather: what the village writes passes the checks, what is broken fails."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest

from tinyllm.village import WORLD, check_consistency, write
from tinyllm.village.consistency import GIVEN
from tinyllm.village.grammar import Draw
from tinyllm.village.lists import LISTS, SIGNS
from tinyllm.village.scenes import WEATHER, WEATHERS, new_scene
from tinyllm.village.voices import tell
from tinyllm.village.weather import WEATHER_LINES
from tinyllm.village.world import SEASONS
from tinyllm.village.writing import Document

FAVOUR = (
    "Nell wanted a net more than soda. Mrs Crumb had a white net. "
    "Mrs Crumb wanted a big comb from Nell for the white net. So Nell ran to the mill. "
    "Nell saw a robin, but no big comb. "
)
ONE_LINK = (
    f"{FAVOUR}Sam, hungry, gave the big comb to Nell with jam. "
    "Nell gave the big comb to Mrs Crumb, who gave the white net to Nell with soup. "
    "Now Nell had the white net and was glad. Nell thanked everybody, even a goose."
)
INNER = "Nell gave the old hat to Sam. Sam gave the big comb to Nell."
OUTER = "Nell gave the big comb to Mrs Crumb. Mrs Crumb gave the white net to Nell."
TWO_LINKS = (
    f'{FAVOUR}"My big comb for an old hat, Nell," said Sam. Ida, calm, gave the old hat to Nell. '
    f"{INNER} {OUTER} "
    "Now Nell had the white net and was glad. Nell thanked everybody, even a goose."
)


def favours(seed: int) -> Iterator[Document]:
    stories = write(seed=seed, kind="story")
    return (document for document in stories if document.labels["theme"] == "favour")


def verdict(check: str, text: str) -> bool | None:
    return check_consistency(text)[check]


# Favours


def test_a_favour_of_one_link_and_of_two_unwinds() -> None:
    assert verdict("favour", ONE_LINK) is True
    assert verdict("favour", TWO_LINKS) is True
    assert verdict("favour", "Nell lost a red kite. Tom found the red kite.") is None


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("gave the big comb to Nell", "gave the big hat to Nell"),
        ("gave the big comb to Nell", "gave the big comb to Tom"),
        ("gave the big comb to Mrs Crumb", "gave the white net to Mrs Crumb"),
        ("gave the big comb to Mrs Crumb", "gave the old comb to Mrs Crumb"),
        ("gave the big comb to Mrs Crumb", "gave the big comb to Sam"),
        ("Nell gave the big comb to", "Tom gave the big comb to"),
        ("gave the white net to Nell", "gave the big comb to Nell"),
        ("gave the white net to Nell", "gave the black net to Nell"),
        ("gave the white net to Nell", "gave the white net to Sam"),
        ("Mrs Crumb wanted a big comb", "Mrs Hay wanted a big comb"),
        ("Mrs Crumb wanted a big comb from Nell for the white net. ", ""),
    ],
)
def test_a_favour_with_another_thing_or_another_person_fails(said: str, instead: str) -> None:
    for text in (ONE_LINK, TWO_LINKS):
        assert said in text
        assert verdict("favour", text.replace(said, instead)) is False, (said, instead)


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("Sam, hungry, gave the big comb to Nell with jam. ", ""),
        ("Sam, hungry, gave", "Mrs Crumb, hungry, gave"),
        (", who gave the white net to Nell", ""),
        ("Mrs Crumb, who gave", "Mrs Crumb. Sam gave"),
        ("Sam, hungry, gave", "Nell gave the white net to Sam. Sam, hungry, gave"),
        ("Now Nell", "Nell gave the white net to Mrs Crumb. Now Nell"),
    ],
)
def test_a_favour_with_a_gift_too_few_or_too_many_fails(said: str, instead: str) -> None:
    assert said in ONE_LINK
    assert verdict("favour", ONE_LINK.replace(said, instead)) is False


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("gave the old hat to Nell", "gave the big comb to Nell"),
        ("Ida, calm, gave", "Sam, calm, gave"),
        ("Nell gave the old hat to Sam. ", ""),
        ("Nell gave the old hat to Sam. Sam gave", "Sam gave the old hat to Nell. Nell gave"),
        ("My big comb for", "My white net for"),
        ("Sam gave the big comb to Nell. Nell gave", "Nell gave"),
        (f"{INNER} {OUTER}", f"{OUTER} {INNER}"),
    ],
)
def test_two_links_come_back_in_reverse(said: str, instead: str) -> None:
    assert said in TWO_LINKS
    assert verdict("favour", TWO_LINKS.replace(said, instead)) is False


def test_a_favour_of_the_village_that_lacks_or_doubles_or_turns_round_a_gift_fails() -> None:
    links: Counter[str] = Counter()
    for document in islice(favours(21), 300):
        text = document.text
        assert verdict("favour", text) is True
        links[document.labels["solution"]] += 1
        gifts = list(GIVEN.finditer(text))
        for number, gift in enumerate(gifts):
            before, after = text[: gift.start()], text[gift.end() :]
            assert verdict("favour", f"{before}gave nothing{after}") is False
            assert verdict("favour", f"{before}{gift[0]}, who {gift[0]}{after}") is False
            other = gifts[number - 1]["what"]
            if other != gift["what"]:
                turned = gift[0].replace(gift["what"], other)
                assert verdict("favour", before + turned + after) is False
    assert min(links["one link"], links["two links"]) > 50


def test_a_favour_with_its_two_things_exchanged_fails() -> None:
    for document in islice(favours(22), 200):
        text = document.text
        thing, thing2 = f"the {document.labels['thing']}", f"the {document.labels['thing2']}"
        cut = text.index(f"{thing2} to")
        exchanged = text[cut:].replace(thing, "?").replace(thing2, thing).replace("?", thing2)
        assert verdict("favour", text[:cut] + exchanged) is False


def test_a_favour_that_is_broken_off_fails() -> None:
    for document in islice(favours(23), 100):
        for place in [gift.start() for gift in GIVEN.finditer(document.text)]:
            assert verdict("favour", document.text[:place]) is False


# Season and weather


@pytest.mark.parametrize(
    "text",
    [
        "One windy evening Nell lost a kite. The wind carried hay past icicles on the gutter.",
        "In winter Nell had a hat. The snow fell softly on snowdrifts and a goose.",
        "In summer Nell had a hat. It was so hot that the cows sat in the pond.",
        "Nell went past ripe wheat. Tom looked at haycocks in a row.",
        "One stormy night Nell lost a kite, in summer.",
    ],
)
def test_one_season_and_one_weather_pass(text: str) -> None:
    assert verdict("weather", text) is True


@pytest.mark.parametrize(
    "text",
    [
        "One hot evening Nell lost a kite. The wind carried hay past icicles on the gutter.",
        "In winter Nell had a hat. The snow fell softly on ripe wheat and a goose.",
        "In winter Nell had a hat. It was so hot that the cows sat in the pond.",
        "Nell went past ripe wheat. Tom looked at snowdrifts.",
        "One stormy night Nell lost a kite, in autumn.",
        "One hot morning Nell saw Tom. One cold evening Nell saw Ida.",
        "In spring Nell had a hat. In summer Nell had a hat.",
        "One sunny morning Nell saw Tom. The rain fell on a slug and the hens.",
        # each two go together, all three do not
        "One windy night Nell lost a kite in autumn. Nell saw snowdrifts.",
    ],
)
def test_a_second_season_or_weather_fails(text: str) -> None:
    assert verdict("weather", text) is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The sky is blue.",
        "One windy evening Nell lost a kite.",
        "It was so hot that the cows sat in the pond.",
        "After winter comes spring. After spring comes summer.",
        "Ice is cold. The opposite of cold is hot. Hot milk is hot.",
    ],
)
def test_what_is_said_once_or_of_every_year_is_not_checked(text: str) -> None:
    assert verdict("weather", text) is None


def test_a_story_of_the_village_with_another_sign_season_or_weather_fails() -> None:
    season_of = {sign: season for season, signs in SIGNS.items() for sign in signs}
    broken = Counter[str]()
    for document in islice(write(seed=24, kind="story"), 3_000):
        text = document.text
        if verdict("weather", text) is None:
            continue
        named = re.findall(rf"\b[Ii]n ({'|'.join(SEASONS)})\b", text)
        signs = [sign for sign in season_of if sign in text]
        weathers = re.findall(rf"\b[Oo]ne ({'|'.join(WEATHERS)}) (?!one)", text)
        if named and signs:
            other = next(season for season in SEASONS if season != named[0])
            wrong = text.replace(signs[0], SIGNS[other][0])
            assert verdict("weather", wrong) is False, wrong
            broken["sign"] += 1
        if weathers and (named or signs):
            season = named[0] if named else season_of[signs[0]]
            wrong_weather = next(word for word in WEATHERS if word not in WEATHER[season])
            wrong = text.replace(f"ne {weathers[0]} ", f"ne {wrong_weather} ")
            assert verdict("weather", wrong) is False, wrong
            broken["weather"] += 1
    assert min(broken.values()) > 5, broken


@pytest.mark.parametrize("weather", WEATHERS)
def test_every_line_about_the_weather_is_read_as_that_weather(weather: str) -> None:
    for seed in range(60):
        for voice in ("past", "present"):
            line = tell(new_scene(Draw(seed), voice, weather=weather), [WEATHER_LINES[weather]])
            for said in WEATHERS:
                text = f"One {said} evening Nell sat by the mill. {line}"
                assert verdict("weather", text) is (said == weather), text


def test_what_tells_the_season_stands_in_no_other_list() -> None:
    for signs in SIGNS.values():
        for sign in signs:
            for name, items in LISTS.items():
                found = [item for item in items if re.search(rf"\b{re.escape(sign)}\b", item)]
                assert name == "sign" or not found, (sign, name, found)


def test_no_thing_is_needed_in_one_season_only() -> None:
    """A favour says what a thing is needed for, whatever the season."""
    for thing in WORLD.things:
        assert not set(SEASONS) & set(thing.use.split()), thing.use
