"""DPO: the policy is its own reward model.

Rafailov et al. 2023, "Direct preference optimization". At the optimum of reward minus beta KL, the
reward of an answer *is* beta log pi / pi_ref, up to a number that only the prompt decides. So that
expression can be put into the Bradley-Terry loss, and comparisons train the policy directly:

    -log sigmoid(beta [(log-ratio of the chosen) - (log-ratio of the rejected)])

Log-ratios are sums over an answer's tokens, never means. At the reference the loss is ln 2.

Shapes: K comparisons, R answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import logsigmoid

from tinyllm.alignment.answers import Answers
from tinyllm.alignment.comparisons import Pair
from tinyllm.alignment.methods.method import Ingredients, Learning
from tinyllm.alignment.methods.offline import Recall, answer_log_probs, shuffled, side_by_side
from tinyllm.files import TinyLLMError
from tinyllm.model import Transformer

BETA = 0.1
ROWS = 16
"""Comparisons in a batch."""


def dpo_loss(chosen: Tensor, rejected: Tensor, beta: float) -> Tensor:
    """The mean over K comparisons; `chosen` and `rejected` (K) are log pi - log pi_ref, in nats.

    >>> import torch
    >>> round(dpo_loss(torch.zeros(1), torch.zeros(1), 0.1).item(), 4)  # ln 2
    0.6931
    """
    return -logsigmoid(beta * (chosen - rejected)).mean()


@dataclass(frozen=True, kw_only=True)
class Preferred:
    """K comparisons: the chosen answers above the rejected ones (2K), and the log-probability of
    each under the reference (2K)."""

    answers: Answers
    reference: Tensor

    @property
    def tokens(self) -> int:
        """How many tokens are learned from."""
        return int(self.answers.mask.sum())


def preferred_batches(
    pairs: Sequence[Pair], recall: Recall, *, rows: int, end: int, pad: int, seed: int
) -> Iterator[Preferred]:
    """Endless batches of `rows` comparisons."""
    for batch in shuffled(pairs, rows=rows, seed=seed):
        said = [(pair.prompt, pair.chosen) for pair in batch]
        said += [(pair.prompt, pair.rejected) for pair in batch]
        yield Preferred(answers=side_by_side(said, end=end, pad=pad), reference=recall(said))


def preferred_loss(
    policy: Transformer, batch: Preferred, beta: float = BETA
) -> tuple[Tensor, dict[str, float]]:
    """The loss that the training loop calls. Metrics: `accuracy`, the share of comparisons in
    which the policy has moved towards the chosen answer; `chosen` and `rejected`, by how many nats
    the policy finds them likelier than the chat model did. Both may fall: only the gap counts."""
    log_ratio = answer_log_probs(policy, batch.answers) - batch.reference
    chosen, rejected = log_ratio.chunk(2)
    return dpo_loss(chosen, rejected, beta), {
        "accuracy": float((chosen > rejected).float().mean()),
        "chosen": float(chosen.detach().mean()),
        "rejected": float(rejected.detach().mean()),
    }


def dpo(given: Ingredients) -> Learning:
    """Batches of comparisons, each of them once an epoch."""
    pairs = given.labels().pairs
    if not pairs:
        raise TinyLLMError(
            "DPO learns from comparisons, and there are none: choose between two answers, edit "
            "one, or give one answer to a question a thumb up and another one a thumb down. "
            "--method kto learns from thumbs alone."
        )
    recall = Recall(given.reference, end=given.end, pad=given.pad)
    rows = min(ROWS, len(pairs))
    return Learning(
        learner=given.policy,
        batches=preferred_batches(
            pairs, recall, rows=rows, end=given.end, pad=given.pad, seed=given.config.seed
        ),
        loss=preferred_loss,
        rates=given.config.rates,
        usual_tokens=rows * sum(len(p.chosen) + len(p.rejected) for p in pairs) / len(pairs),
        on_policy=False,
    )
