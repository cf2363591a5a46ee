"""Did alignment help? The aligned model beside the chat model it grew from, on sampled answers.

A win rate alone proves little: a policy can win by giving one answer to everything. So three
figures of diversity and distance stand beside it: the exact KL to the chat model, distinct-2 over
equal numbers of tokens, and how many answers end by themselves.

Shapes: B rows, T time, N positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tinyllm.evaluation.chat import GradeAnswer, ask
from tinyllm.evaluation.intervals import Interval, bootstrap_mean, wilson
from tinyllm.evaluation.writing import Written
from tinyllm.events import Progress
from tinyllm.model import Transformer

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer
    from tinyllm.village import Instruction

_ROWS = 16


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How a model answers, whatever it says: mean length in tokens, the share of answers that end
    by themselves, and the share of different pairs of neighbouring tokens."""

    length: float
    finished: Interval
    distinct_2: float
    score: float


@dataclass(frozen=True, kw_only=True)
class Duel:
    """One prompt and a pair of sampled answers to it, for people to read."""

    prompt: str
    aligned: str
    chat: str
    aligned_score: float
    chat_score: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The aligned model against the chat model: `win_rate` with its bootstrap over prompts, `kl` in
    nats a sequence, the `habits` of both, and the first sample of each to every prompt."""

    win_rate: Interval
    kl: Interval
    aligned: Habits
    chat: Habits
    duels: tuple[Duel, ...]


def compare(
    aligned: Transformer,
    chat: Transformer,
    tokenizer: Tokenizer,
    instructions: Sequence[Instruction],
    grade: GradeAnswer,
    *,
    samples: int = 4,
    kl_sequences: int = 512,
    seed: int = 0,
    stage: str = "aligned",
) -> Generator[Progress, None, Comparison]:
    """Let both models answer each instruction `samples` times at temperature 1 and compare.

    KL is measured on the first `kl_sequences` of the aligned model's answers, spread over all
    prompts.
    """
    written, scores = [], []
    for number, (model, name) in enumerate(((aligned, "aligned"), (chat, "chat"))):
        answers = yield from ask(
            model,
            tokenizer,
            instructions,
            temperature=1.0,
            num_samples=samples,
            seed=2 * seed + number,
            stage=stage,
            note=f"sampled answers of {name}",
        )
        asked = [instruction for instruction in instructions for _ in range(samples)]
        graded = [
            grade(i, tokenizer.decode(a.ids), finished=a.finished).score
            for i, a in zip(asked, answers, strict=True)
        ]
        written.append(answers)
        scores.append(np.array(graded).reshape(len(instructions), samples))

    # Sample-major order: the first answer to every prompt, then the second, ...
    spread = [p * samples + s for s in range(samples) for p in range(len(instructions))]
    some = [written[0][i] for i in spread[:kl_sequences]]
    kl: list[float] = []
    for first in range(0, len(some), _ROWS):
        kl += sequence_kl(aligned, chat, some[first : first + _ROWS])
        yield Progress(
            stage=stage, done=len(kl), total=len(some), unit="texts", note="KL to the chat model"
        )
    ids = [[answers[i].ids for i in spread] for answers in written]
    pairs = min(sum(max(len(x) - 1, 0) for x in each) for each in ids)
    habits = [
        Habits(
            length=float(np.mean([len(a.ids) for a in answers])),
            finished=wilson(sum(a.finished for a in answers), len(answers)),
            distinct_2=distinct_pairs(each, pairs),
            score=float(score.mean()),
        )
        for answers, each, score in zip(written, ids, scores, strict=True)
    ]
    return Comparison(
        win_rate=win_rate(scores[0], scores[1], seed=seed),
        kl=bootstrap_mean(kl, seed=seed),
        aligned=habits[0],
        chat=habits[1],
        duels=tuple(
            Duel(
                prompt=instruction.prompt,
                aligned=tokenizer.decode(written[0][p * samples].ids),
                chat=tokenizer.decode(written[1][p * samples].ids),
                aligned_score=float(scores[0][p, 0]),
                chat_score=float(scores[1][p, 0]),
            )
            for p, instruction in enumerate(instructions)
        ),
    )


def win_rate(ours: NDArray[Any], theirs: NDArray[Any], *, seed: int = 0) -> Interval:
    """How often a sample of ours scores above one of theirs, ties half; bootstrap over prompts.

    Scores are (prompts, samples) each. All pairs of samples of a prompt are compared, which has the
    same mean as comparing them one to one and less noise.

    >>> win_rate(np.array([[1.0], [0.5]]), np.array([[0.0], [0.5]])).value
    0.75
    """
    above = (ours[:, :, None] > theirs[:, None, :]).mean((1, 2))
    equal = (ours[:, :, None] == theirs[:, None, :]).mean((1, 2))
    return bootstrap_mean((above + equal / 2).tolist(), seed=seed)


def distinct_pairs(texts: Sequence[Sequence[int]], pairs: int) -> float:
    """Different pairs of neighbouring tokens among the first `pairs` of them (distinct-2).

    The share falls as a text grows, so two models are compared over equally many pairs (Li et al.,
    "A diversity-promoting objective function", 2016, without this care).

    >>> distinct_pairs([[1, 2, 1, 2], [1, 2]], pairs=4)
    0.5
    """
    found = [pair for ids in texts for pair in pairwise(ids)][:pairs]
    return len(set(found)) / max(len(found), 1)


@torch.inference_mode()
def sequence_kl(
    policy: Transformer, reference: Transformer, written: Sequence[Written]
) -> list[float]:
    """KL(policy || reference) of each sequence in nats: exact at each position, summed over them.

    The whole vocabulary is compared wherever a token was chosen, the end token included. Averaged
    over sequences that the policy sampled it is the KL of the two distributions over answers, by
    the chain rule, with no noise from the choice of tokens at a position.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16))
    >>> sequence_kl(model, model, [Written([0, 7], [8, 9], False)])
    [0.0]
    """
    device = policy.output_weight.device
    rows = [[*one.prompt, *one.ids] for one in written]
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.int64)  # (B,T), padded on the right, unseen
    chosen = torch.zeros(len(rows), width - 1, dtype=torch.bool)
    for row, (all_ids, one) in enumerate(zip(rows, written, strict=True)):
        ids[row, : len(all_ids)] = torch.tensor(all_ids)
        chosen[row, len(one.prompt) - 1 : len(all_ids) - 1] = True
    ids, chosen = ids[:, :-1].to(device), chosen.to(device)
    ours = policy.logits(policy.hidden(ids)[chosen]).log_softmax(-1)  # (N,V)
    theirs = reference.logits(reference.hidden(ids)[chosen]).log_softmax(-1)
    by_position: Tensor = (ours.exp() * (ours - theirs)).sum(-1)  # (N)
    total = torch.zeros(len(rows), device=device, dtype=torch.float64)
    total.index_add_(0, chosen.nonzero()[:, 0], by_position.double())
    result: list[float] = total.tolist()
    return result
