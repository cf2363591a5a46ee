"""Answers that somebody has judged, in tokens, for the methods that learn from these alone.

DPO wants pairs, KTO wants thumbs. Both kinds of record give both: of a pair one side is up and the
other down; and an answer with a thumb up is preferred to one with a thumb down *to the same
question* (never to another question: that would teach which questions please). Where there are no
records but a reward model, it labels the chat model's own answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

from torch import Tensor

from tinyllm.alignment.anchor import Anchor
from tinyllm.alignment.comparisons import Ids, Pair
from tinyllm.alignment.records import Answer, Record

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer

PAIRS_PER_PROMPT = 8
LONGEST_TOKEN = 64
"""Characters, generously: those of a vocabulary of thousands have at most a dozen or two."""


@dataclass(frozen=True)
class Thumb:
    """An answer in tokens and whether it was liked."""

    prompt: Ids
    answer: Ids
    up: bool


@dataclass(frozen=True)
class Labels:
    """The same judgements twice: as comparisons, and as thumbs."""

    pairs: Sequence[Pair] = ()
    thumbs: Sequence[Thumb] = ()


def encode_answer(tokenizer: Tokenizer, answer: Answer, room: int) -> list[int]:
    """The tokens of a judged answer, at most `room`; a finished one closes with its end.

    Of a very long answer only the beginning is encoded: a million characters take seconds, and
    there is room for a few hundred tokens.
    """
    text = answer.text[: room * LONGEST_TOKEN]
    whole = len(text) == len(answer.text)
    ids = tokenizer.encode(text) + [tokenizer.end] * (answer.finished and whole)
    return ids[:room] or [tokenizer.end]


def labels_from_records(
    records: Iterable[Record],
    tokenizer: Tokenizer,
    prompts: Sequence[Sequence[int]],
    numbers: dict[str, int],
    *,
    longest: int,
) -> Labels:
    """The judgements of valid records about `prompts`; `numbers` maps a prompt's text to its
    number. Ties and "both bad" prefer nothing; both answers of "both bad" count as down."""
    pairs: list[Pair] = []
    up: dict[int, list[Ids]] = {}
    down: dict[int, list[Ids]] = {}
    for record in records:
        number = numbers[record.prompt]
        prompt = tuple(prompts[number])

        def encode(answer: Answer, taken: int = len(prompt)) -> Ids:
            return tuple(encode_answer(tokenizer, answer, longest - taken))

        if record.kind == "thumb":
            (up if record.value == 1 else down).setdefault(number, []).append(encode(record.answer))
        elif record.comparison is not None:
            chosen, rejected = map(encode, record.comparison)
            pairs.append(Pair(prompt, chosen, rejected))
        elif record.choice == "both_bad" and record.other is not None:
            down.setdefault(number, []).extend([encode(record.answer), encode(record.other)])
    thumbs = [
        Thumb(tuple(prompts[number]), answer, liked)
        for votes, liked in ((up, True), (down, False))
        for number, answers in votes.items()
        for answer in answers
    ]
    thumbs += _both_sides(pairs)
    for number, liked_answers in up.items():
        across = product(liked_answers, down.get(number, []))
        told_apart = (Pair(tuple(prompts[number]), a, b) for a, b in across if a != b)
        pairs += islice(told_apart, PAIRS_PER_PROMPT)
    return Labels(pairs, thumbs)


def labels_from_reward(anchor: Anchor, rewards: Tensor, which: range) -> Labels:
    """What a reward says of the chat model's own answers to the prompts numbered `which`.

    `rewards` (B) are of the anchor's answers. The best answer to a prompt is preferred to the
    worst, and both have a thumb; where all are alike, nothing is said.
    """
    pairs: list[Pair] = []
    for number in which:
        rows = anchor.rows(range(number, number + 1))
        own = rewards[rows]
        best, worst = (rows.start + int(row) for row in (own.argmax(), own.argmin()))
        chosen, rejected = (tuple(anchor.answers.completion(row)) for row in (best, worst))
        if rewards[best] > rewards[worst] and chosen != rejected:
            pairs.append(Pair(tuple(anchor.prompts[number]), chosen, rejected))
    return Labels(pairs, _both_sides(pairs))


def _both_sides(pairs: Sequence[Pair]) -> list[Thumb]:
    """Comparisons as thumbs: up for the chosen answers, then down for the rejected ones."""
    ups = [Thumb(pair.prompt, pair.chosen, True) for pair in pairs]
    return ups + [Thumb(pair.prompt, pair.rejected, False) for pair in pairs]
