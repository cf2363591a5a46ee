"""The six stages of a run: which room makes each, from which folders, with how much of what.

The rooms know nothing of runs; they take folders and settings. Here a run's folders are handed to
them, and the numbers that tie one stage to the next are chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tinyllm.events import Event, Notice
from tinyllm.files import TinyLLMError
from tinyllm.runs import Run, encoded_for, find

if TYPE_CHECKING:
    from tinyllm.alignment import Canaries, PolicyConfig
    from tinyllm.line import Settings

VILLAGE = "village"
VOCABULARY = 4096
CHARACTERS_A_MINUTE = 2_000_000
"""The village writes so much text for each minute: about what a laptop reads once in half of it."""
CHARACTERS_A_TOKEN = 2
"""And for each token of --steps: a token has between three and four, so all is read about twice."""
LEAST_CHARACTERS, MOST_CHARACTERS = 400_000, 300_000_000
EXAMPLES = 24_000
"""Fine-tuning examples: more content than a minute can repeat often enough to learn by heart."""


ANSWER_TOKENS = 96
"""The most tokens of an answer while it is judged: the longest right ones have 56 of the usual
vocabulary. What runs on is then cut sooner, which saves a tenth of each step."""
FULL_AMOUNTS_FROM = 30.0
"""Seconds of a stage from which on reward model and policy are measured on all that is held out."""


def portion(count: int, seconds: float, *, least: int = 8) -> int:
    """`count`, or less of it where a stage has only a few seconds.

    >>> portion(64, 60.0), portion(64, 10.0), portion(64, 1.0)
    (64, 21, 8)
    """
    return max(least, min(count, int(count * seconds / FULL_AMOUNTS_FROM)))


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """From where a stage reads, and how much it may do.

    Each folder is the run's own where it has it, else that of `default`.
    """

    corpus: Path
    tokenizer: Path
    base: Path
    chat: Path
    reward: Path
    sources: tuple[str, ...]
    seed: int
    weights: tuple[float, ...] | None = None
    villagers: tuple[str, ...] = ()
    minutes: float | None = None
    seconds: float | None = None
    size: str | None = None
    steps: int | None = None

    @classmethod
    def of(cls, run: Run, settings: Settings, seconds: float | None) -> Inputs:
        """The inputs of a stage of `run`."""

        def folder(stage: str) -> Path:
            return (find(run, stage) or run).folder(stage)

        return cls(
            corpus=folder("corpus"),
            tokenizer=folder("tokenizer"),
            base=folder("base"),
            chat=folder("chat"),
            reward=folder("reward"),
            sources=settings.sources or (VILLAGE,),
            seed=settings.seed or 0,
            weights=settings.weights,
            villagers=settings.villagers or (),
            minutes=settings.minutes,
            seconds=seconds,
            size=settings.size,
            steps=settings.steps,
        )

    @property
    def later_seconds(self) -> float:
        """The seconds of a stage after pretraining; with --size and --steps a minute each."""
        return self.seconds if self.seconds is not None else 60.0


def stage_events(run: Run, stage: str, inputs: Inputs) -> Iterator[Event]:
    """The events of `stage`, which leaves its artefact in the run's folder."""
    return {
        "corpus": _corpus,
        "tokenizer": _tokenizer,
        "base": _base,
        "chat": _chat,
        "reward": _reward,
        "aligned": _aligned,
    }[stage](run, inputs)


def _corpus(run: Run, inputs: Inputs) -> Iterator[Event]:
    from tinyllm.corpus import build_corpus
    from tinyllm.training.presets import plan_of

    if inputs.steps is not None:
        wanted = CHARACTERS_A_TOKEN * plan_of(inputs.size, steps=inputs.steps).tokens
    else:
        wanted = int(CHARACTERS_A_MINUTE * (inputs.minutes or 5))
    characters = min(max(wanted, LEAST_CHARACTERS), MOST_CHARACTERS)
    weights = None
    if inputs.weights is not None:
        weights = dict(zip(dict.fromkeys(inputs.sources), inputs.weights, strict=True))
    return build_corpus(
        run.corpus,
        inputs.sources,
        seed=inputs.seed,
        characters=characters,
        weights=weights,
        villagers=inputs.villagers,
    )


def _tokenizer(run: Run, inputs: Inputs) -> Iterator[Event]:
    from tinyllm.tokens import build_tokenizer
    from tinyllm.training.presets import PRESETS

    preset = PRESETS.get(inputs.size or "")
    vocab_size = VOCABULARY if preset is None else preset.vocab_size
    return build_tokenizer(inputs.corpus, run.tokenizer, vocab_size=vocab_size)


def _base(run: Run, inputs: Inputs) -> Iterator[Event]:
    from tinyllm.training import pretrain
    from tinyllm.training.world import World

    yield from pretrain(
        run.base,
        tokenizer_folder=inputs.tokenizer,
        state=run.state("base"),
        seconds=inputs.seconds,
        size=inputs.size,
        steps=inputs.steps,
        seed=inputs.seed,
        world=World.joined(),
    )


def _chat(run: Run, inputs: Inputs) -> Iterator[Event]:
    from tinyllm.training import finetune
    from tinyllm.village import chat_examples, read_villagers
    from tinyllm.village.villagers import examples as about

    examples = chat_examples(seed=inputs.seed, count=EXAMPLES)
    pairs = [(example.prompt, example.answer) for example in examples]
    yield from finetune(
        run.chat,
        base=inputs.base,
        examples=pairs + about(read_villagers(inputs.villagers), seed=inputs.seed),
        replay=encoded_for(run, inputs.base),
        state=run.state("chat"),
        seconds=inputs.later_seconds,
        seed=inputs.seed,
    )


def _reward(run: Run, inputs: Inputs) -> Iterator[Event]:
    from tinyllm.alignment import RewardConfig, train_reward, village_questions

    seconds = inputs.later_seconds
    yield from train_reward(
        run.reward,
        chat=inputs.chat,
        questions=village_questions(inputs.seed, held_out=portion(64, seconds)),
        config=RewardConfig(
            seconds=seconds,
            seed=inputs.seed,
            max_new_tokens=portion(ANSWER_TOKENS, seconds, least=24),
        ),
        state=run.state("reward"),
    )


def _aligned(run: Run, inputs: Inputs) -> Iterator[Event]:
    from tinyllm.alignment import align

    seconds = inputs.later_seconds
    prompts, held_out, canaries = _asked(inputs.seed, seconds)
    yield from align(
        inputs.chat,
        run.aligned,
        prompts=prompts,
        held_out=held_out,
        reward=inputs.reward,
        canaries=canaries,
        config=_policy_config(inputs.seed, seconds),
    )


def _policy_config(seed: int, seconds: float) -> PolicyConfig:
    """How RLHF runs in so many seconds: shorter answers and fewer of them where there are few."""
    from tinyllm.alignment import PolicyConfig

    return PolicyConfig(
        seconds=seconds,
        seed=seed,
        prompts_per_step=portion(16, seconds, least=4),
        max_new_tokens=portion(ANSWER_TOKENS, seconds, least=24),
    )


def _asked(seed: int, seconds: float) -> tuple[list[str], list[str], Canaries]:
    """What RLHF asks: prompts to train on, prompts to measure on, and the canaries."""
    from tinyllm.alignment import village_canaries, village_prompts

    prompts, held_out = village_prompts(
        seed, train=portion(160, seconds, least=16), held_out=portion(128, seconds)
    )
    return prompts, held_out, village_canaries(seed, count=portion(96, seconds))


def feedback_events(run: Run, *, method: str | None, seconds: float, seed: int) -> Iterator[Event]:
    """From all valid feedback to a new version of `run`, led by a head fitted to the records."""
    from tinyllm.alignment import (
        FeedbackStore,
        PolicyConfig,
        align,
        capped,
        valid_records,
        village_candidates,
    )
    from tinyllm.alignment.contradictions import contradictions, told
    from tinyllm.alignment.policy_config import FOR_VOTES
    from tinyllm.answering import feedback_database, lineage

    owner = find(run, "chat")
    assert owner is not None, "align_with_feedback refuses a run without a chat model"
    every, hashes = FeedbackStore(feedback_database()).list(), lineage(owner)
    records = capped(valid_records(every, hashes))
    others = len(valid_records(every)) - len(valid_records(every, hashes))
    elsewhere = f"Votes on answers of other models do not count for run {run.name}: {others}."
    if not records:
        raise TinyLLMError(
            "There is no valid feedback yet: nothing imported, and no thumb on an answer of run "
            f"{run.name}. Give thumbs on the Chat page, or `tinyllm feedback import FILE`."
            + (f" {elsewhere}" if others else "")
        )
    for text in [*([elsewhere] if others else []), *told(contradictions(every, hashes))]:
        yield Notice(stage="aligned", text=text)
    reward = find(run, "reward")
    prompts, held_out, canaries = _asked(seed, seconds)
    yield from align(
        owner.chat,
        run.aligned,
        prompts=prompts,
        held_out=held_out,
        reward=reward.reward if reward is not None else None,
        records=records,
        canaries=canaries,
        method=method,
        candidates=village_candidates(seed),
        config=replace(
            _policy_config(seed, seconds),
            **FOR_VOTES,
            practice=portion(PolicyConfig.practice, seconds, least=16),
        ),
    )
