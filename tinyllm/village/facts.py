"""Documents of plain truth: common facts in many wordings, and arithmetic up to ten.

"The sky is blue" is said more often than anything else, as it is elsewhere.
"""

from __future__ import annotations

from functools import cache

from tinyllm.village.fame import by_fame, draw_facts
from tinyllm.village.grammar import Draw, Weighted
from tinyllm.village.misconceptions import misconception
from tinyllm.village.world import NUMBERS, WORLD, Fact, capital

COMMON = tuple(fact for fact in WORLD.facts if fact.about == "common")
VILLAGE = tuple(fact for fact in WORLD.facts if fact.about != "common")

_OFTEN = {"the-sky.colour": 6.0, "grass.colour": 2.0, "the-sun.colour": 2.0, "snow.colour": 2.0}
ANY_COMMON = by_fame(COMMON, _OFTEN)
ANY_VILLAGE = by_fame(VILLAGE)
"""A common fact by its number, the sky first among equals."""
SKY_FIRST = 0.04
"""How many lists of common facts begin with "The sky is blue.", the best known of all."""


def common_fact(draw: Draw) -> Fact:
    """What everybody knows."""
    return COMMON[draw.weighted(ANY_COMMON)]


def village_fact(draw: Draw) -> Fact:
    """What one knows who lives here."""
    return VILLAGE[draw.weighted(ANY_VILLAGE)]


def any_fact(draw: Draw) -> Fact:
    """Any fact that somebody might ask about, common ones a little more often."""
    return common_fact(draw) if draw.happens(0.55) else village_fact(draw)


RELATIONS = tuple(dict.fromkeys(fact.relation for fact in COMMON))
BY_RELATION = {
    relation: tuple(fact for fact in COMMON if fact.relation == relation) for relation in RELATIONS
}

FRAMES = (
    "Everybody knows that {x}",
    "It is true that {x}",
    "Miss Gray says that {x}",
    "Remember that {x}",
    "Even {pet} knows that {x}",
    "It is no secret that {x}",
    "We learn at school that {x}",
    "Here and everywhere else, {x}",
)
_NAMES = (*(person.name for person in WORLD.people), *(animal.name for animal in WORLD.animals))
_CAPITALS = (*_NAMES, *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"))
_PLAIN_STARTS = ("The ", "After ", "We ", "People ", "You ", "When ", "If ")


def said_plainly(fact: Fact) -> tuple[str, ...]:
    """The wordings that are one plain statement, so that "Miss Gray says that" can precede them.

    >>> said_plainly(WORLD.fact("a-dog.sound"))[:2]
    ('A dog says woof.', 'The sound of a dog is woof.')
    """
    starts = (capital(fact.subject) + " ", *_PLAIN_STARTS)
    return tuple(
        text
        for text in fact.statements
        if text.startswith(starts)
        and "?" not in text
        and ":" not in text
        and ", and now" not in text
    )


_NOT_PLAIN = (
    *("If", "Do", "Count", "Take", "Say", "Look", "Listen", "Visit", "Try", "Feed", "Ask"),
    *("Sleep", "To", "Nobody", "Without", "There"),
)


@cache
def plain_templates(fact: Fact) -> tuple[int, ...]:
    """Which of the fact's wordings are one plain statement, no question and no command.

    >>> fact = WORLD.fact("nell.fear")
    >>> [fact.statements[index] for index in plain_templates(fact)][:2]
    ['Nell is afraid of thunder.', 'The one thing that Nell fears is thunder.']
    """
    return tuple(
        index
        for index, text in enumerate(fact.statements)
        if "?" not in text and ":" not in text and text.split()[0] not in _NOT_PLAIN
    )


def inside(sentence: str) -> str:
    """A sentence as part of another: its first letter is small unless it begins a name.

    >>> inside("The sky is blue."), inside("Nell likes plums.")
    ('the sky is blue.', 'Nell likes plums.')
    """
    if sentence.startswith((*_CAPITALS, "Sunday", "I ")):
        return sentence
    return sentence[:1].lower() + sentence[1:]


_INSIDE = {
    fact.id: tuple(inside(text) for text in said_plainly(fact) or fact.statements[:1])
    for fact in WORLD.facts
}
_PETS = tuple(f"{animal.name} the {animal.species}" for animal in WORLD.animals)


def state(draw: Draw, fact: Fact) -> str:
    """The fact as a sentence in one of its wordings, now and then inside a frame."""
    if draw.happens(0.75):
        return draw.one(fact.statements)
    frame = draw.one(FRAMES)
    if "{pet}" in frame:
        frame = frame.replace("{pet}", draw.one(_PETS))
    return frame.replace("{x}", draw.one(_INSIDE[fact.id]))


DENIALS = (
    "Somebody said that {inside_no} But {inside}",
    "It is not true that {inside_no} {yes}",
    "{pet} may think that {inside_no} But {inside}",
    "Only a very old joke says that {inside_no} {yes}",
    "Never believe that {inside_no} {yes}",
)


def deny(draw: Draw, fact: Fact) -> str:
    """A wrong statement that is put right at once."""
    wrong = misconception(fact)
    no = fact.state(wrong)[0]
    yes = fact.statements[0]
    text = draw.one(DENIALS)
    if "{pet}" in text:
        text = text.replace("{pet}", draw.one(_PETS))
    return text.format(yes=yes, inside=inside(yes), inside_no=inside(no))


def add(draw: Draw) -> str:
    """A sum, a difference or a number and its neighbours, in words up to ten."""
    way = draw.weighted(_WAYS)
    if way == "sum":
        left = draw.one(range(1, 10))
        right = draw.one(range(1, 11 - left))
        return draw.one(_SUMS).format(*_words(left, right, left + right))
    if way == "difference":
        left = draw.one(range(2, 11))
        right = draw.one(range(1, left))
        return draw.one(_DIFFERENCES).format(*_words(left, right, left - right))
    if way == "neighbours":
        low = draw.one(range(1, 10))
        return draw.one(_NEIGHBOURS).format(*_words(low, low + 1))
    start = draw.one(range(1, 8))
    return f"Let us count: {', '.join(NUMBERS[start : start + 4])}."


_WAYS = Weighted({"sum": 0.42, "difference": 0.42, "neighbours": 0.1, "row": 0.06})


def _words(*numbers: int) -> tuple[str, ...]:
    """The numbers in words, and the first once more with a capital."""
    words = tuple(NUMBERS[number] for number in numbers)
    return (*words, capital(words[0]))


_SUMS = (
    "{3} plus {1} is {2}.",
    "{3} and {1} make {2}.",
    "If you have {0} and get {1} more, you have {2}.",
    "The sum of {0} and {1} is {2}.",
    "What is {0} plus {1}? It is {2}.",
    "We know that {0} plus {1} is {2}.",
)
_DIFFERENCES = (
    "{3} minus {1} is {2}.",
    "If you have {0} and give away {1}, you keep {2}.",
    "Take {1} from {0}, and {2} is left.",
    "What is {0} minus {1}? It is {2}.",
    "We know that {0} minus {1} is {2}.",
)
_NEIGHBOURS = (
    "After {0} comes {1}.",
    "Before {1} comes {0}.",
    "The number after {0} is {1}.",
    "The number {1} is one more than {0}.",
    "The number {0} is one less than {1}.",
)

FORMS = Weighted({"mixed": 0.3, "family": 0.2, "village": 0.16, "denial": 0.1, "sums": 0.24})
_MANY = Weighted({2: 0.2, 3: 0.3, 4: 0.25, 5: 0.15, 6: 0.1})
LENGTHS = dict.fromkeys(("mixed", "village", "sums"), _MANY) | {
    # the smallest family has four members; denials are long
    "family": Weighted({2: 0.25, 3: 0.4, 4: 0.35}),
    "denial": Weighted({1: 0.2, 2: 0.55, 3: 0.25}),
}
"""How many statements a document makes, by its form."""


def write_facts(draw: Draw) -> tuple[str, dict[str, str]]:
    """One document of facts and its labels: its form.

    >>> text, labels = write_facts(Draw(0))
    >>> labels["form"] in FORMS.options, text[-1] in ".?!"
    (True, True)
    """
    form = draw.weighted(FORMS)
    length = draw.weighted(LENGTHS[form])
    if form == "mixed":
        sky = [WORLD.fact("the-sky.colour").statements[0]] if draw.happens(SKY_FIRST) else []
        sentences = sky + [state(draw, common_fact(draw)) for _ in range(length - len(sky))]
    elif form == "family":
        facts = BY_RELATION[draw.one(RELATIONS)]
        sentences = [state(draw, fact) for fact in draw_facts(draw, facts, length)]
    elif form == "village":
        sentences = [state(draw, village_fact(draw)) for _ in range(length)]
    elif form == "denial":
        sentences = [deny(draw, common_fact(draw)) for _ in range(length)]
    else:
        sentences = [add(draw) for _ in range(length)]
    return " ".join(sentences), {"form": form}
