"""Is a reward model any good? Three figures, of which the first alone is void.

Right comparisons say that it tells good from bad where a judge could. Whether it can *teach* is
said by how it orders the policy's own answers to one and the same question: its correlation with
the judge within questions, and what choosing the best of eight answers by it is worth.

Shapes: P questions, G answers to each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tinyllm.alignment.comparisons import Graded, Pair, collate, informative_pairs
from tinyllm.alignment.reward import RewardModel, bradley_terry_loss
from tinyllm.evaluation.intervals import wilson
from tinyllm.tokens import Tokenizer


def within_prompt_correlation(rewards: Tensor, gold: Tensor) -> float:
    """The correlation of two judgements (P, G) of the same answers, each measured from its mean
    over the answers to the same prompt; 0 where one of them never tells answers apart.

    This, and not the accuracy on designed pairs, says whether a reward model can teach a policy.

    >>> gold = torch.tensor([[0.0, 1.0], [5.0, 9.0]])
    >>> round(within_prompt_correlation(gold * 2 + torch.tensor([[3.0], [-8.0]]), gold), 6)
    1.0
    """
    a = (rewards - rewards.mean(1, keepdim=True)).double()
    b = (gold - gold.mean(1, keepdim=True)).double()
    scale = float((a.square().sum() * b.square().sum()).sqrt())
    return float((a * b).sum()) / scale if scale > 0 else 0.0


def best_of(rewards: Tensor, gold: Tensor) -> dict[str, float]:
    """What choosing the best of G answers by `rewards` (P, G) is worth in `gold` (P, G).

    `mean`: an answer taken at random; `best_of`: the one with the highest reward; `oracle`: the one
    with the highest gold; `gap_closed`: how much of the way from `mean` to `oracle` that is.

    >>> best_of(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 1.0]]))["gap_closed"]
    1.0
    """
    mean, oracle = float(gold.mean()), float(gold.amax(1).mean())
    best = float(gold.gather(1, rewards.argmax(1, keepdim=True)).mean())
    gap = (best - mean) / (oracle - mean) if oracle > mean else 0.0
    return {"mean": mean, "best_of": best, "oracle": oracle, "gap_closed": gap}


def judge(reward: RewardModel, tests: Sequence[Graded], tokenizer: Tokenizer) -> dict[str, float]:
    """The reward model against the judge on answers of the policy.

    `accuracy` (with `accuracy_low`, `accuracy_high`) and `loss` on the comparisons they give,
    `correlation` within questions, and `best_of`, `mean`, `oracle`, `gap_closed` of choosing one of
    the answers by reward (see `best_of`).
    """
    pairs = [
        pair
        for number, graded in enumerate(tests)
        for pair in informative_pairs(graded, seed=number)
    ]
    metrics = judge_pairs(reward, pairs, tokenizer) if pairs else {}
    gold = torch.cat([graded.scores for graded in tests])
    rewards = torch.cat([reward.reward(graded.answers) for graded in tests]).view_as(gold)
    return {
        **metrics,
        "correlation": within_prompt_correlation(rewards, gold),
        **best_of(rewards, gold),
    }


@torch.no_grad()
def judge_pairs(
    reward: RewardModel, pairs: Sequence[Pair], tokenizer: Tokenizer
) -> dict[str, float]:
    """Loss in nats and accuracy, with its Wilson interval, on held-out comparisons."""
    batch = collate(pairs, pad=tokenizer.pad, end=tokenizer.end)
    loss, metrics = bradley_terry_loss(reward, batch)
    share = wilson(round(metrics["accuracy"] * len(pairs)), len(pairs))
    return {
        "loss": float(loss),
        "accuracy": share.value,
        "accuracy_low": share.low,
        "accuracy_high": share.high,
    }
