"""Which common facts does a base model know? It is asked by letting it go on: "The sky is" …"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from tinyllm.evaluation.intervals import Interval, wilson
from tinyllm.model import Transformer, generate

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer
    from tinyllm.village import Probe

_WORD_TOKENS = 8
"""Enough tokens to finish any word of an answer."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """The three likeliest words after a prompt, and the rank of the right one (None: not there)."""

    prompt: str
    words: tuple[str, ...]
    rank: int | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The share of probes with a right answer among the top three, and every guess."""

    top_three: Interval
    guesses: tuple[Guess, ...]


@torch.inference_mode()
def likeliest(
    model: Transformer, prompts: Sequence[Sequence[int]], k: int
) -> list[list[tuple[int, float]]]:
    """For each prompt the `k` likeliest next tokens and their probabilities, falling.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16))
    >>> [(token, chance)] = likeliest(model, [[3, 1]], k=1)[0]
    >>> 1 / 16 <= chance < 1
    True
    """
    device = model.output_weight.device
    found = []
    for prompt in prompts:
        logits = model.logits(
            model.hidden(torch.tensor([list(prompt)], device=device))[0, -1]
        )  # (V)
        probabilities, ids = logits.softmax(-1).topk(min(k, len(logits)))
        found.append(list(zip(ids.tolist(), probabilities.tolist(), strict=True)))
    return found


def probe_facts(model: Transformer, tokenizer: Tokenizer, probes: Sequence[Probe]) -> Facts:
    """Ask every probe: is a right answer among the three likeliest ways to go on?

    A token may be part of a word, so each of the three likeliest tokens is first completed greedily
    and then compared as a whole word: " b" counts for "blue" only if it becomes "blue".
    """
    prompts = [[tokenizer.end_of_text, *tokenizer.encode(probe.prompt)] for probe in probes]
    starts = [
        [*prompt, token]
        for prompt, best in zip(prompts, likeliest(model, prompts, 3), strict=True)
        for token, _ in best
    ]
    ends = generate(
        model,
        starts,
        max_new_tokens=_WORD_TOKENS,
        temperature=0.0,
        stop={tokenizer.end_of_text, tokenizer.end},
        pad=tokenizer.pad,
    ).ids
    guesses = []
    for p, probe in enumerate(probes):
        written = [
            tokenizer.decode([starts[3 * p + i][-1], *ends[3 * p + i]]).strip() for i in range(3)
        ]
        right = [any(_begins(text, answer) for answer in probe.answers) for text in written]
        rank = right.index(True) + 1 if any(right) else None
        words = tuple((text.split() or [""])[0].strip('.,;:!?"') for text in written)
        guesses.append(Guess(prompt=probe.prompt, words=words, rank=rank))
    return Facts(
        top_three=wilson(sum(g.rank is not None for g in guesses), len(guesses)),
        guesses=tuple(guesses),
    )


def _begins(text: str, answer: str) -> bool:
    """Whether `text` begins with the words of `answer` and not with longer words."""
    text, answer = text.casefold(), answer.strip().casefold()
    rest = text[len(answer) :]
    return text.startswith(answer) and not (rest[:1].isalnum() or rest[:1] == "'")


def next_words(
    model: Transformer, tokenizer: Tokenizer, prompt: str, k: int = 10
) -> list[tuple[str, float]]:
    """The `k` likeliest tokens after `prompt` at the start of a document, as text, with their
    probabilities: what the bars for "The sky is" show.

    >>> from tinyllm.model import ModelConfig
    >>> from tinyllm.tokens import Tokenizer
    >>> bytewise = Tokenizer.from_merges([])
    >>> model = Transformer(ModelConfig(vocab_size=bytewise.vocab_size))
    >>> len(next_words(model, bytewise, "The sky is", k=3))
    3
    """
    ids = [tokenizer.end_of_text, *tokenizer.encode(prompt)]
    pieces = tokenizer.pieces
    return [
        (pieces([token])[0].decode("utf-8", errors="replace"), probability)
        for token, probability in likeliest(model, [ids], k)[0]
    ]
