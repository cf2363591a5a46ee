"""What the sentences of the village can ask for: who, what, where, when, each drawn when needed.

The state of the world decides where it can: a season has its weather, the baker is met at the
bakery, a child with a pet meets that pet.
"""

from __future__ import annotations

from typing import Any

from tinyllm.village.fame import draw_being
from tinyllm.village.grammar import Draw, Rule, Scene
from tinyllm.village.lists import list_rules, sign_of
from tinyllm.village.voices import WRITTEN
from tinyllm.village.world import (
    DAYS,
    NUMBERS,
    PRONOUNS,
    SEASONS,
    WORLD,
    Animal,
    Person,
    Thing,
    article,
)

WEATHER = {
    "spring": ("windy", "rainy", "mild", "sunny"),
    "summer": ("hot", "sunny", "windy", "stormy"),
    "autumn": ("windy", "rainy", "foggy", "mild"),
    "winter": ("cold", "snowy", "windy", "foggy"),
}
"""What the weather can be in each season."""

WEATHERS = tuple(dict.fromkeys(word for words in WEATHER.values() for word in words))
HOURS = ("morning", "afternoon", "evening")
SPOTS = (
    *("under the bench", "behind the big stone", "in the long grass", "beside the path"),
    *("under a cart", "behind the door", "on the wall", "between two baskets"),
    *("in an empty barrel", "behind the hedge", "on top of a fence", "under the old stairs"),
)
HOUSES = tuple(
    place.name
    for place in WORLD.places
    if place.name.split()[1] in ("bakery", "mill", "school", "library", "farm", "tower", "smithy")
)
MANY = tuple(many for _, many in WORLD.counted)
NOUNS = tuple(
    dict.fromkeys(
        (
            *(thing.name for thing in WORLD.things),
            *(danger.object for danger in WORLD.dangers),
            *(animal.species for animal in WORLD.animals),
            *(child.likes for child in WORLD.children),
            *MANY,
        )
    )
)
"""What anybody may talk about, each after "the"."""
WISHES = (
    *("draw a picture of {the}", "read about {the}", "tell a story about {the}"),
    *("ask a question about {the}", "draw {the}", "paint {the}", "look at {the}", "see {the}"),
    "talk about {the}",
)
"""What nobody minds, whatever {the} is."""
_ANY_WISH = {wish.format(the=f"the {noun}") for wish in WISHES for noun in NOUNS}
HARMLESS = tuple(
    dict.fromkeys(
        wish
        for danger in WORLD.dangers
        for wish in danger.harmless
        if not {"my", "me"} & set(wish.split()) and wish not in _ANY_WISH
    )
)
_SEASONS_WITH = {
    weather: tuple(season for season in SEASONS if weather in WEATHER[season])
    for weather in WEATHERS
}
_ADULT_AT = {person.home: person for person in WORLD.adults}
_PET = {animal.owner: animal for animal in WORLD.animals}


def new_scene(draw: Draw, voice: str = "past", **known: Any) -> Scene:
    """A scene in which nothing is known yet but its voice and what is passed by name.

    >>> scene = new_scene(Draw(3), person=WORLD.person("Nell"))
    >>> scene.say(("{hero} counts {his} socks.",))
    'Nell counts her socks.'
    """
    scene = Scene(draw, RULES)
    scene["voice"] = voice
    scene["taken"] = []  # names, places, things, spots, numbers already in this document
    person = known.pop("person", None)
    scene.update(known)
    if person is not None:
        be_hero(scene, person)
    return scene


def be_hero(scene: Scene, person: Person) -> None:
    """Make this child the one whom the document is about: "I" in what they write themselves."""
    scene["person"] = person
    scene["name"] = person.name
    scene["taken"].append(person.name)
    scene["food"], scene["fear"], scene["dream"] = person.likes, person.afraid_of, person.dream
    if scene["voice"] in WRITTEN:
        scene.update(hero="I", whom="me", whose="my", he="I", him="me", his="my")
        scene.update(they="we", them="us", their="our")
    else:
        scene.update(hero=person.name, whom=person.name, whose=person.name + "'s")
        scene.update(he=person.he, him=person.him, his=person.his)
        scene.update(they="they", them="them", their="their")


def _hero(scene: Scene) -> None:
    free = [child for child in WORLD.children if child.name not in scene["taken"]]
    be_hero(scene, draw_being(scene.draw, free))


def put_person(scene: Scene, key: str, person: Person) -> None:
    """A person under `key`, with the pronouns under `key_he`, `key_him`, `key_his`."""
    scene["taken"].append(person.name)
    scene[key] = person.name
    scene[key + "_he"], scene[key + "_him"] = person.he, person.him
    scene[key + "_his"], scene[key + "_food"] = person.his, person.likes


def _child(key: str) -> Rule:
    def rule(scene: Scene) -> None:
        taken = scene["taken"]
        free = [child for child in WORLD.children if child.name not in taken]
        put_person(scene, key, draw_being(scene.draw, free))

    return rule


def _adult(key: str) -> Rule:
    def rule(scene: Scene) -> None:
        taken = scene["taken"]
        person = _ADULT_AT.get(scene.get("place", ""))
        if person is None or person.name in taken:
            free = [one for one in WORLD.adults if one.name not in taken]
            person = draw_being(scene.draw, free)
        put_person(scene, key, person)

    return rule


def _reader(scene: Scene) -> None:
    people = [person for person in WORLD.people if person.name not in scene["taken"]]
    put_person(scene, "reader", draw_being(scene.draw, people))


def put_animal(scene: Scene, animal: Animal, number: str = "") -> None:
    """An animal of the village: its name, kind, pronouns, sound and food."""
    he, him, his = PRONOUNS[animal.he]
    scene["animal" + number], scene["species" + number] = animal.name, animal.species
    scene["sound" + number], scene["feed" + number] = animal.sound, animal.eats
    scene["an_he" + number], scene["an_him" + number], scene["an_his" + number] = he, him, his


def _animal(scene: Scene) -> None:
    put_animal(scene, _PET.get(scene.get("name", "")) or draw_being(scene.draw, WORLD.animals))


def put_thing(scene: Scene, number: str, thing: Thing) -> None:
    """A thing under `thing`, `a_thing`, `noun`, with an adjective that no other thing here has."""
    adjective = scene.draw.other(thing.adjectives, scene["taken"])
    words = f"{adjective} {thing.name}"
    scene["taken"] += [thing.name, adjective]
    scene["thing" + number] = words
    scene["a_thing" + number] = article(words)
    scene["noun" + number] = thing.name
    scene["a_noun" + number] = article(thing.name)
    scene["use" + number] = thing.use


def _thing(number: str) -> Rule:
    def rule(scene: Scene) -> None:
        taken = scene["taken"]
        free = [thing for thing in WORLD.things if thing.name not in taken]
        put_thing(scene, number, scene.draw.one(free))

    return rule


def _place(number: str) -> Rule:
    def rule(scene: Scene) -> None:
        taken = scene["taken"]
        place = scene.draw.one([place for place in WORLD.places if place.name not in taken])
        taken.append(place.name)
        scene["place" + number], scene["at" + number] = place.name, place.at

    return rule


def _fresh(key: str, options: tuple[str, ...]) -> Rule:
    """An option that this document has not used yet."""

    def rule(scene: Scene) -> None:
        taken = scene["taken"]
        scene[key] = option = scene.draw.one([one for one in options if one not in taken])
        taken.append(option)

    return rule


def any_wish(draw: Draw) -> str:
    """Something harmless that anybody may want to do: "read about the hedge"."""
    if draw.happens(0.6):
        return draw.one(HARMLESS)
    return draw.one(WISHES).format(the=f"the {draw.one(NOUNS)}")


def _wish(scene: Scene) -> None:
    scene["wish"] = any_wish(scene.draw)


def _topic(scene: Scene) -> None:
    scene["topic"] = scene.draw.one(NOUNS)


def _season(scene: Scene) -> None:
    scene["season"] = scene.draw.one(_SEASONS_WITH.get(scene.get("weather", ""), SEASONS))


def _weather(scene: Scene) -> None:
    scene["weather"] = scene.draw.one(WEATHER.get(scene.get("season", ""), WEATHERS))


def _sign(scene: Scene) -> str:
    seasons = _SEASONS_WITH.get(scene.get("weather", ""), SEASONS)
    return sign_of(scene, (scene["season"],) if "season" in scene else seasons)


def _goal(scene: Scene) -> str:
    return str(scene["trouble"].goal.format_map(scene))


def _matter(scene: Scene) -> str:
    return str(scene["trouble"].matter.format_map(scene))


def _own_use(scene: Scene) -> str:
    """What the thing is good for, to the hero: "to tidy your hair" becomes "to tidy her hair"."""
    return str(scene["use"]).replace("your ", f"{scene['his']} ")


def _rules() -> dict[str, Rule]:
    rules = list_rules()
    rules |= {"season": _season, "weather": _weather, "sign": _sign}
    rules |= {"goal": _goal, "matter": _matter, "own_use": _own_use}
    rules |= {"wish": _wish, "topic": _topic}
    rules |= {"house": _fresh("house", HOUSES), "many": _fresh("many", MANY)}
    rules |= {"reader": _reader, "diary_day": _fresh("diary_day", DAYS)}
    rules |= dict.fromkeys(("hero", "name", "he", "him", "his", "whom", "whose"), _hero)
    rules |= dict.fromkeys(("they", "them", "their", "food", "fear", "dream"), _hero)
    rules |= dict.fromkeys(("animal", "species", "sound", "feed", "an_he", "an_him"), _animal)
    for key in ("friend", "third", "fourth"):
        pronouns = (key + "_he", key + "_him", key + "_his")
        rules |= dict.fromkeys((key, *pronouns, key + "_food"), _child(key))
    for key in ("adult", "owner", "witness"):
        rules |= dict.fromkeys((key, key + "_he", key + "_him", key + "_his"), _adult(key))
    for number in ("", "2", "3"):
        rules |= dict.fromkeys(("place" + number, "at" + number), _place(number))
        words = ("thing", "a_thing", "noun", "a_noun", "use")
        rules |= dict.fromkeys((word + number for word in words), _thing(number))
        rules["spot" + number] = _fresh("spot" + number, SPOTS)
        rules["number" + number] = _fresh("number" + number, NUMBERS[2:])
        rules["day" + number] = _fresh("day" + number, DAYS)
        rules["hour" + number] = _fresh("hour" + number, HOURS)
    return rules


RULES = _rules()
"""How every word that a sentence may ask for is found or drawn."""
