"""The anchor: the chat model that every policy grows from, and how it answers the prompts.

A few reference answers to each prompt are written once, before anything is learned. They say what
is usual: how long answers to this prompt are, what an average answer to it looks like, and what a
reward of zero and a spread of one should mean.

Shapes: P prompts, G reference answers to each, B = P x G, T time.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from torch import Tensor

from tinyllm.alignment.answers import Answers, Reading, join, read_answers, write_answers
from tinyllm.alignment.rollouts import Reward
from tinyllm.events import Progress
from tinyllm.model import Transformer

PROMPTS_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """The prompts (token ids, ready for an answer), the reference's answers to them, and what it
    makes of those."""

    prompts: list[list[int]]
    answers: Answers
    reading: Reading
    num_samples: int

    def per_prompt(self, values: Tensor) -> Tensor:
        """Values of the reference answers (B, ...) as (P, G, ...)."""
        return values.view(len(self.prompts), self.num_samples, *values.shape[1:])

    @property
    def lengths(self) -> Tensor:
        """How many tokens each reference answer has, its end included (P,G)."""
        return self.per_prompt(self.answers.answer_lengths.float())


def write_anchor(
    reference: Transformer,
    prompts: Sequence[Sequence[int]],
    *,
    num_samples: int,
    max_new_tokens: int,
    end: int,
    pad: int,
    seed: int,
) -> Generator[Progress, None, Anchor]:
    """Let the reference answer every prompt; yields progress and returns the anchor."""
    parts: list[Answers] = []
    for first in range(0, len(prompts), PROMPTS_AT_ONCE):
        done = min(first + PROMPTS_AT_ONCE, len(prompts))
        parts.append(
            write_answers(
                reference,
                prompts,
                range(first, done),
                num_samples=num_samples,
                max_new_tokens=max_new_tokens,
                end=end,
                pad=pad,
                seed=seed * 1_000_003 + first,
            )
        )
        yield Progress(
            stage="aligned", done=done, total=len(prompts), unit="prompts",
            note="reference answers",
        )  # fmt: skip
    answers = join(parts, pad=pad)
    return Anchor(
        prompts=[list(prompt) for prompt in prompts],
        answers=answers,
        reading=read_answers(reference, answers),
        num_samples=num_samples,
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
        raw = anchor.per_prompt(reward(anchor.answers, anchor.reading))  # (P,G)
        self._centre = raw.mean().expand(len(raw)) if common_zero else raw.mean(1)
        self.sd = max(float((raw - self._centre[:, None]).std()), least_sd)
        lengths = anchor.lengths  # (P,G)
        self._shortest, self._longest = lengths.amin(1), lengths.amax(1)
        self._unit = (lengths.mean(1) / 4).clamp(min=4.0)
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
