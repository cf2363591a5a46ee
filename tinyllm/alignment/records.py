"""What one piece of feedback is: a vote, who was asked, and what exactly was judged.

A record is never changed. A second vote on the same answer is a second record, and the later one
counts; taking a vote back is a record too. So the store can always say what was known when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("thumb", "pair", "edit", "retraction")
CHOICES = ("a", "b", "tie", "both_bad")
SPLITS = ("train", "audit")
IMPORTED = "import"
"""The session of votes that were read from a file."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A text that was judged, with the tokens it was sampled as.

    `finish_reason` is "stop" (the model ended its turn), "length" (it was cut off) or None (not
    known: the text was written or imported, and counts as finished).

    >>> Answer(text="Yes.", finish_reason="length").finished
    False
    """

    text: str
    ids: tuple[int, ...] = ()
    finish_reason: str | None = None

    def __post_init__(self) -> None:
        if self.finish_reason not in (None, "stop", "length"):
            raise ValueError(
                f'expected finish_reason "stop", "length" or None, got {self.finish_reason!r}'
            )
        try:
            self.text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(
                f"expected text that UTF-8 can write, got a lone surrogate at character "
                f"{error.start}; decode the bytes again before storing them"
            ) from None

    @property
    def finished(self) -> bool:
        """Whether the answer came to its own end."""
        return self.finish_reason != "length"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Which weights wrote the answers and how they were sampled.

    `policy_hash` None means that no model of ours wrote them: imported, or typed by hand.

    >>> Origin().imported
    True
    """

    policy_hash: str | None = None
    tokenizer_hash: str | None = None
    reward_version: str | None = None
    sampler: Mapping[str, Any] = field(default_factory=dict)

    @property
    def imported(self) -> bool:
        """Whether the answers came from outside."""
        return self.policy_hash is None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of the feedback store.

    `value` is +1 or -1 for a thumb. For a pair, `answer` is a and `other` is b, `choice` is one of
    `CHOICES` and `shown` the order on the screen ("ab" or "ba"). For an edit, `answer` is what the
    model wrote and `other` what the person would rather have read. `predicted` is what the reward
    model expected before the label: the probability of a thumb up, or that a wins. `chosen_by` says
    how the question was picked ("random" or "active"). `target` is the record a retraction takes
    back. `time` is UTC, ISO 8601.
    """

    id: str
    time: str
    session: str
    turn: str
    kind: str
    prompt: str
    answer: Answer
    prompt_ids: tuple[int, ...] = ()
    other: Answer | None = None
    value: int | None = None
    choice: str | None = None
    shown: str | None = None
    tags: tuple[str, ...] = ()
    chosen_by: str = "random"
    predicted: float | None = None
    split: str = "train"
    origin: Origin = field(default_factory=Origin)
    target: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"expected a kind of {KINDS}, got {self.kind!r}")
        if self.kind == "thumb" and self.value not in (-1, 1):
            raise ValueError(f"expected a thumb of +1 (up) or -1 (down), got {self.value!r}")
        if self.kind == "pair" and self.choice not in CHOICES:
            raise ValueError(f"expected a choice of {CHOICES}, got {self.choice!r}")
        if self.kind == "pair" and self.shown not in ("ab", "ba"):
            raise ValueError(f'expected the order shown as "ab" or "ba", got {self.shown!r}')
        if self.kind in ("pair", "edit") and self.other is None:
            raise ValueError(f"expected a second answer in a {self.kind}, got none")
        if self.split not in SPLITS:
            raise ValueError(f"expected a split of {SPLITS}, got {self.split!r}")
        if self.predicted is not None and not 0.0 <= self.predicted <= 1.0:
            raise ValueError(f"expected a predicted probability in [0, 1], got {self.predicted!r}")

    @property
    def comparison(self) -> tuple[Answer, Answer] | None:
        """(chosen, rejected) if this record prefers one answer to another, else None.

        An edit prefers the person's own words to the model's.

        >>> record = Record(id="1", time="", session="s", turn="t", kind="edit", prompt="Hello",
        ...                 answer=Answer(text="Hm."), other=Answer(text="Hello, Nell!"))
        >>> record.comparison[0].text
        'Hello, Nell!'
        """
        if self.other is None:
            return None
        if self.kind == "edit" or self.choice == "b":
            return self.other, self.answer
        return (self.answer, self.other) if self.choice == "a" else None

    @property
    def up(self) -> bool | None:
        """Whether the thumb went up, or `answer` was preferred to `other`; None if neither can be
        said (a tie, both bad, a retraction).

        >>> Record(id="1", time="", session="s", turn="t", kind="thumb", prompt="Hello",
        ...        answer=Answer(text="Hm."), value=-1).up
        False
        """
        if self.kind == "thumb":
            return self.value == 1
        return None if self.comparison is None else self.comparison[0] is self.answer


def valid_records(
    records: Iterable[Record], policy_hash: str | Iterable[str] | None = None
) -> list[Record]:
    """The records that count, in the order in which they came.

    The last vote of a kind on a turn supersedes those before it, and a retraction silences the
    turn's votes of that kind. With `policy_hash` (one hash or several), only what was imported or
    given on answers of those models remains.

    >>> up = Record(id="1", time="", session="s", turn="t", kind="thumb", prompt="Hello",
    ...             answer=Answer(text="Hello!"), value=1)
    >>> down = Record(id="2", time="", session="s", turn="t", kind="thumb", prompt="Hello",
    ...               answer=Answer(text="Hello!"), value=-1)
    >>> [record.value for record in valid_records([up, down])]
    [-1]
    """
    hashes: set[str] | None = None
    if policy_hash is not None:
        hashes = {policy_hash} if isinstance(policy_hash, str) else set(policy_hash)
    last: dict[tuple[str, str], Record] = {}
    keys: dict[str, tuple[str, str]] = {}
    for record in records:
        if record.kind == "retraction":
            last.pop(keys.get(record.target or "", ("", "")), None)
            continue
        key = keys[record.id] = (record.turn, record.kind)
        last.pop(key, None)  # so that the survivor stands where its latest vote was given
        last[key] = record
    return [
        record
        for record in last.values()
        if hashes is None or record.origin.imported or record.origin.policy_hash in hashes
    ]


SESSION_CAP = 400
"""So many votes of one sitting count: in a class, nobody's taste should be everybody's."""


def capped(records: Iterable[Record], most: int = SESSION_CAP) -> list[Record]:
    """The records without those of a session that has more than `most`: its latest ones count.

    >>> votes = [Record(id=str(n), time="", session="s", turn=str(n), kind="thumb", prompt="Hello",
    ...                 answer=Answer(text="Hello!"), value=1) for n in range(3)]
    >>> [record.id for record in capped(votes, most=2)]
    ['1', '2']
    """
    records = list(records)
    seen: Counter[str] = Counter()
    kept = []
    for record in reversed(records):
        seen[record.session] += 1
        if seen[record.session] <= most or record.session == IMPORTED:
            kept.append(record)
    return kept[::-1]
