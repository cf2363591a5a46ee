"""What the methods share that learn from rollouts: one pass over the answers, and its figures.

The policy reads its own answers again, this time with gradients. From the same pass come the exact
KL and the entropy, over the answers' tokens alone. A method says only what the loss of an answer
is, given the log-probabilities of its tokens.

Shapes: B answers in a batch, b of them at a time, T and t time, N answer tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from tinyllm.alignment.kl import by_length, categorical_kl
from tinyllm.alignment.methods.method import Ingredients, Learning
from tinyllm.alignment.rollouts import Advantages, Rollouts, leave_one_out_of_paid, rollouts
from tinyllm.model import Transformer, sequence_logprobs

Objective = Callable[[Tensor, Tensor, Rollouts, Tensor], Tensor]
"""(log-probabilities of the tokens (b,t), which are an answer's (b,t), batch, rows (b)) -> the loss
of each answer (b)."""
Loss = Callable[[Transformer, Rollouts], tuple[Tensor, dict[str, float]]]


def over_answers(reference: Transformer, objective: Objective) -> Loss:
    """The loss that the training loop calls: the mean of `objective` over the answers of a batch.

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
            total = total + objective(log_probs, mask, batch, part).sum() / rows
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


def on_policy(
    given: Ingredients, loss: Loss, advantages: Advantages = leave_one_out_of_paid
) -> Learning:
    """A method whose batches are rollouts, and that learns with the policy alone."""
    return Learning(
        learner=given.policy,
        batches=rollouts_of(given, advantages),
        loss=loss,
        rates=given.config.rates,
        usual_tokens=usual_tokens(given),
    )


def rollouts_of(given: Ingredients, advantages: Advantages) -> Iterator[Rollouts]:
    """Endless rollouts of the policy, judged."""
    return rollouts(
        given.policy,
        given.reference,
        given.anchor.prompts[: given.trained_on],
        usual_lengths(given),
        given.reward,
        beta=given.beta,
        advantages=advantages,
        prompts_per_step=given.config.prompts_per_step,
        num_samples=given.config.num_samples,
        max_new_tokens=given.config.max_new_tokens,
        end=given.end,
        pad=given.pad,
        seed=given.config.seed,
    )


def usual_lengths(given: Ingredients) -> list[float]:
    """How many tokens the chat model's answers to each prompt have on average."""
    lengths: list[float] = given.anchor.lengths[1][: given.trained_on].tolist()
    return lengths


def usual_tokens(given: Ingredients) -> float:
    """How many tokens of answers a batch of rollouts usually has."""
    answers = given.config.prompts_per_step * given.config.num_samples
    return answers * sum(usual_lengths(given)) / given.trained_on
