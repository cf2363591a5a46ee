"""The village's papers: eight kinds of short text that its people write for each other.

A fable, a page of the newspaper, a recipe, a riddle, a rhyme, a weather report, a school essay and
the minutes of the council. Their sentences stand in `plots/papers.toml`; each text is a row of
moments, and each moment is drawn among its sentences, as in a story.

What a paper says can be checked. A riddle's clues are true of what it asks for; an essay tells the
facts of its child; a recipe uses all that it takes from the cupboard; the votes of the council add
up; a rhyme rhymes; tomorrow's weather fits the season.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tinyllm.village.authored import read
from tinyllm.village.grammar import Draw, Rule, Scene, Weighted
from tinyllm.village.lists import LISTS, Left, drawn_once
from tinyllm.village.scenes import RULES, WEATHER, be_hero, new_scene, put_animal
from tinyllm.village.voices import Beat, tell
from tinyllm.village.world import NUMBERS, WORLD, Animal, article

Paper = tuple[str, dict[str, str]]
"""A text, and what is known about it."""
Moments = dict[str, Beat]

_PAPERS = read("papers")
_LISTS: dict[str, tuple[str, ...]] = {key: tuple(of) for key, of in _PAPERS["lists"].items()}
RHYMING: dict[str, tuple[str, ...]] = {
    key: tuple(words) for key, words in _PAPERS["rhyming_nouns"].items()
}
"""Families of nouns that rhyme with each other."""
_KINDS = tuple(key for key in _PAPERS if key not in ("lists", "rhyming_nouns", "rhyming_ends"))
_PLACE = {place.name: place for place in WORLD.places}


def _moments(table: Mapping[str, Any]) -> Moments:
    return {name: Beat(*said) for name, said in table.items() if isinstance(said, list)}


SHARED: dict[str, Moments] = {kind: _moments(_PAPERS[kind]) for kind in _KINDS}
"""For each kind the moments that all of its papers have."""
FORMS: dict[str, dict[str, Moments]] = {
    kind: {name: _moments(one) for name, one in _PAPERS[kind].items() if isinstance(one, dict)}
    for kind in _KINDS
}
"""For each kind its forms, and the moments of each form."""
DISHES: dict[str, tuple[str, str]] = {
    dish: (form, main)
    for form, table in _PAPERS["recipe"].items()
    if isinstance(table, dict)
    for dish, main in table["dishes"].items()
}
"""For each dish the form of its recipe, and what it is made of."""

KEPT = ("dish", "drink", "smell", "vessel", "tool", "garment", "game", "tune", "chore", *_LISTS)
"""The lists from which a paper can keep a word: {same_dish} is one dish all through a text."""


def _kept(name: str) -> Rule:
    def rule(scene: Scene) -> None:
        word = scene[name]
        scene["same_" + name], scene["a_same_" + name] = word, article(word)

    return rule


def _present(scene: Scene, number: str, animal: Animal) -> None:
    """An animal with its habit, its keeper and its bed; no other animal is to be this one."""
    put_animal(scene, animal, number)
    scene["taken"].append(animal.name)
    scene["an_habit" + number], scene["keeper" + number] = animal.habit, animal.owner
    scene["bed_at" + number] = _PLACE[animal.bed].at


def _animal(number: str) -> Rule:
    """A child meets its own pet first; everybody else meets any animal."""

    def rule(scene: Scene) -> None:
        free = [one for one in WORLD.animals if one.name not in scene["taken"]]
        own = [one for one in free if one.owner == scene.get("name")]
        _present(scene, number, scene.draw.one(own or free))

    return rule


def _fourth_number(scene: Scene) -> None:
    scene["number4"] = scene.draw.other(NUMBERS[2:], scene["taken"])


def _friend_fear(scene: Scene) -> None:
    scene["friend_fear"] = WORLD.person(scene["friend"]).afraid_of


def _friend_dream(scene: Scene) -> None:
    scene["friend_dream"] = WORLD.person(scene["friend"]).dream


def _tomorrow(scene: Scene) -> None:
    """Other weather than today's, of the same season; the season is known by now."""
    scene["tomorrow"] = scene.draw.other(WEATHER[scene["season"]], (scene["weather"],))


def _rhyme(first: str, second: str) -> Rule:
    """Two nouns of one family that the rhyme has not used yet."""

    def rule(scene: Scene) -> None:
        family = scene.draw.other(tuple(RHYMING), scene["taken"])
        scene["taken"].append(family)
        scene[first], scene[second] = scene.draw.several(RHYMING[family], 2)

    return rule


def _rules() -> dict[str, Rule]:
    rules = RULES | {name: drawn_once(name, items) for name, items in _LISTS.items()}
    for name in KEPT:
        rules |= dict.fromkeys(("same_" + name, "a_same_" + name), _kept(name))
    known = ("animal", "species", "sound", "feed", "an_he", "an_him", "an_his")
    for number in ("", "2"):
        keys = (*known, "an_habit", "keeper", "bed_at")
        rules |= dict.fromkeys([key + number for key in keys], _animal(number))
    rules |= {"number4": _fourth_number, "tomorrow": _tomorrow}
    rules |= {"friend_fear": _friend_fear, "friend_dream": _friend_dream}
    return rules | {"r1": _rhyme("r1", "r2"), "r3": _rhyme("r3", "r4")}


_RULES = _rules()


def _scene(draw: Draw, voice: str = "past") -> Scene:
    """A scene that knows the rules of the papers, too."""
    scene = new_scene(draw, voice)
    scene.rules = _RULES
    return scene


def _shared(kind: str, names: Iterable[str]) -> list[Beat]:
    return [SHARED[kind][name] for name in names]


FABLE_VOICES = Weighted({"past": 0.75, "present": 0.25})


def write_fable(draw: Draw) -> Paper:
    """Two animals meet, or an animal and the moon; one of them is foolish.

    >>> text, labels = write_fable(Draw(1))
    >>> labels["form"] in FORMS["fable"], labels["animal"] in text
    (True, True)
    """
    scene = _scene(draw, draw.weighted(FABLE_VOICES))
    form = draw.one(tuple(FORMS["fable"]))
    moments = {"opening": SHARED["fable"]["two"], **FORMS["fable"][form]}
    beats = [moments["opening"], moments["folly"], moments["fall"], SHARED["fable"]["moral"]]
    return tell(scene, beats), {"form": form, "animal": scene["animal"]}


def write_newspaper(draw: Draw) -> Paper:
    """A small event with a witness, last week's mistake, and an advertisement.

    >>> text, labels = write_newspaper(Draw(1))
    >>> text.startswith(f"The Village Paper, {labels['day']}")
    True
    """
    scene = _scene(draw)
    form = draw.one(tuple(FORMS["newspaper"]))
    head, *rest = _shared("newspaper", ("head", "quote", "correction", "advertisement"))
    return tell(scene, [head, *FORMS["newspaper"][form].values(), *rest]), {
        "form": form,
        "day": scene["day"],
    }


def write_recipe(draw: Draw) -> Paper:
    """A dish, what to take, the steps, a warning, and how many it feeds.

    >>> text, labels = write_recipe(Draw(1))
    >>> all(text.count(labels[part]) > 1 for part in ("main", "piece", "drink", "pinch"))
    True
    """
    scene = _scene(draw)
    scene["same_dish"] = dish = draw.one(tuple(DISHES))
    form, scene["main"] = DISHES[dish]
    scene.left["dish"] = Left([one for one in LISTS["dish"] if one != dish])
    for name in ("piece", "pinch"):
        scene.left[name] = Left([one for one in _LISTS[name] if one != scene["main"]])
    names = ("title", "take", "mix", "pour", "heat", "warning", "feeds")
    moments = SHARED["recipe"] | FORMS["recipe"][form]
    text = tell(scene, [moments[name] for name in names])
    parts = {name: scene["same_" + name] for name in ("piece", "drink", "pinch", "vessel")}
    return text, {"form": form, "dish": dish, "main": scene["main"], **parts}


CLUES = Weighted({"thing": 0.5, "animal": 0.25, "place": 0.25})


def _ask_thing(scene: Scene) -> list[str]:
    thing = scene.draw.one(WORLD.things)
    names = [other.name for other in WORLD.things if other is not thing]
    scene["answer"], scene["guess"] = article(thing.name), article(scene.draw.one(names))
    scene["material"], scene["use"] = thing.material, thing.use
    scene["look"], scene["look2"] = scene.draw.several(thing.adjectives, 2)
    return scene.draw.several(("made", "use", "look"), 3)


def _ask_animal(scene: Scene) -> list[str]:
    animal, other = scene.draw.several(WORLD.animals, 2)
    _present(scene, "", animal)
    scene["answer"] = f"{animal.name} the {animal.species}"
    scene["guess"] = f"{other.name} the {other.species}"
    return scene.draw.several(("sound", "feed", "bed", "habit"), 3)


def _ask_place(scene: Scene) -> list[str]:
    place, other = scene.draw.several(WORLD.places, 2)
    scene["taken"].append(place.name)
    scene["answer"], scene["guess"] = place.name, other.name
    scene["beside"], scene["offers"] = place.beside, place.offers
    dweller = scene.draw.one([child for child in WORLD.children if child.home == place.name])
    scene["taken"].append(dweller.name)
    scene["dweller"], scene["dweller_food"] = dweller.name, dweller.likes
    return scene.draw.several(("next", "offers", "child"), 3)


_ASK = {"thing": _ask_thing, "animal": _ask_animal, "place": _ask_place}


def write_riddle(draw: Draw) -> Paper:
    """Three clues about a thing, an animal or a place, a wrong guess, and the answer.

    >>> text, labels = write_riddle(Draw(1))
    >>> labels["answer"] in text[-60:]
    True
    """
    scene = _scene(draw)
    form = draw.weighted(CLUES)
    clues = [FORMS["riddle"][form][name] for name in _ASK[form](scene)]
    ask, *rest = _shared("riddle", ("ask", "guess", "answer"))
    text = tell(scene, [ask, *clues, *rest])
    return text, {"form": form, "answer": scene["answer"]}


RHYMES = Weighted({"nonsense": 0.4, "lullaby": 0.2, "weather": 0.2, "kitchen": 0.2})


def write_rhyme(draw: Draw) -> Paper:
    """A line about the song, then four lines, of which two and two rhyme.

    >>> text, labels = write_rhyme(Draw(1))
    >>> text.count(". "), labels["form"] in FORMS["rhyme"]
    (4, True)
    """
    scene = _scene(draw)
    form = draw.weighted(RHYMES)
    text = tell(scene, [SHARED["rhyme"]["head"], *FORMS["rhyme"][form].values()])
    return text, {"form": form}


def write_weather_report(draw: Draw) -> Paper:
    """What the weather does, what one sees, what to wear, and a guess.

    >>> text, labels = write_weather_report(Draw(1))
    >>> {labels["weather"], labels["tomorrow"]} <= set(WEATHER[labels["season"]])
    True
    """
    scene = _scene(draw)
    head, sign, guess = _shared("weather-report", ("head", "sign", "guess"))
    now, wear = (FORMS["weather-report"][name] for name in ("now", "wear"))
    text = tell(scene, [head])
    weather = scene["weather"]
    text = " ".join([text, tell(scene, [now[weather], sign, wear[weather], guess])])
    return text, {key: scene[key] for key in ("weather", "season", "tomorrow")}


_PETS = tuple(child for child in WORLD.children if child.pet)


def write_essay(draw: Draw) -> Paper:
    """What a child knows about a food, a fear, a dream, an animal or a place, and a mark.

    >>> text, labels = write_essay(Draw(1))
    >>> labels["hero"] in text.split(". ")[0], "Miss Gray" in text
    (True, True)
    """
    scene = _scene(draw, "note")
    form = draw.one(tuple(FORMS["essay"]))
    child = draw.one(_PETS if form == "pet" else WORLD.children)
    be_hero(scene, child)
    scene["habit"] = child.habit
    place = _PLACE[child.home]
    scene["home"], scene["offers"], scene["beside"] = place.name, place.offers, place.beside
    titles = {
        "food": child.likes,
        "fear": child.afraid_of,
        "dream": child.dream,
        "home": child.home,
    }
    if form in ("pet", "animal"):
        own = form == "pet"
        animals = [one for one in WORLD.animals if (one.owner == child.name) == own]
        _present(scene, "", draw.one(animals))
        titles[form] = f"{scene['animal']} the {scene['species']}"
    scene["title"] = titles[form]
    moments = {"two": SHARED["essay"]["beast"], **FORMS["essay"][form]}
    head, *rest = _shared("essay", ("head", "end", "remark"))
    text = tell(scene, [head, moments["one"], moments["two"], *rest])
    return text, {"form": form, "hero": child.name, "title": scene["title"]}


def write_minutes(draw: Draw) -> Paper:
    """The village council: who came, what was moved, the votes, and a promise with its day.

    >>> text, labels = write_minutes(Draw(1))
    >>> present, yes, no = (NUMBERS.index(labels[key]) for key in ("present", "for", "against"))
    >>> present == yes + no
    True
    """
    scene = _scene(draw)
    others = 3 + draw.index(6)
    total = others + 2
    yes = 2 + draw.index(total - 3)
    no = total - yes
    scene["others"], scene["total"] = NUMBERS[others], NUMBERS[total]
    scene["yes"], scene["no"] = NUMBERS[yes], NUMBERS[no]
    motion = draw.one(tuple(FORMS["minutes"]["motion"]))
    result = "passed" if yes > no else "failed" if yes < no else "tied"
    head, debate, *rest = _shared("minutes", ("head", "debate", "promise", "close"))
    moved, vote = FORMS["minutes"]["motion"][motion], FORMS["minutes"]["vote"][result]
    text = tell(scene, [head, moved, debate, vote, *rest])
    labels = {"present": scene["total"], "for": scene["yes"], "against": scene["no"]}
    labels |= {"who": scene["adult"], "day": scene["day2"], "chore": scene["same_chore"]}
    return text, {"form": motion, "result": result, **labels}


PAPERS: dict[str, Callable[[Draw], Paper]] = {
    "fable": write_fable,
    "newspaper": write_newspaper,
    "recipe": write_recipe,
    "riddle": write_riddle,
    "rhyme": write_rhyme,
    "weather-report": write_weather_report,
    "essay": write_essay,
    "minutes": write_minutes,
}
"""Who writes each kind."""
