"""How long a training step takes on this machine, and the plan that follows from it.

`plan_for` times a few steps and divides: a first estimate of how many fit into the minutes, which
training settles (`Plan.settled`).
"""

from __future__ import annotations

import copy
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import psutil
import torch

from tinyllm.devices import choose_device
from tinyllm.files import TinyLLMError
from tinyllm.model import Transformer
from tinyllm.training.batches import Batch
from tinyllm.training.losses import next_token_loss
from tinyllm.training.optimizers import Rates, optimizer_for
from tinyllm.training.plan import DTYPES, PRETRAINING, Plan
from tinyllm.training.speed import flops_per_token

SIZES_BY_OPERATIONS = (
    ("nano", 1e14),
    ("micro", 3e14),
    ("tiny", 4e15),
    ("small", 5e16),
    ("medium", 5e17),
)
"""The size that gets furthest with so many operations of pretraining: small models see more tokens.
`bench/scaling.py` measured up to 2e14 and fitted a law, from which the rest follows."""

SMALLEST = SIZES_BY_OPERATIONS[0][0]

SET_ASIDE = 0.06
"""The share of a stage's seconds for looking (evaluation, samples), saving and loading."""

HOPELESS = 3.0
"""A choice that takes so many times as long as the best is not timed a second time."""

MOST_THREADS = 8
"""More threads than this do not make the small matrices of our sizes any faster."""


def size_for(operations: float) -> str:
    """The size of model for a training of so many operations (`speed.flops_per_token`).

    >>> size_for(5e13), size_for(1e15)
    ('nano', 'tiny')
    """
    return next((size for size, most in SIZES_BY_OPERATIONS if operations <= most), "large")


def available_threads() -> int:
    """The processor cores that this process may use, at most `MOST_THREADS`.

    The processes that torchrun starts on a machine share its cores.
    """
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    cores //= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(cores, MOST_THREADS))


def plan_for(
    seconds: float,
    *,
    vocab_size: int,
    size: str | None = None,
    seed: int = 0,
    rows: int = 8,
    context: int = 256,
    rates: Rates | None = None,
    threads: int | None = None,
    most_tokens: int | None = None,
    trial_seconds: float = 2.5,
) -> Plan:
    """A plan for a fresh model whose training takes about `seconds` on this machine as it is now.

    dtype, threads and steps are found by `fit`. `size` None means the one that gets furthest: the
    smallest is timed first, and where it could do more than is good for it, `size_for` says which.
    It takes less time where `most_tokens` are read sooner.

    >>> plan = plan_for(10.0, vocab_size=64, context=32, threads=1, trial_seconds=0.01)
    >>> plan.size, plan.steps > 1
    ('nano', True)
    """
    if not seconds > 0:
        raise TinyLLMError(f"The seconds to train for must be above 0, got {seconds}.")
    plan = Plan(
        size=size or SMALLEST,
        steps=1,
        rows=rows,
        context=context,
        seed=seed,
        rates=rates or PRETRAINING,
    )
    began = time.monotonic()
    batch = trial_batch(rows, context, vocab_size, seed=seed)
    tried = partial(fit, batch=batch, threads=threads, trial_seconds=trial_seconds)
    found = tried(plan, Transformer(plan.model_config(vocab_size)), seconds=seconds)
    each = flops_per_token(plan.model_config(vocab_size))
    if size is None and (better := size_for(each * found.tokens)) != SMALLEST:
        plan = replace(plan, size=better)
        left = max(seconds - (time.monotonic() - began), seconds / 2)
        found = tried(plan, Transformer(plan.model_config(vocab_size)), seconds=left)
        found = replace(found, seconds=seconds)
    if most_tokens is None:
        return found
    most_steps = -(-most_tokens // (rows * context))
    return replace(found, steps=min(found.steps, most_steps), most_steps=most_steps)


def trial_batch(rows: int, context: int, vocab_size: int, *, seed: int = 0) -> Batch:
    """Random tokens to time a step with; several texts share a row, as they do in training.

    >>> trial_batch(2, 128, 64).documents[0, [0, 63, 64, 127]]
    tensor([0, 0, 1, 1])
    """
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(vocab_size, (rows, context + 1), generator=generator)
    documents = (torch.arange(context) // 64).expand(rows, context)
    return Batch(ids=ids[:, :-1], targets=ids[:, 1:], documents=documents)


def fit(
    plan: Plan,
    model: Transformer,
    batch: Batch,
    *,
    seconds: float,
    threads: int | None = None,
    trial_seconds: float = 2.5,
) -> Plan:
    """`plan` with the dtype and threads that are fastest here, and the steps that fit in `seconds`.

    Steps are timed for about `trial_seconds`, which counts as part of the seconds, up to half of
    them; the number of steps is an estimate, which training settles. float32 is kept unless
    bfloat16 is faster by a twentieth. All cores are used (or `threads`) unless one alone is faster
    by a twentieth: on a busy machine, threads that wait for each other are slow.
    """
    if not seconds > 0:
        raise TinyLLMError(f"The seconds to train for must be above 0, got {seconds}.")
    began = time.monotonic()

    def timed(*choices: tuple[str, int]) -> dict[tuple[str, int], float]:
        return time_steps(
            model, batch, rates=plan.rates, choices=choices, seconds=trial_seconds / 3
        )

    def fastest(*choices: tuple[str, int]) -> tuple[str, int]:
        paces = timed(*choices)
        best = choices[0]
        for choice in choices[1:]:
            if paces[choice] < 0.95 * paces[best]:
                best = choice
        return best

    dtype, _ = fastest(("float32", 1), ("bfloat16", 1))
    counts = {threads} if threads else {1, available_threads()}
    _, count = fastest(*((dtype, count) for count in sorted(counts, reverse=True)))
    # Once more, alone: to change the number of threads from step to step costs time of its own.
    pace = timed((dtype, count))[dtype, count]
    left = max(seconds - (time.monotonic() - began), seconds / 2)
    room = left * (1 - SET_ASIDE)
    steps = min(max(1, int(room / pace)), plan.most_steps or sys.maxsize)
    return replace(plan, dtype=dtype, threads=count, steps=steps, seconds=seconds, room=room)


def time_steps(
    model: Transformer,
    batch: Batch,
    *,
    rates: Rates,
    choices: Sequence[tuple[str, int]],
    seconds: float,
    device: torch.device | None = None,
) -> dict[tuple[str, int], float]:
    """Median seconds of a whole training step by (dtype, threads), measured in turn.

    All choices together take about `seconds`; one that proves three times as slow as the fastest is
    not tried again. Copies of `model` take the steps, so it stays as it is.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16, num_hidden_layers=1))
    >>> ids = torch.zeros(1, 8, dtype=torch.int64)
    >>> batch = Batch(ids=ids, targets=ids)
    >>> list(time_steps(model, batch, rates=Rates(), choices=[("float32", 1)], seconds=0.01))
    [('float32', 1)]
    """
    device = device or choose_device()
    batch = batch.to(device)
    before = torch.get_num_threads()
    takers = {
        dtype: _taker(copy.deepcopy(model).to(device, DTYPES[dtype]), batch, rates)
        for dtype in {dtype for dtype, _ in choices}
    }
    took: dict[tuple[str, int], list[float]] = {choice: [] for choice in choices}
    medians: dict[tuple[str, int], float] = {}
    try:
        torch.set_num_threads(min(threads for _, threads in choices))
        for take in takers.values():
            take()  # the first step also prepares kernels
        ends = time.perf_counter() + seconds
        while len(medians) < len(choices) or time.perf_counter() < ends:
            for dtype, threads in choices:
                known = medians.get((dtype, threads), 0.0)
                if known and known > HOPELESS * min(medians.values()):
                    continue
                torch.set_num_threads(threads)
                began = time.perf_counter()
                takers[dtype]()
                took[dtype, threads].append(time.perf_counter() - began)
                medians[dtype, threads] = statistics.median(took[dtype, threads])
        return medians
    finally:
        torch.set_num_threads(before)


def _taker(model: Transformer, batch: Batch, rates: Rates) -> Callable[[], None]:
    optimizer = optimizer_for(model, rates)

    def take() -> None:
        loss, _ = next_token_loss(model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss.item()

    return take
