"""What travels through the corpus stage, and the book that is kept about it.

A step is a generator from documents to documents. It tells its `Ledger` what it kept, changed and
dropped, and why: that is the dataset card, and `rejected.jsonl`, for free.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

EXAMPLES = 3
EXCERPT = 200


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text, a name by which it can be found again, and what is known about it."""

    text: str
    id: str
    metadata: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line of a text shard.

        >>> Document(text="Hello.", id="a.txt").to_json()
        '{"text": "Hello.", "id": "a.txt", "metadata": {}}'
        """
        line = {"text": self.text, "id": self.id, "metadata": self.metadata}
        return json.dumps(line, ensure_ascii=False)

    def knowing(self, more: Mapping[str, Any]) -> Document:
        """The same document with more metadata."""
        return replace(self, metadata={**self.metadata, **more})

    @classmethod
    def from_json(cls, line: str) -> Document:
        """The inverse of `to_json`."""
        return cls(**json.loads(line))


class Rejection(NamedTuple):
    """A document or file that a step dropped; `excerpt` is how its text began."""

    id: str
    step: str
    reason: str
    excerpt: str


def _report_to_nobody(rejection: Rejection) -> None:
    """The report of a ledger that nobody listens to."""


def _everything(document: Document) -> bool:
    """The scope of a step that looks at every document."""
    return True


class UnreadableError(Exception):
    """Raised by a reader of one format; the message is the reason why there is no text."""


@dataclass
class Ledger:
    """What one step kept, changed and dropped, and why, with a few examples of each reason.

    >>> ledger = Ledger("clean", "Nothing but spaces is no document.")
    >>> for text in ("Hello.", "  "):
    ...     document = Document(text=text, id=repr(text))
    ...     _ = ledger.keep(document) if text.strip() else ledger.drop(document, "nothing left")
    >>> ledger.kept, dict(ledger.dropped)
    (1, {'nothing left': 1})
    """

    step: str
    rule: str
    report: Callable[[Rejection], None] = _report_to_nobody
    kept: int = 0
    changed: int = 0
    characters: int = 0
    judges: Callable[[Document], bool] = _everything
    """Which documents the step looks at; the others pass as they are."""
    done: int = 0
    """So much of what a source was expected to hold is read."""
    dropped: Counter[str] = field(default_factory=Counter)
    notes: dict[str, Counter[str]] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def keep(self, document: Document, *, changed: bool = False) -> Document:
        """Count a document that goes on to the next step, and return it."""
        self.kept += 1
        self.changed += changed
        self.characters += len(document.text)
        return document

    def advance(self, amount: int) -> None:
        """So much of what a source was expected to hold lies behind us, whatever became of it."""
        self.done += amount

    def drop(self, document: Document, reason: str) -> None:
        """Count a document that ends here; reasons are few, so that they can be counted."""
        self.dropped[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            shown.append(document.id)
        excerpt = " ".join(document.text[: 2 * EXCERPT].split())[:EXCERPT]
        self.report(Rejection(document.id, self.step, reason, excerpt))

    def note(self, what: str, value: str) -> None:
        """Count something that the card shows beside the step, a language for one."""
        self.notes.setdefault(what, Counter())[value] += 1

    def add(self, other: Ledger) -> None:
        """Take over what another ledger of the same step counted."""
        self.kept += other.kept
        self.changed += other.changed
        self.characters += other.characters
        self.dropped += other.dropped
        for what, counts in other.notes.items():
            self.notes.setdefault(what, Counter()).update(counts)
        for reason, names in other.examples.items():
            shown = self.examples.setdefault(reason, [])
            shown += names[: EXAMPLES - len(shown)]

    def without_report(self) -> Ledger:
        """The same counts in a ledger that can travel to another process."""
        return replace(self, report=_report_to_nobody)

    def to_dict(self) -> dict[str, Any]:
        """The step's row of the dataset card."""
        return {
            "step": self.step,
            "rule": self.rule,
            "kept": self.kept,
            "changed": self.changed,
            "characters": self.characters,
            "dropped": dict(self.dropped.most_common()),
            "examples": self.examples,
            "notes": {what: dict(counts.most_common()) for what, counts in self.notes.items()},
        }


@contextmanager
def dropping(document: Document, ledger: Ledger) -> Iterator[None]:
    """Drop a document whose file cannot be read, with the reason, and let the rest go on."""
    try:
        yield
    except UnreadableError as error:
        ledger.drop(document, str(error))
    except FileNotFoundError:
        ledger.drop(document, "no longer there when its turn came")
    except OSError as error:
        ledger.drop(document, f"cannot be opened: {error.strerror or type(error).__name__}")


Step = Callable[[Iterator[Document], Ledger], Iterator[Document]]
"""A generator of documents from documents."""
