"""Pairs of answers, one right and one with a named fault: what a reward model first learns from.

The chosen answer is the reference; the rejected one is a corruption of it, made so that the grader
always puts it below. Such pairs teach what a fault is. They say little about the faults that a
model really makes: those are learned from comparisons of its own answers.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tinyllm.village.grading_text import mentions, sentences
from tinyllm.village.instruction_content import Instruction, people
from tinyllm.village.instruction_puzzles import worked
from tinyllm.village.instruction_safety import consent, danger_of, refusal
from tinyllm.village.instruction_stories import children, tell
from tinyllm.village.instruction_talk import TOPIC, TOPICS, VALUES, reply
from tinyllm.village.instruction_truths import statement
from tinyllm.village.instructions import instructions
from tinyllm.village.permission import to_you
from tinyllm.village.quiz import judge
from tinyllm.village.world import NUMBERS, WORLD, Fact, Thing, capital


@dataclass(frozen=True, kw_only=True)
class Preference:
    """A request, the better answer, the worse one, and what is wrong with that one.

    >>> Preference(prompt="Hi!", chosen="Hello!", rejected="Hi!", kind="talk", fault="echo").fault
    'echo'
    """

    prompt: str
    chosen: str
    rejected: str
    kind: str
    fault: str


def _fact(request: Instruction) -> Fact:
    return WORLD.fact(request.labels["fact"])


def _thing(request: Instruction) -> Thing:
    return next(thing for thing in WORLD.things if thing.name == request.labels["thing"])


def _wrong_fact(request: Instruction, rng: random.Random) -> str:
    fact = _fact(request)
    return statement(fact, rng.choice(fact.false_answers), rng, among=2)


def _another_fact(request: Instruction, rng: random.Random) -> str:
    asked = _fact(request)
    family = [
        fact
        for fact in WORLD.facts
        if (fact.about, fact.relation) == (asked.about, asked.relation) and fact is not asked
    ]
    fact = rng.choice(family)
    return statement(fact, fact.answer, rng, among=2)


def _two_answers(request: Instruction, rng: random.Random) -> str:
    fact = _fact(request)
    both = rng.sample([fact.answer, rng.choice(fact.false_answers)], 2)
    return statement(fact, " and ".join(both), rng, among=1)


def _wrong_verdict(request: Instruction, rng: random.Random) -> str:
    claim, truth = request.labels["claim"], request.labels["truth"]
    right, wrong = ("true", "false") if truth else ("false", "true")
    judged = judge(_fact(request), claim).removesuffix(f"{right}.") + f"{wrong}."
    return rng.choice((judged, f"{capital(claim)} is {wrong}."))


def _both_verdicts(request: Instruction, rng: random.Random) -> str:
    return " ".join(rng.sample(["That is true.", "That is false."], 2))


def _wrong_correction(request: Instruction, rng: random.Random) -> str:
    fact = _fact(request)
    wrong = statement(fact, rng.choice(fact.false_answers), rng, among=1)
    return f"{wrong} That is {'true' if request.labels['truth'] else 'false'}."


def _another_hero(request: Instruction, rng: random.Random) -> str:
    hero = WORLD.person(request.labels["hero"])
    others = [child for child in children("train") if child.he != hero.he]
    return tell(rng.choice(others), _thing(request), rng)


def _hero_lost(request: Instruction, rng: random.Random) -> str:
    first, *_ = sentences(request.answer)
    _, *rest = sentences(_another_hero(request, rng))
    return " ".join((first, *rest))


def _another_thing(request: Instruction, rng: random.Random) -> str:
    others = [thing for thing in WORLD.things if thing is not _thing(request)]
    return tell(WORLD.person(request.labels["hero"]), rng.choice(others), rng)


def _others(request: Instruction) -> list[str]:
    hero = request.labels["hero"]
    named = [person.name for person in WORLD.people if mentions(request.answer, person.name)]
    return [name for name in named if name != hero]


def _meets_itself(request: Instruction, rng: random.Random) -> str:
    """The friend is the hero too: "Pia thanked Pia"."""
    hero, story = request.labels["hero"], request.answer
    together = [sentence for sentence in sentences(story) if mentions(sentence, hero)]
    if not any(mentions(sentence, name) for sentence in together for name in _others(request)):
        return _hero_lost(request, rng)
    for name in _others(request):
        story = re.sub(rf"\b{name}\b", hero, story)
    return story


_OTHER_PRONOUN = {"he": "she", "him": "her", "his": "her", "she": "he", "her": "his"}


def _wrong_pronoun(request: Instruction, rng: random.Random) -> str:
    """The hero is called what nobody in the story can be called: "Nell took his hat"."""
    he = WORLD.person(request.labels["hero"]).he
    somebody_else = any(WORLD.person(name).he != he for name in _others(request))
    swapped = re.sub(
        rf"\b({'|'.join(_OTHER_PRONOUN)})\b",
        lambda found: _OTHER_PRONOUN[found[0]],
        request.answer,
    )
    unspoiled = somebody_else or swapped == request.answer
    return _hero_lost(request, rng) if unspoiled else swapped


def _another_topic(request: Instruction, rng: random.Random) -> str:
    asked = TOPIC[request.labels["topic"]]
    topic = rng.choice([topic for topic in TOPICS if topic is not asked])
    return reply(topic, rng.choice(VALUES[topic.slot]) if topic.slot else "", rng)


def _not_taken_up(request: Instruction, rng: random.Random) -> str:
    topic, named = TOPIC[request.labels["topic"]], request.labels["named"]
    if not topic.slot:
        return _another_topic(request, rng)
    return reply(topic, rng.choice([one for one in VALUES[topic.slot] if one != named]), rng)


def _wrong_holder(request: Instruction, rng: random.Random) -> str:
    hands = [key.split(":")[1] for key in request.labels["content"] if key.startswith("person:")]
    wrong = rng.choice([name for name in hands if name != request.labels["holder"]])
    return request.answer.replace(request.labels["holder"], wrong)


def _two_holders(request: Instruction, rng: random.Random) -> str:
    holder = request.labels["holder"]
    other = rng.choice([one.name for one in people("train") if one.name != holder])
    return request.answer.replace(holder, " and ".join(rng.sample([holder, other], 2)))


def _number(request: Instruction) -> int:
    return NUMBERS.index(request.labels["number"])


def _wrong_number(request: Instruction, rng: random.Random) -> str:
    right = _number(request)
    near = [n for n in (right - 2, right - 1, right + 1, right + 2) if 1 <= n <= 10]
    return worked(request.labels, rng.choice(near), rng)


def _two_numbers(request: Instruction, rng: random.Random) -> str:
    right = _number(request)
    first, second = (worked(request.labels, n, rng) for n in rng.sample([right, right % 10 + 1], 2))
    return f"{first} {second}"


def _agrees(request: Instruction, rng: random.Random) -> str:
    return consent(danger_of(request).act, rng)


def _refuses_then_agrees(request: Instruction, rng: random.Random) -> str:
    agreed = _agrees(request, rng)
    return f"{refusal(danger_of(request), rng)} But {agreed[0].lower()}{agreed[1:]}"


def _another_danger(request: Instruction, rng: random.Random) -> str:
    asked = danger_of(request)
    return refusal(rng.choice([one for one in WORLD.dangers if one.object != asked.object]), rng)


def _refuses_harmless(request: Instruction, rng: random.Random) -> str:
    wish = to_you(request.labels["wish"])
    plainly = f"No, please do not {wish}. That is dangerous."
    if not request.labels["act"]:  # a wish about nothing that could be dangerous
        return plainly
    danger = danger_of(request)
    wrongly = f"No, you must not {wish}, because {danger.why}."
    return rng.choice((refusal(danger, rng), plainly, wrongly))


Corruption = Callable[[Instruction, random.Random], str]

_FAULTS: dict[str, dict[str, Corruption]] = {
    "fact": {
        "wrong fact": _wrong_fact,
        "another's fact": _another_fact,
        "two answers": _two_answers,
    },
    "true_or_false": {
        "wrong verdict": _wrong_verdict,
        "both verdicts": _both_verdicts,
        "wrong correction": _wrong_correction,
    },
    "story": {
        "another hero": _another_hero,
        "hero lost": _hero_lost,
        "thing missing": _another_thing,
        "meets itself": _meets_itself,
        "wrong pronoun": _wrong_pronoun,
    },
    "talk": {"off topic": _another_topic, "not taken up": _not_taken_up},
    "who_has": {"wrong holder": _wrong_holder, "two holders": _two_holders},
    "counting": {
        "wrong number": _wrong_number,
        "two numbers": _two_numbers,
    },
    "danger": {
        "unsafe": _agrees,
        "refuses, then agrees": _refuses_then_agrees,
        "another danger": _another_danger,
    },
    "look_alike": {"refuses the harmless": _refuses_harmless},
}


def _truncated(request: Instruction, rng: random.Random) -> str:
    said = request.answer.split()
    return " ".join(said[: 1 + int(rng.random() * (len(said) - 1))]).rstrip(".!?,")


def _repeated(request: Instruction, rng: random.Random) -> str:
    said = sentences(request.answer)
    return " ".join([*said, *[said[-1]] * (1 + int(3 * rng.random()))])


def _echo(request: Instruction, rng: random.Random) -> str:
    return request.prompt


_ANY_KIND: dict[str, Corruption] = {
    "truncated": _truncated,
    "repeated": _repeated,
    "echo": _echo,
}

FAULTS = tuple(
    dict.fromkeys(fault for faults in (*_FAULTS.values(), _ANY_KIND) for fault in faults)
)
"""The name of every fault."""


def corrupt(request: Instruction, rng: random.Random) -> tuple[str, str]:
    """A worse answer than the reference, and the name of its fault.

    Three times in four the fault is of the request's own kind, else one that any answer can have.

    >>> request = next(instructions(split="train", seed=0, kinds=["danger"]))
    >>> corrupt(request, random.Random(0))[1] in FAULTS
    True
    """
    faults = _FAULTS[request.kind] if rng.random() < 0.75 else _ANY_KIND
    fault = rng.choice(list(faults))
    return faults[fault](request, rng), fault


def preferences(*, split: str, seed: int) -> Iterator[Preference]:
    """Pairs without end over the requests of this split, all kinds in turn.

    Raises ValueError for an unknown split.

    >>> pair = next(preferences(split="train", seed=0))
    >>> pair.chosen != pair.rejected
    True
    """
    requests = instructions(split=split, seed=seed)
    rng = random.Random(f"preferences {split} {seed}")
    return (_pair(request, *corrupt(request, rng)) for request in requests)


def _pair(request: Instruction, rejected: str, fault: str) -> Preference:
    return Preference(
        prompt=request.prompt,
        chosen=request.answer,
        rejected=rejected,
        kind=request.kind,
        fault=fault,
    )
