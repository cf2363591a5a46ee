"""RLOO: move the policy towards answers that beat their siblings.

For each prompt the policy writes G answers. Each is rewarded, pays beta for every nat by which it
is likelier under the policy than under the reference, and is compared with the mean of the others
(`advantages.leave_one_out`). Answers above it become likelier, answers below it less likely: this
is REINFORCE (Williams 1992) with a leave-one-out baseline (Kool et al. 2019; Ahmadian et al. 2024).

Where the KL goes matters. k1 in the *reward*, as here, leads to the optimum
pi* ∝ pi_ref exp(reward / beta); k3 in the loss, the usual form of GRPO, leads to another one.

One update a batch of rollouts, so the policy that learns is the one that wrote. Left out: a critic,
division by the standard deviation, clipped ratios.

Shapes: B = P x G sequences, T time, N answer tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tinyllm.alignment.kl import by_length, categorical_kl
from tinyllm.alignment.rollouts import Rollouts
from tinyllm.model import Transformer, sequence_logprobs


def policy_gradient_loss(log_probs: Tensor, advantages: Tensor) -> Tensor:
    """-mean(advantage · log pi(answer)), both (B): its gradient is the policy gradient.

    Log-probabilities are sums over an answer's tokens, its end included; dividing them by the
    length would favour long bad answers (Liu et al. 2025, "Understanding R1-Zero-like training").

    >>> policy_gradient_loss(torch.tensor([-2.0, -1.0]), torch.tensor([0.5, -0.5]))
    tensor(0.2500)
    """
    return -(advantages.detach() * log_probs).mean()


def rloo_loss(
    reference: Transformer,
) -> Callable[[Transformer, Rollouts], tuple[Tensor, dict[str, float]]]:
    """The loss that the training loop calls with the policy and a batch of rollouts.

    Its metrics, each over the answer tokens or the answers alone: `kl`, exact, in nats an answer;
    `entropy` of the policy in nats a token; and `reward`, `finished` (share) and `length` (tokens)
    of the answers, `beta` as it was when they were judged.
    """

    def loss(policy: Transformer, batch: Rollouts) -> tuple[Tensor, dict[str, float]]:
        answers = batch.answers
        rows, lengths = len(answers), answers.lengths
        total = torch.zeros((), device=answers.ids.device)
        kl = entropy = 0.0
        for part in by_length(lengths):
            until = int(lengths[part].max())
            ids, mask = answers.ids[part, :until], answers.mask[part, :until]
            log_probs, log_policy = sequence_logprobs(policy, ids, mask, full=True)  # (b,t), (N,V)
            gradient = policy_gradient_loss(log_probs.sum(1), batch.advantages[part])
            total = total + gradient * (len(part) / rows)
            with torch.no_grad():
                hidden = batch.reading.hidden[part, :until][:, :-1][mask[:, 1:]]
                log_reference = reference.logits(hidden).log_softmax(-1)
                kl += float(categorical_kl(log_policy, log_reference).sum()) / rows
                entropy -= float((log_policy.exp() * log_policy).sum())
        return total, {
            "kl": kl,
            "entropy": entropy / float(answers.mask.sum()),
            "reward": float(batch.rewards.mean()),
            "finished": float(answers.finished.float().mean()),
            "length": float(answers.answer_lengths.float().mean()),
            "beta": batch.beta,
        }

    return loss
