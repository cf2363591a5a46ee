"""What pretraining and fine-tuning share: the loop, saved and watched, and the model at its end.

Three generators stand around each other: `train` takes steps, `keep` saves the state, `watched`
looks at the model now and then. Each passes on what the one inside it says. Some looks are pages
of the album (`training/album.py`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tinyllm.devices import choose_device
from tinyllm.events import Evaluation, Event, Finished, Notice, Sample, Step
from tinyllm.model import Transformer, generate, save_model
from tinyllm.tokens import CopyMeter, Tokenizer
from tinyllm.training.album import is_look, page_steps, pages_of
from tinyllm.training.batches import IGNORED, Batch
from tinyllm.training.loop import train
from tinyllm.training.losses import next_token_loss
from tinyllm.training.optimizers import Optimizer, optimizer_for
from tinyllm.training.plan import Plan
from tinyllm.training.state import Position, delete_state, keep, load_state, saved_from
from tinyllm.training.world import ALONE, World

SAMPLE_TOKENS = 160
"""The most tokens of a sample: a short story."""
BRIEF_TOKENS = 40
"""The most tokens of a sample on a page between two looks: early on, when there are no stories."""

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
    measured; `eos` is the token that ends what the model writes; `made_from` are hashes; `copies`
    measures how much of what the model writes was copied; `epoch` is how many tokens one reading of
    the text has, from which steps say how often it has been read.
    """

    stage: str
    plan: Plan
    tokenizer: Tokenizer
    batches: Callable[[int], Iterator[Batch]]
    held_out: Sequence[Batch]
    prompts: Sequence[Prompt]
    eos: int
    made_from: Mapping[str, str]
    copies: CopyMeter | None = None
    epoch: int | None = None


def saved_plan(state: Path) -> Plan | None:
    """The plan of the training whose state lies at `state`, which a resumed run follows."""
    made_from = saved_from(state)
    return None if made_from is None else Plan.from_dict(made_from["plan"])


def learn(
    model: Transformer, lesson: Lesson, *, folder: Path, state: Path, world: World = ALONE
) -> Iterator[Event]:
    """Train `model` as `lesson` says, going on from `state` if it is there; write it to `folder`.

    The device is chosen here. While the model learns it has the plan's dtype; what is written are
    the float32 masters. In a `world` of several processes all go on from the same state; the first
    alone looks at the model, writes and yields.
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
        if world.first:
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
                pieces=plan.pieces(world.size),
                world=world,
            )
            last: Step | None = None
            if world.first:
                steps = keep(steps, state, optimizer=optimizer, made_from=_origin(lesson))
                last = yield from watched(steps, model, lesson, start=position)
            else:
                last = next(iter(deque(steps, maxlen=1)), None)  # taken, and not shown
            if last is not None:
                position = Position(step=last.step, tokens=last.tokens, seconds=last.seconds)
            if plan.room is None:
                break
            settled = _settled(plan, mark, position).to_dict()
            before, plan = plan, Plan.from_dict(world.agree(settled))
            lesson = replace(lesson, plan=plan)
            optimizer = _going_on(optimizer, model, plan)
            if world.first and not before.bends:
                yield Notice(stage=stage, text=f"The pace is known now: {plan.steps:,} steps fit.")
        if not world.first:
            return
        model.float()
        model.load_state_dict(optimizer.masters)
        seconds, tokens = position.seconds, position.tokens
        final = look(model, lesson, plan.steps, tokens)
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
    pages = page_steps(plan.steps)
    looking = 0.0
    last: Step | None = None
    with closing(steps):
        for step in steps:
            trained = step.seconds - start.seconds
            slower = 1 + looking / trained
            metrics = dict(step.metrics)
            if lesson.epoch is not None:
                metrics["readings"] = step.tokens / lesson.epoch
            last = replace(step, eta_seconds=step.eta_seconds * slower, metrics=metrics)
            yield last
            if step.step == plan.steps // 2:
                yield from _overrun(lesson, step.seconds * slower + last.eta_seconds)
            began = time.perf_counter()
            tokens = step.tokens if step.step in pages else None
            events: list[Event] = []
            if is_look(step.step, plan.steps):
                events = look(model, lesson, step.step, tokens)
            elif tokens is not None and step.step < plan.steps:
                events = samples(model, lesson, step.step, tokens, BRIEF_TOKENS)
            looking += time.perf_counter() - began
            yield from events
    return last


def look(model: Transformer, lesson: Lesson, step: int, tokens: int | None = None) -> list[Event]:
    """The loss on what is held out, and `samples`; nothing that training uses is touched."""
    events: list[Event] = []
    if lesson.held_out:
        loss = held_out_loss(model, lesson.held_out)
        events.append(Evaluation(stage=lesson.stage, step=step, metrics={"loss": loss}))
    return events + samples(model, lesson, step, tokens)


def samples(
    model: Transformer,
    lesson: Lesson,
    step: int,
    tokens: int | None = None,
    most: int | None = None,
) -> list[Event]:
    """What the model writes when asked for each prompt, `most` tokens or a short story.

    Samples are drawn at temperature 0.8 from streams fixed by the plan's seed. With `tokens`, the
    number trained on so far, they are pages of the album.
    """
    if not lesson.prompts:
        return []
    written = generate(
        model,
        [prompt.ids for prompt in lesson.prompts],
        max_new_tokens=min(most or SAMPLE_TOKENS, SAMPLE_TOKENS),
        temperature=0.8,
        stop=lesson.eos,
        seed=lesson.plan.seed,
        pad=lesson.tokenizer.pad,
    ).ids
    made = [
        Sample(stage=lesson.stage, step=step, prompt=prompt.text, completion=text)
        for prompt, text in zip(lesson.prompts, map(lesson.tokenizer.decode, written), strict=True)
    ]
    return list(made if tokens is None else pages_of(model, lesson, made, written, tokens))


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
