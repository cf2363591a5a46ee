"""What is said when a source gives no text, too little of it, or files that cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tinyllm.corpus.document import Ledger, Rejection
from tinyllm.corpus.reading import nothing_found
from tinyllm.corpus.sources import Source
from tinyllm.events import Notice
from tinyllm.files import TinyLLMError

MINIMUM_CHARACTERS = 20_000
MINIMUM_DOCUMENTS = 2
NOTICES = 10
"""So many files that were not read are named while the stage runs; the rest in rejected.jsonl."""


def notices(refused: Sequence[Rejection], count: int) -> Iterator[Notice]:
    """Which files were not read, and why; `count` says how many there are in all.

    >>> [n.text for n in notices([Rejection("a.jpg", "read", "a picture", "")], 3)]
    ['Not read: a.jpg: a picture.', 'Not read: 2 more files; see rejected.jsonl.']
    """
    for rejection in refused:
        yield Notice(stage="corpus", text=f"Not read: {rejection.id}: {rejection.reason}.")
    if count > len(refused):
        rest = f"Not read: {count - len(refused)} more files; see rejected.jsonl."
        yield Notice(stage="corpus", text=rest)


def check_sources(
    sources: Sequence[Source], documents: Mapping[str, int], ledgers: Sequence[Ledger]
) -> None:
    """Raise `TinyLLMError` if a source gave no document, with what was found instead."""
    dropped: Counter[str] = sum((ledger.dropped for ledger in ledgers), Counter())
    for source in sources:
        if not documents.get(source.name):
            raise TinyLLMError(nothing_found(source, dropped))


def check_size(documents: int, characters: int) -> None:
    """Raise `TinyLLMError` if so much text is too little to train on.

    >>> check_size(documents=2, characters=20_000)
    """
    if characters < MINIMUM_CHARACTERS or documents < MINIMUM_DOCUMENTS:
        raise TinyLLMError(
            f"The text is too small to train on: {characters:,} characters in {documents} "
            f"{'document' if documents == 1 else 'documents'} came through, and at least "
            f"{MINIMUM_CHARACTERS:,} characters in {MINIMUM_DOCUMENTS} documents are needed. "
            "Add more text, or add --from village."
        )
