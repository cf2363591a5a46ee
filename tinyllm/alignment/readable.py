"""A few numbers about an answer that a person can read.

Three of them say how likely the answer was to the chat model itself. That is no taste and no truth,
but a model that is torn between answers is often wrong, and one that lost the thread writes what
even it finds unlikely; comparisons of its answers show how much that is worth.

Shapes: B answers, T time.
"""

from __future__ import annotations

import re
from itertools import pairwise

import torch
from torch import Tensor

from tinyllm.alignment.answers import Answers, Reading

READABLE = (
    "length",
    "finished",
    "repetition",
    "asks back",
    "exclaims",
    "speech",
    "likelihood",
    "likelihood a token",
    "least likely token",
)
"""Log of the number of tokens; whether it came to its end; the share of word pairs that repeat one
before; whether it ends with a question, has an exclamation mark, has quotation marks; and the log
of the probability that the chat model gave the whole answer, its mean token, its worst token."""


def readable(texts: list[str], answers: Answers, reading: Reading) -> Tensor:
    """The numbers of `READABLE` for each answer: (B, 9), float64. `texts` are the answers' texts,
    `reading` is the chat model's."""
    lengths = answers.answer_lengths.double()
    total = reading.log_probs.sum(1).double()
    least = reading.log_probs.amin(1).double()  # 0 outside of answers, where nothing is lower
    said = torch.tensor([_about(text) for text in texts], dtype=torch.float64).view(-1, 4)
    numbers = [lengths.log(), answers.finished.double(), *said.T, total, total / lengths, least]
    return torch.stack(numbers, dim=1)


def words(text: str) -> list[str]:
    """The words of a text in lower case.

    >>> words("Nell's fox, the red one!")
    ["nell's", 'fox', 'the', 'red', 'one']
    """
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower())


def _about(text: str) -> list[float]:
    pairs = list(pairwise(words(text)))
    return [
        1 - len(set(pairs)) / len(pairs) if pairs else 0.0,
        float(text.rstrip(" \"'”’").endswith("?")),
        float("!" in text),
        float(any(mark in text for mark in '"“”')),
    ]
