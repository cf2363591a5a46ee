"""KTO: from thumbs, without a partner for comparison.

Ethayarajh et al. 2024, "KTO: Model alignment as prospect theoretic optimization". An answer is
worth what it is likelier under the policy than under the reference, l = log pi / pi_ref, measured
from a point of reference z0: about how far the policy has moved in general. A liked answer should
stand above it, a disliked one below, and the sigmoid makes both matter less the further they are:

    liked: w (1 - sigmoid(beta (l - z0)))        disliked: w (1 - sigmoid(beta (z0 - l)))

z0 is estimated from answers under the *wrong* prompts, which nobody has judged: the mean l of such
pairs in the batch, not below 0, and without a gradient. w makes both sides count equally, however
many of each there are.

Shapes: R answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tinyllm.alignment.answers import Answers
from tinyllm.alignment.labels import Thumb
from tinyllm.alignment.methods.method import Ingredients, Learning
from tinyllm.alignment.methods.offline import (
    Recall,
    Said,
    answer_log_probs,
    shuffled,
    side_by_side,
)
from tinyllm.files import TinyLLMError
from tinyllm.model import Transformer

BETA = 0.1
ROWS = 16
"""Thumbs in a batch."""


def kto_loss(log_ratio: Tensor, up: Tensor, z0: Tensor, weights: Tensor, beta: float) -> Tensor:
    """The mean over R thumbs. `log_ratio` (R) in nats, `up` (R) bool, `z0` a number in nats,
    `weights` (R).

    >>> one, nought = torch.ones(2), torch.tensor(0.0)
    >>> kto_loss(torch.zeros(2), torch.tensor([True, False]), nought, one, 0.1)  # at the reference
    tensor(0.5000)
    """
    sign = torch.where(up, 1.0, -1.0)
    return (weights * (1 - torch.sigmoid(sign * beta * (log_ratio - z0)))).mean()


def balanced(up: Sequence[bool]) -> tuple[float, float]:
    """The weights of a liked and of a disliked answer: both kinds count alike, the mean is 1.

    >>> balanced([True, True, True, False])
    (0.6666666666666666, 2.0)
    """
    ups = sum(up)
    downs = len(up) - ups
    return len(up) / (2 * max(ups, 1)), len(up) / (2 * max(downs, 1))


@dataclass(frozen=True, kw_only=True)
class Liked:
    """R thumbs, `up` (R) with their `weights` (R); `wrong` are the same answers, each under the
    prompt of the one before it; `reference` and `wrong_reference` (R) what the chat model makes of
    them."""

    answers: Answers
    wrong: Answers
    reference: Tensor
    wrong_reference: Tensor
    up: Tensor
    weights: Tensor

    @property
    def tokens(self) -> int:
        """How many tokens are read."""
        return int(self.answers.mask.sum() + self.wrong.mask.sum())


def liked_batches(
    thumbs: Sequence[Thumb], recall: Recall, *, rows: int, end: int, pad: int, seed: int
) -> Iterator[Liked]:
    """Endless batches of `rows` thumbs."""
    for_up, for_down = balanced([thumb.up for thumb in thumbs])
    for batch in shuffled(thumbs, rows=rows, seed=seed):
        said: list[Said] = [(thumb.prompt, thumb.answer) for thumb in batch]
        wrong = [(batch[row - 1].prompt, thumb.answer) for row, thumb in enumerate(batch)]
        up = torch.tensor([thumb.up for thumb in batch])
        yield Liked(
            answers=side_by_side(said, end=end, pad=pad),
            wrong=side_by_side(wrong, end=end, pad=pad),
            reference=recall(said),
            wrong_reference=recall(wrong),
            up=up,
            weights=torch.where(up, for_up, for_down),
        )


def liked_loss(
    policy: Transformer, batch: Liked, beta: float = BETA
) -> tuple[Tensor, dict[str, float]]:
    """The loss that the training loop calls. Metrics: `z0`, and by how many nats the policy finds
    the `liked` and the `disliked` answers likelier than the chat model did."""
    log_ratio = answer_log_probs(policy, batch.answers) - batch.reference
    with torch.no_grad():
        wrong = answer_log_probs(policy, batch.wrong) - batch.wrong_reference
        z0 = wrong.mean().clamp(min=0)
    metrics = {"z0": float(z0)}
    for name, rows in (("liked", batch.up), ("disliked", ~batch.up)):
        if rows.any():
            metrics[name] = float(log_ratio.detach()[rows].mean())
    return kto_loss(log_ratio, batch.up, z0, batch.weights, beta), metrics


def kto(given: Ingredients) -> Learning:
    """Batches of thumbs, each of them once an epoch."""
    thumbs = given.labels().thumbs
    if not {thumb.up for thumb in thumbs} == {True, False}:
        raise TinyLLMError(
            "KTO learns from thumbs up and thumbs down, and "
            + (f"all {len(thumbs)} there are are alike." if thumbs else "there are none.")
            + " Judge more answers, some of each."
        )
    recall = Recall(given.reference, end=given.end, pad=given.pad)
    rows = min(ROWS, len(thumbs))
    return Learning(
        learner=given.policy,
        batches=liked_batches(
            thumbs, recall, rows=rows, end=given.end, pad=given.pad, seed=given.config.seed
        ),
        loss=liked_loss,
        rates=given.config.rates,
        usual_tokens=2 * rows * sum(len(t.answer) for t in thumbs) / len(thumbs),
        on_policy=False,
    )
