"""How large a model, for how many steps: chosen once, from the minutes that the learner has.

`plan_for` times a few steps on this machine and divides: a first estimate. Training settles the
number of steps once, from the steps it has really taken, before the learning rate begins to fall
(until then the rate does not depend on how many steps there will be). From there on it is fixed: a
rate that falls to zero at the end needs to know the end, and a resumed run must do what the whole
run would have done. Should the machine become slower later, the estimate of the time left says so,
and half-way a notice does if the budget will be exceeded by more than 15%; the plan stays.
"""

from __future__ import annotations

import copy
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import psutil
import torch

from tinyllm.devices import choose_device
from tinyllm.files import TinyLLMError
from tinyllm.model import SIZES, ModelConfig, Transformer
from tinyllm.training.batches import Batch
from tinyllm.training.losses import next_token_loss
from tinyllm.training.optimizers import Rates, optimizer_for
from tinyllm.training.schedule import Schedule

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

SIZES_BY_SECONDS = (("nano", 600.0), ("tiny", 3600.0), ("small", 6 * 3600.0), ("medium", 86400.0))
"""The size that gets furthest in so many seconds of training: small models see more tokens. Where
`nano` ends was found when it had four layers; with the two it has now, nobody has measured it."""

SET_ASIDE = 0.06
"""The share of a stage's seconds for looking (evaluation, samples), saving and loading."""

SETTLES_AT = (0.2, 0.4, 0.6, 0.8)
"""How far a training goes before its number of steps is settled, and settled again: a second of
trial steps is no measure on a shared machine, nor is a quarter of the run (`bench/RESULTS.md`)."""

LEAST_LEFT = 0.25
"""However late it is, this share of the steps that were left is taken: the rate has to fall."""

HOPELESS = 3.0
"""A choice that takes so many times as long as the best is not timed a second time."""

PRETRAINING = Rates(matrices=0.028, embedding=0.06, embedding_warmup=80, momentum=0.9)
"""The rates of a fresh model."""

MOST_THREADS = 8
"""More threads than this do not make the small matrices of our sizes any faster."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that fixes a training run beside its data; kept in its state and manifest.

    `size` is that of a fresh model, or None for one that goes on learning. A batch is `rows` rows
    of `context` tokens. `seconds` is the budget the plan was made for, or None. `room` is how many
    of them are for the steps themselves, as long as `steps` is an estimate; None once it is final.
    `bends` are the steps at which it was changed, and how far the schedule had come (`Schedule`).
    `most_steps` are the most that make sense, however much time there is. The first `primer` steps
    read the primer, where the text begins with one.

    >>> plan = Plan(size="nano", steps=100)
    >>> plan.tokens
    204800
    >>> Plan.from_dict(plan.to_dict()) == plan
    True
    >>> Plan(size="gigantic", steps=100)
    Traceback (most recent call last):
    ...
    tinyllm.files.TinyLLMError: The size must be one of nano, tiny, small, medium, large; \
got 'gigantic'.
    """

    size: str | None
    steps: int
    rows: int = 8
    context: int = 256
    dtype: str = "float32"
    threads: int = 1
    seed: int = 0
    seconds: float | None = None
    room: float | None = None
    bends: tuple[tuple[int, float], ...] = ()
    most_steps: int | None = None
    primer: int = 0
    warmup: int = 10
    cooldown: float = 0.6
    rates: Rates = field(default_factory=Rates)

    def __post_init__(self) -> None:
        if self.size is not None and self.size not in SIZES:
            raise TinyLLMError(f"The size must be one of {', '.join(SIZES)}; got {self.size!r}.")
        if self.dtype not in DTYPES:
            raise TinyLLMError(f"The dtype must be one of {', '.join(DTYPES)}; got {self.dtype!r}.")
        for name, least in (("steps", 1), ("rows", 1), ("context", 8), ("threads", 1)):
            if getattr(self, name) < least:
                raise TinyLLMError(f"{name} must be at least {least}, got {getattr(self, name)}.")

    @property
    def tokens(self) -> int:
        """How many tokens the whole run reads."""
        return self.steps * self.rows * self.context

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype of the model while it learns; its masters are float32 in any case."""
        return DTYPES[self.dtype]

    def rates_within(self) -> Rates:
        """The rates, their warm-up kept within the first two thirds of the steps.

        >>> Plan(size="nano", steps=90, rates=Rates(embedding_warmup=400)).rates_within()
        ... # doctest: +ELLIPSIS
        Rates(..., embedding_warmup=60, ...)
        """
        most = 2 * self.steps // 3
        return replace(self.rates, embedding_warmup=min(self.rates.embedding_warmup, most))

    @property
    def settles_after(self) -> int | None:
        """After so many steps their number is settled, or settled again; None if it is final.

        >>> Plan(size="nano", steps=100, room=60.0).settles_after
        20
        """
        if self.room is None:
            return None
        at, behind = self.bends[-1] if self.bends else (0, 0.0)
        ahead = (SETTLES_AT[len(self.bends)] - behind) / (1 - behind)
        return min(self.steps, at + max(1, round(ahead * (self.steps - at))))

    def settled(self, *, taken: int, seconds: float, pace: float | None = None) -> Plan:
        """This plan with as many steps as fit, now that `taken` steps took `seconds`.

        A further step takes `pace` seconds (None: their mean). The last time the number is final.

        >>> plan = Plan(size="nano", steps=100, room=60.0).settled(taken=20, seconds=10.0)
        >>> plan.steps, plan.bends, plan.settles_after
        (120, ((20, 0.2),), 45)
        """
        if self.room is None:
            return self
        if taken >= self.steps:
            return replace(self, room=None)
        fitting = int((self.room - seconds) / (pace or seconds / taken))
        least = max(1, int(LEAST_LEFT * (self.steps - taken)))
        steps = taken + max(fitting, least)
        bends = (*self.bends, (taken, self.schedule().way(taken)))
        return replace(
            self,
            steps=min(steps, self.most_steps or steps),
            bends=bends,
            room=self.room if len(bends) < len(SETTLES_AT) else None,
        )

    def schedule(self) -> Schedule:
        """The factor on the learning rates, step by step."""
        return Schedule(
            steps=self.steps, warmup=self.warmup, cooldown=self.cooldown, bends=self.bends
        )

    def model_config(self, vocab_size: int) -> ModelConfig:
        """The shape of a fresh model of this plan."""
        if self.size is None:
            raise ValueError("expected a plan for a fresh model, got one without a size")
        shape: dict[str, Any] = {**SIZES[self.size], "max_position_embeddings": self.context}
        return ModelConfig(vocab_size=vocab_size, **shape)

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Plan:
        """The inverse of `to_dict`."""
        rates = {**values["rates"], "betas": tuple(values["rates"]["betas"])}
        bends = tuple((at, behind) for at, behind in values.get("bends", ()))
        return cls(**{**values, "rates": Rates(**rates), "bends": bends})


def size_for(seconds: float) -> str:
    """The size of model to train for so many seconds on an ordinary machine.

    >>> size_for(150), size_for(1800)
    ('nano', 'tiny')
    """
    return next((size for size, most in SIZES_BY_SECONDS if seconds <= most), "large")


def available_threads() -> int:
    """The processor cores that this process may use, at most `MOST_THREADS`."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
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

    `size` None leaves the size to `size_for`; dtype, threads and steps are found by `fit`. It takes
    less time where `most_tokens` are read sooner.

    >>> plan = plan_for(10.0, vocab_size=64, context=32, threads=1, trial_seconds=0.01)
    >>> plan.size, plan.steps > 1
    ('nano', True)
    """
    if not seconds > 0:
        raise TinyLLMError(f"The seconds to train for must be above 0, got {seconds}.")
    plan = Plan(
        size=size or size_for(seconds),
        steps=1,
        rows=rows,
        context=context,
        seed=seed,
        rates=rates or PRETRAINING,
        most_steps=None if most_tokens is None else -(-most_tokens // (rows * context)),
    )
    ids = torch.randint(
        vocab_size, (rows, context + 1), generator=torch.Generator().manual_seed(seed)
    )
    model = Transformer(plan.model_config(vocab_size))
    documents = (torch.arange(context) // 64).expand(rows, context)  # several texts share a row
    batch = Batch(ids=ids[:, :-1], targets=ids[:, 1:], documents=documents)
    return fit(plan, model, batch, seconds=seconds, threads=threads, trial_seconds=trial_seconds)


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
