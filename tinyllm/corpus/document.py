"""What travels through the corpus stage, and the book that is kept about it.

A step is a generator from documents to documents. It tells its `Ledger` what it kept, changed and
dropped, and why: that is the dataset card, and `rejected.jsonl`, for free.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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
    report: Callable[[Rejection], None] = lambda rejection: None
    kept: int = 0
    changed: int = 0
    characters: int = 0
    done: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
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
        }


Step = Callable[[Iterator[Document], Ledger], Iterator[Document]]
"""A generator of documents from documents."""
