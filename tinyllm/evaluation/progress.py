"""Measuring takes seconds to minutes, so every measurement here is a generator.

It yields `Progress` while it works and *returns* its result. Inside another generator that is
`result = yield from measure(...)`; where nobody watches, `result_of(measure(...))`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def result_of(measuring: Generator[object, None, T]) -> T:
    """Run a measurement to its end without watching, and return what it measured.

    >>> def count():
    ...     yield "still counting"
    ...     return 3
    >>> result_of(count())
    3
    """
    while True:
        try:
            next(measuring)
        except StopIteration as finished:
            result: T = finished.value
            return result
