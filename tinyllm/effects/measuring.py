"""One variant's model, looked at while it learns and measured when it is done."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tinyllm.corpus import Document, read_card
from tinyllm.effects.results import Costs, Result
from tinyllm.evaluation import bootstrap_ratio, held_out_loss
from tinyllm.evaluation.loss import cut
from tinyllm.events import Evaluation, Event
from tinyllm.files import atomic_write, read_manifest
from tinyllm.model import generate, load_model
from tinyllm.tokens import Tokenizer, TokenShards
from tinyllm.training import Plan, pretrain
from tinyllm.training.batches import IGNORED, Batch

CURVE_BYTES = 16_000
"""So much of the held-out text is measured at every look: as long as six optimizer steps take."""
ROWS = 16
SAMPLE_TOKENS = 120


@dataclass(frozen=True)
class Ruler:
    """The beginning of the held-out text, in one tokenizer's tokens, ready to be looked at."""

    batches: Sequence[Batch]
    bytes: int

    @classmethod
    def of(cls, tokens: Path, held_out: Sequence[Document], context: int) -> Ruler:
        """Windows as `held_out_loss` cuts them, those of like length side by side."""
        tokenizer, shards = Tokenizer.load(tokens), TokenShards.open(tokens, "validation")
        end, sizes = tokenizer.end_of_text, np.cumsum([len(d.text.encode()) for d in held_out])
        count = max(1, sum(1 for _ in takewhile(lambda size: size <= CURVE_BYTES, sizes)))
        windows = [
            window
            for number in range(count)
            for window in cut([end, *shards.document(number).tolist(), end], context)
        ]
        windows.sort(key=lambda window: len(window[0]))
        groups = (windows[i : i + ROWS] for i in range(0, len(windows), ROWS))
        return cls([_batch(group) for group in groups], int(sizes[count - 1]))

    def bits_per_byte(self, loss: float) -> float:
        """The mean loss over the batches, in nats a token, as bits a byte of their text."""
        targets = sum(int((batch.targets != IGNORED).sum()) for batch in self.batches)
        return loss * targets / math.log(2) / self.bytes


def _batch(windows: Sequence[tuple[list[int], int]]) -> Batch:
    width = max(len(ids) for ids, _ in windows) - 1
    ids = torch.zeros(len(windows), width, dtype=torch.int64)  # (B,T)
    targets = torch.full((len(windows), width), IGNORED)  # (B,T)
    for row, (window, skip) in enumerate(windows):
        ids[row, : len(window) - 1] = torch.tensor(window[:-1])
        targets[row, skip : len(window) - 1] = torch.tensor(window[skip + 1 :])
    return Batch(ids=ids, targets=targets)


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of a comparison: its name, side and plan, what it reads, where it lies."""

    name: str
    side: str
    folder: Path
    corpus: Path
    tokens: Path
    plan: Plan

    @property
    def result_path(self) -> Path:
        """The file that is written when all is measured."""
        return self.folder / "result.json"

    @property
    def _curve_path(self) -> Path:
        return self.folder / "curve.jsonl"

    def finished(self) -> tuple[Result, Costs] | None:
        """What was measured, and the nats of each held-out document; None if not yet."""
        if not self.result_path.exists():
            return None
        values = json.loads(self.result_path.read_text(encoding="utf-8"))
        return Result.from_dict(values["result"]), np.array(values["nats"])

    def run(self, held_out: Sequence[Document]) -> Generator[Event, None, None]:
        """Train; before each look's `Evaluation` comes one of stage "compare" in bits per byte.

        What is looked at is kept, so that a training which goes on has the whole curve; but for a
        look that was due just when the stream was closed.
        """
        ruler = Ruler.of(self.tokens, held_out, self.plan.context)
        base = self.folder / "base"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (base / "manifest.json").exists():
            training = pretrain(
                base,
                tokenizer_folder=self.tokens,
                state=self.folder / "state.safetensors",
                plan=self.plan,
                prompts=(),
                held_out=ruler.batches,
            )
            assert isinstance(training, Generator)
            with closing(training):
                for event in training:
                    if isinstance(event, Evaluation):
                        bits = ruler.bits_per_byte(event.metrics["loss"])
                        self._keep(event.step, bits)
                        yield Evaluation(
                            stage="compare", step=event.step, metrics={self.name: bits}
                        )
                    yield event

    def measure(
        self, held_out: Sequence[Document], prompts: Sequence[str], seed: int
    ) -> Generator[Event, None, None]:
        """Measure the model on every held-out document, and let it write."""
        model = load_model(self.folder / "base")
        tokenizer = Tokenizer.load(self.folder / "base")
        found = yield from held_out_loss(model, tokenizer, held_out)
        end = tokenizer.end_of_text
        written = generate(
            model,
            [(end, *tokenizer.encode(prompt)) for prompt in prompts],
            max_new_tokens=SAMPLE_TOKENS,
            temperature=0.8,
            stop=end,
            seed=seed,
            pad=tokenizer.pad,
        )
        samples = (tokenizer.decode([i for i in ids if i != end]) for ids in written.ids)
        nats, sizes = zip(*found.each, strict=True)
        shards, made = TokenShards.open(self.tokens, "train"), read_manifest(self.folder / "base")
        result = Result(
            name=self.name,
            side=self.side,
            seed=self.plan.seed,
            bits_per_byte=bootstrap_ratio(np.array(nats) / math.log(2), sizes),
            curve=tuple(sorted(self._curve().items())),
            samples=tuple(zip(prompts, samples, strict=True)),
            vocabulary=tokenizer.vocab_size,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            train_bytes=read_card(self.corpus)["splits"]["train"]["bytes"],
            readings=self.plan.tokens / (len(shards.tokens) + len(shards)),
            seconds=made["seconds"],
        )
        values: dict[str, Any] = {"result": result.to_dict(), "nats": nats}
        atomic_write(self.result_path, json.dumps(values, ensure_ascii=False) + "\n")

    def _keep(self, step: int, bits: float) -> None:
        with self._curve_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([step, bits]) + "\n")

    def _curve(self) -> dict[int, float]:
        """The looks by step; a training that was killed may have taken one twice."""
        lines = self._curve_path.read_text(encoding="utf-8").splitlines()
        return dict(json.loads(line) for line in lines if line.endswith("]"))
