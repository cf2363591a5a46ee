"""Which documents of the learner's own text are kept for validation."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable

from tinyllm.corpus.document import Document

SHARE = 0.05
MOST = 200


class ValidationChoice:
    """Chooses about a twentieth of the documents, one at least and 200 at most, by their hash.

    The choice depends on the texts and the seed alone: not on the order of files, nor on their
    names. All documents are shown to it once; then it knows. Memory holds 200 hashes.

    >>> documents = [Document(text=f"Story {n}", id=str(n)) for n in range(60)]
    >>> choice = ValidationChoice(documents, seed=0)
    >>> sum(map(choice.chosen(), documents))
    3
    """

    def __init__(self, documents: Iterable[Document] = (), *, seed: int) -> None:
        self._seed = seed
        self._smallest: list[int] = []  # negated: the heap's top is the largest kept
        self._shown = 0
        for document in documents:
            self.show(document)

    def show(self, document: Document) -> None:
        """Take a document into account."""
        self._shown += 1
        entry = -self._hash(document)
        if len(self._smallest) < MOST:
            heapq.heappush(self._smallest, entry)
        else:
            heapq.heappushpop(self._smallest, entry)

    def chosen(self) -> Callable[[Document], bool]:
        """The choice among the documents shown so far: whether one belongs to validation."""
        count = min(MOST, max(1, round(SHARE * self._shown)))
        hashes = set(sorted(-entry for entry in self._smallest)[:count])
        return lambda document: self._hash(document) in hashes

    def _hash(self, document: Document) -> int:
        text = f"{self._seed}\0{document.text}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
