"""What the thumb head looks at: an answer as a row of numbers.

The base reward model's opinion; a few habits that a person can read (`readable.py`), and how far
the length is from the usual; which words occur, anywhere or in the last sentence. Words are what
tastes about content are made of. The chat model's own hidden states were features, too, until
heads did as well without them (`bench/RESULTS.md`): a person can read a word, not a direction.

Everything is measured from the average of the chat model's answers *to prompts of the same kind*:
thumbs up and thumbs down come from different prompts, and without this a head would learn which
prompts please. Of the same kind, and not to the very same: those are few, and their average is
mostly chance.

Shapes: B answers, P prompts, D features.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tinyllm.alignment.anchor import Anchor
from tinyllm.alignment.answers import Answers, Reading
from tinyllm.alignment.likeness import likeness
from tinyllm.alignment.readable import READABLE, readable, words
from tinyllm.alignment.rollouts import Reward

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer

LENGTHS = ("length", "unusual length")
"""The features that know how long an answer is, and nothing else."""
WORDS = (320, 0.015)
"""At most so many words; each in this share of the reference answers, and missing in as many."""
LAST_WORDS = (80, 0.03)
"""The same for words in the last sentence."""
ALIKE = 24
"""How many prompts make a kind: those most like a prompt, itself among them."""
PRICES = {"base": 1.0, "readable": 1.0, "words": 3.0, "last words": 3.0}
"""What it costs an explanation of votes to name a feature, in nats. A word among hundreds would
cost ln 320 = 5.8, were they independent, but many of them come together; a nat more or less
changes little (`bench/RESULTS.md`)."""
LEAST_SD = 0.05
BASE = "base reward"


class Features:
    """Turns answers into rows of features; `names` says what each column is, `prices` (D) what it
    costs to name it. What is usual comes from the anchor's reference answers, the words from those
    to its first `practised` prompts. With `only`, the columns of these names alone."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        anchor: Anchor,
        *,
        practised: int | None = None,
        base: Reward | None = None,
        only: Sequence[str] | None = None,
    ) -> None:
        self._tokenizer, self._base = tokenizer, base
        rows = len(anchor.answers)
        if practised is not None:
            rows = anchor.rows(range(practised)).stop
        texts = self._texts(anchor.answers)
        self._words = _telling(texts[:rows], *WORDS)
        self._last = _telling([last_sentence(text) for text in texts[:rows]], *LAST_WORDS)
        every = {
            "base": [BASE] if base is not None else [],
            "readable": [*READABLE, "unusual length"],
            "words": [f"word {word}" for word in self._words],
            "last words": [f"last word {word}" for word in self._last],
        }
        names = [name for group in every.values() for name in group]
        kept = set(names if only is None else only)
        if unknown := sorted(kept - set(names)):
            raise ValueError(f"expected features among {', '.join(names)}; got {unknown}")
        self._columns = torch.tensor([n for n, name in enumerate(names) if name in kept])
        self.names = [name for name in names if name in kept]
        prices = [PRICES[group] for group, members in every.items() for _ in members]
        self.prices = torch.tensor(prices, dtype=torch.float64)[self._columns]
        self._known = anchor.answers, self._raw(anchor.answers, anchor.reading, texts)
        raw = self._known[1]  # (B,D)
        alike = torch.from_numpy(likeness(anchor.prompts))
        kinds = alike.topk(min(ALIKE, len(alike)), dim=1).indices  # (P,ALIKE)
        self._usual = anchor.mean(raw)[kinds].mean(1)  # (P,D)
        away = (raw - self._usual[anchor.answers.which])[:rows]
        self._scale = away.std(0, correction=0).clamp(min=LEAST_SD)
        length = names.index("length")
        self._length = length, float(self._scale[length])
        self._unusual = names.index("unusual length")

    def __call__(self, answers: Answers, reading: Reading) -> Tensor:
        """Features (B,D), float64, in standard deviations from the average reference answer to
        prompts of the kind.

        `reading` is the reference's; `answers.which` numbers the anchor's prompts.
        """
        known, raw = self._known  # by far the most answers that are asked about
        if answers is not known:
            raw = self._raw(answers, reading, self._texts(answers))
        rows = (raw - self._usual[answers.which]) / self._scale
        rows[:, self._unusual] = rows[:, self._length[0]].clamp(-3.0, 3.0) ** 2 - 1
        return rows[:, self._columns]

    def _raw(self, answers: Answers, reading: Reading, texts: list[str]) -> Tensor:
        columns = []
        if self._base is not None:
            columns.append(self._base(answers, reading).double()[:, None])
        columns.append(readable(texts, answers, reading))
        columns.append(torch.zeros(len(texts), 1, dtype=torch.float64))  # the unusual length
        columns.append(_present(texts, self._words))
        columns.append(_present([last_sentence(text) for text in texts], self._last))
        return torch.cat(columns, dim=1)

    def _texts(self, answers: Answers) -> list[str]:
        return [self._tokenizer.decode(answers.completion(row)) for row in range(len(answers))]


def last_sentence(text: str) -> str:
    """What stands after the last full stop but one.

    >>> last_sentence('He ran. "Stop!" said the hen.')
    '"Stop!" said the hen.'
    """
    parts = re.split(r"(?<=[.!?])[\"'”’]?\s+(?=[^a-z])", text.strip())
    return parts[-1]


def _telling(texts: Sequence[str], most: int, share: float) -> list[str]:
    """The words that tell texts apart: in some of them, neither rare nor everywhere."""
    counts = Counter(word for text in texts for word in set(words(text)))
    least = max(3.0, share * len(texts))
    telling = {
        word: n * (len(texts) - n) for word, n in counts.items() if least <= n <= len(texts) - least
    }
    return sorted(telling, key=lambda word: (-telling[word], word))[:most]


def _present(texts: Sequence[str], vocabulary: Sequence[str]) -> Tensor:
    """1 where a text has a word of the vocabulary, else 0: (B,W)."""
    column = {word: number for number, word in enumerate(vocabulary)}
    table = torch.zeros(len(texts), len(vocabulary), dtype=torch.float64)
    for row, text in enumerate(texts):
        for word in set(words(text)):
            if word in column:
                table[row, column[word]] = 1.0
    return table
