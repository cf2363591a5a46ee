"""The steps that judge each document by itself, in several processes where that is faster.

Documents travel in chunks, and chunks come back in their order with what their ledgers counted, so
the result is the same, sign for sign, in one process and in many. The processes are loky's: started
afresh on every system, and, unlike those of `multiprocessing`, without running the caller's script
once more. Each loads the extractor and the language model, which takes a second or two and is worth
it from a few megabytes of pages on.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import NamedTuple

from loky import ProcessPoolExecutor

from tinyllm.corpus.document import Document, Ledger, Rejection
from tinyllm.corpus.pipeline import STATELESS, Scope

CHUNK_DOCUMENTS = 16
CHUNK_CHARACTERS = 1_000_000
WORTH_IT = 4_000_000
"""From so many bytes of pages on, more processes are faster than one."""
MOST_WORKERS = 4
"""Each takes some 150 MB; what follows them is one process, and more would wait for it."""


class Cleaned(NamedTuple):
    """A chunk after the steps: what is left, the books of each step, and what was dropped."""

    documents: list[Document]
    ledgers: list[Ledger]
    rejections: list[Rejection]


def clean_documents(
    documents: Iterator[Document], ledgers: Sequence[Ledger], *, workers: int = 1
) -> Iterator[Document]:
    """Take documents through the steps of `STATELESS`; `ledgers` are one a step, in that order.

    With more than one worker, the steps run in so many processes; where none can be started, or
    one dies, the work goes on in this one. At most two chunks a worker are under way.

    >>> from tinyllm.corpus.pipeline import scopes
    >>> judged = scopes()
    >>> ledgers = [Ledger(name, rule, judges=judged[name]) for name, rule, _ in STATELESS]
    >>> [d.text for d in clean_documents(iter([Document(text="A  cafÃ©. ", id="a")]), ledgers)]
    ['A  café.']
    """
    judged = {ledger.step: ledger.judges for ledger in ledgers}
    scopes = {name: scope for name, scope in judged.items() if isinstance(scope, Scope)}
    pool = _start(workers)
    waiting: deque[tuple[list[Document], Future[Cleaned] | None]] = deque()
    try:
        for chunk in in_chunks(documents, 1 if pool is None else CHUNK_DOCUMENTS):
            waiting.append((chunk, _submit(pool, chunk, scopes)))
            if len(waiting) > 2 * workers or pool is None:
                yield from _take(*waiting.popleft(), scopes, ledgers)
        while waiting:
            yield from _take(*waiting.popleft(), scopes, ledgers)
    finally:
        if pool is not None:
            pool.shutdown(kill_workers=True)


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_workers(page_bytes: int) -> int:
    """How many processes are worth starting for so many bytes of web pages.

    >>> choose_workers(10_000)
    1
    """
    return min(usable_cores(), MOST_WORKERS) if page_bytes >= WORTH_IT else 1


def in_chunks(documents: Iterator[Document], most: int) -> Iterator[list[Document]]:
    """Lists of so many documents at most, or of a million characters.

    In one process each document is a chunk: a web site gives one a second, and progress shows.

    >>> [len(chunk) for chunk in in_chunks((Document(text="", id=str(n)) for n in range(20)), 16)]
    [16, 4]
    """
    chunk: list[Document] = []
    size = 0
    for document in documents:
        chunk.append(document)
        size += len(document.text)
        if len(chunk) >= most or size >= CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def clean_chunk(chunk: list[Document], scopes: Mapping[str, Scope]) -> Cleaned:
    """One chunk through all steps, with ledgers of its own."""
    rejections: list[Rejection] = []
    ledgers: list[Ledger] = []
    documents = iter(chunk)
    for name, rule, step in STATELESS:
        ledger = Ledger(name, rule, rejections.append)
        if name in scopes:
            ledger.judges = scopes[name]
        ledgers.append(ledger)
        documents = step(documents, ledger)
    cleaned = list(documents)
    return Cleaned(cleaned, [ledger.without_report() for ledger in ledgers], rejections)


def _take(
    chunk: list[Document],
    future: Future[Cleaned] | None,
    scopes: Mapping[str, Scope],
    ledgers: Sequence[Ledger],
) -> Iterator[Document]:
    try:
        cleaned = clean_chunk(chunk, scopes) if future is None else future.result()
    except BrokenProcessPool:
        cleaned = clean_chunk(chunk, scopes)
    for ledger, counted in zip(ledgers, cleaned.ledgers, strict=True):
        ledger.add(counted)
    for rejection in cleaned.rejections:
        ledgers[0].report(rejection)
    yield from cleaned.documents


def _start(workers: int) -> ProcessPoolExecutor | None:
    if workers < 2:
        return None
    try:
        return ProcessPoolExecutor(workers, initializer=_leave_interrupts_to_the_parent)
    except (OSError, ImportError, NotImplementedError):  # a system without shared semaphores
        return None


def _submit(
    pool: ProcessPoolExecutor | None, chunk: list[Document], scopes: Mapping[str, Scope]
) -> Future[Cleaned] | None:
    if pool is None:
        return None
    try:
        future: Future[Cleaned] = pool.submit(clean_chunk, chunk, scopes)
    except (BrokenProcessPool, OSError):
        return None
    return future


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of a terminal; the parent alone says what happens then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
