"""What a run is worth and where it stands, as one JSON object and as rows of a table."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from tinyllm.answering import feedback_database
from tinyllm.evaluation import (
    FULL,
    Amounts,
    Report,
    Verdict,
    diagnose,
    evaluate_aligned,
    evaluate_base,
    evaluate_chat,
    rows_of,
)
from tinyllm.events import Event, Notice, Step
from tinyllm.files import TinyLLMError, UsageError, atomic_write, read_manifest
from tinyllm.runs import Run, all_runs, encoded_for, find, home
from tinyllm.turns import is_training

MODELS = ("base", "chat", "aligned")
LEARNED = ("base", "chat")
"""The models whose training is a loss that falls, so that its curve says whether all was well."""


def evaluate_run(
    run: Run, stage: str | None = None, *, into: dict[str, Any], amounts: Amounts = FULL
) -> Iterator[Event]:
    """Measure `stage` of `run`, or each of its models, and put the figures into `into` by stage.

    The texts behind the figures land in `metrics/transcripts-<stage>.jsonl`, to be read.
    """
    if stage is None:
        stages = [name for name in MODELS if run.in_use(name) is not None]
        if not stages:
            run.model()  # says that there is none, and how to make one
    else:
        stages = [stage]
    into["run"] = run.name
    for name in stages:
        yield from _evaluate(run, name, into, amounts)
    if stage is None and run.done("aligned") and "aligned" not in stages:
        yield Notice(stage="aligned", text="No aligned version is in use; chat answers.")


def _evaluate(run: Run, stage: str, into: dict[str, Any], amounts: Amounts) -> Iterator[Event]:
    from tinyllm import load

    folder = run.model(stage) if stage in MODELS else Path(stage)
    model, tokenizer = load(folder)
    kind = stage if stage in MODELS else str(read_manifest(folder).get("stage", "base"))
    corpus = _owner(run, "corpus").corpus
    if kind == "base":
        if (tokens := encoded_for(run, folder)) is None:
            text = "There is no text in this model's own tokens: its loss stands without rulers."
            yield Notice(stage=kind, text=text)
        events = evaluate_base(model, tokenizer, corpus=corpus, tokens=tokens, amounts=amounts)
    elif kind == "chat":
        events = evaluate_chat(model, tokenizer, corpus=corpus, amounts=amounts)
    else:
        chat, _ = load(_owner(run, "chat").chat)
        events = evaluate_aligned(model, chat, tokenizer, corpus=corpus, amounts=amounts)
    for event in events:
        if isinstance(event, Report):
            into[kind] = dict(event.values)
            if stage in LEARNED and (verdict := verdict_on(run, stage, event.values)) is not None:
                into[kind]["verdict"] = asdict(verdict)
            lines = [json.dumps(dict(one), ensure_ascii=False) for one in event.transcripts]
            path = run.root / "metrics" / f"transcripts-{kind}.jsonl"
            atomic_write(path, "\n".join(lines) + "\n")
        else:
            yield event


def verdict_on(run: Run, stage: str, figures: Mapping[str, Any]) -> Verdict | None:
    """What the curve of a finished stage says; `figures` are those of its evaluation.

    None where nothing was recorded of its training.
    """
    rulers = dict(figures.get("baselines", {}))
    if stage == "base" and figures.get("floor_loss") is not None:
        rulers["floor"] = figures["floor_loss"]
    return verdict_of(stage, run.events(stage), rulers)


def verdict_of(stage: str, events: Sequence[Event], rulers: Mapping[str, float]) -> Verdict | None:
    """What the curve of these events says, where `stage` has a loss that falls and took a step."""
    if stage not in LEARNED or not any(isinstance(event, Step) for event in events):
        return None
    return diagnose(events, rulers)


def verdicts_in(report: Mapping[str, Any]) -> Iterator[str]:
    """The verdicts in a report of `evaluate_run`, a sentence or two each."""
    for stage in LEARNED:
        if verdict := report.get(stage, {}).get("verdict"):
            yield f"{stage}: {Verdict(**verdict)}"


def _owner(run: Run, stage: str) -> Run:
    owner = find(run, stage)
    if owner is None:
        raise TinyLLMError(
            f"Run {run.name} has no {stage} to measure with. "
            f"`tinyllm train --run {run.name} --until {stage}` makes it."
        )
    return owner


def table_rows(report: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The rows of every stage in a report of `evaluate_run`."""
    return [row.cells for name in MODELS if name in report for row in rows_of(report[name])]


def home_status() -> dict[str, Any]:
    """The home, its runs, how far each is, who trains, and how much feedback there is."""
    from tinyllm.alignment import FeedbackStore

    return {
        "home": str(home()),
        "runs": [
            {
                "name": run.name,
                "done": run.stages_done(),
                "training": is_training(run),
                "in_use": used.name if (used := run.in_use("aligned")) else None,
            }
            for run in all_runs()
        ],
        "feedback": FeedbackStore(feedback_database()).stats(),
    }


def run_bench(name: str, **options: Any) -> dict[str, Any]:
    """Run `bench/NAME.py` of a clone and return its figures."""
    values: dict[str, Any] = load_bench(name).run(**options)
    return values


def load_bench(name: str) -> ModuleType:
    """The module `bench/NAME.py` of a clone."""
    path = Path(__file__).resolve().parent.parent / "bench" / f"{name}.py"
    if not path.is_file():
        raise UsageError(
            f"The bench {name} is part of a clone and not of an installed wheel; expected {path}."
        )
    return load_module(path)


def load_module(path: Path) -> ModuleType:
    """The module in the file `path`, loaded anew and for the caller alone."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"expected a file of Python, got {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
