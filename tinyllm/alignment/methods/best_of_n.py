"""Best-of-n: no training at all. Write n answers, give the one that the reward likes best.

It is the fairest ruler for every method: n answers cost n times as much each time somebody asks,
and how far it is from the model it draws from is known beforehand,

    KL(best-of-n || model) <= ln n - (n - 1) / n   nats an answer

with equality where no two answers are equal (Stiennon et al. 2020; Beirami et al. 2024 for the
bound). A trained policy that needs more KL for less reward has learned badly.

Shapes: P prompts, n answers to each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from tinyllm.alignment.answers import Answers, read_answers, write_answers
from tinyllm.alignment.rollouts import Reward
from tinyllm.model import Transformer


def best_of_n_kl(n: int) -> float:
    """ln n - (n - 1) / n: how many nats an answer the best of n is away from the model, at most.

    >>> round(best_of_n_kl(16), 3)
    1.835
    """
    if n < 1:
        raise ValueError(f"expected one answer or more to choose from, got {n}")
    return math.log(n) - (n - 1) / n


def best_rows(rewards: Tensor) -> Tensor:
    """The row number of the best of n answers to each prompt: (P, n) -> (P). Of equals, the first.

    >>> import torch
    >>> best_rows(torch.tensor([[0.1, 0.7], [0.9, 0.2]]))
    tensor([1, 2])
    """
    prompts, samples = rewards.shape
    return rewards.argmax(1) + samples * rewards.new_tensor(range(prompts)).long()


def best_of_n(
    model: Transformer,
    reference: Transformer,
    prompts: Sequence[Sequence[int]],
    reward: Reward,
    *,
    n: int = 8,
    max_new_tokens: int = 192,
    end: int,
    pad: int,
    seed: int = 0,
) -> tuple[Answers, Tensor]:
    """n answers of `model` to each prompt (token ids, ready for an answer), with their rewards.

    Returns all answers, side by side, and the rewards (P, n); `best_rows` says which to give.
    `reference` is the model whose reading the reward was made for: the chat model.
    """
    answers = write_answers(
        model,
        prompts,
        range(len(prompts)),
        num_samples=n,
        max_new_tokens=max_new_tokens,
        end=end,
        pad=pad,
        seed=seed,
    )
    return answers, reward(answers, read_answers(reference, answers)).view(-1, n)
