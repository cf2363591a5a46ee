"""How large a model, for how many steps: chosen once, from the minutes that the learner has.

The number of steps is at first an estimate (`timing`). Training settles it on the way, from the
steps it has really taken, and in the end it is fixed: a rate that falls to zero at the end needs to
know the end, and a resumed run must do what the whole run would have done. Should the machine
become slower later, the estimate of the time left says so; the plan stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from tinyllm.files import TinyLLMError
from tinyllm.model import SIZES, ModelConfig
from tinyllm.training.optimizers import Rates
from tinyllm.training.schedule import Schedule

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

SETTLES_AT = (0.2, 0.4, 0.6, 0.8)
"""How far a training goes before its number of steps is settled, and settled again: a second of
trial steps is no measure on a shared machine, nor is a quarter of the run (`bench/RESULTS.md`)."""

LEAST_LEFT = 0.25
"""However late it is, this share of the steps that were left is taken: the rate has to fall."""

PRETRAINING = Rates(matrices=0.028, embedding=0.06, embedding_warmup=80, momentum=0.9)
"""The rates of a fresh model."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that fixes a training run beside its data; kept in its state and manifest.

    `size` is that of a fresh model, or None for one that goes on learning. A batch is `rows` rows
    of `context` tokens. `seconds` is the budget the plan was made for, or None. `room` is how many
    of them are for the steps themselves, as long as `steps` is an estimate; None once it is final.
    `bends` are the steps at which it was changed, and how far the schedule had come (`Schedule`).
    `most_steps` are the most that make sense, however much time there is. The first `primer` steps
    read the primer, where the text begins with one. `rows_at_once` bounds the memory: a process
    computes with no more rows than that at a time (None: with all), and adds the gradients up.

    >>> plan = Plan(size="nano", steps=100)
    >>> plan.tokens
    204800
    >>> Plan.from_dict(plan.to_dict()) == plan
    True
    >>> Plan(size="gigantic", steps=100)
    Traceback (most recent call last):
    ...
    tinyllm.files.TinyLLMError: The size must be one of nano, micro, tiny, small, \
medium, large; got 'gigantic'.
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
    rows_at_once: int | None = None
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
        if self.rows_at_once is not None and self.rows_at_once < 1:
            raise TinyLLMError(f"rows_at_once must be at least 1, got {self.rows_at_once}.")

    def pieces(self, processes: int = 1) -> int:
        """In how many pieces each of so many processes computes a batch.

        >>> Plan(size=None, steps=1, rows=480, rows_at_once=12).pieces(processes=8)
        5
        """
        return -(-self.rows // (processes * (self.rows_at_once or self.rows)))

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
