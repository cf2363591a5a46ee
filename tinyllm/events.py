"""What a stage says while it works.

Every stage of tinyllm is a generator of the events below. A notebook draws them, an app streams
them, the terminal shows a bar, a test lists them: four viewers of one stream. Stopping is closing
the generator; pausing is not asking for the next event.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
STAGES = ("corpus", "tokenizer", "base", "chat", "reward", "aligned")
"""The stages in the order in which a language model is made."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Anything a stage reports; `stage` is one of `STAGES`, or "compare" for what stands above
    several trainings."""

    stage: str


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """So much of the work without gradients is done (reading, encoding, sampling).

    `total` is None while nobody can know it; `eta_seconds` likewise.
    """

    done: float
    total: float | None = None
    unit: str = ""
    note: str = ""
    eta_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Step(Event):
    """One optimizer step.

    `loss` is in nats (per token, or as the stage's loss function defines it), `tokens` counts all
    tokens trained on so far, `seconds` the time spent training so far, resumed parts included.
    """

    step: int
    steps: int
    loss: float
    tokens: int
    seconds: float
    eta_seconds: float
    learning_rate: float
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Evaluation(Event):
    """Figures measured on data that the stage does not train on; units are in the names."""

    step: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Sample(Event):
    """What the model writes at this step, exactly as it came."""

    step: int
    prompt: str
    completion: str


@dataclass(frozen=True, kw_only=True)
class Page(Sample):
    """A sample for the album, which shows one prompt from the first step to the last.

    `tokens` were trained on so far. `next` are the likeliest tokens after the prompt with their
    probabilities, likeliest first, and `entropy` is that of all of them, in bits. `copied` is the
    longest stretch of the completion that stands word for word in one text that the model learns
    from, `copied_tokens` its length and `copied_from` the number of that text; None where it was
    not measured, or nothing was copied. In real text about as long, but never trained on, such a
    stretch has `control_words` words (median).
    """

    tokens: int
    next: tuple[tuple[str, float], ...]
    entropy: float
    copied: str = ""
    copied_tokens: int | None = None
    copied_from: int | None = None
    control_words: float | None = None


@dataclass(frozen=True, kw_only=True)
class Merge(Event):
    """One merge of byte-pair encoding: `left` and `right` stood side by side `count` times and
    become token `new`, which stands for the bytes `text` (shown as latin-1 in JSON)."""

    rank: int
    left: int
    right: int
    new: int
    count: int
    text: bytes


@dataclass(frozen=True, kw_only=True)
class Notice(Event):
    """A sentence the person should read: a warning, a choice that was made for them."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The stage left its artefact in `folder`; `metrics` are its closing figures."""

    folder: str
    seconds: float
    metrics: Mapping[str, float] = field(default_factory=dict)


_TYPES = {
    t.__name__: t for t in (Progress, Step, Evaluation, Sample, Page, Merge, Notice, Finished)
}


def to_dict(event: Event) -> dict[str, Any]:
    """The event as plain JSON values, its type under "event".

    >>> to_dict(Notice(stage="base", text="hello"))
    {'event': 'Notice', 'stage': 'base', 'text': 'hello'}
    """
    fields = asdict(event)
    if isinstance(event, Merge):
        fields["text"] = event.text.decode("latin-1")
    return {"event": type(event).__name__, **fields}


def from_dict(fields: Mapping[str, Any]) -> Event:
    """The inverse of `to_dict`.

    >>> from_dict({"event": "Notice", "stage": "base", "text": "hello"}).text
    'hello'
    """
    values = dict(fields)
    name = values.pop("event", None)
    if name not in _TYPES:
        raise ValueError(f"expected an event of {sorted(_TYPES)}, got {name!r}")
    if name == "Merge":
        values["text"] = values["text"].encode("latin-1")
    if name == "Page":
        values["next"] = tuple((text, chance) for text, chance in values["next"])
    event: Event = _TYPES[name](**values)
    return event


def result_of(stream: Generator[Any, None, T]) -> T:
    """What a stream returns once it has said everything, for those who do not listen.

    >>> def stage():
    ...     yield "half way"
    ...     return 7
    >>> result_of(stage())
    7
    """
    while True:
        try:
            next(stream)
        except StopIteration as done:
            returned: T = done.value
            return returned
