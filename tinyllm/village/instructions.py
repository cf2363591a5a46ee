"""Requests with an answer and a grader: what fine-tuning learns from and evaluation asks.

Eight kinds in three groups: helpful (a story, small talk, counting, who has it), truthful (a
fact, true or false) and safe (refuse the dangerous, help with its harmless look-alike). The
splits divide content, as `instruction_content.py` says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from tinyllm.village.instruction_content import SPLITS, Instruction
from tinyllm.village.instruction_puzzles import write_counting, write_who_has
from tinyllm.village.instruction_safety import write_danger, write_look_alike
from tinyllm.village.instruction_stories import write_story
from tinyllm.village.instruction_talk import write_talk
from tinyllm.village.instruction_truths import write_fact, write_true_or_false
from tinyllm.village.manners import HASTY, in_a_hurry

__all__ = ["GROUPS", "INSTRUCTION_KINDS", "Instruction", "chat_examples", "instructions"]

_WRITERS: dict[str, Callable[[random.Random, str], Instruction]] = {
    "story": write_story,
    "talk": write_talk,
    "counting": write_counting,
    "who_has": write_who_has,
    "fact": write_fact,
    "true_or_false": write_true_or_false,
    "danger": write_danger,
    "look_alike": write_look_alike,
}

INSTRUCTION_KINDS = tuple(_WRITERS)
"""Every kind of request."""

GROUPS: dict[str, tuple[str, ...]] = {
    "helpful": ("story", "talk", "counting", "who_has"),
    "truthful": ("fact", "true_or_false"),
    "safe": ("danger", "look_alike"),
}
"""What each kind is a test of."""

CHAT_WEIGHTS: Mapping[str, float] = {
    "story": 0.06,
    "talk": 0.15,
    "counting": 0.13,
    "who_has": 0.05,
    "fact": 0.2,
    "true_or_false": 0.15,
    "danger": 0.155,
    "look_alike": 0.105,
}
"""The share of each kind in fine-tuning: more where there is more to learn."""


def instructions(
    *, split: str, seed: int, kinds: Sequence[str] | None = None
) -> Iterator[Instruction]:
    """Requests without end, the kinds in turn, each turn in another order.

    `split` is "train" (what fine-tuning learns from), "seen" (its content in other wordings) or
    "new" (content held out of it). Raises ValueError for an unknown split or kind.

    >>> requests = instructions(split="train", seed=0, kinds=["fact", "danger"])
    >>> sorted(next(requests).kind for _ in range(4))
    ['danger', 'danger', 'fact', 'fact']
    """
    chosen = list(INSTRUCTION_KINDS if kinds is None else kinds)
    if split not in SPLITS:
        raise ValueError(f"Expected a split of instructions, one of {SPLITS}; got {split!r}.")
    if not chosen or any(kind not in _WRITERS for kind in chosen):
        raise ValueError(f"Expected kinds among {INSTRUCTION_KINDS}; got {tuple(chosen)}.")
    return _write(split, random.Random(f"{split} {seed}"), chosen)


def _write(split: str, rng: random.Random, kinds: list[str]) -> Iterator[Instruction]:
    while True:
        rng.shuffle(kinds)
        for kind in kinds:
            yield _WRITERS[kind](rng, split)


def chat_examples(
    seed: int, count: int, split: str = "train", hasty: Mapping[str, float] = HASTY
) -> list[Instruction]:
    """So many examples for fine-tuning, the kinds weighted, no prompt twice while others exist.

    A share `hasty` of the answers of each kind is given in a hurry: see `manners`.

    >>> examples = chat_examples(0, 100)
    >>> len(examples), len({example.prompt for example in examples})
    (100, 100)
    """
    if count < 0:
        raise ValueError(f"Expected a number of examples, 0 or more; got {count}.")
    rng = random.Random(f"chat {split} {seed}")
    total = sum(CHAT_WEIGHTS.values())
    examples: list[Instruction] = []
    for kind, weight in CHAT_WEIGHTS.items():
        wanted = round(count * weight / total)
        examples += _distinct(instructions(split=split, seed=seed, kinds=[kind]), wanted)
    missing = count - len(examples)
    examples += islice(instructions(split=split, seed=seed + 1), max(missing, 0))
    rng.shuffle(examples)
    return [_in_some_manner(example, hasty, rng) for example in examples[:count]]


def _in_some_manner(
    example: Instruction, hasty: Mapping[str, float], rng: random.Random
) -> Instruction:
    if rng.random() < hasty.get(example.kind, 0.0):
        return replace(example, answer=in_a_hurry(example, rng))
    return example


def _distinct(requests: Iterator[Instruction], wanted: int) -> list[Instruction]:
    """Prefer prompts not asked yet; when ten in a row are known, content is running out."""
    asked: set[str] = set()
    examples: list[Instruction] = []
    known_in_a_row = 0
    for request in requests:
        if len(examples) == wanted:
            break
        known_in_a_row = known_in_a_row + 1 if request.prompt in asked else 0
        if known_in_a_row == 0 or known_in_a_row >= 10:
            asked.add(request.prompt)
            examples.append(request)
            known_in_a_row = 0
    return examples
