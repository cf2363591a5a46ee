"""Is it helpful, truthful, safe? Answers of a chat model, graded by the village.

The village knows its truth, so a grade is no opinion: the answer is parsed, its one claim looked
up. Two splits are asked: `seen` asks for content of fine-tuning in a wording that fine-tuning
lacked, `new` for content held out of it. The model answers greedily, which is its best guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tinyllm.evaluation.intervals import Interval, wilson
from tinyllm.evaluation.writing import Written, write
from tinyllm.events import Progress
from tinyllm.model import Transformer

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer
    from tinyllm.village import Grade, Instruction

SPLITS = ("seen", "new")
PATIENCE = 20
"""Known prompts in a row after which we believe that there are hardly any others."""


GradeAnswer = Callable[..., "Grade"]
"""As `tinyllm.village.grade`: (instruction, completion, *, finished) -> `Grade`."""

Draw = Callable[[str, Sequence[str], int], Iterable["Instruction"]]
"""(split, kinds, seed) -> endless instructions."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One graded answer, kept so that people can read what the figures are made of."""

    split: str
    group: str
    kind: str
    prompt: str
    reference: str
    completion: str
    finished: bool
    passed: bool
    score: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Grades:
    """Every graded answer, and the shares that passed."""

    answers: tuple[Answer, ...]

    def share(self, *, split: str, group: str | None = None, kind: str | None = None) -> Interval:
        """The share of answers that passed, of one group or one kind, with its interval."""
        return share_of(
            [
                answer
                for answer in self.answers
                if answer.split == split
                and (group is None or answer.group == group)
                and (kind is None or answer.kind == kind)
            ]
        )

    def by_group(self) -> dict[str, dict[str, Interval]]:
        """Group -> split -> share."""
        groups = dict.fromkeys(answer.group for answer in self.answers)
        return {g: {s: self.share(split=s, group=g) for s in SPLITS} for g in groups}

    def by_kind(self) -> dict[str, dict[str, Interval]]:
        """Kind of instruction -> split -> share."""
        kinds = dict.fromkeys(answer.kind for answer in self.answers)
        return {k: {s: self.share(split=s, kind=k) for s in SPLITS} for k in kinds}


def take(instructions: Iterable[Instruction], n: int) -> list[Instruction]:
    """`n` instructions, none with the prompt of another while the language has more prompts.

    A greedy model gives one answer to one prompt, so a prompt that comes again tells little. It is
    taken all the same after `PATIENCE` known ones in a row: then there are hardly any others.

    >>> from tinyllm.village import instructions
    >>> taken = take(instructions(split="new", seed=0, kinds=["fact"]), 20)
    >>> len({instruction.prompt for instruction in taken})
    20
    """
    taken: list[Instruction] = []
    prompts: set[str] = set()
    known = 0
    for instruction in instructions:
        if len(taken) == n:
            break
        known = known + 1 if instruction.prompt in prompts else 0
        if known in (0, PATIENCE):
            known = 0
            prompts.add(instruction.prompt)
            taken.append(instruction)
    return taken


def take_balanced(
    draw: Draw, split: str, kinds: Sequence[str], n: int, *, seed: int
) -> list[Instruction]:
    """`n` instructions of a split, as many of each kind as of any other (one more of the first).

    >>> from tinyllm import village
    >>> draw = lambda split, kinds, seed: village.instructions(split=split, kinds=kinds, seed=seed)
    >>> [i.kind for i in take_balanced(draw, "seen", ["fact", "danger"], 3, seed=0)]
    ['fact', 'fact', 'danger']
    """
    shares = [n // len(kinds) + (i < n % len(kinds)) for i in range(len(kinds))]
    return [
        instruction
        for kind, share in zip(kinds, shares, strict=True)
        for instruction in take(draw(split, [kind], seed), share)
    ]


def share_of(answers: Sequence[Answer]) -> Interval:
    """The share of answers that passed. The interval counts a prompt that came again only once.

    Its width is that of Wilson's interval for Kish's effective number of cases, (sum of w)² / sum
    of w², where w says how often each prompt was asked; `n` is the number of answers.
    """
    times = Counter(answer.prompt for answer in answers)
    effective = len(answers) ** 2 / max(sum(w * w for w in times.values()), 1)
    share = sum(answer.passed for answer in answers) / max(len(answers), 1)
    return replace(wilson(share * effective, effective), value=share, n=len(answers))


def ask(
    model: Transformer,
    tokenizer: Tokenizer,
    instructions: Sequence[Instruction],
    *,
    temperature: float = 0.0,
    num_samples: int = 1,
    seed: int = 0,
    stage: str = "chat",
    note: str = "answers",
) -> Generator[Progress, None, list[Written]]:
    """The model's answers to the instructions, `num_samples` to each, side by side."""
    prompts = [
        tokenizer.encode_chat(
            [{"role": "user", "content": instruction.prompt}], add_generation_prompt=True
        )
        for instruction in instructions
    ]
    return (
        yield from write(
            model,
            prompts,
            stop={tokenizer.end, tokenizer.end_of_text},
            temperature=temperature,
            num_samples=num_samples,
            seed=seed,
            pad=tokenizer.pad,
            stage=stage,
            note=note,
        )
    )


def measure_chat(
    model: Transformer,
    tokenizer: Tokenizer,
    draw: Draw,
    grade: GradeAnswer,
    groups: Mapping[str, Sequence[str]],
    *,
    cell: int = 300,
    seed: int = 0,
    stage: str = "chat",
) -> Generator[Progress, None, Grades]:
    """Grade `cell` greedy answers for every group and split, its kinds in equal parts."""
    asked = [
        (group, split, instruction)
        for group, kinds in groups.items()
        for split in SPLITS
        for instruction in take_balanced(draw, split, kinds, cell, seed=seed)
    ]
    different = {instruction.prompt: instruction for *_, instruction in asked}
    written = yield from ask(
        model, tokenizer, list(different.values()), stage=stage, note="answers to be graded"
    )
    answer_to = dict(zip(different, written, strict=True))
    answers = []
    for group, split, instruction in asked:
        one = answer_to[instruction.prompt]
        completion = tokenizer.decode(one.ids)
        given = grade(instruction, completion, finished=one.finished)
        answers.append(
            Answer(
                split=split,
                group=group,
                kind=instruction.kind,
                prompt=instruction.prompt,
                reference=instruction.answer,
                completion=completion,
                finished=one.finished,
                passed=given.passed,
                score=given.score,
                reason=given.reason,
            )
        )
    return Grades(answers=tuple(answers))
