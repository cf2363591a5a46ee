"""Do the stories hold together? Samples are read by the village, which knows what must be true.

A low loss is no proof that a model remembers: a table of pairs writes fluent lines and loses its
hero. So the model writes unprompted texts at temperature 0.8, and each check reads those that
belong to it: is the hero still the hero, has the thing whoever was given it, is the thing that is
found the thing that was lost, does a favour unwind, do season and weather stay as they were.

A text belongs to a check by how it opens (or, for the weather, by speaking of it twice), never by
how well it goes on: one that opens as a favour and speaks of something else then fails that check,
and no other text counts for it. So each share has an n of its own, small where the model seldom
writes such texts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import dataclass

from tinyllm.evaluation.intervals import Interval, wilson
from tinyllm.evaluation.writing import ROWS, write
from tinyllm.events import Progress
from tinyllm.model import Transformer

TEMPERATURE = 0.8

Check = Callable[[str], Mapping[str, bool | None]]
"""A text -> for each check whether the text passes, or None if it does not belong to the check."""


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
    tally = _Tally(documents)
    for text in texts:
        tally.count(check(text))
        if tally.full:
            break
    return tally.shares()


class _Tally:
    """How many texts have passed each check so far, of the first `most` that belong to it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._passed: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def count(self, verdicts: Mapping[str, bool | None]) -> None:
        for name, verdict in verdicts.items():
            seen = self._seen.setdefault(name, 0)
            if verdict is not None and seen < self._most:
                self._seen[name] += 1
                self._passed[name] = self._passed.get(name, 0) + verdict

    @property
    def full(self) -> bool:
        return min(self._seen.values(), default=0) == self._most

    def shares(self) -> dict[str, Interval]:
        return {name: wilson(self._passed.get(name, 0), n) for name, n in self._seen.items()}


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

    >>> from tinyllm.events import result_of
    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16, max_position_embeddings=8))
    >>> always = lambda text: {"hero": True, "who_has": None, "lost_found": False}
    >>> found = result_of(
    ...     measure_consistency(model, always, str, start=0, stop={0}, documents=5, samples=5)
    ... )
    >>> found.samples, found.checks["hero"].value, found.checks["who_has"].n
    (5, 1.0, 0)
    """
    tally = _Tally(documents)
    texts: list[str] = []
    while len(texts) < samples and not tally.full:
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
            tally.count(check(text))
    return Consistency(checks=tally.shares(), samples=len(texts), texts=tuple(texts))
