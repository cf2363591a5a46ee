"""Cause and effect: the same model trained on two variants of the data, and compared.

Everything but the data is held still: the size of the model, the number of optimizer steps and of
tokens, the first weights, the text that is measured. The control is one more training of the first
variant with another seed; with more `controls` the sides take turns. A second of them sees a
several times smaller difference: see `difference_of`.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinyllm.corpus import parse_source, read_text
from tinyllm.effects.clock import STAGE, Clock
from tinyllm.effects.measuring import Training
from tinyllm.effects.results import (
    FILE,
    SIDES,
    T95,
    Compared,
    Comparison,
    Costs,
    Result,
    control_of,
    difference_of,
)
from tinyllm.effects.texts import build_text
from tinyllm.effects.variants import PAGES, Variant
from tinyllm.events import Event, Notice, Progress
from tinyllm.files import FORMAT, TinyLLMError, UsageError, atomic_write
from tinyllm.line import MOST_MINUTES
from tinyllm.runs import Run
from tinyllm.tokens import Tokenizer, build_tokenizer
from tinyllm.training import Plan, plan_for
from tinyllm.turns import take_turns, training

SIZE = "nano"
PROMPTS = ("", "Once upon a time", "The sky is")
CHARACTERS_A_MINUTE = 1_700_000
"""So much text for each minute of a training: a laptop reads it about twice."""
LEAST_CHARACTERS = 400_000
DOCUMENTS = 400


def compare_data(
    first: Variant,
    second: Variant,
    *,
    folder: Path | str,
    seconds: float = 60.0,
    seed: int = 0,
    controls: int = 1,
    characters: int | None = None,
    documents: int = DOCUMENTS,
    plan: Plan | None = None,
    prompts: Sequence[str] = PROMPTS,
) -> Iterator[Event]:
    """Train the same nano model on two variants of the data and on the control, and compare.

    Each training has the steps that fit into `seconds` on this machine, counted once; or those of
    `plan`. `characters` is how much the village writes (None: as suits the seconds), `documents`
    how many are held out. What the corpus, the tokenizer and the trainings say passes as it is;
    events of stage "compare" are about the whole: `Progress` in parts with the time that is left,
    an `Evaluation` at each look (the training's name -> bits per byte), `Compared` at the end.

    Closing the stream keeps the work: the same call goes on where it was, and a finished one says
    its result at once. More `controls` in the same folder add trainings and repeat none. A folder
    that belongs to another comparison is a `TinyLLMError`, variants that cannot be compared a
    `UsageError`. Models and samples stay in `folder`, the result is its `comparison.json`.

    >>> import tempfile
    >>> tiny = Plan(size="nano", steps=2, rows=2, context=32, warmup=1)
    >>> few = {"characters": 30_000, "documents": 8, "plan": tiny}
    >>> voices = Variant(name="all", vocabulary=300)
    >>> talk = Variant(name="talk only", kind="talk", vocabulary=300)
    >>> folder = Path(tempfile.mkdtemp()) / "comparison"
    >>> *_, last = compare_data(voices, talk, folder=folder, **few)
    >>> [run.name for run in last.comparison.runs]
    ['first-0', 'second-0', 'first-1']
    """
    _check(first, second, seconds, controls, documents)
    request: dict[str, Any] = {
        "format": FORMAT,
        "first": first.to_dict(),
        "second": second.to_dict(),
        "seconds": None if plan is not None else seconds,
        "seed": seed,
        "characters": characters or max(int(CHARACTERS_A_MINUTE * seconds / 60), LEAST_CHARACTERS),
        "documents": documents,
        "prompts": list(prompts),
    }
    run = Run(Path(folder))
    with training(run):
        job = _Job(run.root, first, second, _begin(run.root, request, plan), controls)
        with closing(take_turns(run, job.events(), stage=STAGE)) as turns:
            yield from turns


def _check(first: Variant, second: Variant, seconds: float, controls: int, documents: int) -> None:
    pages = [variant.kind == PAGES for variant in (first, second)]
    if first.sources != second.sources or pages[0] != pages[1]:
        read = [
            ", ".join(v.sources) + (f" ({v.kind})" if v.kind == PAGES else "")
            for v in (first, second)
        ]
        raise UsageError(
            f"Both variants are measured on the same text, so both must read the same sources; "
            f"{first.name!r} reads {read[0]} and {second.name!r} reads {read[1]}."
        )
    for source in first.sources:
        parse_source(source)
    if not 0 < seconds <= MOST_MINUTES * 60:
        raise UsageError(f"A training needs above 0 seconds and at most a week, got {seconds}.")
    most = len(T95)
    if not 1 <= controls <= most:
        raise UsageError(
            f"Expected 1 to {most} controls, got {controls}. Without one, nobody knows how far two "
            "trainings on the same data lie apart."
        )
    if documents < 2:
        raise UsageError(f"Expected at least 2 documents to measure on, got {documents}.")


def _begin(folder: Path, request: dict[str, Any], plan: Plan | None) -> dict[str, Any]:
    """The request that `folder` was begun with, which must be this one; kept there if it is new."""
    path = folder / "request.json"
    asked = {**request, "plan": plan.to_dict() if plan is not None else None}
    wanted: dict[str, Any] = json.loads(json.dumps(asked))
    if not path.exists():
        atomic_write(path, json.dumps(wanted, indent=2, ensure_ascii=False) + "\n")
        return wanted
    try:
        begun: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TinyLLMError(f"{path} cannot be read ({error}). Give another folder.") from error
    planned_here = wanted["seconds"] is not None and begun.get("seconds") is not None
    for name, value in wanted.items():
        if begun.get(name) != value and not (name == "plan" and planned_here):
            raise TinyLLMError(
                f"{folder} belongs to another comparison: its {name} was {begun.get(name)!r} and "
                f"is now {value!r}. Give another folder, or what it was begun with to go on."
            )
    return begun


@dataclass(frozen=True)
class _Job:
    """A comparison and its folder: the parts in their order, each left out where it is done."""

    folder: Path
    first: Variant
    second: Variant
    request: dict[str, Any]
    controls: int

    @property
    def _variants(self) -> dict[str, Variant]:
        return dict(zip(SIDES, (self.first, self.second), strict=True))

    def events(self) -> Generator[Event, None, None]:
        """Texts, tokenizers, plan, trainings, the comparison."""
        names = self._names()
        clock = Clock(
            [*(f"text {s}" for s in SIDES), *(f"tokens {s}" for s in SIDES), *names],
            self.request["seconds"],
        )
        seen: dict[tuple[object, ...], Path] = {}
        corpora = {}
        for side, variant in self._variants.items():
            yield clock.begin(f"text {side}", f"the text of {variant.name}")
            corpora[side] = seen.setdefault(variant.text, self.folder / side / "corpus")
            if not (corpora[side] / "manifest.json").exists():
                yield from build_text(
                    variant,
                    corpora[side],
                    workshop=self.folder / "workshop",
                    characters=self.request["characters"],
                    documents=self.request["documents"],
                    seed=self.request["seed"],
                )
        for side, variant in self._variants.items():
            yield clock.begin(f"tokens {side}", f"the tokens of {variant.name}")
            tokens = self.folder / side / "tokenizer"
            if not (tokens / "manifest.json").exists():
                yield from build_tokenizer(corpora[side], tokens, vocab_size=variant.vocabulary)
        plan = yield from self._plan()
        held_out = list(read_text(corpora["first"], "validation"))
        found: list[tuple[Result, Costs]] = []
        for name in names:
            side, _, number = name.partition("-")
            again = "" if number == "0" else ", once more with another seed: the control"
            note = self._variants[side].name + again
            yield clock.begin(name, note)
            one = Training(
                name=name,
                side=side,
                folder=self.folder / name,
                corpus=corpora[side],
                tokens=self.folder / side / "tokenizer",
                plan=replace(plan, seed=self.request["seed"] + int(number)),
            )
            if one.finished() is None:
                yield from clock.watch(one.run(held_out), note)
                yield from one.measure(held_out, self.request["prompts"], self.request["seed"])
            done = one.finished()
            assert done is not None
            found.append(done)
        sizes = [len(document.text.encode("utf-8")) for document in held_out]
        comparison = self._compare(found, sizes, plan)
        text = json.dumps(comparison.to_dict(), indent=2, ensure_ascii=False)
        atomic_write(self.folder / FILE, text + "\n")
        yield Notice(stage=STAGE, text=comparison.sentence)
        yield Compared(stage=STAGE, comparison=Comparison.load(self.folder))

    def _names(self) -> list[str]:
        """first-0 and second-0, then the controls: first-1, second-1, first-2, …"""
        controls = (f"{SIDES[i % 2]}-{i // 2 + 1}" for i in range(self.controls))
        return [*(f"{side}-0" for side in SIDES), *controls]

    def _plan(self) -> Generator[Event, None, Plan]:
        """The plan of all trainings: made once, with the larger vocabulary, and kept."""
        if self.request["plan"] is not None:
            return Plan.from_dict(self.request["plan"])
        yield Progress(stage=STAGE, done=0, note="timing a few steps on this machine")
        sizes = [Tokenizer.load(self.folder / side / "tokenizer").vocab_size for side in SIDES]
        plan = replace(
            plan_for(
                self.request["seconds"],
                vocab_size=max(sizes),
                size=SIZE,
                seed=self.request["seed"],
            ),
            room=None,
        )
        self.request["plan"] = plan.to_dict()
        text = json.dumps(self.request, indent=2, ensure_ascii=False)
        atomic_write(self.folder / "request.json", text + "\n")
        return plan

    def _compare(
        self, found: Sequence[tuple[Result, Costs]], sizes: Sequence[int], plan: Plan
    ) -> Comparison:
        costs: dict[str, list[Costs]] = {side: [] for side in SIDES}
        for result, nats in found:
            costs[result.side].append(nats)
        return Comparison(
            first=self.first,
            second=self.second,
            steps=plan.steps,
            tokens=plan.tokens,
            documents=len(sizes),
            bytes=int(np.sum(sizes)),
            runs=tuple(result for result, _ in found),
            difference=difference_of(costs["first"], costs["second"], sizes),
            controls=tuple(c for side in SIDES for c in control_of(costs[side], sizes)),
        )
