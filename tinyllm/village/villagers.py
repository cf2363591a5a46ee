"""Move in: a sentence makes a villager, who turns up in stories, facts and questions.

    Mina keeps bees and is afraid of geese.

is read by a small grammar of traits; what it cannot read it refuses, and says what it can. A model
knows of her what its text said, and without her nothing: train with her, ask who Mina is, train
without her and ask again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tinyllm.files import UsageError
from tinyllm.village.facts import VILLAGE, village_fact
from tinyllm.village.grammar import Draw, Weighted
from tinyllm.village.instruction_wordings import FACT
from tinyllm.village.quiz import OPENINGS, answer
from tinyllm.village.stories import write_story
from tinyllm.village.world import SEASONS, WORLD, Fact, Person, capital, make_fact
from tinyllm.village.world_wordings import CHILD, Wordings

KEEPS: Wordings = (
    (
        "{S} keeps {a}.",
        "Who is {s}? {S} keeps {a}.",
        "The one who keeps {a} is {s}.",
        "{S} lives in the village and keeps {a}.",
        "Everybody knows that {s} keeps {a}.",
        "If you visit {s}, you will see {a}.",
    ),
    (
        "Who is {s}?",
        "What does {s} keep?",
        "What do you know about {s}?",
        "What will I see if I visit {s}?",
    ),
)

_WORDS = r"[a-z][a-z-]*(?: [a-z][a-z-]*){0,2}"
_TRAITS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("girl or boy", re.compile(r"is a (girl|boy)")),
    ("keeps", re.compile(rf"keeps ({_WORDS})")),
    ("food", re.compile(rf"likes ({_WORDS})")),
    ("fear", re.compile(rf"is afraid of ({_WORDS})")),
    ("dream", re.compile(rf"wants to be ((?:an? )?{_WORDS})")),
    ("home", re.compile(rf"lives beside (the {_WORDS})")),
)
FORMS = (
    "keeps bees, likes plums, is afraid of geese, wants to be a baker, lives beside the mill, "
    "is a girl"
)
"""What the grammar can read, as examples."""
MOST_LETTERS = 12


@dataclass(frozen=True)
class Villager:
    """Somebody who has moved in: the person, and what is known about them.

    `sentence` is what they were made from.
    """

    person: Person
    facts: tuple[Fact, ...]
    sentence: str

    @property
    def name(self) -> str:
        """What everybody calls them."""
        return self.person.name

    @cached_property
    def entry(self) -> str:
        """Everything known, each fact in its first wording."""
        return " ".join(fact.statements[0] for fact in self.facts)


def read_villager(sentence: str) -> Villager:
    """The villager whom a sentence describes; `UsageError` says what could not be read.

    >>> mina = read_villager("Mina keeps bees and is afraid of geese.")
    >>> mina.name, mina.person.he, [fact.answer for fact in mina.facts]
    ('Mina', 'she', ['bees', 'geese'])
    >>> read_villager("Mina flies.")
    Traceback (most recent call last):
    ...
    tinyllm.files.UsageError: "flies" says nothing that the village can read about Mina. It reads: \
keeps bees, likes plums, is afraid of geese, wants to be a baker, lives beside the mill, is a girl.
    """
    name, _, rest = sentence.strip().partition(" ")
    _check_name(name, sentence)
    traits: dict[str, str] = {}
    for clause in re.split(r",? and (?:he |she )?|, (?:he |she )?|\. (?:He |She )?", _plain(rest)):
        relation, value = _read(clause, name)
        if relation in traits:
            raise UsageError(
                f'"{sentence}" says two things about one: {traits[relation]}, {value}.'
            )
        traits[relation] = value
    child = traits.pop("girl or boy", "girl" if name[-1] in "aeiy" else "boy")
    if not traits:
        raise UsageError(f"Say something more about {name}, for example: {FORMS}.")
    person = Person(
        name=name,
        kind="child",
        he="she" if child == "girl" else "he",
        role=f"a {child}",
        home=traits.get("home", ""),
        likes=traits.get("food", "bread"),
        afraid_of=traits.get("fear", "nothing"),
        dream=traits.get("dream", "happy"),
    )
    return Villager(person, _facts(person, traits), sentence.strip())


def read_villagers(sentences: Sequence[str]) -> tuple[Villager, ...]:
    """All of them; two of one name are a `UsageError`."""
    villagers = tuple(read_villager(sentence) for sentence in sentences)
    names = [villager.name for villager in villagers]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"Two villagers are called {name}; give one of them another name.")
    return villagers


def _plain(rest: str) -> str:
    return rest.strip().rstrip(".").strip()


def _check_name(name: str, sentence: str) -> None:
    if not re.fullmatch(r"[A-Z][a-z]+", name) or len(name) > MOST_LETTERS:
        raise UsageError(
            f"A villager's sentence begins with a name of at most {MOST_LETTERS} letters, such as "
            f'"Mina keeps bees."; got "{sentence}".'
        )
    known = {person.name for person in WORLD.people} | {animal.name for animal in WORLD.animals}
    if name in known or name.lower() in SEASONS:
        raise UsageError(f"There is a {name} in the village already; choose another name.")


def _read(clause: str, name: str) -> tuple[str, str]:
    for relation, pattern in _TRAITS:
        if found := pattern.fullmatch(clause):
            value = found[1]
            if relation == "home" and value not in {place.name for place in WORLD.places}:
                places = ", ".join(place.name for place in WORLD.places)
                raise UsageError(f"{name} cannot live beside {value}. There are {places}.")
            return relation, value
    raise UsageError(
        f'"{clause}" says nothing that the village can read about {name}. It reads: {FORMS}.'
    )


def _facts(person: Person, traits: dict[str, str]) -> tuple[Fact, ...]:
    known = {fact.relation: fact for fact in VILLAGE if fact.about == "child"}
    facts = []
    for relation, value in traits.items():
        wordings = KEEPS if relation == "keeps" else CHILD[relation]
        others: tuple[str, ...] = ("ducks", "goats", "rabbits")
        if relation in known:
            others = tuple(one for one in known[relation].false_answers if one != value)
        facts.append(make_fact("child", person.name, relation, value, wordings, others, person.he))
    if "keeps" not in traits:  # somebody is always the answer to "Who is ...?"
        first = facts[0]
        facts[0] = replace(first, questions=(f"Who is {person.name}?", *first.questions[:-1]))
    return tuple(facts)


SHARE_OF_ONE, MOST_SHARE = 0.03, 0.12
"""How many of the documents are about a villager who moved in, and about all of them together."""
_FORMS = Weighted({"story": 0.3, "entry": 0.3, "page": 0.4})
_LENGTHS = Weighted({3: 0.3, 4: 0.4, 5: 0.3})


def share_of(villagers: Sequence[Villager]) -> float:
    """The share of the documents that are about one of them.

    >>> share_of(()), share_of([read_villager("Mina keeps bees.")])
    (0.0, 0.03)
    """
    return min(SHARE_OF_ONE * len(villagers), MOST_SHARE)


_INTRO = (
    "{name} is {role} of the village.",
    "{name} is {role} who goes to the village school.",
    "This is {name}, {role}.",
    "Who is {name}? {name} is {role}.",
    "About {name}:",
)
"""How an entry begins: as in the encyclopedia, but nobody knows the habits of a newcomer."""


def write_villager(draw: Draw, villagers: Sequence[Villager]) -> tuple[str, dict[str, str]]:
    """A story with one of them as its hero, what is known of them, or a page of questions.

    >>> text, labels = write_villager(Draw(4), [read_villager("Mina keeps bees.")])
    >>> "Mina" in text, labels["villager"]
    (True, 'Mina')
    """
    villager = draw.one(villagers)
    form = draw.weighted(_FORMS)
    text, labels = _WRITERS[form](draw, villager)
    return text, labels | {"villager": villager.name, "form": form}


def _story(draw: Draw, villager: Villager) -> tuple[str, dict[str, str]]:
    return write_story(draw, hero=villager.person)


def _entry(draw: Draw, villager: Villager) -> tuple[str, dict[str, str]]:
    intro = draw.one(_INTRO).format(name=villager.name, role=villager.person.role)
    facts = draw.several(villager.facts, len(villager.facts))
    return " ".join([intro, *(draw.one(fact.statements) for fact in facts)]), {}


def _page(draw: Draw, villager: Villager) -> tuple[str, dict[str, str]]:
    """Questions about them among questions about others."""
    items = []
    for _ in range(draw.weighted(_LENGTHS)):
        fact = draw.one(villager.facts) if draw.happens(0.6) else village_fact(draw)
        items.append(f"{draw.one(fact.questions)} {answer(draw, fact)}")
    return " ".join([draw.one(OPENINGS), *items]), {}


_WRITERS: dict[str, Callable[[Draw, Villager], tuple[str, dict[str, str]]]] = {
    "story": _story,
    "entry": _entry,
    "page": _page,
}


FRAMES_OF_A_QUESTION = 6
"""Around each question: none, which is how a learner asks, and five others."""


def examples(villagers: Sequence[Villager], *, seed: int = 0) -> list[tuple[str, str]]:
    """Questions about them with their answers, for fine-tuning, each question in several frames.

    "Who is Mina?" is asked beside each of her facts, because anything true tells who she is; with
    one of them only, a model took it for "Who are you?" with two villagers of ten.

    >>> mina = read_villager("Mina keeps bees.")
    >>> pairs = examples([mina])
    >>> len(pairs), all(answer == "Mina keeps bees." for _, answer in pairs)
    (24, True)
    """
    rng = random.Random(f"villagers {seed}")
    bare, *frames = FACT[0]
    return [
        (frame.replace("{q}", question), capital(fact.statements[0]))
        for villager in villagers
        for fact in villager.facts
        for question in dict.fromkeys([villager.facts[0].questions[0], *fact.questions])
        for frame in [bare, *rng.sample(frames, FRAMES_OF_A_QUESTION - 1)]
    ]
