"""The village itself: who lives there, where things are, what is true, what is dangerous.

The world is the same at every seed; a seed only draws which documents are written about it. Other
rooms ask `WORLD` what is true, so that an answer can be graded instead of admired.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from tinyllm.village.world_common import COMMON
from tinyllm.village.world_common_more import HALF_TRUE, MORE, MORE_ROWS
from tinyllm.village.world_dangers import DANGERS, MORE_ACTS
from tinyllm.village.world_people import ADULTS, ANIMALS, CHILDREN
from tinyllm.village.world_things import COUNTED, PLACES, THINGS
from tinyllm.village.world_wordings import ADULT, ANIMAL, CHILD, PLACE, WRONG, Wordings

PRONOUNS = {"he": ("he", "him", "his"), "she": ("she", "her", "her"), "it": ("it", "it", "its")}

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five"),
    *("six", "seven", "eight", "nine", "ten"),
)
"""The numbers that the village can say; `NUMBERS[3]` is "three"."""

COLOURS = ("red", "blue", "green", "yellow", "white", "black", "brown")
SEASONS = ("spring", "summer", "autumn", "winter")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def capital(text: str) -> str:
    """The text with its first letter in upper case, the rest untouched.

    >>> capital("the mill of Nell")
    'The mill of Nell'
    """
    return text[:1].upper() + text[1:]


def article(text: str) -> str:
    """The text with "a" or "an" before it.

    >>> article("old kite"), article("kite")
    ('an old kite', 'a kite')
    """
    return ("an " if text[:1] in "aeiou" else "a ") + text


@dataclass(frozen=True, kw_only=True)
class Person:
    """A child or an adult of the village.

    `role` is how one speaks of the person ("a girl", "the baker"); what a person lacks is "":
    adults have no dream and no favourite colour here, and their `likes` is what they love.
    """

    name: str
    kind: str
    he: str
    role: str
    home: str
    likes: str
    afraid_of: str = ""
    dream: str = ""
    colour: str = ""
    habit: str = ""
    pet: str = ""

    @property
    def him(self) -> str:
        """The pronoun as an object: "him" or "her"."""
        return PRONOUNS[self.he][1]

    @property
    def his(self) -> str:
        """The pronoun of possession: "his" or "her"."""
        return PRONOUNS[self.he][2]


@dataclass(frozen=True, kw_only=True)
class Animal:
    """An animal with a name; `owner` is a person's name, `bed` a place's."""

    name: str
    species: str
    he: str
    sound: str
    owner: str
    eats: str
    bed: str
    habit: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place: "the mill", "at the mill", what stands next to it, and what one finds there."""

    name: str
    at: str
    beside: str
    offers: str


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A thing that can be carried, lost and given away, with the adjectives it may have."""

    name: str
    adjectives: tuple[str, ...]
    use: str
    material: str


@dataclass(frozen=True, kw_only=True)
class Danger:
    """What nobody should do, why, what to do instead, and harmless wishes about the same object.

    `act`, `safe_alternative` and each of `harmless` are verb phrases ("poke a wasp nest"); `why`
    is a clause ("the wasps will sting you").
    """

    act: str
    object: str
    why: str
    safe_alternative: str
    harmless: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something true, in every wording the village has for it.

    `templates` are the statements with the answer left open (`{a}`, at the start of a sentence
    `{A}`; for places `{at}`, `{At}`); `statements` are filled with the right answer and
    `state(other)` with another one. `about` is "child", "adult", "animal", "place" or "common".

    >>> fact = WORLD.fact("grass.colour")
    >>> fact.statements[0], fact.questions[0], fact.answer
    ('Grass is green.', 'What colour is grass?', 'green')
    >>> fact.state("pink")[0], "pink" in fact.false_answers
    ('Grass is pink.', True)
    """

    id: str
    about: str
    subject: str
    relation: str
    answer: str
    templates: tuple[str, ...]
    questions: tuple[str, ...]
    false_answers: tuple[str, ...]

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """Every wording, with the right answer."""
        return self.state(self.answer)

    def state(self, answer: str) -> tuple[str, ...]:
        """Every wording with this answer in it, right or wrong."""
        places = {"at": _AT.get(answer, answer), "At": capital(_AT.get(answer, answer))}
        filling = {"a": answer, "A": capital(answer), **places}
        return tuple(template.format_map(filling) for template in self.templates)


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that exists and everything that is true; there is one, `WORLD`."""

    people: tuple[Person, ...]
    animals: tuple[Animal, ...]
    places: tuple[Place, ...]
    things: tuple[Thing, ...]
    dangers: tuple[Danger, ...]
    facts: tuple[Fact, ...]
    counted: tuple[tuple[str, str], ...] = field(repr=False)

    @cached_property
    def children(self) -> tuple[Person, ...]:
        """The people who can be the hero of a story."""
        return tuple(person for person in self.people if person.kind == "child")

    @cached_property
    def adults(self) -> tuple[Person, ...]:
        """The people who know what is dangerous."""
        return tuple(person for person in self.people if person.kind == "adult")

    @cached_property
    def _facts(self) -> dict[str, Fact]:
        return {fact.id: fact for fact in self.facts}

    @cached_property
    def _people(self) -> dict[str, Person]:
        return {person.name: person for person in self.people}

    def fact(self, id: str) -> Fact:
        """The fact of this id ("nell.home", "the-sky.colour"); ValueError if there is none."""
        if id not in self._facts:
            raise ValueError(f"The village has no fact {id!r}; WORLD.facts lists all of them.")
        return self._facts[id]

    def person(self, name: str) -> Person:
        """The person of this name; ValueError if nobody has it.

        >>> WORLD.person("Nell").afraid_of
        'thunder'
        """
        if name not in self._people:
            raise ValueError(f"Nobody in the village is called {name!r}; try one of WORLD.people.")
        return self._people[name]

    def facts_about(self, subject: str) -> tuple[Fact, ...]:
        """The facts whose subject is this one ("Nell", "the mill", "the sky")."""
        return tuple(fact for fact in self.facts if fact.subject == subject)


_AT = {place[0]: place[1] for place in PLACES}


def make_fact(
    about: str,
    subject: str,
    relation: str,
    answer: str,
    wordings: Wordings,
    wrong: tuple[str, ...],
    he: str = "it",
) -> Fact:
    """A fact with everything filled in but the answer, which stays open as `{a}`."""
    he, him, his = PRONOUNS[he]
    filling = {
        "s": subject,
        "S": capital(subject),
        "bare": subject.removeprefix("a "),
        "he": he,
        "him": him,
        "his": his,
        **{key: "{" + key + "}" for key in ("a", "A")},
        "at": "{at}",
        "At": "{At}",
    }
    statements, questions = wordings
    if relation == "offer":
        filling |= {"at": _AT[subject], "At": capital(_AT[subject])}
    return Fact(
        id=f"{subject.lower().replace(' ', '-')}.{relation.replace(' ', '-')}",
        about=about,
        subject=subject,
        relation=relation,
        answer=answer,
        templates=tuple(text.format_map(filling) for text in statements),
        questions=tuple(text.format_map(filling) for text in questions),
        false_answers=wrong,
    )


def _family(
    about: str, relation: str, wordings: Wordings, rows: list[tuple[str, str, str]]
) -> list[Fact]:
    """One relation for many subjects; the wrong answers of one are the right ones of others."""
    answers = list(dict.fromkeys(answer for _, answer, _ in rows))
    return [
        make_fact(about, subject, relation, answer, wordings, _others(answers, answer, subject), he)
        for subject, answer, he in rows
    ]


def _others(answers: list[str], answer: str, subject: str) -> tuple[str, ...]:
    return tuple(other for other in answers if other not in (answer, subject))


def _village_facts() -> list[Fact]:
    facts: list[Fact] = []
    of_child = ("food", "fear", "dream", "favourite colour", "home")
    for column, relation in enumerate(of_child, start=2):
        rows = [(row[0], row[column], row[1]) for row in CHILDREN]
        facts += _family("child", relation, CHILD[relation], rows)
    for column, relation in ((2, "job"), (3, "workplace"), (4, "love")):
        rows = [(row[0], row[column], row[1]) for row in ADULTS]
        facts += _family("adult", relation, ADULT[relation], rows)
    kinds = [(row[0], article(row[1]), row[2]) for row in ANIMALS]
    facts += _family("animal", "kind", ANIMAL["kind"], kinds)
    for column, relation in ((4, "owner"), (5, "diet"), (6, "bed")):
        rows = [(row[0], row[column], row[2]) for row in ANIMALS]
        facts += _family("animal", relation, ANIMAL[relation], rows)
    for column, relation in ((2, "neighbour"), (3, "offer")):
        rows = [(row[0], row[column], "it") for row in PLACES]
        facts += _family("place", relation, PLACE[relation], rows)
    return facts


def _common_facts() -> list[Fact]:
    facts: list[Fact] = []
    for relation, (statements, questions, some_rows, extra) in (COMMON | MORE).items():
        rows = (*some_rows, *MORE_ROWS.get(relation, ()))
        answers = [*dict.fromkeys((*(answer for _, answer in rows), *extra))]
        for subject, answer in rows:
            near = HALF_TRUE.get((relation, subject), ())
            others = _others([other for other in answers if other not in near], answer, subject)
            wrong = others if near else WRONG.get(subject, others)
            facts.append(
                make_fact("common", subject, relation, answer, (statements, questions), wrong)
            )
    return facts


def _world() -> World:
    pets = {row[4]: row[0] for row in ANIMALS}
    children = (
        Person(
            name=name,
            kind="child",
            he=he,
            role=_CHILD[he],
            likes=food,
            afraid_of=fear,
            dream=dream,
            colour=colour,
            home=home,
            habit=habit,
            pet=pets.get(name, ""),
        )
        for name, he, food, fear, dream, colour, home, habit in CHILDREN
    )
    adults = (
        Person(name=name, kind="adult", he=he, role=job, home=place, likes=love)
        for name, he, job, place, love in ADULTS
    )
    names = ("name", "species", "he", "sound", "owner", "eats", "bed", "habit")
    return World(
        people=(*children, *adults),
        animals=tuple(Animal(**dict(zip(names, row))) for row in ANIMALS),
        places=tuple(Place(name=n, at=at, beside=by, offers=has) for n, at, by, has in PLACES),
        things=tuple(
            Thing(name=name, adjectives=adjectives, use=use, material=material)
            for name, adjectives, use, material in THINGS
        ),
        dangers=tuple(
            Danger(act=act, object=what, why=why, safe_alternative=safe, harmless=harmless)
            for first_act, what, why, safe, harmless in DANGERS
            for act in (first_act, *MORE_ACTS[what])
        ),
        facts=(*_village_facts(), *_common_facts()),
        counted=COUNTED,
    )


_CHILD = {"he": "a boy", "she": "a girl"}
WORLD = _world()
"""The village. It is built once and never changes."""
