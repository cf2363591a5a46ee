"""The grader of stories: the hero asked for stays the hero, the thing is there, and it ends."""

from __future__ import annotations

import re

from tinyllm.village.grading_text import (
    Grade,
    failed,
    form_fault,
    mentions,
    passed,
    plain,
    sentences,
    words,
)
from tinyllm.village.instruction_content import Instruction
from tinyllm.village.tenses import PRESENT, PRESENT_OF_MANY
from tinyllm.village.world import PRONOUNS, WORLD

_DOING = frozenset((*PRESENT, *PRESENT.values(), *PRESENT_OF_MANY, *PRESENT_OF_MANY.values()))
_ENDING = re.compile(r"^[a-z]{2,}ed$")
"""A word does something if it is one of the village's verbs or looks like a past tense."""
_SPOKEN = frozenset(("i", "me", "my", "you", "your", "we", "us", "our"))
_SAID = re.compile(r'"[^"]*"|\b(?:said|says|say) thank you\b')
_REPLY = re.compile(r"(?:Yes|No|Please|Sorry|Maybe|Perhaps)\b[,.! ]|It is (?:not )?true")
_MOST_THINGS = 2
"""So many things may turn up beside the one that was asked for: more are a list."""
_CLAUSE_BEGINS = re.compile(
    r"[,;:]|\S (?:and|but|so|then|because|when|while|until|if|as|before|after|where)$"
)
"""What stands before a name that begins a clause of its own."""
_UNNAMED = {
    "he": frozenset(("man", "boy", "father", "dad", "brother", "uncle", "grandfather", "king")),
    "she": frozenset(("woman", "girl", "mother", "mum", "sister", "aunt", "grandmother", "queen")),
}
"""Words for people whom a pronoun can mean without a name."""


def grade_story(instruction: Instruction, completion: str, finished: bool) -> Grade:
    """Three sentences or more that tell something, about this hero from the first to the last."""
    fault = form_fault(
        instruction.prompt, completion, finished=finished, most_words=140, may_ask=True
    )
    if fault:
        return failed(*fault)
    said = sentences(completion)
    hero = WORLD.person(instruction.labels["hero"])
    thing = instruction.labels["thing"]
    wanting = _telling_fault(said)
    if wanting:
        return failed(*wanting)
    has_hero, has_thing = mentions(completion, hero.name) > 0, mentions(completion, thing) > 0
    if not (has_hero and has_thing):
        missing = thing if has_hero else hero.name
        return failed(0.4 * (has_hero or has_thing), f"The story does not mention {missing}.")
    others = [
        one.name for one in WORLD.things if one.name != thing and mentions(completion, one.name)
    ]
    if len(others) > _MOST_THINGS:
        return failed(0.5, "The story lists things.")
    left = _hero_fault(said, hero.name, hero.he, thing)
    if left:
        return failed(0.6, left)
    return passed(f"A story about {hero.name} and the {thing}.")


def _telling_fault(said: list[str]) -> tuple[float, str] | None:
    """What keeps this from being a story at all, as (score, reason)."""
    if len(said) < 3:
        return 0.3, "A story has three sentences or more."
    telling = [sentence for sentence in said if any(map(_does, words(sentence)))]
    if len(telling) < max(3, 0.75 * len(said)):
        return 0.2, "In too many sentences nothing happens."
    if said[-1].endswith("?"):
        return 0.2, "A story does not end with a question."
    if any(len(words(sentence)) < 2 for sentence in said):
        return 0.2, "One word is no sentence of a story."
    told = [_SAID.sub("", sentence) for sentence in said]
    if any(_SPOKEN & set(words(sentence)) or _REPLY.match(sentence) for sentence in told):
        return 0.2, "The answer speaks for itself instead of telling."
    if len(set(words(" ".join(said)))) < 12:
        return 0.2, "The story uses too few words."
    return None


def _does(word: str) -> bool:
    return word in _DOING or bool(_ENDING.match(word))


def _hero_fault(said: list[str], hero: str, he: str, thing: str) -> str | None:
    """Where the story loses its hero, or None.

    The hero begins, is in most of it, and closes it: the last sentence is about the hero or the
    thing, and the last person named is the hero.
    """
    text = " ".join(said)
    others = {
        person.name: mentions(text, person.name)
        for person in WORLD.people
        if person.name != hero and mentions(text, person.name)
    }
    own = set(PRONOUNS[he]) | {"they", "them", "their"}
    present = [
        mentions(sentence, hero) > 0 or bool(own & set(words(sentence))) for sentence in said
    ]
    begins = [plain(text).find(plain(name)) for name in (hero, *others)]
    if not any(mentions(sentence, hero) for sentence in said[:2]) or begins[0] > min(begins):
        return f"The story does not begin with {hero}."
    if len(others) > 2:
        return "The story names too many people."
    if any(count > mentions(text, hero) for count in others.values()):
        return f"Somebody else has taken the place of {hero}."
    if sum(present) < len(said) / 2 or not (present[-1] or mentions(said[-1], thing)):
        return f"The story loses sight of {hero}."
    people = [hero, *others]
    last = next(one for one in reversed(said) if any(mentions(one, name) for name in people))
    if not mentions(last, hero):
        return f"The story ends with somebody else than {hero}."
    if any(_meets_itself(sentence, hero) for sentence in said):
        return f"{hero} meets {hero}."
    stranger = {"she": "he", "he": "she"}[he]
    if _nobody_is_meant(said, stranger):
        return f"The story says {stranger}, and nobody is there who could be meant."
    return None


def _meets_itself(sentence: str, hero: str) -> bool:
    """Whether one clause has the name twice: "Pia thanked Pia", "Pia and Pia were friends"."""
    between = re.split(rf"\b{hero}\b", sentence)[1:-1]
    return any(not _CLAUSE_BEGINS.search(words_between.rstrip()) for words_between in between)


def _nobody_is_meant(said: list[str], he: str) -> bool:
    """Whether a pronoun, "he" or "she" with its cases, comes before anybody whom it could mean."""
    could_be_meant = {person.name for person in WORLD.people if person.he == he}
    could_be_meant |= {animal.name for animal in WORLD.animals if animal.he == he}
    for sentence in said:
        spoken_of = set(words(sentence))
        if _UNNAMED[he] & spoken_of or any(mentions(sentence, name) for name in could_be_meant):
            return False
        if set(PRONOUNS[he]) & spoken_of:
            return True
    return False
