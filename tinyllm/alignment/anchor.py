"""The anchor: the chat model that every policy grows from, and how it answers the prompts.

A few reference answers to each prompt are written once, before anything is learned. They say what
is usual: how long answers to this prompt are, what an average answer to it looks like, and what a
reward of zero and a spread of one should mean.

Shapes: P prompts, B reference answers to them, T time.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tinyllm.alignment.answers import Answers, Reading, join, write_answers
from tinyllm.alignment.rollouts import Reward
from tinyllm.events import Progress
from tinyllm.model import Transformer

PROMPTS_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """The prompts (token ids, ready for an answer), the reference's answers to them, those to the
    same prompt side by side, and how likely it finds those. (Its hidden states are not kept; of
    thousands of answers they would take a gigabyte.)

    >>> from tinyllm.alignment.answers import lay_out
    >>> answers = lay_out([[7], [7], [8]], [[5, 4], [4], [6, 4]], pad=1, end=4, which=[0, 0, 1])
    >>> reading = Reading(hidden=torch.zeros(0), log_probs=torch.zeros(3, 3))
    >>> anchor = Anchor(prompts=[[7], [8]], answers=answers, reading=reading)
    >>> anchor.mean(torch.tensor([1.0, 3.0, 5.0])), anchor.rows(range(1, 2))
    (tensor([2., 5.]), slice(2, 3, None))
    """

    prompts: list[list[int]]
    answers: Answers
    reading: Reading

    @cached_property
    def counts(self) -> Tensor:
        """How many reference answers each prompt has (P)."""
        return torch.bincount(self.answers.which, minlength=len(self.prompts))

    def rows(self, prompts: range) -> slice:
        """Where the answers to these neighbouring prompts stand."""
        return slice(
            int(self.counts[: prompts.start].sum()), int(self.counts[: prompts.stop].sum())
        )

    def mean(self, values: Tensor) -> Tensor:
        """The mean over each prompt's answers of values (B, ...): (P, ...)."""
        total = values.new_zeros(len(self.prompts), *values.shape[1:])
        total.index_add_(0, self.answers.which, values)
        return total / self.counts.view(-1, *[1] * (values.dim() - 1))

    @cached_property
    def lengths(self) -> tuple[Tensor, Tensor, Tensor]:
        """The tokens of the shortest, the mean and the longest answer to each prompt (P), their
        ends included."""
        tokens = self.answers.answer_lengths.float()
        none = tokens.new_zeros(len(self.prompts))
        least, most = (
            none.scatter_reduce(0, self.answers.which, tokens, which, include_self=False)
            for which in ("amin", "amax")
        )
        return least, self.mean(tokens), most


def write_anchor(
    reference: Transformer,
    prompts: Sequence[Sequence[int]],
    *,
    num_samples: int,
    max_new_tokens: int,
    end: int,
    pad: int,
    seed: int,
    practised: int = 0,
    more: int = 0,
    ends: float | None = None,
) -> Generator[Progress, None, Anchor]:
    """Let the reference answer every prompt `num_samples` times, and the first `practised` of them
    as often again in up to `more` rounds, as long as one is likely to be over when the clock
    (`time.monotonic`) shows `ends`. Yields progress and returns the anchor."""
    parts: list[Answers] = []
    done, total = 0, len(prompts) + more * practised
    for asked in [len(prompts), *[practised] * more]:
        began = time.monotonic()
        for first in range(0, asked, PROMPTS_AT_ONCE):
            some = range(first, min(first + PROMPTS_AT_ONCE, asked))
            parts.append(
                write_answers(
                    reference,
                    prompts,
                    some,
                    num_samples=num_samples,
                    max_new_tokens=max_new_tokens,
                    end=end,
                    pad=pad,
                    seed=seed * 1_000_003 + done,
                )
            )
            done += len(some)
            yield Progress(
                stage="aligned", done=done, total=total, unit="prompts", note="reference answers"
            )
        round_seconds = (time.monotonic() - began) * practised / asked
        if ends is not None and time.monotonic() + round_seconds > ends:
            break
    answers = join(parts, pad=pad)
    answers = answers.take(answers.which.argsort(stable=True))
    return Anchor(
        prompts=[list(prompt) for prompt in prompts],
        answers=answers,
        reading=Reading(hidden=torch.zeros(0), log_probs=answers.log_probs),
    )


class ShapedReward:
    """A reward model made fit to be optimised against.

    The raw reward is measured from the average reference answer to the same prompt, in standard
    deviations of those answers (or in units of `least_sd`, if they hardly differ): mean 0 and sd 1,
    so that beta means the same whichever model speaks. One that has measured from what is usual
    already has a `common_zero`, the average of all reference answers. It is clipped to ±`clip`.
    Then an answer pays: `unfinished_cost` when it did not come to its end, and `length_cost` for
    every quarter of the usual length (four tokens at least) by which it is shorter or longer than
    all reference answers to its prompt, up to `clip`. Without that payment
    a policy soon finds the one sentence that pleases a reward model everywhere.
    """

    def __init__(
        self,
        reward: Reward,
        anchor: Anchor,
        *,
        clip: float = 3.0,
        unfinished_cost: float = 1.0,
        length_cost: float = 1.0,
        least_sd: float = 1e-6,
        common_zero: bool = False,
    ) -> None:
        raw = reward(anchor.answers, anchor.reading)  # (B)
        usual = anchor.mean(raw)  # (P)
        self._centre = usual.mean().expand(len(usual)) if common_zero else usual
        self.sd = max(float((raw - self._centre[anchor.answers.which]).std()), least_sd)
        self._shortest, mean, self._longest = anchor.lengths
        self._unit = (mean / 4).clamp(min=4.0)
        self._reward, self._clip = reward, clip
        self._unfinished_cost, self._length_cost = unfinished_cost, length_cost

    def judge(self, answers: Answers, reading: Reading) -> Tensor:
        """The normalised, clipped reward alone, before the payments (B)."""
        raw = self._reward(answers, reading)
        return ((raw - self._centre[answers.which]) / self.sd).clamp(-self._clip, self._clip)

    def __call__(self, answers: Answers, reading: Reading) -> Tensor:
        """What the policy is trained on (B)."""
        lengths = answers.answer_lengths.float()
        short = (self._shortest[answers.which] - lengths).clamp(min=0)
        long = (lengths - self._longest[answers.which]).clamp(min=0)
        outside = ((short + long) / self._unit[answers.which] * self._length_cost).clamp(
            max=self._clip
        )
        cut = self._unfinished_cost * (~answers.finished).float()
        return self.judge(answers, reading) - outside - cut
