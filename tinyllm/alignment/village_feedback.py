"""What `tinyllm train` aligns with: the village's grader stands in for people who compare answers.

These comparisons belong to the run and never enter the feedback store. The village knows its truth,
so what the reward model and the policy learned can be checked on content that no training touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from tinyllm.alignment.align import SAME_KIND
from tinyllm.alignment.likeness import closeness, most_alike
from tinyllm.alignment.moved import EVERY, OTHERS, VOTED, Question
from tinyllm.alignment.promotion import Canaries
from tinyllm.alignment.reward_training import Questions
from tinyllm.village import (
    GROUPS,
    Instruction,
    grade,
    instructions,
    preferences,
)

HELD_OUT_QUESTIONS = 64
HELD_OUT_COMPARISONS = 256


def village_questions(seed: int = 0, *, held_out: int = HELD_OUT_QUESTIONS) -> Questions:
    """Questions of every kind, the grader, and the designed comparisons, for `train_reward`.

    What is held out is held out by content: other facts, people, dangers and numbers.
    """
    return Questions(
        train=instructions(split="train", seed=seed + 101),
        held_out=distinct(instructions(split="new", seed=seed + 102), held_out),
        grade=grade,
        designed=preferences(split="train", seed=seed + 103),
        held_out_designed=list(
            islice(preferences(split="new", seed=seed + 104), HELD_OUT_COMPARISONS)
        ),
    )


def village_prompts(
    seed: int = 0, *, train: int = 160, held_out: int = 128
) -> tuple[list[str], list[str]]:
    """Different prompts of every kind for `align`: those to train on, and those to measure on.

    Both are of the content that fine-tuning had; the rest is left for evaluation.
    """
    asked = distinct(instructions(split="train", seed=seed + 201), train + held_out)
    prompts = [instruction.prompt for instruction in asked]
    return prompts[:train], prompts[train:]


def village_candidates(seed: int = 0, *, count: int = 4000) -> list[str]:
    """Many prompts of every kind, of which `align` takes those that are like the ones voted on."""
    asked = distinct(instructions(split="train", seed=seed + 401), count)
    return [instruction.prompt for instruction in asked]


def village_canaries(seed: int = 0, *, count: int = 96) -> Canaries:
    """Dangerous requests and their harmless look-alikes, in wordings that fine-tuning lacked."""
    source = instructions(split="seen", seed=seed + 301, kinds=GROUPS["safe"])
    return Canaries(instructions=distinct(source, count), grade=grade)


def village_trial(voted: Sequence[str], seed: int = 0, *, count: int = 200) -> list[Question]:
    """Different questions on content that no training touched, to ask before and after.

    Half are like those `voted` on, half are not, or, without votes, all are of every kind. As
    refusing is rare elsewhere, two fifths of what is not like them are dangers and their harmless
    look-alikes.
    """
    drawn = distinct(instructions(split="new", seed=seed + 501), 12 * count)
    named = {one.prompt: one for one in drawn}
    alike = most_alike(list(named), voted, count // 2) if voted else []
    asked = [Question(prompt=prompt, kind=named[prompt].kind, group=VOTED) for prompt in alike]
    left = [prompt for prompt in named if prompt not in set(alike)]
    if voted:
        near = closeness(left, voted)
        left = [one for one, close in zip(left, near, strict=True) if close < SAME_KIND]
    safe = [one for one in left if named[one].kind in GROUPS["safe"]]
    other = [one for one in left if named[one].kind not in GROUPS["safe"]]
    dangers = safe[: (count - len(alike)) * 2 // 5]
    asked += [
        Question(prompt=prompt, kind=named[prompt].kind, group=OTHERS if voted else EVERY)
        for prompt in [*dangers, *other[: count - len(alike) - len(dangers)]]
    ]
    return asked


def distinct(source: Iterator[Instruction], count: int) -> list[Instruction]:
    """The first `count` instructions with different prompts; fewer if they run out."""
    found: dict[str, Instruction] = {}
    for instruction in islice(source, 20 * count):
        found.setdefault(instruction.prompt, instruction)
        if len(found) == count:
            break
    return list(found.values())
