"""Feedback as JSON lines, in the two formats that TRL reads.

A judged answer is `{"prompt", "completion", "label"}` (TRL's unpaired preference), a comparison
`{"prompt", "chosen", "rejected"}` (its preference format). Ties have no place in either and stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tinyllm.alignment.records import Record
from tinyllm.files import TinyLLMError

_LABELS: dict[object, int] = {True: 1, False: -1, -1: -1, "up": 1, "down": -1}
"""1 and 0 are equal to True and False, so they are read as well."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One imported line: a thumb (`label` +1 or -1) or, with `rejected`, a comparison."""

    prompt: str
    completion: str
    label: int | None = None
    rejected: str | None = None


def to_trl(records: Iterable[Record]) -> Iterator[str]:
    """Each record that TRL can learn from, as one JSON line.

    >>> from tinyllm.alignment.records import Answer
    >>> record = Record(id="1", time="", session="s", turn="t", kind="thumb", prompt="Hello",
    ...                 answer=Answer(text="Hello!"), value=1)
    >>> next(to_trl([record]))
    '{"prompt": "Hello", "completion": "Hello!", "label": true}'
    """
    for record in records:
        if record.kind == "thumb":
            label = record.value == 1
            line = {"prompt": record.prompt, "completion": record.answer.text, "label": label}
            yield json.dumps(line, ensure_ascii=False)
        elif record.comparison is not None:
            chosen, rejected = record.comparison
            pair = {"prompt": record.prompt, "chosen": chosen.text, "rejected": rejected.text}
            yield json.dumps(pair, ensure_ascii=False)


def parse_lines(lines: Iterable[str]) -> list[Line]:
    """Read either format, mixed freely; empty lines are skipped.

    A line that cannot be read raises `TinyLLMError` with its number; nothing is kept then.

    >>> parse_lines(['{"prompt": "Hello", "completion": "Hm.", "label": false}'])[0].label
    -1
    """
    return [_parse(line, number) for number, line in enumerate(lines, 1) if line.strip()]


def _parse(line: str, number: int) -> Line:
    try:
        values = json.loads(line)
    except ValueError as error:
        raise _unreadable(number, f"is not JSON ({error})") from None
    if not isinstance(values, dict):
        raise _unreadable(number, f"is {type(values).__name__}, not an object")
    if {"chosen", "rejected"} <= values.keys():
        prompt, chosen, rejected = (
            _text(values, k, number) for k in ("prompt", "chosen", "rejected")
        )
        if chosen == rejected:
            raise _unreadable(number, "has the same text as chosen and as rejected")
        return Line(prompt=prompt, completion=chosen, rejected=rejected)
    prompt, completion = (_text(values, k, number) for k in ("prompt", "completion"))
    label = values.get("label")
    if not isinstance(label, bool | int | str) or label not in _LABELS:
        raise _unreadable(number, f"has label {label!r}, not true (up) or false (down)")
    return Line(prompt=prompt, completion=completion, label=_LABELS[label])


def _text(values: dict[str, Any], key: str, number: int) -> str:
    text = values.get(key)
    if not isinstance(text, str):
        got = "no such key" if key not in values else type(text).__name__
        raise _unreadable(number, f'needs text under "{key}", got {got}')
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _unreadable(number, f'has a lone surrogate under "{key}"') from None
    return text


def _unreadable(number: int, what: str) -> TinyLLMError:
    return TinyLLMError(
        f"Line {number} {what}. Expected {{prompt, completion, label}} or "
        "{prompt, chosen, rejected}; nothing was imported, mend the line and try again."
    )
