"""How a policy learns: the numbers that methods share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tinyllm.training import Rates

RATES = Rates(matrices=0.0016, embedding=0.0003, gains=0.0012, head=0.0003, momentum=0.8, clip=1.0)
"""For the forty to fifty steps that fit into a minute: three times as fast, the policy says the
same again and again before it is better, and the gate lets only part of it through; a momentum of
0.95 would look back over nearly half of the training (`bench/RESULTS.md`)."""
FOR_VOTES: dict[str, Any] = {"steps": 24, "evaluate_every": 24}
"""Fields of `PolicyConfig` where a person's votes lead, and answers of the chat model are imitated:
more steps would teach the same again."""


@dataclass(frozen=True, kw_only=True)
class PolicyConfig:
    """How the policy learns.

    `steps` updates, or, with `seconds`, as many as fit. Each is made of `num_samples` answers to
    `prompts_per_step` prompts. `beta` is the price of a nat at first; it adapts to keep the KL near
    `kl_budget` nats an answer at most. The reference answers every prompt `reference_samples`
    times. With votes, `practice` prompts are practised that are like those voted on (themselves
    among them), and what is imitated is chosen from `practice_samples` answers to each, or fewer
    where more prompts have votes than that. The policy is tried every `evaluate_every` steps.
    `stop_after` ends the training at that step of the `steps`, as the clock ended an earlier one
    that is to be repeated.
    """

    steps: int = 40
    seconds: float | None = None
    prompts_per_step: int = 16
    num_samples: int = 8
    beta: float = 0.05
    kl_budget: float = 3.0
    max_new_tokens: int = 192
    reference_samples: int = 4
    practice: int = 160
    practice_samples: int = 32
    evaluate_every: int = 12
    stop_after: int | None = None
    rates: Rates = field(default_factory=lambda: RATES)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(f"expected seconds above 0, got {self.seconds}")
        for name in ("beta", "kl_budget"):
            if not getattr(self, name) > 0:
                raise ValueError(f"expected {name} above 0, got {getattr(self, name)}")
        least = {"steps": 1, "prompts_per_step": 1, "num_samples": 2, "max_new_tokens": 1,
                 "reference_samples": 2, "practice": 1, "practice_samples": 1,
                 "evaluate_every": 1}  # fmt: skip
        for name, value in least.items():
            if getattr(self, name) < value:
                raise ValueError(f"expected {name} of at least {value}, got {getattr(self, name)}")
