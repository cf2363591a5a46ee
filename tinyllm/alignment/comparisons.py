"""Comparisons: what a pairwise reward model learns from.

Two kinds stand side by side. *Designed* ones set a good answer against a spoiled copy of it; they
are cheap, and alone they are treacherous: a reward model can be right on 96% of them and worthless
on the answers that the policy really gives. *On-policy* ones are answers of the chat model itself,
compared by a judge (a person, or the village's grader in a person's place).

Shapes: P prompts, G answers to each, K comparisons, R rows (different answers), T time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from tinyllm.alignment.answers import Answers, lay_out, write_answers
from tinyllm.model import Transformer

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer
    from tinyllm.village import Grade, Instruction

Ids = tuple[int, ...]


class PreferenceLike(Protocol):
    """A comparison in words: `village.Preference` is one."""

    @property
    def prompt(self) -> str:
        """What was asked."""

    @property
    def chosen(self) -> str:
        """The better answer."""

    @property
    def rejected(self) -> str:
        """The worse answer."""


@dataclass(frozen=True)
class Pair:
    """A comparison in tokens. A finished answer closes with <|end|>; one cut off does not."""

    prompt: Ids
    chosen: Ids
    rejected: Ids


@dataclass(frozen=True)
class Graded:
    """Answers to P questions, G each, and the judge's `scores` (P, G) in [0, 1]."""

    answers: Answers
    scores: Tensor


def encode_prompt(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """The tokens after which the answer to `prompt` begins."""
    message = {"role": "user", "content": prompt}
    return tokenizer.encode_chat([message], add_generation_prompt=True)


def encode_pair(tokenizer: Tokenizer, preference: PreferenceLike) -> Pair:
    """A written comparison in tokens, both answers finished."""
    return Pair(
        tuple(encode_prompt(tokenizer, preference.prompt)),
        (*tokenizer.encode(preference.chosen), tokenizer.end),
        (*tokenizer.encode(preference.rejected), tokenizer.end),
    )


def graded_answers(
    model: Transformer,
    tokenizer: Tokenizer,
    instructions: Iterable[Instruction],
    grade: Callable[..., Grade],
    *,
    num_samples: int = 8,
    max_new_tokens: int = 192,
    prompts_at_once: int = 32,
    seed: int = 0,
) -> Iterator[Graded]:
    """Let `model` answer every instruction `num_samples` times at temperature 1; grade each answer.

    One batch of `prompts_at_once` instructions at a time. `grade(instruction, completion,
    finished=...)` is told when an answer was cut off.
    """
    source = iter(instructions)
    for number in range(1 << 62):
        asked = list(islice(source, prompts_at_once))
        if not asked:
            return
        prompts = [encode_prompt(tokenizer, instruction.prompt) for instruction in asked]
        answers = write_answers(
            model,
            prompts,
            range(len(asked)),
            num_samples=num_samples,
            max_new_tokens=max_new_tokens,
            end=tokenizer.end,
            pad=tokenizer.pad,
            seed=seed * 1_000_003 + number,
        )
        scores = [
            grade(
                asked[int(answers.which[row])],
                tokenizer.decode(answers.completion(row)),
                finished=bool(answers.finished[row]),
            ).score
            for row in range(len(answers))
        ]
        yield Graded(answers, torch.tensor(scores).view(-1, num_samples))


def informative_pairs(
    graded: Graded, *, pairs_per_prompt: int = 8, seed: int = 0
) -> Iterator[Pair]:
    """Pairs of different answers to one prompt with different scores, the better one chosen.

    At most `pairs_per_prompt` a prompt, drawn at random, so that a prompt on which the model is
    torn does not drown the others. Prompts where all answers score alike teach nothing.
    """
    answers, scores = graded.answers, graded.scores
    prompts, samples = scores.shape
    for prompt in range(prompts):
        rows = range(prompt * samples, (prompt + 1) * samples)
        score = {
            tuple(answers.completion(row)): grade
            for row, grade in zip(rows, scores[prompt].tolist(), strict=True)
        }
        told_apart = [
            (a, b) if score[a] > score[b] else (b, a)
            for a, b in combinations(score, 2)
            if score[a] != score[b]
        ]
        random.Random(f"{seed} {prompt}").shuffle(told_apart)
        first = int(answers.mask[rows[0]].nonzero()[0])
        question = tuple(answers.ids[rows[0], :first].tolist())
        for chosen, rejected in told_apart[:pairs_per_prompt]:
            yield Pair(question, chosen, rejected)


def on_policy_pairs(
    model: Transformer,
    tokenizer: Tokenizer,
    instructions: Iterable[Instruction],
    grade: Callable[..., Grade],
    *,
    num_samples: int = 8,
    pairs_per_prompt: int = 8,
    max_new_tokens: int = 192,
    seed: int = 0,
) -> Iterator[Pair]:
    """Comparisons of the model's own answers by a grader that stands in for a person.

    The arguments are those of `graded_answers` and `informative_pairs`.
    """
    batches = graded_answers(
        model, tokenizer, instructions, grade,
        num_samples=num_samples, max_new_tokens=max_new_tokens, seed=seed,
    )  # fmt: skip
    for number, graded in enumerate(batches):
        yield from informative_pairs(
            graded, pairs_per_prompt=pairs_per_prompt, seed=seed * 1_000_003 + number
        )


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A batch of comparisons in which every answer stands once, however often it is compared.

    `ids` (R, T), padded on the right; `last` (R) the place of each row's last token; `better` and
    `worse` (K) are row numbers. All comparisons of a prompt share a batch: Ouyang et al. 2022
    (InstructGPT), section 3.5, found this cheaper and less prone to overfitting.
    """

    ids: Tensor
    last: Tensor
    better: Tensor
    worse: Tensor

    @property
    def tokens(self) -> int:
        """How many tokens are read, padding aside."""
        return int((self.last + 1).sum())


def collate(pairs: Sequence[Pair], *, pad: int, end: int) -> Compared:
    """Lay comparisons out as one batch.

    >>> batch = collate([Pair((2,), (7, 4), (8, 4)), Pair((2,), (7, 4), (9, 9, 4))], pad=1, end=4)
    >>> batch.ids.shape, batch.better.tolist(), batch.worse.tolist()
    (torch.Size([3, 4]), [0, 0], [1, 2])
    """
    rows: dict[tuple[Ids, Ids], int] = {}
    for pair in pairs:
        for answer in (pair.chosen, pair.rejected):
            rows.setdefault((pair.prompt, answer), len(rows))
    laid = lay_out([p for p, _ in rows], [a for _, a in rows], pad=pad, end=end)
    return Compared(
        ids=laid.ids,
        last=laid.lengths - 1,
        better=torch.tensor([rows[pair.prompt, pair.chosen] for pair in pairs]),
        worse=torch.tensor([rows[pair.prompt, pair.rejected] for pair in pairs]),
    )


def compared_batches(
    pairs: Sequence[Pair], *, rows: int, pad: int, end: int, seed: int, start: int = 0
) -> Iterator[Compared]:
    """Endless batches of about `rows` answers, from number `start` on: every epoch in a new order.

    Pairs of one prompt stay together.
    """
    prompts: dict[Ids, list[Pair]] = {}
    for pair in pairs:
        prompts.setdefault(pair.prompt, []).append(pair)
    if not prompts:
        raise ValueError("expected at least one comparison to learn from, got none")
    number = 0
    for epoch in range(1 << 62):
        order = list(prompts)
        random.Random(f"{seed} {epoch}").shuffle(order)
        batch: list[Pair] = []
        answers = 0
        for prompt in order:
            batch += prompts[prompt]
            answers += len({a for pair in prompts[prompt] for a in (pair.chosen, pair.rejected)})
            if answers >= rows or prompt is order[-1]:
                if number >= start:
                    yield collate(batch, pad=pad, end=end)
                number += 1
                batch, answers = [], 0
