"""Rewards that should *not* do as well as a person's votes, and one that should do better.

A policy that pleases more proves little alone: it might have learned to be brief, or to end, or
what any push in any direction would have taught it. Each of these takes the place of the head
fitted to the votes (`align(..., lead=...)`), and all else stays equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from tinyllm.alignment.answers import Answers, Reading
from tinyllm.alignment.features import LENGTHS, Features
from tinyllm.alignment.rollouts import Reward
from tinyllm.alignment.thumb_reward import Grounds, ThumbReward

Lead = Callable[[Grounds], Reward]


def length_only(grounds: Grounds) -> Reward:
    """The same votes, read by a head that sees how long an answer is and nothing else."""
    return ThumbReward(grounds, only=LENGTHS)


def nobody(grounds: Grounds) -> Reward:
    """No votes at all: what the base reward model wants by itself."""
    return ThumbReward(replace(grounds, records=[]))


def random_direction(seed: int) -> Lead:
    """A taste that nobody has: random weights for all features."""

    def lead(grounds: Grounds) -> Reward:
        features = Features(
            grounds.tokenizer, grounds.anchor, practised=grounds.practised, base=grounds.base
        )
        generator = torch.Generator().manual_seed(seed)
        weights = torch.randn(len(features.names), generator=generator, dtype=torch.float64)
        return lambda answers, reading: (features(answers, reading) @ weights).float()

    return lead


def oracle(score: Callable[[str], float]) -> Lead:
    """The person's own score of every answer: what perfect knowledge of the taste would give."""

    def lead(grounds: Grounds) -> Reward:
        def reward(answers: Answers, reading: Reading) -> Tensor:
            rows = range(len(answers))
            texts = [grounds.tokenizer.decode(answers.completion(row)) for row in rows]
            return torch.tensor([score(text) for text in texts])

        return reward

    return lead
