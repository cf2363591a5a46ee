"""The village encyclopedia: who, what and where, a few shuffled sentences about one entry.

Every fact of the world stands here in all of its wordings, and so does every danger with its
reason and what to do instead.
"""

from __future__ import annotations

from tinyllm.village.fame import draw_being
from tinyllm.village.grammar import Draw, Weighted
from tinyllm.village.world import (
    WORLD,
    Animal,
    Danger,
    Fact,
    Person,
    Place,
    Thing,
    article,
    capital,
)

ENTRIES = Weighted(
    {"child": 0.36, "adult": 0.13, "animal": 0.13, "place": 0.12, "thing": 0.07, "danger": 0.19}
)
LENGTHS = Weighted({2: 0.3, 3: 0.4, 4: 0.3})
SHORT_LENGTHS = Weighted({2: 0.4, 3: 0.6})
"""How many facts an entry states after its first sentence, and where only three are known."""


def _facts_of(name: str) -> tuple[Fact, ...]:
    """The facts about this subject, then those of others that lead to it."""
    about = WORLD.facts_about(name)
    kinds = {"adult", "animal", "child"}
    return (*about, *(fact for fact in WORLD.facts if fact.answer == name and fact.about in kinds))


_FACTS = {
    name: _facts_of(name)
    for name in (
        *(person.name for person in WORLD.people),
        *(animal.name for animal in WORLD.animals),
        *(place.name for place in WORLD.places),
    )
}


def _state(draw: Draw, name: str) -> list[str]:
    facts = _FACTS[name]
    number = draw.weighted(LENGTHS if len(facts) > 3 else SHORT_LENGTHS)
    return [draw.one(fact.statements) for fact in draw.several(facts, number)]


CHILD_INTRO = (
    "{name} is {role} of the village.",
    "{name} is {role} who {habit}.",
    "{name} is {role}, and {he} {habit}.",
    "This is {name}. {He} {habit}.",
    "Who is {name}? {name} is {role}.",
    "About {name}: {he} {habit}.",
)
ADULT_INTRO = (
    "{name} is one of the grown-ups of the village.",
    "Who is {name}? {name} is {role}.",
    "This is {name}, {role}.",
    "About {name}:",
)
ANIMAL_INTRO = (
    "{name} is {a_species} and {habit}.",
    "This is {name}, {a_species} who {habit}.",
    "About {name}: {he} {habit}.",
    "{name} the {species} {habit} and says {sound}.",
)
PLACE_INTRO = (
    "{Name} is a place in the village.",
    "Everybody in the village knows {name}.",
    "This is {name}.",
    "About {name}:",
)
THING = (
    "{A_name} is made of {material}.",
    "You need {a_name} {use}.",
    "People use {a_name} {use}.",
    "{A_name} can be {adjective}.",
    "What do you need {use}? You need {a_name}.",
    "If somebody wants {use}, lend them {a_name}.",
)
DANGER_RULES = (
    "Never {act}.",
    "Do not {act}.",
    "It is dangerous to {act}.",
    "Nobody should {act}.",
    "One rule of the village: never {act}.",
)
DANGER_REASONS = (
    "{Why}.",
    "Why not? Because {why}.",
    "The reason is easy: {why}.",
    "If you do, {why}.",
)
DANGER_INSTEAD = (
    "{Safe} instead.",
    "It is better to {safe}.",
    "You can {safe}.",
    "A clever child will {safe}.",
    "If in doubt, ask a grown-up, or {safe}.",
)
DANGER_HARMLESS = (
    "It is fine to {harmless}.",
    "Nobody minds if you {harmless}.",
    "You may always {harmless}.",
)


def _person(draw: Draw, person: Person, intros: tuple[str, ...]) -> str:
    intro = draw.one(intros).format(
        name=person.name,
        role=person.role,
        he=person.he,
        He=capital(person.he),
        habit=person.habit,
    )
    return " ".join([intro, *_state(draw, person.name)])


def _animal(draw: Draw, animal: Animal) -> str:
    intro = draw.one(ANIMAL_INTRO).format(
        name=animal.name,
        species=animal.species,
        a_species=article(animal.species),
        habit=animal.habit,
        sound=animal.sound,
        he=animal.he,
    )
    return " ".join([intro, *_state(draw, animal.name)])


def _place(draw: Draw, place: Place) -> str:
    intro = draw.one(PLACE_INTRO).format(name=place.name, Name=capital(place.name))
    return " ".join([intro, *_state(draw, place.name)])


def _thing(draw: Draw, thing: Thing) -> str:
    name = article(thing.name)
    slots = {"a_name": name, "A_name": capital(name), "use": thing.use, "material": thing.material}
    sentences = []
    for template in draw.several(THING, draw.weighted(LENGTHS)):
        if "{adjective}" in template:
            slots["adjective"] = draw.one(thing.adjectives)
        sentences.append(template.format_map(slots))
    return " ".join(sentences)


def danger_sentences(draw: Draw, danger: Danger) -> list[str]:
    """The rule, the reason, what to do instead, and sometimes what is harmless."""
    slots = {"act": danger.act, "why": danger.why, "Why": capital(danger.why)}
    slots |= {"safe": danger.safe_alternative, "Safe": capital(danger.safe_alternative)}
    parts = [DANGER_RULES, DANGER_REASONS, DANGER_INSTEAD]
    sentences = [draw.one(part).format_map(slots) for part in parts]
    if draw.happens(0.4):
        template = draw.one(DANGER_HARMLESS)
        sentences.append(template.format(harmless=draw.one(danger.harmless)))
    return sentences


def write_encyclopedia(draw: Draw) -> tuple[str, dict[str, str]]:
    """One entry and its labels: what it is about.

    >>> text, labels = write_encyclopedia(Draw(4))
    >>> labels["entry"] in ENTRIES.options, len(text) < 600
    (True, True)
    """
    entry = draw.weighted(ENTRIES)
    if entry == "child":
        text = _person(draw, draw_being(draw, WORLD.children), CHILD_INTRO)
    elif entry == "adult":
        text = _person(draw, draw_being(draw, WORLD.adults), ADULT_INTRO)
    elif entry == "animal":
        text = _animal(draw, draw_being(draw, WORLD.animals))
    elif entry == "place":
        text = _place(draw, draw_being(draw, WORLD.places))
    elif entry == "thing":
        text = _thing(draw, draw.one(WORLD.things))
    else:
        text = " ".join(danger_sentences(draw, draw.one(WORLD.dangers)))
    return text, {"entry": entry}
