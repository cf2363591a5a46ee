"""Training the reward model: ask the chat model, compare its answers, learn which are better.

The chat model answers questions several times each; a judge compares the answers; these on-policy
comparisons are learned beside the designed ones. The result is measured on questions that no
training touched: right comparisons with their interval, and, since those alone prove nothing, how
well the reward agrees with the judge *within* a question, and what choosing the best of eight
answers by it is worth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tinyllm.alignment.answers import read_answers
from tinyllm.alignment.comparisons import (
    Compared,
    Graded,
    Pair,
    PreferenceLike,
    compared_batches,
    encode_pair,
    graded_answers,
    informative_pairs,
)
from tinyllm.alignment.judging import judge, share_right
from tinyllm.alignment.reward import RewardModel, bradley_terry_loss
from tinyllm.alignment.weighed_reward import HEAD_FILE, WeighedReward, weigh
from tinyllm.events import Evaluation, Event, Finished, Notice, Progress, Step
from tinyllm.files import TinyLLMError, sha256
from tinyllm.model import Transformer, load_model
from tinyllm.tokens import Tokenizer
from tinyllm.training import (
    Position,
    Rates,
    Schedule,
    delete_state,
    keep,
    load_state,
    optimizer_for,
    saved_from,
    train,
)

if TYPE_CHECKING:
    from tinyllm.village import Grade, Instruction

STAGE = "reward"
ASKING = 0.3
"""The share of the seconds spent on asking the chat model."""
WEIGHING = 0.2
"""The share of the questions that the network does not learn from, and is weighed on."""
RATES = Rates(matrices=0.002, embedding=0.001, gains=0.002, head=0.01, clip=1.0)
LEARNING = 0.85
"""The share of the seconds left after asking that goes to learning, not to measuring."""
OPTIMIZER = 1.15
"""A step takes so many times as long as loss and gradient alone."""
LEAST_STEPS = 10
LEAST_CORRELATION = 0.1


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    """How much is asked, and how it is learned.

    `questions` are asked, each answered `num_samples` times and giving at most `pairs_per_prompt`
    comparisons; `designed` ones join them; `steps` batches of about `rows` answers are learned.
    With `seconds`, questions and steps are as many as fit, and no more than `epochs` passes over
    the comparisons are made: a small model learns few of them by heart.
    """

    questions: int = 320
    steps: int = 200
    seconds: float | None = None
    num_samples: int = 8
    pairs_per_prompt: int = 8
    designed: int = 800
    rows: int = 64
    epochs: float = 4.0
    max_new_tokens: int = 192
    rates: Rates = field(default_factory=lambda: RATES)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(f"expected seconds above 0, got {self.seconds}")
        for name in ("questions", "steps", "pairs_per_prompt", "rows", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} of at least 1, got {getattr(self, name)}")
        if self.num_samples < 2:
            raise ValueError(f"expected two samples a question or more, got {self.num_samples}")


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What the chat model is asked, and who judges: `train` may be endless, `held_out` is not.

    `designed` comparisons are learned beside the answers; `held_out_designed` are for measuring.
    """

    train: Iterable[Instruction]
    held_out: Sequence[Instruction]
    grade: Callable[..., Grade]
    designed: Iterable[PreferenceLike] = ()
    held_out_designed: Sequence[PreferenceLike] = ()


def train_reward(
    folder: Path,
    *,
    chat: Path,
    questions: Questions,
    config: RewardConfig | None = None,
    state: Path | None = None,
) -> Iterator[Event]:
    """Train a reward model for the chat model in the folder `chat`, and write it to `folder`.

    Yields `Progress` while asking, `Step` while learning, `Evaluation` on what is held out, and
    `Finished` with the closing figures, which the manifest keeps. With `state`, a training that
    was stopped goes on: the same questions are asked again, and the steps taken are kept.
    """
    config = config or RewardConfig()
    began = time.monotonic()
    language, tokenizer = load_model(chat), Tokenizer.load(chat)
    before = saved_from(state) if state else None
    if before is not None:
        config = replace(config, **before["fixed"], seconds=None)
    asked = yield from _ask(language, tokenizer, questions, config)
    config = replace(config, questions=sum(len(graded.scores) for graded in asked))
    for_network, for_weights = _divide(asked)
    tests = list(_graded(language, tokenizer, questions, questions.held_out, config, seed=1))
    gold = torch.cat([graded.scores for graded in tests])
    pairs = _comparisons(for_network, tokenizer, questions, config)
    network = RewardModel.grown_from(language)
    if config.seconds:
        left = config.seconds - (time.monotonic() - began)
        config = replace(config, steps=_steps_within(left, network, pairs, tokenizer, config))
    made_from = {
        "chat": sha256(chat),
        "fixed": {"questions": config.questions, "steps": config.steps},
        "seed": config.seed,
    }
    for step in _learn(network, pairs, tokenizer, config, made_from, state):
        yield step
        if step.step in (config.steps // 3, 2 * config.steps // 3):
            metrics = judge(_rewards(network, tests), gold)
            yield Evaluation(stage=STAGE, step=step.step, metrics=metrics)

    alone = judge(_rewards(network, tests), gold)
    scores = _rewards(network, for_weights or asked)
    network.mean, network.sd = float(scores.mean()), max(float(scores.std()), 1e-6)
    reward = WeighedReward(network, tokenizer)
    if for_weights:
        reward = weigh(network, tokenizer, language, for_weights)
    together = [reward(g.answers, read_answers(language, g.answers)) for g in tests]
    metrics = judge(torch.cat(together).view_as(gold), gold)
    metrics |= {
        f"network_{name}": alone[name] for name in ("accuracy", "correlation", "gap_closed")
    }
    designed = [encode_pair(tokenizer, each) for each in questions.held_out_designed]
    if designed:
        metrics["network_designed_accuracy"] = share_right(network, designed, tokenizer)
    yield Evaluation(stage=STAGE, step=config.steps, metrics=metrics)
    if metrics["correlation"] < LEAST_CORRELATION:
        yield Notice(
            stage=STAGE,
            text="Within a question the reward hardly agrees with the judge (correlation "
            f"{metrics['correlation']:.2f}); a policy would learn little from it.",
        )
    network.save(
        tokenizer,
        folder,
        beside={HEAD_FILE: reward.head_file()},
        stage=STAGE,
        config=asdict(config),
        comparisons=len(pairs),
        weights=reward.weights,
        metrics=metrics,
        **made_from,
    )
    if state:
        delete_state(state)
    seconds = time.monotonic() - began
    yield Finished(stage=STAGE, folder=str(folder), seconds=seconds, metrics=metrics)


def _divide(asked: Sequence[Graded]) -> tuple[Sequence[Graded], Sequence[Graded]]:
    """The answers that the network learns from, and those on which it is weighed."""
    kept = max(1, round(len(asked) * WEIGHING)) if len(asked) > 1 else 0
    return asked[: len(asked) - kept], asked[len(asked) - kept :]


def _rewards(network: RewardModel, graded: Sequence[Graded]) -> Tensor:
    """The network's reward of each answer (P,G)."""
    return torch.cat([network.reward(each.answers).view_as(each.scores) for each in graded])


def _ask(
    language: Transformer, tokenizer: Tokenizer, questions: Questions, config: RewardConfig
) -> Generator[Progress, None, list[Graded]]:
    """The chat model's graded answers: to so many questions, or to as many as the time allows."""
    ends = time.monotonic() + ASKING * config.seconds if config.seconds else None
    source = questions.train if ends else islice(questions.train, config.questions)
    asked: list[Graded] = []
    for graded in _graded(language, tokenizer, questions, source, config):
        asked.append(graded)
        yield Progress(
            stage=STAGE,
            done=sum(len(each.scores) for each in asked),
            total=None if ends else config.questions,
            unit="questions",
            note="the chat model answers, the judge compares",
        )
        if ends and time.monotonic() > ends:
            break
    return asked


def _graded(
    language: Transformer,
    tokenizer: Tokenizer,
    questions: Questions,
    source: Iterable[Instruction],
    config: RewardConfig,
    seed: int = 0,
) -> Iterator[Graded]:
    return graded_answers(
        language,
        tokenizer,
        source,
        questions.grade,
        num_samples=config.num_samples,
        max_new_tokens=config.max_new_tokens,
        seed=config.seed + seed,
    )


def _comparisons(
    asked: Sequence[Graded], tokenizer: Tokenizer, questions: Questions, config: RewardConfig
) -> list[Pair]:
    """What is learned: the comparisons that the answers give, and the designed ones."""
    pairs: list[Pair] = []
    for number, graded in enumerate(asked):
        seed = config.seed * 1_000_003 + number
        pairs += informative_pairs(graded, pairs_per_prompt=config.pairs_per_prompt, seed=seed)
    designed = islice(questions.designed, config.designed)
    pairs += [encode_pair(tokenizer, preference) for preference in designed]
    if not pairs:
        raise TinyLLMError(
            "There is no comparison to learn from: the judge graded all answers alike. "
            "Give designed preferences, or ask more questions."
        )
    return pairs


def _learn(
    reward: RewardModel,
    pairs: Sequence[Pair],
    tokenizer: Tokenizer,
    config: RewardConfig,
    made_from: Mapping[str, Any],
    state: Path | None,
) -> Iterator[Step]:
    """The steps of the one loop, from where an earlier training stopped, if `state` holds one."""
    optimizer = optimizer_for(reward, config.rates)
    position = Position()
    if state:
        position = load_state(state, optimizer=optimizer, made_from=made_from)
    steps = train(
        reward,
        _batches(pairs, tokenizer, config, position.step),
        bradley_terry_loss,
        optimizer=optimizer,
        schedule=Schedule(steps=config.steps),
        steps=config.steps,
        stage=STAGE,
        start=position.step,
        tokens=position.tokens,
        seconds=position.seconds,
    )
    return keep(steps, state, optimizer=optimizer, made_from=made_from) if state else steps


def _batches(
    pairs: Sequence[Pair], tokenizer: Tokenizer, config: RewardConfig, start: int = 0
) -> Iterator[Compared]:
    return compared_batches(
        pairs,
        rows=config.rows,
        pad=tokenizer.pad,
        end=tokenizer.end,
        seed=config.seed,
        start=start,
    )


def _steps_within(
    seconds: float,
    reward: RewardModel,
    pairs: Sequence[Pair],
    tokenizer: Tokenizer,
    config: RewardConfig,
) -> int:
    """The steps that fit into `seconds`, timed on three batches, less what the evaluations take;
    no more than `epochs` passes."""
    batches = _batches(pairs, tokenizer, config)
    times = []
    for batch in islice(batches, 4):
        began = time.monotonic()
        bradley_terry_loss(reward, batch)[0].backward()  # type: ignore[no-untyped-call]
        times.append(time.monotonic() - began)
    reward.zero_grad(set_to_none=True)
    step = OPTIMIZER * sum(times[1:]) / len(times[1:])  # the first one also prepares kernels
    answers = len({(pair.prompt, a) for pair in pairs for a in (pair.chosen, pair.rejected)})
    passes = config.epochs * answers / config.rows
    return max(LEAST_STEPS, int(min(LEARNING * seconds / step, passes)))
