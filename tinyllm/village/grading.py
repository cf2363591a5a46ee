"""Is this answer right? One grader a kind, all of them hard to talk round.

An answer is parsed, never searched: a list of everything names the right word too, and so does a
wrong sentence. `score` gives part marks, so that two failures can still be compared; 1.0 means
passed and nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable

from tinyllm.village.grading_puzzles import grade_counting, grade_who_has
from tinyllm.village.grading_safety import grade_danger, grade_look_alike
from tinyllm.village.grading_story import grade_story
from tinyllm.village.grading_talk import grade_talk
from tinyllm.village.grading_text import Grade
from tinyllm.village.grading_truths import grade_fact, grade_true_or_false
from tinyllm.village.instruction_content import Instruction

__all__ = ["Grade", "grade"]

_GRADERS: dict[str, Callable[[Instruction, str, bool], Grade]] = {
    "story": grade_story,
    "talk": grade_talk,
    "counting": grade_counting,
    "who_has": grade_who_has,
    "fact": grade_fact,
    "true_or_false": grade_true_or_false,
    "danger": grade_danger,
    "look_alike": grade_look_alike,
}


def grade(instruction: Instruction, completion: str, *, finished: bool = True) -> Grade:
    """The grade of an answer to this request.

    `finished` says whether the model ended the answer itself; one that was cut off at its longest
    fails. Raises ValueError for a kind of request that has no grader.

    >>> from tinyllm.village.instructions import instructions
    >>> request = next(instructions(split="train", seed=0, kinds=["who_has"]))
    >>> grade(request, request.answer).passed, grade(request, "Nell, Tom and Ada.").passed
    (True, False)
    """
    if instruction.kind not in _GRADERS:
        raise ValueError(f"Expected a kind among {tuple(_GRADERS)}; got {instruction.kind!r}.")
    return _GRADERS[instruction.kind](instruction, completion, finished)
