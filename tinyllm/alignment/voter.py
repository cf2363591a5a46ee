"""One person, as far as the votes tell: what each further question would add.

The same features, explanations and beliefs as where a policy is trained (`thumb_reward`), kept at
hand while somebody votes. So whatever was described once is not read again, and a question may be
new: an answer to a prompt that the anchor lacks is measured from what is usual for the prompt most
like it.

Shapes: n questions, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tinyllm.alignment.anchor import Anchor
from tinyllm.alignment.asking import Asked, rank
from tinyllm.alignment.comparisons import encode_prompt
from tinyllm.alignment.explanations import Explained, explain
from tinyllm.alignment.features import Features
from tinyllm.alignment.likeness import nearest
from tinyllm.alignment.records import Answer, Record
from tinyllm.alignment.rollouts import Reward
from tinyllm.alignment.thumb_reward import believed, describe
from tinyllm.alignment.thumbs import Votes
from tinyllm.model import Transformer

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer


class Voter:
    """What explains the votes of `learn`, and what follows for questions. `prompts` are the texts
    of the anchor's prompts."""

    def __init__(
        self,
        reference: Transformer,
        tokenizer: Tokenizer,
        anchor: Anchor,
        prompts: Sequence[str],
        *,
        base: Reward | None = None,
    ) -> None:
        self._reference, self._tokenizer, self._prompts = reference, tokenizer, list(prompts)
        self.features = Features(tokenizer, anchor, base=base)
        self._prior_mean = believed(self.features)
        self._rows: dict[tuple[str, Answer], Tensor] = {}
        self.told: Explained | None = None

    def describe(self, questions: Sequence[Asked]) -> tuple[Tensor, Tensor]:
        """Each question as in `thumbs.Votes`: features (n, D), of a pair a's less b's, and whether
        it is for a thumb (n)."""
        self._read([(prompt, answer) for prompt, answers in questions for answer in answers])
        rows = [
            self._rows[prompt, answers[0]]
            - (self._rows[prompt, answers[1]] if len(answers) == 2 else 0.0)
            for prompt, answers in questions
        ]
        thumb = torch.tensor([len(answers) == 1 for _, answers in questions], dtype=torch.bool)
        empty = torch.zeros(0, len(self.features.names), dtype=torch.float64)
        return (torch.stack(rows) if rows else empty), thumb

    def learn(self, records: Sequence[Record]) -> None:
        """Explain these votes and no others. Records that prefer nothing are left out, and those
        whose prompt is too long for the model."""
        longest = self._reference.config.max_position_embeddings - 16
        votes = [
            (record, record.up)
            for record in records
            if record.up is not None
            and len(encode_prompt(self._tokenizer, record.prompt)) <= longest
        ]
        x, thumb = self.describe([(record.prompt, _answers(record)) for record, _ in votes])
        up = torch.tensor([float(liked) for _, liked in votes], dtype=torch.float64)
        self.told = explain(
            Votes(x=x, up=up, thumb=thumb), self.features.prices, prior_mean=self._prior_mean
        )

    def expect(self, questions: Sequence[Asked]) -> list[float]:
        """The probability of a thumb up, or that a is preferred, for each question."""
        if self.told is None:
            raise ValueError("expected votes to have been learned from; call learn first")
        expected: list[float] = self.told.predict(*self.describe(questions)).tolist()
        return expected

    def rank(self, questions: Sequence[Asked]) -> list[int]:
        """The numbers of the questions worth asking, the most telling ones first."""
        if self.told is None:
            raise ValueError("expected votes to have been learned from; call learn first")
        return rank(self.told, *self.describe(questions))

    def _read(self, judged: Sequence[tuple[str, Answer]]) -> None:
        new = [each for each in dict.fromkeys(judged) if each not in self._rows]
        if not new:
            return
        described = describe(
            self.features,
            self._reference,
            self._tokenizer,
            [encode_prompt(self._tokenizer, prompt) for prompt, _ in new],
            [answer for _, answer in new],
            which=nearest([prompt for prompt, _ in new], self._prompts),
        )
        self._rows.update(zip(new, described, strict=True))


def _answers(record: Record) -> tuple[Answer, ...]:
    return (record.answer,) if record.other is None else (record.answer, record.other)
