"""What a comparison found: figures with intervals, the control beside them, and a verdict.

Two trainings on the very same data do not end alike: another seed gives other first weights and
another order of reading. So a difference between two variants means something only beside that
between two trainings of one variant, the control. `difference_of` counts both sources of chance:
which documents happened to be held out, and which seeds happened to be drawn.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyllm.effects.variants import Variant
from tinyllm.evaluation import Interval, bootstrap_ratio
from tinyllm.events import Event
from tinyllm.files import FORMAT, TinyLLMError

FILE = "comparison.json"

SIDES = ("first", "second")

T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306)
"""The two-sided 95% points of Student's t with 1, 2, 3 … degrees of freedom."""

NOTHING = "no detectable change"

Costs = NDArray[np.float64]
"""The nats of each held-out document, float64 (documents,)."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One training: of which side and seed, on how much, how well it ended, what it writes.

    `bits_per_byte` is over all held-out documents, its interval over which of them were drawn;
    `curve` are optimizer steps and the bits per byte of the first held-out documents. `readings`
    says how often the training text was read, `seconds` how long the steps took.
    """

    name: str
    side: str
    seed: int
    bits_per_byte: Interval
    curve: tuple[tuple[int, float], ...]
    samples: tuple[tuple[str, str], ...]
    vocabulary: int
    parameters: int
    train_bytes: int
    readings: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {**vars(self), "bits_per_byte": self.bits_per_byte.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Result:
        """The inverse of `to_dict`, but for rounding."""
        pairs = {name: tuple(map(tuple, values[name])) for name in ("curve", "samples")}
        bits = Interval(**values["bits_per_byte"])
        return cls(**{**values, **pairs, "bits_per_byte": bits})


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two variants of the data and what they did to the same model.

    `difference` is in bits per byte, second less first: above 0 the second is worse. Its interval
    counts documents and seeds, those of `controls` only documents: each is how far two trainings
    of one variant lie apart. `verdict` is of the second: "better", "worse" or `NOTHING`.
    """

    first: Variant
    second: Variant
    steps: int
    tokens: int
    documents: int
    bytes: int
    runs: tuple[Result, ...]
    difference: Interval
    controls: tuple[Interval, ...]

    COLUMNS: ClassVar = ("trained on", "bits per byte", "95% interval", "tokens", "text", "read")

    @property
    def verdict(self) -> str:
        """What the second variant did to the model, where chance cannot explain it."""
        if self.difference.low > 0:
            return "worse"
        return "better" if self.difference.high < 0 else NOTHING

    @property
    def sentence(self) -> str:
        """The verdict in words, with its figures."""
        first, second = (
            statistics.fmean(r.bits_per_byte.value for r in self.runs if r.side == side)
            for side in SIDES
        )
        gap = self.difference
        control = max((abs(control.value) for control in self.controls), default=math.nan)
        figures = (
            f"{self.second.name} {second:.3f}, {self.first.name} {first:.3f} bits per byte; "
            f"difference {gap.value:+.3f} (95% interval {gap.low:+.3f} to {gap.high:+.3f})"
        )
        beside = f"The same data with another seed differs by {control:.3f}."
        if self.verdict == NOTHING:
            return f"No detectable change: {figures}. {beside}"
        return f"{self.second.name} makes the model {self.verdict}: {figures}. {beside}"

    def rows(self) -> list[tuple[str, ...]]:
        """A row a training, under `COLUMNS`."""
        names = {"first": self.first.name, "second": self.second.name}
        return [
            (
                names[run.side] + ("" if run.name.endswith("-0") else f", seed {run.seed}"),
                f"{run.bits_per_byte.value:.3f}",
                f"{run.bits_per_byte.low:.3f} to {run.bits_per_byte.high:.3f}",
                f"{run.vocabulary:,}",
                f"{run.train_bytes / 1e6:.2f} MB",
                f"{run.readings:.1f}",
            )
            for run in self.runs
        ]

    def samples(self, shown: Callable[[str], str] = str) -> list[tuple[str, str, str]]:
        """Each prompt, and how the first and the second model go on from it."""
        first, second = self.runs[:2]
        return [
            (prompt or "(nothing)", shown(one), shown(other))
            for (prompt, one), (_, other) in zip(first.samples, second.samples, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """What `comparison.json` holds: the fields, and the verdict in words."""
        return {
            "format": FORMAT,
            **vars(self),
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "runs": [run.to_dict() for run in self.runs],
            "difference": self.difference.to_dict(),
            "controls": [control.to_dict() for control in self.controls],
            "verdict": self.verdict,
            "sentence": self.sentence,
        }

    @classmethod
    def load(cls, folder: Path) -> Comparison:
        """Read `comparison.json`; one that is missing or damaged is a `TinyLLMError`."""
        path = folder / FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']}, this version reads {FORMAT}")
            plain = {name: values[name] for name in ("steps", "tokens", "documents", "bytes")}
            return cls(
                first=Variant.from_dict(values["first"]),
                second=Variant.from_dict(values["second"]),
                runs=tuple(map(Result.from_dict, values["runs"])),
                difference=Interval(**values["difference"]),
                controls=tuple(Interval(**control) for control in values["controls"]),
                **plain,
            )
        except FileNotFoundError:
            raise TinyLLMError(
                f"{folder} holds no finished comparison; the same call goes on with it."
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TinyLLMError(
                f"{path} cannot be read ({type(error).__name__}: {error}). Delete it, and the same "
                "call writes it again from what was trained."
            ) from error


@dataclass(frozen=True, kw_only=True)
class Compared(Event):
    """The closing event of a comparison."""

    comparison: Comparison


def difference_of(
    first: Sequence[Costs], second: Sequence[Costs], sizes: Sequence[int]
) -> Interval:
    """By how many bits per byte the trainings of `second` lie above those of `first`, on average.

    `sizes` are the bytes of the documents. The interval at 95% adds two widths in quadrature: that
    of a paired bootstrap over documents, and Student's for the mean difference of a and b
    trainings, t s sqrt(1/a + 1/b) with s pooled and a + b - 2 degrees of freedom. Without a second
    training of either side the second width is not known: a ValueError.

    >>> first = [np.array([10.0, 20.0]), np.array([11.0, 19.0])]
    >>> far = difference_of(first, [np.array([40.0, 80.0])], [10, 20])
    >>> f"{far.value:.2f}", far.low > 0
    ('4.33', True)
    >>> difference_of(first, [np.array([11.0, 22.0])], [10, 20]).low > 0  # three nats more
    True
    """
    free = len(first) + len(second) - 2
    if not (first and second and 1 <= free <= len(T95)):
        raise ValueError(
            f"expected trainings of both sides, 3 to {len(T95) + 2} in all, got {len(first)} and "
            f"{len(second)}; a control is a second training of one of them"
        )
    gap = np.mean(second, axis=0) - np.mean(first, axis=0)
    over_documents = bootstrap_ratio(gap / math.log(2), sizes)
    ends = [[bits_per_byte(costs, sizes) for costs in side] for side in (first, second)]
    squares = sum((end - statistics.fmean(side)) ** 2 for side in ends for end in side)
    of_seeds = T95[free - 1] * math.sqrt(squares / free * (1 / len(first) + 1 / len(second)))
    value = over_documents.value
    return Interval(
        value,
        value - math.hypot(value - over_documents.low, of_seeds),
        value + math.hypot(over_documents.high - value, of_seeds),
        over_documents.n,
    )


def control_of(costs: Sequence[Costs], sizes: Sequence[int]) -> list[Interval]:
    """How far each further training of one variant lies from its first, in bits per byte."""
    return [bootstrap_ratio((c - costs[0]) / math.log(2), sizes) for c in costs[1:]]


def bits_per_byte(costs: Costs, sizes: Sequence[int]) -> float:
    """Nats of documents, and their bytes, as bits per byte.

    >>> bits_per_byte(np.array([math.log(2), math.log(2)]), [1, 3])
    0.5
    """
    return float(costs.sum() / math.log(2) / sum(sizes))
