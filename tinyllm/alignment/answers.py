"""Answers that a model wrote, laid side by side so that they can be judged and learned from.

Shapes: B = P x G answers (G to each of P prompts, side by side), T time, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tinyllm.alignment.kl import by_length
from tinyllm.model import Transformer, generate


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A batch of answers, padded on the right.

    `which` (B) is the number of each answer's prompt in the list it was drawn from; `ids` (B,T)
    prompt, answer, padding; `mask` (B,T) True at the answer's tokens, of which <|end|>, the action
    of ending, is one and padding is none; `finished` (B) whether that token came; `log_probs` (B,T)
    the log-probabilities of the answer's tokens under the model that wrote them, in nats, 0
    elsewhere.
    """

    which: Tensor
    ids: Tensor
    mask: Tensor
    finished: Tensor
    log_probs: Tensor

    def __len__(self) -> int:
        return self.ids.shape[0]

    @property
    def lengths(self) -> Tensor:
        """Tokens of each row, prompt included (B)."""
        places = torch.arange(1, self.ids.shape[1] + 1, device=self.ids.device)
        return (self.mask * places).amax(1)

    @property
    def answer_lengths(self) -> Tensor:
        """Tokens of each answer, its end included (B)."""
        return self.mask.sum(1)

    def take(self, rows: Tensor) -> Answers:
        """The answers with these row numbers (b), in this order, no wider than they need to be."""
        until = int(self.lengths[rows].max())
        return Answers(
            which=self.which[rows],
            ids=self.ids[rows, :until],
            mask=self.mask[rows, :until],
            finished=self.finished[rows],
            log_probs=self.log_probs[rows, :until],
        )

    def completion(self, row: int) -> list[int]:
        """The tokens of one answer, its end included."""
        ids: list[int] = self.ids[row][self.mask[row]].tolist()
        return ids


def lay_out(
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    *,
    pad: int,
    end: int,
    which: Sequence[int] | None = None,
    log_probs: Sequence[Sequence[float]] | None = None,
) -> Answers:
    """Put each completion behind its prompt. One that does not close with `end` is unfinished.

    >>> answers = lay_out([[7, 8], [7]], [[5, 4], [5, 6, 4]], pad=1, end=4)
    >>> answers.ids
    tensor([[7, 8, 5, 4],
            [7, 5, 6, 4]])
    >>> answers.mask[0]
    tensor([False, False,  True,  True])
    """
    if len(prompts) != len(completions) or not all(prompts) or not all(completions):
        raise ValueError(
            f"expected a prompt and an answer of at least one token for each row, got "
            f"{len(prompts)} prompts and {len(completions)} answers; drop the empty ones"
        )
    width = max(len(p) + len(c) for p, c in zip(prompts, completions, strict=True))
    ids = torch.full((len(prompts), width), pad)
    mask = torch.zeros(len(prompts), width, dtype=torch.bool)
    written = torch.zeros(len(prompts), width)
    for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        start, stop = len(prompt), len(prompt) + len(completion)
        ids[row, :stop] = torch.tensor([*prompt, *completion])
        mask[row, start:stop] = True
        if log_probs is not None:
            written[row, start:stop] = torch.tensor(log_probs[row])
    return Answers(
        which=torch.tensor(list(which) if which is not None else list(range(len(prompts)))),
        ids=ids,
        mask=mask,
        finished=torch.tensor([completion[-1] == end for completion in completions]),
        log_probs=written,
    )


def write_answers(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    which: Sequence[int],
    *,
    num_samples: int,
    max_new_tokens: int,
    end: int,
    pad: int,
    seed: int,
) -> Answers:
    """Let `model` answer the prompts numbered `which`, `num_samples` times each.

    Temperature 1 and nothing cut off: the log-probabilities are those of the distribution that was
    sampled from, which is what makes the policy gradient unbiased.
    """
    made = generate(
        model,
        [prompts[number] for number in which],
        max_new_tokens=max_new_tokens,
        num_samples=num_samples,
        stop=end,
        pad=pad,
        seed=seed,
        rows_at_once=256,
    )
    numbers = [number for number in which for _ in range(num_samples)]
    return lay_out(
        [prompts[number] for number in numbers],
        made.ids,
        pad=pad,
        end=end,
        which=numbers,
        log_probs=made.logprobs,
    )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a model makes of answers, from one pass: its `hidden` states (B,T,C), 0 at padding, or
    none at all (0), and its `log_probs` (B,T) of the answers' tokens, 0 elsewhere."""

    hidden: Tensor
    log_probs: Tensor


@torch.no_grad()
def read_answers(model: Transformer, answers: Answers) -> Reading:
    """Let `model` read the answers once: for the KL, for rewards, for the features of a head."""
    rows, width = answers.ids.shape
    hidden = torch.zeros(rows, width, model.config.hidden_size)
    log_probs = torch.zeros(rows, width)
    lengths = answers.lengths
    for part in by_length(lengths):
        until = int(lengths[part].max())
        ids, mask = answers.ids[part, :until], answers.mask[part, :until]
        seen = hidden[part, :until] = model.hidden(ids)
        every = model.logits(seen[:, :-1][mask[:, 1:]]).log_softmax(-1)  # (N,V)
        chosen = every.gather(1, ids[mask][:, None])[:, 0]  # (N)
        log_probs[part, :until] = torch.zeros(mask.shape).masked_scatter(mask, chosen)
    return Reading(hidden=hidden, log_probs=log_probs)


def join(parts: Sequence[Answers], *, pad: int) -> Answers:
    """Several batches as one, padded to the longest row."""
    width = max(part.ids.shape[1] for part in parts)

    def widen(values: Tensor, filling: float) -> Tensor:
        return torch.nn.functional.pad(values, (0, width - values.shape[1]), value=filling)

    return Answers(
        which=torch.cat([part.which for part in parts]),
        ids=torch.cat([widen(part.ids, pad) for part in parts]),
        mask=torch.cat([widen(part.mask, False) for part in parts]),
        finished=torch.cat([part.finished for part in parts]),
        log_probs=torch.cat([widen(part.log_probs, 0.0) for part in parts]),
    )
