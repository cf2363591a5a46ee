"""Sizes that bring their own vocabulary, context and batch: for machines larger than a laptop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinyllm.training.plan import PRETRAINING, Plan


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The shape `size` with tokens, context and batch of its own.

    A step reads `rows` rows of `context` tokens, `rows_at_once` of them at a time in each process.
    """

    size: str
    vocab_size: int
    context: int
    rows: int
    rows_at_once: int

    @property
    def shape(self) -> dict[str, Any]:
        """What a `Plan` takes of it.

        >>> PRESETS["gpt2-small"].shape["context"]
        1024
        """
        return {name: value for name, value in vars(self).items() if name != "vocab_size"}


PRESETS = {
    "gpt2-small": Preset(size="large", vocab_size=50_257, context=1024, rows=480, rows_at_once=12),
}
"""`gpt2-small` has the 124 million parameters of the smallest GPT-2 (Radford et al. 2019) in our
layout, and the half million tokens a step of nanoGPT's training of it. Its learning rates are those
of `nano`: on a machine that could tell whether they are right, nobody has tried yet."""


def plan_of(size: str | None, *, steps: int, **changes: Any) -> Plan:
    """The plan of a fresh model of a size or preset (None: nano) that takes so many steps.

    >>> plan_of("micro", steps=100).tokens, plan_of("gpt2-small", steps=1).tokens
    (204800, 491520)
    """
    shape = PRESETS[size].shape if size in PRESETS else {"size": size or "nano"}
    return Plan(**shape, steps=steps, rates=PRETRAINING, **changes)
