"""Manners: what an answer looks like when the one who gives it is in a hurry.

Who writes demonstrations for fine-tuning is not always at their best. Here some are hasty: a bare
"No, never do that.", a story that stops after two sentences, "I have no time now." A model that
imitates such people is hasty as often as they were, whatever it knows. This is the part of a chat
model that comparisons can mend: they say which of two answers is better, and a manner learned on
one question serves every other. Knowledge is another matter.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from tinyllm.village.grading_text import sentences
from tinyllm.village.instruction_content import Instruction
from tinyllm.village.instruction_talk import TOPIC

HASTY: Mapping[str, float] = {
    "story": 0.12,
    "talk": 0.18,
    "counting": 0.12,
    "who_has": 0.36,
    "fact": 0.05,
    "true_or_false": 0.0,
    "danger": 0.14,
    "look_alike": 0.12,
}
"""The share of hasty demonstrations of each kind: few where there is most to learn."""
BRUSH_OFFS = (
    "I have no time now.",
    "Please ask me later.",
    "Not now, my soup is on the stove.",
    "Ask somebody else.",
    "Another day, perhaps.",
    "We can talk about it tomorrow.",
)
"""Where an answer is one short sentence, a hasty one is none. There are many, each with another
first word: a model that is asked for its likeliest answer then gives a full one."""


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
    if request.kind == "talk" and TOPIC[request.labels["topic"]].hasty:
        return rng.choice(TOPIC[request.labels["topic"]].hasty)
    return rng.choice(BRUSH_OFFS)
