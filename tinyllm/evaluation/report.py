"""What `tinyllm evaluate` says of a model: one dictionary a stage, every share with its interval.

Each `evaluate_…` is a generator of `Progress` that ends with one `Report`. The keys of its `values`
are a contract (see the README): `loss`, `bits_per_byte`, `floor_bits_per_byte`, `consistency`; for
a chat model also `helpful`, `truthful`, `safe`; for an aligned one also `kl` and `win_rate`. Beside
them stand figures that help to read them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tinyllm import village
from tinyllm.corpus import read_text
from tinyllm.evaluation.chat import measure_chat, take_balanced
from tinyllm.evaluation.consistency import Check, consistency_of, measure_consistency
from tinyllm.evaluation.facts import next_words, probe_facts
from tinyllm.evaluation.loss import held_out_loss
from tinyllm.evaluation.memory import measure_memory
from tinyllm.evaluation.ngrams import NGrams
from tinyllm.evaluation.rulers import baselines
from tinyllm.evaluation.win_rate import Habits, compare
from tinyllm.evaluation.words import known_words, vocabulary_of
from tinyllm.evaluation.writing import write
from tinyllm.events import Event, Progress
from tinyllm.files import read_manifest
from tinyllm.model import Transformer
from tinyllm.tokens import Tokenizer, TokenShards
from tinyllm.village.memory import MEMORIES, memories

SKY = "The sky is"


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How much is measured: `documents` of validation text, `stories` a consistency check within
    `story_samples` texts, a `cell` of answers for each group and split, `prompts` × `samples` for
    the win rate, `kl_sequences` for the KL, `texts` whose words are looked up, and so many
    `memories` of each kind."""

    documents: int = 1_000
    stories: int = 300
    story_samples: int = 4_096
    cell: int = 300
    prompts: int = 300
    samples: int = 4
    kl_sequences: int = 512
    texts: int = 20
    memories: int = 300


FULL = Amounts()
"""What the contract promises; about a minute on two cores."""

QUICK = Amounts(
    documents=150,
    stories=60,
    story_samples=384,
    cell=50,
    prompts=60,
    samples=2,
    kl_sequences=64,
    memories=40,
)
"""For the table at the end of a training: wider intervals, a few seconds."""


@dataclass(frozen=True, kw_only=True)
class Report(Event):
    """The closing event of an evaluation: `values` as plain JSON, and what people should read.

    `transcripts` are the samples behind the shares: graded answers, duels, stories.
    """

    values: Mapping[str, Any]
    transcripts: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def evaluate_base(
    model: Transformer,
    tokenizer: Tokenizer,
    *,
    corpus: Path,
    tokens: Path | None,
    amounts: Amounts = FULL,
    seed: int = 0,
) -> Iterator[Event]:
    """Measure a pretrained model on a corpus; `tokens` holds it encoded as the model reads it.

    Without that (None) there are no losses of simple models beside its own.

    Text that is not the village's has no floor and no consistency; for it `words` says which share
    of the words in samples occurs in the training text.
    """
    values, transcripts = yield from _text_figures(
        model, tokenizer, corpus, amounts, seed=seed, stage="base"
    )
    if tokens is not None:
        yield Progress(stage="base", done=0, note="unigram and bigram loss")
        train, validation = (TokenShards.open(tokens, split) for split in ("train", "validation"))
        values["baselines"] = baselines(
            train, validation, tokenizer.vocab_size, end_of_text=tokenizer.end_of_text
        )
        if "consistency" in values:
            yield Progress(stage="base", done=0, note="stories of a 5-gram model")
            values["baselines"]["5-gram"] = _of_five_grams(
                train, tokenizer, _checks_of(corpus), amounts, seed
            )
    yield Report(stage="base", values=values, transcripts=transcripts)


def _of_five_grams(
    train: TokenShards, tokenizer: Tokenizer, check: Check, amounts: Amounts, seed: int
) -> dict[str, Any]:
    """How many of the stories of a model without memory hold together."""
    ngrams = NGrams(train, vocab_size=tokenizer.vocab_size, end_of_text=tokenizer.end_of_text)
    rng = np.random.default_rng(seed)
    texts = (tokenizer.decode(ngrams.write(rng)) for _ in range(amounts.story_samples))
    shares = consistency_of(texts, check, documents=amounts.stories)
    return {name: share.to_dict() for name, share in shares.items()}


def _checks_of(corpus: Path) -> Check:
    """The village's checks; who has moved in with this corpus is known to them."""
    sentences = read_manifest(corpus).get("villagers") or ()
    return partial(village.check_consistency, villagers=village.read_villagers(sentences))


def evaluate_chat(
    model: Transformer,
    tokenizer: Tokenizer,
    *,
    corpus: Path,
    amounts: Amounts = FULL,
    seed: int = 0,
    stage: str = "chat",
) -> Iterator[Event]:
    """Measure a fine-tuned model: its text figures, and its answers graded by the village."""
    values, transcripts = yield from _chat_figures(
        model, tokenizer, corpus, amounts, seed=seed, stage=stage
    )
    yield Report(stage=stage, values=values, transcripts=transcripts)


def evaluate_aligned(
    model: Transformer,
    chat: Transformer,
    tokenizer: Tokenizer,
    *,
    corpus: Path,
    amounts: Amounts = FULL,
    seed: int = 0,
) -> Iterator[Event]:
    """Measure an aligned model as `evaluate_chat` does, and against the chat model it grew from."""
    values, transcripts = yield from _chat_figures(
        model, tokenizer, corpus, amounts, seed=seed, stage="aligned"
    )
    asked = take_balanced(
        _draw, "new", village.INSTRUCTION_KINDS, amounts.prompts, seed=seed + 77_003
    )
    found = yield from compare(
        model,
        chat,
        tokenizer,
        asked,
        village.grade,
        samples=amounts.samples,
        kl_sequences=amounts.kl_sequences,
        seed=seed,
    )
    values["win_rate"] = found.win_rate.to_dict()
    values["kl"] = found.kl.to_dict()
    values["habits"] = {"aligned": _habits(found.aligned), "chat": _habits(found.chat)}
    transcripts += [{"what": "duel", **asdict(duel)} for duel in found.duels]
    yield Report(stage="aligned", values=values, transcripts=transcripts)


def _draw(split: str, kinds: Sequence[str], seed: int) -> Iterator[village.Instruction]:
    return village.instructions(split=split, seed=seed, kinds=kinds)


_Figures = tuple[dict[str, Any], list[dict[str, Any]]]


def _text_figures(
    model: Transformer,
    tokenizer: Tokenizer,
    corpus: Path,
    amounts: Amounts,
    *,
    seed: int,
    stage: str,
) -> Generator[Progress, None, _Figures]:
    documents = list(islice(read_text(corpus, "validation"), amounts.documents))
    held_out = yield from held_out_loss(model, tokenizer, documents, stage=stage)
    values: dict[str, Any] = {
        "stage": stage,
        "loss": held_out.loss,
        "bits_per_byte": held_out.bits_per_byte,
        "documents": held_out.documents,
        "tokens": held_out.tokens,
    }
    if held_out.floor_bits is not None:
        values["floor_bits_per_byte"] = held_out.floor_bits_per_byte
        values["floor_loss"] = held_out.floor_loss
    if not any("bits" in document.metadata for document in documents):
        samples = yield from _samples(model, tokenizer, amounts.texts, seed=seed, stage=stage)
        vocabulary = vocabulary_of(document.text for document in read_text(corpus, "train"))
        values["words"] = known_words(samples, vocabulary).to_dict()
        return values, [{"what": "text", "text": text} for text in samples]

    stories = yield from measure_consistency(
        model,
        _checks_of(corpus),
        tokenizer.decode,
        start=tokenizer.end_of_text,
        stop={tokenizer.end_of_text, tokenizer.end},
        pad=tokenizer.pad,
        documents=amounts.stories,
        samples=amounts.story_samples,
        seed=seed,
        stage=stage,
    )
    values["consistency"] = {name: share.to_dict() for name, share in stories.checks.items()}
    values["consistency_samples"] = stories.samples
    memory = yield from measure_memory(
        model,
        tokenizer,
        [
            one
            for kind in MEMORIES
            for one in islice(memories(kind, seed=seed + 9_001), amounts.memories)
        ],
        stage=stage,
    )
    values["memory"] = {kind: share.to_dict() for kind, share in memory.shares.items()}
    facts = probe_facts(model, tokenizer, village.PROBES)
    values["facts"] = {
        "top_three": facts.top_three.to_dict(),
        "the_sky_is": [[word, round(p, 6)] for word, p in next_words(model, tokenizer, SKY)],
    }
    return values, [
        *({"what": "text", "text": text} for text in stories.texts[: amounts.stories]),
        *({"what": "fact", **asdict(guess)} for guess in facts.guesses),
        *({"what": "memory", "prompt": p, "text": t, "right": r} for p, t, r in memory.said),
    ]


def _chat_figures(
    model: Transformer,
    tokenizer: Tokenizer,
    corpus: Path,
    amounts: Amounts,
    *,
    seed: int,
    stage: str,
) -> Generator[Progress, None, _Figures]:
    values, transcripts = yield from _text_figures(
        model, tokenizer, corpus, amounts, seed=seed, stage=stage
    )
    grades = yield from measure_chat(
        model,
        tokenizer,
        _draw,
        village.grade,
        village.GROUPS,
        cell=amounts.cell,
        seed=seed,
        stage=stage,
    )
    for group, splits in grades.by_group().items():
        values[group] = {split: share.to_dict() for split, share in splits.items()}
    values["kinds"] = {
        kind: {split: share.to_dict() for split, share in splits.items()}
        for kind, splits in grades.by_kind().items()
    }
    return values, transcripts + [{"what": "answer", **asdict(a)} for a in grades.answers]


def _samples(
    model: Transformer, tokenizer: Tokenizer, count: int, *, seed: int, stage: str
) -> Generator[Progress, None, list[str]]:
    written = yield from write(
        model,
        [[tokenizer.end_of_text]] * count,
        stop={tokenizer.end_of_text, tokenizer.end},
        temperature=0.8,
        seed=seed,
        pad=tokenizer.pad,
        stage=stage,
        note="texts whose words are looked up",
    )
    # The end of the context may cut a word in two, so the last word of an unfinished text goes.
    texts = [(tokenizer.decode(one.ids), one.finished) for one in written]
    return [text if finished else text.rpartition(" ")[0] for text, finished in texts]


def _habits(habits: Habits) -> dict[str, Any]:
    return {
        "length": habits.length,
        "finished": habits.finished.to_dict(),
        "distinct_2": habits.distinct_2,
        "score": habits.score,
    }
