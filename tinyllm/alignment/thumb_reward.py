"""From a person's records to a reward: what explains the votes, asked of any answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tinyllm.alignment.anchor import Anchor
from tinyllm.alignment.answers import Answers, Reading, lay_out, read_answers
from tinyllm.alignment.asking import RANDOM
from tinyllm.alignment.comparisons import encode_prompt
from tinyllm.alignment.explanations import Explained, explain
from tinyllm.alignment.features import BASE, Features
from tinyllm.alignment.honesty import Accuracy, accuracy, prequential
from tinyllm.alignment.labels import LONGEST_TOKEN, encode_answer
from tinyllm.alignment.records import Answer, Record
from tinyllm.alignment.rollouts import Reward
from tinyllm.alignment.thumbs import Votes
from tinyllm.files import TinyLLMError
from tinyllm.model import Transformer

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer

BASE_WEIGHT = 0.5
"""Prior belief: an answer one sd better to the base reward model has e^0.5 times the odds."""
FEW = 5
"""Fewer votes than this cannot name a word, however well it fits: each is worth ln 2 = 0.69 nats of
evidence at most, and a word costs 3 (`features.PRICES`)."""


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What a reward of people's votes is made from.

    `records` are valid thumbs, pairs and edits; `numbers` maps the text of each one's prompt to its
    number among the anchor's prompts, of which the first `practised` are like those voted on.
    `reference` is the chat model, `base` the base reward model, the prior; None where there is
    none.
    """

    records: Sequence[Record]
    reference: Transformer
    tokenizer: Tokenizer
    anchor: Anchor
    numbers: dict[str, int]
    base: Reward | None
    practised: int | None = None


class ThumbReward:
    """A reward fitted to the votes of `grounds`, of use for any answer.

    `voted` are the records that say which answer is better, and `votes` what they said. With
    `only`, it sees these features and no others: a control, say one that can learn nothing but a
    length.
    """

    def __init__(self, grounds: Grounds, *, only: Sequence[str] | None = None) -> None:
        base = grounds.base if only is None or BASE in only else None
        self.features = Features(
            grounds.tokenizer, grounds.anchor, practised=grounds.practised, base=base, only=only
        )
        self.prior_mean = believed(self.features)
        self.voted = [record for record in grounds.records if record.up is not None]
        self.cut = 0
        self.votes = self._collect(grounds)
        self.told: Explained = explain(self.votes, self.features.prices, prior_mean=self.prior_mean)

    def __call__(self, answers: Answers, reading: Reading) -> Tensor:
        """log P(thumb up), averaged over what may explain the votes (B)."""
        return self.told.probability(self.features(answers, reading)).log().float()

    def accuracy(self) -> Accuracy:
        """How well each vote was foreseen from those before it; of questions chosen at random."""
        predicted = prequential(self.votes, self.features.prices, prior_mean=self.prior_mean)
        happened = [int(up) for up in self.votes.up]
        at_random = [record.chosen_by == RANDOM for record in self.voted]
        return accuracy(list(compress(predicted, at_random)), list(compress(happened, at_random)))

    @property
    def remarks(self) -> list[str]:
        """What a person should know before anything is made of these votes."""
        said = []
        if 0 < len(self.votes) < FEW:
            said.append(
                f"Fewer than {FEW} votes hardly tell a taste from chance, and there are "
                f"{len(self.votes)}: the version made of them is not put to use. Give twenty or "
                "more."
            )
        if self.cut:
            said.append(
                f"Answers voted on that are longer than this model can read: {self.cut}. Of these, "
                "the beginning counts."
            )
        return said

    def learned(self, count: int = 8) -> list[tuple[str, float, float]]:
        """What probably matters to the person, likeliest first: each feature with the probability
        that it matters and its average weight, above 0 where it speaks for an answer."""
        likely, pull = self.told.likely, self.told.pull
        order = likely.argsort(descending=True, stable=True)[:count].tolist()
        return [
            (self.features.names[n], round(float(likely[n]), 3), round(float(pull[n]), 3))
            for n in order
        ]

    def _collect(self, grounds: Grounds) -> Votes:
        votes = self.voted
        thumb = torch.tensor([record.kind == "thumb" for record in votes], dtype=torch.bool)
        if not votes:
            x = torch.zeros(0, len(self.features.names), dtype=torch.float64)
            return Votes(x=x, up=x.sum(1), thumb=thumb)
        judged = [(record.prompt, record.answer) for record in votes]
        against = [(record.prompt, record.other) for record in votes if record.kind != "thumb"]
        both = judged + [(prompt, other) for prompt, other in against if other]
        which = [grounds.numbers[prompt] for prompt, _ in both]
        room = grounds.reference.config.max_position_embeddings
        rooms = [room - len(grounds.anchor.prompts[number]) for number in which]
        self.cut = sum(
            len(encode_answer(grounds.tokenizer, answer, most + 1)) > most
            for (_, answer), most in zip(both, rooms, strict=True)
        )
        described = describe(
            self.features,
            grounds.reference,
            grounds.tokenizer,
            [grounds.anchor.prompts[number] for number in which],
            [answer for _, answer in both],
            which=which,
        )
        x = described[: len(votes)].clone()
        x[~thumb] -= described[len(votes) :]
        up = [record.up for record in votes]
        return Votes(x=x, up=torch.tensor(up, dtype=torch.float64), thumb=thumb)


def tell_apart(records: Sequence[Record]) -> None:
    """Refuse votes in which no answer is preferred to another: nothing could be learned but chance.

    >>> from tinyllm.alignment.records import Answer
    >>> up = Record(id="1", time="", session="s", turn="t", kind="thumb", prompt="Hello",
    ...             answer=Answer(text="Hello!"), value=1)
    >>> tell_apart([up])
    Traceback (most recent call last):
    tinyllm.files.TinyLLMError: The one usable thumb is up: nothing can be told apart, ...
    """
    thumbs = [record.value for record in records if record.kind == "thumb"]
    if len(set(thumbs)) == 2 or any(record.comparison for record in records):
        return
    if thumbs:
        way = "up" if thumbs[0] == 1 else "down"
        one = len(thumbs) == 1
        many = "The one usable thumb is" if one else f"All {len(thumbs)} usable thumbs are"
        what = f"{many} {way}"
    else:
        what = "No usable vote is a thumb or prefers one answer to another"
    raise TinyLLMError(
        f"{what}: nothing can be told apart, so nothing was trained. Give thumbs up and thumbs "
        "down, or prefer one answer to another."
    )


def believed(features: Features) -> Tensor:
    """What each feature's weight is before there are votes (D): something for the base reward."""
    known = [BASE_WEIGHT if name == BASE else 0.0 for name in features.names]
    return torch.tensor(known, dtype=torch.float64)


def describe(
    features: Features,
    reference: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Answer],
    *,
    which: Sequence[int],
) -> Tensor:
    """The features (B, D) of answers to encoded `prompts`, as `reference` reads them.

    `which` says to which of the anchor's prompts each is compared.
    """
    room = reference.config.max_position_embeddings
    written = lay_out(
        prompts,
        [
            encode_answer(tokenizer, answer, room - len(prompt))
            for prompt, answer in zip(prompts, answers, strict=True)
        ],
        which=which,
        pad=tokenizer.pad,
        end=tokenizer.end,
    )
    return features(written, read_answers(reference, written))


def number_prompts(
    tokenizer: Tokenizer, prompts: Sequence[str], *, longest: int
) -> tuple[list[list[int]], dict[str, int]]:
    """Encode prompts, each once; those longer than `longest` tokens are left out.

    Returns the encoded prompts and, for each text kept, its number among them.
    """
    encoded: list[list[int]] = []
    numbers: dict[str, int] = {}
    for prompt in prompts:
        if prompt in numbers or len(prompt) > longest * LONGEST_TOKEN:
            continue
        ids = encode_prompt(tokenizer, prompt)
        if len(ids) <= longest:
            numbers[prompt] = len(encoded)
            encoded.append(ids)
    return encoded, numbers
