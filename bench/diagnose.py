"""Verdicts on curves: are planted faults named, and is anybody healthy accused?

    python bench/diagnose.py                 # 20 runs a fault, 100 healthy ones: about an hour
    python bench/diagnose.py --runs 2 --healthy 4 --text FILE

Each run is a small model of a random shape on a random text (the village, the English that came
with this computer, and what --text gives), with a random vocabulary, batch, number of steps and
learning rate around the default. A fault is planted in its batches, its model or its plan; then
`tinyllm.evaluation.diagnose` reads the events that a viewer would have seen, and nothing else. The
rules were made on other seeds than those used here (from `SEED` on).

Printed as JSON: for each fault how often each verdict was given ("verdicts"), the share that was
named rightly ("named"), and the share of healthy runs that were accused of something ("accused").
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from loky import get_reusable_executor
from torch import Tensor

from tinyllm.corpus import build_corpus
from tinyllm.evaluation import diagnose, rulers_of
from tinyllm.events import Event
from tinyllm.files import TinyLLMError
from tinyllm.model import ModelConfig, Transformer
from tinyllm.tokens import Tokenizer, TokenShards, build_tokenizer
from tinyllm.training import Batch, Plan, next_token_loss, optimizer_for, packed_batches, train
from tinyllm.training.batches import IGNORED, Documents
from tinyllm.training.plan import PRETRAINING
from tinyllm.training.stage import Lesson, look, watched
from tinyllm.training.state import Position

SEED = 1000
CHARACTERS = 3_000_000
VOCABULARIES = (512, 1024, 2048)
SHAPES = ((8, 64), (8, 128), (4, 128), (4, 256))
WIDTHS = (64, 96, 128)
STEPS = (300, 400, 500, 600, 800)
SHORT = (10, 15, 20, 30, 40)
HELD_OUT = 8192
"""Tokens measured at a look, as in pretraining."""

BY_HEART = ("overfitting", "data too small")
TOO_FAST = ("learning rate too high", "diverging")
NAMED = {
    "healthy": ("healthy",),
    "mask missing": ("sees the answer",),
    "labels not shifted": ("labels shifted", "sees the answer"),
    "labels shifted twice": ("labels shifted",),
    "duplicated batches": ("duplicated batches",),
    "overfitting": BY_HEART,
    "data too small": BY_HEART,
    "diverging": TOO_FAST,
    "learning rate too high": TOO_FAST,
    "learning rate too low": ("learning rate too low",),
    "too short": ("too short",),
}
"""The faults that are planted, and the verdicts that name them: what looks alike shares them."""

RATED = ("matrices", "embedding", "gains")
RATES = {
    "learning rate too high": (1.2, 1.7),
    "diverging": (2.0, 2.5),
    "learning rate too low": (-2.3, -1.5),
}
"""By which factor the rates are wrong, as powers of ten."""
READINGS = {"overfitting": (12, 40), "data too small": (60, 400)}
"""How often the text is read."""


class Text(NamedTuple):
    """A corpus in the tokens of one vocabulary."""

    corpus: Path
    tokens: Path


class Few:
    """So many tokens of a text's documents, drawn at random."""

    def __init__(self, shards: TokenShards, tokens: int, draw: random.Random) -> None:
        order = draw.sample(range(len(shards)), len(shards))
        self.documents, self.tokens = [], 0
        while self.tokens < tokens:
            document = shards.document(order.pop())[:tokens]
            self.documents.append(document)
            self.tokens += len(document) + 1

    def __len__(self) -> int:
        return len(self.documents)

    def document(self, number: int, /) -> Any:
        return self.documents[number]


class Unmasked(Transformer):
    """A model whose tokens see those behind them too."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.model.within = self.everywhere

    def everywhere(self, documents: Tensor) -> Tensor:
        apart = documents[:, None, :, None] != documents[:, None, None, :]
        return torch.zeros(apart.shape).masked_fill(apart, -torch.inf)


def run(
    runs: int = 20, healthy: int = 100, texts: Sequence[str] = (), jobs: int = 2
) -> dict[str, Any]:
    """Train all, ask for verdicts, count."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        given = prepare(Path(temporary), ["village", "this_computer", *texts])
        cases = [
            (fault, SEED + number)
            for fault in NAMED
            for number in range(healthy if fault == "healthy" else runs)
        ]
        random.Random(0).shuffle(cases)
        work = get_reusable_executor(max_workers=jobs).map(
            functools.partial(judge, given), *zip(*cases, strict=True)
        )
        counts: dict[str, Counter[str]] = {fault: Counter() for fault in NAMED}
        for number, ((fault, seed), name) in enumerate(zip(cases, work, strict=True), start=1):
            counts[fault][name] += 1
            said = "" if name in NAMED[fault] else f"  {fault} {seed}: called {name}"
            print(f"\r{number} of {len(cases)}{said}", end="\n" if said else "", file=sys.stderr)
    verdicts = {fault: dict(count.most_common()) for fault, count in counts.items()}
    return {"verdicts": verdicts, **shares(counts)}


def shares(counts: dict[str, Counter[str]]) -> dict[str, Any]:
    """Who was named, fault by fault and in all, and who was accused wrongly."""
    right = {f: sum(c[name] for name in NAMED[f]) for f, c in counts.items() if f != "healthy"}
    total = {f: c.total() for f, c in counts.items()}
    return {
        "named": {fault: round(number / total[fault], 3) for fault, number in right.items()},
        "named_in_all": round(sum(right.values()) / sum(total[fault] for fault in right), 3),
        "accused": round(1 - counts["healthy"]["healthy"] / total["healthy"], 3),
    }


def prepare(home: Path, sources: Sequence[str]) -> list[Text]:
    """Every source in every vocabulary."""
    texts = []
    for number, source in enumerate(sources):
        corpus = home / str(number)
        for _ in build_corpus(corpus, [source], characters=CHARACTERS):
            pass
        for vocab_size in VOCABULARIES:
            tokens = home / f"{number}-{vocab_size}"
            for _ in build_tokenizer(corpus, tokens, vocab_size=vocab_size):
                pass
            texts.append(Text(corpus, tokens))
    return texts


def judge(texts: Sequence[Text], fault: str, seed: int) -> str:
    """The name of the verdict on one run."""
    torch.set_num_threads(1)
    draw = random.Random(f"{fault} {seed}")
    text = draw.choice(texts)
    rulers = rulers_of(text.corpus, text.tokens, Tokenizer.load(text.tokens).vocab_size)
    return diagnose(history(text, fault, seed, draw), rulers).name


def history(text: Text, fault: str, seed: int, draw: random.Random) -> list[Event]:
    """The events of a training in which `fault` is planted."""
    tokenizer = Tokenizer.load(text.tokens)
    rows, context = draw.choice(SHAPES)
    wrong = 10 ** draw.uniform(*RATES.get(fault, (-0.2, 0.15)))
    plan = Plan(
        size=None,
        steps=draw.choice(SHORT if fault == "too short" else STEPS),
        rows=rows,
        context=context,
        rates=replace(PRETRAINING, **{name: getattr(PRETRAINING, name) * wrong for name in RATED}),
    )
    width = draw.choice(WIDTHS)
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=width,
        intermediate_size=8 * round(width / 3),
        num_hidden_layers=draw.choice((2, 2, 3)),
        num_attention_heads=width // 32,
        num_key_value_heads=width // 32,
        max_position_embeddings=context,
    )
    make = Unmasked if fault == "mask missing" else Transformer
    model = make(config, generator=torch.Generator().manual_seed(seed))
    shards, validation = (TokenShards.open(text.tokens, s) for s in ("train", "validation"))
    documents: Documents = shards
    if fault in READINGS:
        documents = Few(shards, int(plan.tokens / draw.uniform(*READINGS[fault])), draw)
    packing = {"rows": rows, "context": context, "separator": tokenizer.end_of_text}
    batches = packed_batches(documents, seed=seed, **packing)
    held_out = packed_batches(validation, seed=0, **packing)
    lesson = Lesson(
        stage="base",
        plan=plan,
        tokenizer=tokenizer,
        batches=lambda start: batches,
        held_out=list(islice(held_out, HELD_OUT // (rows * context))),
        prompts=(),
        eos=tokenizer.end_of_text,
        made_from={},
        epoch=sum(len(documents.document(i)) + 1 for i in range(len(documents))),
    )
    steps = train(
        model, planted(fault, batches, draw), next_token_loss,
        optimizer=optimizer_for(model, plan.rates_within()), schedule=plan.schedule(),
        steps=plan.steps, stage="base",
    )  # fmt: skip
    events: list[Event] = []
    with suppress(TinyLLMError):  # the loss is no number any more: what came before is the history
        events.extend(watched(steps, model, lesson, start=Position()))
        events.extend(look(model, lesson, plan.steps))
    return events


def planted(fault: str, batches: Iterator[Batch], draw: random.Random) -> Iterator[Batch]:
    """The batches with a fault that lies in them."""
    if fault == "labels not shifted":
        return (replace(batch, targets=batch.ids) for batch in batches)
    if fault == "labels shifted twice":
        return (replace(batch, targets=shifted(batch.targets)) for batch in batches)
    if fault == "duplicated batches":
        return cycle(list(islice(batches, draw.choice((1, 1, 2, 4, 8)))))
    return batches


def shifted(targets: Tensor) -> Tensor:
    """The targets of the places behind."""
    return torch.cat((targets[:, 1:], torch.full_like(targets[:, :1], IGNORED)), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=20, help="runs a fault")
    parser.add_argument("--healthy", type=int, default=100, help="runs without a fault")
    parser.add_argument("--text", action="append", default=[], help="a file or folder of text")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    asked = parser.parse_args()
    found = run(asked.runs, asked.healthy, asked.text, asked.jobs)
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
