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
from torch.nn.functional import logsigmoid

from tinyllm.alignment.comparisons import Pair, collate
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


def judge(rewards: Tensor, gold: Tensor) -> dict[str, float]:
    """A reward (P, G) against the judge's scores (P, G) of the policy's own answers.

    `accuracy` is the share of rightly ordered comparisons, with its Wilson interval `accuracy_low`
    to `accuracy_high` (somewhat too narrow: comparisons within a prompt are not independent), and
    `loss` their Bradley-Terry loss in nats; then `correlation` within prompts, and `mean`,
    `best_of`, `oracle`, `gap_closed` of choosing one answer by reward.

    >>> gold = torch.tensor([[0.0, 0.5, 1.0]])
    >>> judge(gold * 3, gold)["accuracy"]
    1.0
    """
    first, second = torch.triu_indices(gold.shape[1], gold.shape[1], offset=1)
    better = gold[:, first] - gold[:, second]
    told_apart = better != 0
    ahead = ((rewards[:, first] - rewards[:, second]) * better.sign())[told_apart]
    count = len(ahead)
    share = wilson(int((ahead > 0).sum()), count)
    return {
        "loss": float(-logsigmoid(ahead).mean()) if count else 0.0,
        "accuracy": share.value,
        "accuracy_low": share.low,
        "accuracy_high": share.high,
        "correlation": within_prompt_correlation(rewards, gold),
        **best_of(rewards, gold),
    }


@torch.no_grad()
def share_right(network: RewardModel, pairs: Sequence[Pair], tokenizer: Tokenizer) -> float:
    """The share of written comparisons that the network alone orders rightly."""
    batch = collate(pairs, pad=tokenizer.pad, end=tokenizer.end)
    return bradley_terry_loss(network, batch)[1]["accuracy"]
