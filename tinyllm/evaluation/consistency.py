"""Do the stories hold together? Samples are read by the village, which knows what must be true.

A low loss is no proof that a model remembers: a table of pairs writes fluent lines and loses its
hero. So the model writes unprompted texts at temperature 0.8, and each check reads those that
belong to it: is the hero still the hero, has the thing whoever was given it, is the thing that is
found the thing that was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import dataclass

from tinyllm.evaluation.intervals import Interval, wilson
from tinyllm.evaluation.writing import ROWS, write
from tinyllm.events import Progress
from tinyllm.model import Transformer

CHECKS = ("hero", "who_has", "lost_found")
TEMPERATURE = 0.8

Check = Callable[[str], Mapping[str, bool | None]]
"""A text -> for each of `CHECKS` whether it passes, or None if it does not belong to the check."""


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """The share that passes each check, and how many texts were written to find them."""

    checks: Mapping[str, Interval]
    samples: int
    texts: tuple[str, ...]


def consistency_of(
    texts: Iterable[str], check: Check, *, documents: int = 300
) -> dict[str, Interval]:
    """The share of `texts` that passes each check, over the first `documents` that belong to it.

    >>> always = lambda text: {"hero": True, "who_has": None, "lost_found": text == "kite"}
    >>> found = consistency_of(["kite", "key"], always)
    >>> found["hero"].n, found["lost_found"].value, found["who_has"].n
    (2, 0.5, 0)
    """
    passed, seen = dict.fromkeys(CHECKS, 0), dict.fromkeys(CHECKS, 0)
    for text in texts:
        _count(check(text), passed, seen, documents)
        if min(seen.values()) == documents:
            break
    return {name: wilson(passed[name], seen[name]) for name in CHECKS}


def _count(
    verdicts: Mapping[str, bool | None], passed: dict[str, int], seen: dict[str, int], most: int
) -> None:
    for name, verdict in verdicts.items():
        if verdict is not None and seen[name] < most:
            seen[name] += 1
            passed[name] += verdict


def measure_consistency(
    model: Transformer,
    check: Check,
    decode: Callable[[list[int]], str],
    *,
    start: int,
    stop: Collection[int],
    pad: int = 0,
    documents: int = 300,
    samples: int = 4_096,
    seed: int = 0,
    stage: str = "base",
) -> Generator[Progress, None, Consistency]:
    """Write texts until every check has had `documents` of its own, or `samples` are written.

    `start` is the token that stands before every document. The first `documents` texts that belong
    to a check count for it; where the bound came first, n is smaller and says so. A text that
    belongs to a check and cannot be followed fails it (`check` answers False).

    >>> from tinyllm.evaluation.progress import result_of
    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16, max_position_embeddings=8))
    >>> always = lambda text: {"hero": True, "who_has": None, "lost_found": False}
    >>> found = result_of(
    ...     measure_consistency(model, always, str, start=0, stop={0}, documents=5, samples=5)
    ... )
    >>> found.samples, found.checks["hero"].value, found.checks["who_has"].n
    (5, 1.0, 0)
    """
    passed = dict.fromkeys(CHECKS, 0)
    seen = dict.fromkeys(CHECKS, 0)
    texts: list[str] = []
    while len(texts) < samples and min(seen.values()) < documents:
        rows = min(ROWS, samples - len(texts))
        # One batch a round, each with random numbers of its own.
        written = yield from write(
            model,
            [[start]] * rows,
            stop=stop,
            temperature=TEMPERATURE,
            seed=seed * 10_007 + len(texts),
            pad=pad,
            stage=stage,
            note="stories for the consistency checks",
        )
        for text in (decode(one.ids) for one in written):
            texts.append(text)
            _count(check(text), passed, seen, documents)
    return Consistency(
        checks={name: wilson(passed[name], seen[name]) for name in CHECKS},
        samples=len(texts),
        texts=tuple(texts),
    )
