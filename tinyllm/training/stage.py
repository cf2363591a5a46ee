"""What pretraining and fine-tuning share: the loop, saved and watched, and the model at its end.

Three generators stand around each other: `train` takes steps, `keep` saves the state, `watched`
looks at the model now and then. Each passes on what the one inside it says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tinyllm.devices import choose_device
from tinyllm.events import Evaluation, Event, Finished, Notice, Sample, Step
from tinyllm.model import Transformer, generate, save_model
from tinyllm.tokens import Tokenizer
from tinyllm.training.batches import IGNORED, Batch
from tinyllm.training.loop import train
from tinyllm.training.losses import next_token_loss
from tinyllm.training.optimizers import Optimizer, optimizer_for
from tinyllm.training.plan import Plan
from tinyllm.training.state import Position, delete_state, keep, load_state, saved_from

LOOK_EVERY = 120
"""Steps between two looks: one costs about as much time as six steps of the size nano."""
LEAST_LOOKS, MOST_LOOKS = 3, 100
"""How many looks a run has, however short or long it is, beside the first and the last."""

SAMPLE_TOKENS = 160
"""The most tokens of a sample: a short story."""

OVERRUN = 1.15
"""From this factor on, half-way, a budget that will be exceeded is worth a notice."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What the model is asked to continue while it learns: as shown, and in tokens."""

    text: str
    ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One stage of learning: its name, what is read, what is looked at, where it goes.

    `batches` gives the stream from a batch number on; `held_out` are batches that are only
    measured; `eos` is the token that ends what the model writes; `made_from` are hashes.
    """

    stage: str
    plan: Plan
    tokenizer: Tokenizer
    batches: Callable[[int], Iterator[Batch]]
    held_out: Sequence[Batch]
    prompts: Sequence[Prompt]
    eos: int
    made_from: Mapping[str, str]


def saved_plan(state: Path) -> Plan | None:
    """The plan of the training whose state lies at `state`, which a resumed run follows."""
    made_from = saved_from(state)
    return None if made_from is None else Plan.from_dict(made_from["plan"])


def learn(model: Transformer, lesson: Lesson, *, folder: Path, state: Path) -> Iterator[Event]:
    """Train `model` as `lesson` says, going on from `state` if it is there; write it to `folder`.

    The device is chosen here. While the model learns it has the plan's dtype; what is written are
    the float32 masters.
    """
    began = time.monotonic()
    plan, stage = lesson.plan, lesson.stage
    device = choose_device()
    threads = torch.get_num_threads()
    torch.set_num_threads(plan.threads)
    try:
        model.to(device, plan.torch_dtype)
        optimizer = optimizer_for(model, plan.rates_within())
        position = load_state(state, optimizer=optimizer, made_from=_origin(lesson))
        yield from _greeting(stage, plan, position)
        batches = (batch.to(device) for batch in lesson.batches(position.step))
        while True:
            mark = position
            steps = train(
                model,
                batches,
                next_token_loss,
                optimizer=optimizer,
                schedule=plan.schedule(),
                steps=plan.steps,
                until=plan.settles_after,
                stage=stage,
                start=position.step,
                tokens=position.tokens,
                seconds=position.seconds,
            )
            steps = keep(steps, state, optimizer=optimizer, made_from=_origin(lesson))
            last = yield from watched(steps, model, lesson, start=position)
            if last is not None:
                position = Position(step=last.step, tokens=last.tokens, seconds=last.seconds)
            if plan.room is None:
                break
            before, plan = plan, _settled(plan, mark, position)
            lesson = replace(lesson, plan=plan)
            optimizer = _going_on(optimizer, model, plan)
            if not before.bends:
                yield Notice(stage=stage, text=f"The pace is known now: {plan.steps:,} steps fit.")
        model.float()
        model.load_state_dict(optimizer.masters)
        seconds, tokens = position.seconds, position.tokens
        final = look(model, lesson, plan.steps)
        yield from final
        measured = [event.metrics for event in final if isinstance(event, Evaluation)]
        metrics = {
            **{name: value for each in measured for name, value in each.items()},
            "tokens": float(tokens),
            "tokens_per_second": tokens / seconds if seconds else 0.0,
        }
        about: dict[str, Any] = {**_origin(lesson), "metrics": metrics, "seconds": seconds}
        save_model(model, lesson.tokenizer, folder, eos=lesson.eos, **about)
        delete_state(state)
        yield Finished(
            stage=stage, folder=str(folder), seconds=time.monotonic() - began, metrics=metrics
        )
    finally:
        torch.set_num_threads(threads)


def _origin(lesson: Lesson) -> dict[str, Any]:
    """What a training is made from, as its state and its manifest say it."""
    return {
        "stage": lesson.stage,
        "plan": lesson.plan.to_dict(),
        "hashes": dict(lesson.made_from),
    }


def _settled(plan: Plan, mark: Position, position: Position) -> Plan:
    """The plan with as many steps as fit at the pace there has been from `mark` to `position`."""
    taken, seconds = position.step - mark.step, position.seconds - mark.seconds
    return plan.settled(
        taken=position.step, seconds=position.seconds, pace=seconds / taken if taken else None
    )


def _going_on(optimizer: Optimizer, model: Transformer, plan: Plan) -> Optimizer:
    """`optimizer` as a run that is resumed with `plan` would have it."""
    settled = optimizer_for(model, plan.rates_within())
    settled.load_state_dict(optimizer.state_dict(), steps=optimizer.steps)
    return settled


def watched(
    steps: Generator[Step, None, None], model: Transformer, lesson: Lesson, *, start: Position
) -> Generator[Event, None, Step | None]:
    """Pass `steps` on and look at the model now and then; returns the last step, if there was one.

    The estimate of the time left gets the share of looking added. The look after the last step is
    left to the caller, who has the final weights.
    """
    plan = lesson.plan
    looks = min(max(plan.steps // LOOK_EVERY, LEAST_LOOKS), MOST_LOOKS)
    every = max(1, plan.steps // looks)
    looking = 0.0
    last: Step | None = None
    with closing(steps):
        for step in steps:
            trained = step.seconds - start.seconds
            slower = 1 + looking / trained
            last = replace(step, eta_seconds=step.eta_seconds * slower)
            yield last
            if step.step == plan.steps // 2:
                yield from _overrun(lesson, step.seconds * slower + last.eta_seconds)
            due = step.step % every == 0 and step.step + every // 2 <= plan.steps
            if step.step < plan.steps and (step.step == 1 or due):
                began = time.perf_counter()
                events = look(model, lesson, step.step)
                looking += time.perf_counter() - began
                yield from events
    return last


def look(model: Transformer, lesson: Lesson, step: int) -> list[Event]:
    """The loss on what is held out, and what the model writes when asked for each prompt.

    Samples are drawn at temperature 0.8 from streams fixed by the plan's seed; nothing that
    training uses is touched.
    """
    stage = lesson.stage
    events: list[Event] = []
    if lesson.held_out:
        loss = held_out_loss(model, lesson.held_out)
        events.append(Evaluation(stage=stage, step=step, metrics={"loss": loss}))
    if lesson.prompts:
        written = generate(
            model,
            [prompt.ids for prompt in lesson.prompts],
            max_new_tokens=SAMPLE_TOKENS,
            temperature=0.8,
            stop=lesson.eos,
            seed=lesson.plan.seed,
            pad=lesson.tokenizer.pad,
        )
        for prompt, ids in zip(lesson.prompts, written.ids, strict=True):
            text = lesson.tokenizer.decode(ids)
            events.append(Sample(stage=stage, step=step, prompt=prompt.text, completion=text))
    return events


@torch.no_grad()
def held_out_loss(model: Transformer, batches: Sequence[Batch]) -> float:
    """The mean loss over all targets of `batches`, in nats a token."""
    device = next(model.parameters()).device
    total, count = 0.0, 0
    for batch in batches:
        targets = int((batch.targets != IGNORED).sum())
        total += next_token_loss(model, batch.to(device))[0].item() * targets
        count += targets
    return total / count


def _greeting(stage: str, plan: Plan, start: Position) -> Iterator[Notice]:
    if start.damaged:
        yield Notice(
            stage=stage,
            text="The newest saved state could not be read; the one before it is taken.",
        )
    if start.step:
        yield Notice(stage=stage, text=f"Going on after step {start.step:,} of {plan.steps:,}.")
        return
    size = f"size {plan.size}, " if plan.size else ""
    threads = "thread" if plan.threads == 1 else "threads"
    yield Notice(
        stage=stage,
        text=(
            f"The plan: {size}{plan.steps:,} steps of {plan.rows} x {plan.context} tokens, in "
            f"{plan.dtype} on {plan.threads} {threads}."
        ),
    )


def _overrun(lesson: Lesson, projected: float) -> Iterator[Notice]:
    budget = lesson.plan.seconds if lesson.plan.room is None else None
    if budget is not None and projected > OVERRUN * budget:
        yield Notice(
            stage=lesson.stage,
            text=(
                f"This machine is slower than when the plan was made: training will take about "
                f"{projected:.0f} s instead of {budget:.0f} s. The plan stays as it is; stop "
                "whenever you like, the work is kept."
            ),
        )
