"""A bench of many cells that takes hours: each is measured once, noted, and never again.

A cell is a frozen dataclass that says what is to be measured, and its row a dictionary that holds
the cell's fields and what was found. Rows stand in a file, a JSON line each, from the moment on at
which they are known: a bench that is stopped goes on where it was.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import astuple, fields
from pathlib import Path
from statistics import fmean
from typing import Any

from loky import get_reusable_executor

from tinyllm.evaluation.intervals import bootstrap_mean

Row = dict[str, Any]


def measured(
    path: Path,
    planned: Sequence[Any],
    measure: Callable[[Any, Any], Row],
    place: Any,
    *,
    workers: int,
    said: Callable[[Row], str],
) -> list[Row]:
    """The rows of the file `path`, after `measure(cell, place)` of each planned cell that it lacks.

    Cells are measured by `workers` processes. After each, standard error says how many there were,
    how many minutes are left, and what `said` makes of the row.

    >>> import tempfile
    >>> measured(Path(tempfile.mkdtemp()) / "cells.jsonl", [], dict, None, workers=1, said=str)
    []
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    rows: list[Row] = [json.loads(line) for line in text.splitlines()]
    names = [field.name for field in fields(planned[0])] if planned else []
    known = {tuple(row[name] for name in names) for row in rows}
    ahead = [cell for cell in planned if astuple(cell) not in known]
    executor = get_reusable_executor(max_workers=workers)
    began = time.monotonic()
    waiting: list[Future[Row]] = [executor.submit(measure, cell, place) for cell in ahead]
    for done, future in enumerate(as_completed(waiting), 1):
        row = future.result()
        rows.append(row)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        left = (time.monotonic() - began) / done * (len(ahead) - done)
        sys.stderr.write(f"{done} of {len(ahead)}, {left / 60:.0f} min left: {said(row)}\n")
    return rows


def clustered(values: Iterable[tuple[int, float]]) -> dict[str, float] | None:
    """The mean over people of (person, value) with its 95% interval: people are drawn again and
    again, not their days or votes. None where nobody is.

    >>> clustered([(0, 0.5), (0, 0.75), (1, 0.625)])["value"]
    0.625
    """
    people: dict[int, list[float]] = defaultdict(list)
    for person, value in values:
        people[person].append(value)
    if not people:
        return None
    return bootstrap_mean([fmean(people[person]) for person in sorted(people)]).to_dict()
