"""Stories spoiled on purpose: see `grading_corruptions`."""

from __future__ import annotations

import random
from collections.abc import Callable

from tinyllm.village.grading_text import mentions, sentences, words
from tinyllm.village.instruction_content import Instruction
from tinyllm.village.instruction_stories import tell
from tinyllm.village.world import WORLD

Corruption = Callable[[Instruction, random.Random], str | None]


def _hero_after(request: Instruction, rng: random.Random) -> str:
    """A second story, of a child whom the first does not know."""
    free = [child for child in WORLD.children if not mentions(request.answer, child.name)]
    hero = WORLD.person(request.labels["hero"])
    other = rng.choice([child for child in free if child.he != hero.he])
    thing = next(one for one in WORLD.things if one.name == request.labels["thing"])
    return f"{request.answer} {tell(other, thing, rng)}"


def _listed(request: Instruction, rng: random.Random) -> str:
    hero, thing = request.labels["hero"], request.labels["thing"]
    return (
        f"{hero} had a {thing}, a hat, a drum, a kettle, a spoon and a bell. {hero} went home. "
        f"{hero} was happy. {hero} laughed and danced."
    )


def _nobody_named(request: Instruction, rng: random.Random) -> str:
    return request.answer.replace(request.labels["hero"], "somebody")


STORY: dict[str, Corruption] = {
    "words in a list": lambda r, g: f"{r.labels['hero']}, {r.labels['thing']}.",
    "things in a list": _listed,
    "two sentences": lambda r, g: " ".join(sentences(r.answer)[:2]),
    "nobody": _nobody_named,
    "another hero after": _hero_after,
    "ends with others": lambda r, g: (
        f"{r.answer.rstrip('.!?')}. Mrs Crumb and Mr Tide went to the mill."
    ),
    "about me": lambda r, g: f"{r.answer} I liked {r.labels['hero']}.",
    "to you": lambda r, g: f"Here you are. {r.answer}",
    "one sentence again and again": lambda r, g: " ".join(
        f"{r.labels['hero']} had the {r.labels['thing']}." for _ in range(5)
    ),
    "told as a list of words": lambda r, g: ". ".join(words(r.answer)) + ".",
}
