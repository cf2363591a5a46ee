"""What the thumb head looks at: an answer as a row of numbers.

Four groups: the base reward model's opinion; a few numbers a person can read (`readable.py`); what
the frozen chat model "thought" while reading the answer, reduced to a few directions; and which
words occur. A group can be blind to a taste (how does an animal feel to a trunk that learned to
predict the next token?), so the votes decide how much each may say (`thumbs.fit_with_scales`).

Everything is measured from the average of the reference answers *to the same prompt*: thumbs up and
thumbs down come from different prompts, and without this a head would learn which prompts please.

Shapes: B answers, P prompts, G reference answers to each, T time, C channels, D features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tinyllm.alignment.anchor import Anchor
from tinyllm.alignment.answers import Answers, Reading
from tinyllm.alignment.readable import READABLE, readable, words
from tinyllm.alignment.rollouts import Reward

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer

DIRECTIONS = 16
WORDS = 160


class Features:
    """Turns answers into rows of features; `names` says what each column is, `groups` where each
    group of columns lies. The reductions and averages come from the anchor's reference answers.
    With `only`, the columns of these names alone."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        anchor: Anchor,
        *,
        base: Reward | None = None,
        only: Sequence[str] | None = None,
    ) -> None:
        self._tokenizer, self._base = tokenizer, base
        texts = self._texts(anchor.answers)
        self._words = _telling_words(texts)
        pooled = _pool(anchor.answers, anchor.reading.hidden)  # (B,2C)
        within = anchor.per_prompt(pooled)
        within = (within - within.mean(1, keepdim=True)).flatten(0, 1)
        directions = min(DIRECTIONS, *within.shape)
        _, scales, axes = torch.linalg.svd(within, full_matrices=False)
        spread = (scales[:directions] / len(within) ** 0.5).clamp(min=1e-3)
        self._axes = axes[:directions].T / spread  # (2C, directions), sd 1 within a prompt
        every = {
            "base": ["base reward"] if base is not None else [],
            "readable": list(READABLE),
            "trunk": [f"direction {number}" for number in range(1, directions + 1)],
            "words": [f"word {word}" for word in self._words],
        }
        names = [name for group in every.values() for name in group]
        kept = set(names if only is None else only)
        if unknown := sorted(kept - set(names)):
            raise ValueError(f"expected features among {', '.join(names)}; got {unknown}")
        self._columns = torch.tensor([n for n, name in enumerate(names) if name in kept])
        self.names = [name for name in names if name in kept]
        self.groups: dict[str, slice] = {}
        start = 0
        for group, members in every.items():
            if size := len(kept.intersection(members)):
                self.groups[group] = slice(start, start + size)
                start += size
        raw = anchor.per_prompt(self._raw(anchor.answers, anchor.reading))  # (P,G,D)
        self._centre = raw.mean(1)  # (P,D)
        self._scale = torch.ones(raw.shape[-1], dtype=torch.float64)
        for name in ("base", "readable"):
            if name in self.groups:
                columns = self.groups[name]
                spread = (raw - raw.mean(1, keepdim=True))[..., columns].std((0, 1), correction=0)
                self._scale[columns] = spread.clamp(min=0.05)

    def __call__(self, answers: Answers, reading: Reading) -> Tensor:
        """Features (B,D), float64, measured from the average reference answer to each prompt.

        `reading` is the reference's; `answers.which` numbers the anchor's prompts.
        """
        return (self._raw(answers, reading) - self._centre[answers.which]) / self._scale

    def _raw(self, answers: Answers, reading: Reading) -> Tensor:
        texts = self._texts(answers)
        columns = []
        if self._base is not None:
            columns.append(self._base(answers, reading).double()[:, None])
        columns.append(readable(texts, answers, reading))
        columns.append(_pool(answers, reading.hidden) @ self._axes)
        said = [set(words(text)) for text in texts]
        present = [[float(word in each) for word in self._words] for each in said]
        columns.append(torch.tensor(present, dtype=torch.float64).view(len(texts), -1))
        return torch.cat(columns, dim=1)[:, self._columns]

    def _texts(self, answers: Answers) -> list[str]:
        return [self._tokenizer.decode(answers.completion(row)) for row in range(len(answers))]


def _telling_words(texts: list[str]) -> list[str]:
    """The words that tell reference answers apart: in some of them, neither rare nor everywhere."""
    counts = Counter(word for text in texts for word in set(words(text)))
    telling = {word: n * (len(texts) - n) for word, n in counts.items() if n >= 3}
    return sorted(telling, key=lambda word: (-telling[word], word))[:WORDS]


def _pool(answers: Answers, hidden: Tensor) -> Tensor:
    """The mean hidden state over an answer beside that of its last token: (B,2C), float64."""
    mask = answers.mask[..., None].double()
    mean = (hidden.double() * mask).sum(1) / mask.sum(1)
    last = hidden[torch.arange(len(answers)), answers.lengths - 1].double()
    return torch.cat([mean, last], dim=1)
