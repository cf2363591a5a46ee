"""Copies: documents that are equal, and documents that are nearly so.

Both keep what they know in a temporary SQLite database, which stays in memory while it is small and
goes to the disk when it grows: a folder of any size passes through the same memory.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from tinyllm.corpus.document import Document, Ledger

DEDUPLICATE_RULE = (
    "Of documents that are equal but for case and blank space, the first stays: what is repeated "
    "is learned by heart (Lee et al. 2022)."
)
NEAR_RULE = (
    "Of documents that share at least 0.7 of their runs of five words (Jaccard, estimated by "
    "MinHash, Broder 1997), the first stays; candidates come from 14 bands of 8 hashes, as in "
    "FineWeb (Penedo et al. 2024)."
)
CACHE_KILOBYTES = 65_536
CANDIDATES = 64
"""So many candidates of one band are compared, the oldest first."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """The numbers of FineWeb's near-duplicate search."""

    bands: int = 14
    rows: int = 8
    """Two documents meet if all hashes of one band agree: at a Jaccard of 0.75 in 77% of cases, at
    0.8 in 92%, at 0.85 in 99%."""
    words: int = 5
    """Documents are compared as sets of runs of five words."""
    least_jaccard: float = 0.7
    """Those that meet are copies if so large a share of all their hashes agrees."""
    seed: int = 42


def temporary_database() -> sqlite3.Connection:
    """A private database: SQLite moves it to its temporary folder once it outgrows 64 MB.

    All that happens in it is one transaction. Were each row one of its own, SQLite would walk
    through its whole cache after each, and a page would take the longer the more came before.
    """
    database = sqlite3.connect("", isolation_level=None)
    database.execute(f"PRAGMA cache_size = -{CACHE_KILOBYTES}")
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    return database


def deduplicate(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Keep the first of equal documents.

    >>> documents = iter([Document(text=t, id=t) for t in ("Good day", "good  day", "Good night")])
    >>> [d.id for d in deduplicate(documents, Ledger("deduplicate", DEDUPLICATE_RULE))]
    ['Good day', 'Good night']
    """
    with closing(temporary_database()) as database:
        database.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        for document in documents:
            if not ledger.judges(document):
                yield ledger.keep(document)
                continue
            normal = " ".join(unicodedata.normalize("NFKC", document.text).casefold().split())
            digest = hashlib.blake2b(normal.encode("utf-8"), digest_size=16).digest()
            new = database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount
            if new:
                yield ledger.keep(document)
            else:
                ledger.drop(document, "a copy of an earlier document")


def drop_near_copies(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Keep the first of documents that are nearly equal.

    A document that is dropped is compared with no other: two copies of one original go, and what
    only resembles one of the copies stays.

    >>> story = [f"Word {n} of a story about a duck." for n in range(40)]
    >>> texts = (" ".join(story), " ".join(story[:-2]), "Another story.")
    >>> documents = iter([Document(text=text, id=str(n)) for n, text in enumerate(texts)])
    >>> [d.id for d in drop_near_copies(documents, Ledger("near copies", NEAR_RULE))]
    ['0', '2']
    """
    limits = NearDuplicates()
    with closing(NearIndex(limits)) as index:
        for document in documents:
            if not ledger.judges(document):
                yield ledger.keep(document)
                continue
            likeness = index.likeness(document.text)
            if likeness >= limits.least_jaccard:
                ledger.note("estimated Jaccard of near copies", f"{likeness:.1f}")
                ledger.drop(document, "a near copy of an earlier document")
            else:
                yield ledger.keep(document)


class NearIndex:
    """Signatures of documents seen so far, found again by the bands that they share."""

    def __init__(self, limits: NearDuplicates) -> None:
        self._limits = limits
        self._database = temporary_database()
        self._database.execute("CREATE TABLE signature (document INTEGER PRIMARY KEY, hashes BLOB)")
        self._database.execute(
            "CREATE TABLE band (key INTEGER, document INTEGER, PRIMARY KEY (key, document)) "
            "WITHOUT ROWID"
        )
        self._count = 0

    def likeness(self, text: str) -> float:
        """The estimated Jaccard similarity to the likest document; a new one is remembered.

        A text without a run of five words is like none.
        """
        signature = sign(text, self._limits)
        if signature is None:
            return 0.0
        keys = self._keys(signature)
        best = 0.0
        for (hashes,) in self._candidates(keys):
            same = np.frombuffer(hashes, dtype=np.uint32) == signature
            best = max(best, float(same.mean()))
        if best < self._limits.least_jaccard:
            self._add(signature, keys)
        return best

    def close(self) -> None:
        """Remove the database."""
        self._database.close()

    def _candidates(self, keys: list[int]) -> list[tuple[bytes]]:
        found: set[int] = set()
        for key in keys:
            rows = self._database.execute(
                "SELECT document FROM band WHERE key = ? LIMIT ?", (key, CANDIDATES)
            )
            found.update(document for (document,) in rows)
        marks = ", ".join("?" * len(found))
        return self._database.execute(
            f"SELECT hashes FROM signature WHERE document IN ({marks})", sorted(found)
        ).fetchall()

    def _add(self, signature: np.ndarray[tuple[int], np.dtype[np.uint32]], keys: list[int]) -> None:
        self._count += 1
        self._database.execute(
            "INSERT INTO signature VALUES (?, ?)", (self._count, signature.tobytes())
        )
        self._database.executemany(
            "INSERT OR IGNORE INTO band VALUES (?, ?)", [(key, self._count) for key in keys]
        )

    def _keys(self, signature: np.ndarray[tuple[int], np.dtype[np.uint32]]) -> list[int]:
        """A 64-bit number for each band, which says which band it is of, too."""
        rows = signature.reshape(self._limits.bands, self._limits.rows)
        return [
            int.from_bytes(
                hashlib.blake2b(row.tobytes(), digest_size=8, salt=bytes([band])).digest(),
                "big",
                signed=True,
            )
            for band, row in enumerate(rows)
        ]


def sign(
    text: str,
    limits: NearDuplicates = NearDuplicates(),
) -> np.ndarray[tuple[int], np.dtype[np.uint32]] | None:
    """The MinHash signature of a text's runs of words, uint32 (bands x rows,); None without a run.

    >>> sign("Good day.") is None
    True
    """
    from rensa import RMinHash

    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    n = limits.words
    runs = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not runs:
        return None
    sketch = RMinHash(num_perm=limits.bands * limits.rows, seed=limits.seed)
    sketch.update(runs)
    return np.array(sketch.digest(), dtype=np.uint32)
