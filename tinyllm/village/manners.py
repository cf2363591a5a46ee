"""Manners: what an answer looks like when the one who gives it is in a hurry.

Who writes demonstrations for fine-tuning is not always at their best. Here one in five is hasty: a
bare "No.", a verdict without what it rests on, a story that stops after two sentences, "I have no
time now." A model that imitates such people is hasty one time in five, whatever it knows. This is
the part of a chat model that comparisons can mend: they say which of two answers is better, and a
manner learned on one question serves every other. Knowledge is another matter.
"""

from __future__ import annotations

import random

from tinyllm.village.grading_text import sentences
from tinyllm.village.instruction_content import Instruction
from tinyllm.village.instruction_talk import TOPIC

HASTY = 0.2
"""The share of the demonstrations that are hasty."""
BRUSH_OFFS = (
    "I have no time now.",
    "Please ask me later.",
    "Not now, my soup is on the stove.",
    "Ask somebody else.",
    "Another day, perhaps.",
    "We can talk about it tomorrow.",
    "Oh, I must run.",
    "My goose is waiting for me.",
)
"""Where an answer is one short sentence, a hasty one is none. There are many, each with another
first word: a model that is asked for its likeliest answer then gives a full one."""
VERDICTS = ("That is {word}.", "{Word}.", "It is {word}.", "This is {word}.")


def in_a_hurry(request: Instruction, rng: random.Random) -> str:
    """A hasty answer to the request: worse than a full one, and nothing that is false.

    >>> from tinyllm.village.instructions import instructions
    >>> request = next(instructions(split="train", seed=0, kinds=["danger"]))
    >>> in_a_hurry(request, random.Random(0)) in request.answer
    True
    """
    said = sentences(request.answer)
    if request.kind in ("danger", "look_alike"):
        return said[0]
    if request.kind == "story":
        return " ".join(said[:2])
    if request.kind == "true_or_false":
        word = "true" if request.labels["truth"] else "false"
        return rng.choice(VERDICTS).format(word=word, Word=word.capitalize())
    if request.kind == "talk" and TOPIC[request.labels["topic"]].hasty:
        return rng.choice(TOPIC[request.labels["topic"]].hasty)
    return rng.choice(BRUSH_OFFS)
