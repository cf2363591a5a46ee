"""Reading books of Project Gutenberg: fetched once, politely, and kept in the home.

Its terms ask programs to leave the main site to people and to use a mirror, with two seconds
between two files; and who passes a text on without the licence must leave the project's name away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tinyllm.corpus.cutting import cut_document
from tinyllm.corpus.decoding import detect_encoding
from tinyllm.corpus.document import Document, Ledger, UnreadableError
from tinyllm.corpus.fetching import BusyError, Fetcher, WebLimits, fetching
from tinyllm.corpus.sources import LICENCES
from tinyllm.files import atomic_write, home

MIRROR = "https://gutenberg.pglaf.org/"
LIMITS = WebLimits(delay=2.0, page_seconds=60.0)
BOOKS = {
    11: "Alice's Adventures in Wonderland",
    12: "Through the Looking-Glass",
    16: "Peter Pan",
    21: "Aesop's Fables",
    45: "Anne of Green Gables",
    55: "The Wonderful Wizard of Oz",
    113: "The Secret Garden",
    120: "Treasure Island",
    146: "A Little Princess",
    236: "The Jungle Book",
    271: "Black Beauty",
    289: "The Wind in the Willows",
    500: "The Adventures of Pinocchio",
    1448: "Heidi",
    1597: "Andersen's Fairy Tales",
    2591: "Grimms' Fairy Tales",
    2781: "Just So Stories",
}
"""What `gutenberg` alone stands for: well-known books for children, by number."""
BOOK_SIZE = 300_000
"""For the progress bar, where every book counts the same: about the length of one."""

BOOKS_RULE = (
    "Books of Project Gutenberg from a mirror, two seconds between two of them, kept in the home; "
    "what stands before and after the book itself is removed."
)

_START = re.compile(r"^\*{3} ?START OF TH(?:E|IS) PROJECT GUTENBERG[^*]{0,500}\*{3}", re.M | re.I)
_END = re.compile(r"^\*{3} ?END OF TH(?:E|IS) PROJECT GUTENBERG", re.M | re.I)
_LAST_WORDS = re.compile(r"\n *End of (?:the )?Project Gutenberg[^\n]*(?:\n[^\n]+)*\s*\Z", re.I)
_MAKERS = re.compile(
    r"\A\s*(?:E-text prepared|Produced|Transcribed) by [^\n]*(?:\n[^\n]+)*\n", re.I
)
_TITLE = re.compile(r"^Title: *(\S.*?) *$", re.M)


def read_books(
    ids: str,
    ledger: Ledger,
    *,
    name: str,
    mirror: str = MIRROR,
    limits: WebLimits = LIMITS,
) -> Iterator[Document]:
    """The books with these numbers, cut into documents; `ids` is "11,12", nothing for `BOOKS`.

    Metadata: "title", "url". A book that cannot be had is dropped in `ledger` with the reason.
    """
    with ExitStack() as stack:
        fetcher: Fetcher | None = None
        for number in _numbers(ids):
            url = f"{mirror}cache/epub/{number}/pg{number}.txt"
            metadata = {"source": name, "licence": LICENCES["gutenberg"], "format": "text"}
            empty = Document(text="", id=f"{name}/{number}", metadata={**metadata, "url": url})
            try:
                text = _kept(number)
                if text is None:
                    if fetcher is None:
                        fetcher = stack.enter_context(fetching(mirror, limits))
                        fetcher.ask_permission()
                    text = _fetch(fetcher, url, number)
                yield from _documents(text, empty, ledger)
            except UnreadableError as error:
                ledger.drop(empty, str(error))
                if isinstance(error, BusyError):
                    return
            ledger.advance(BOOK_SIZE)


def books_size(ids: str) -> int:
    """The size of these books, as the progress bar counts them.

    >>> books_size("11,12")
    600000
    """
    return len(_numbers(ids)) * BOOK_SIZE


def book_itself(text: str) -> str:
    """A file of Project Gutenberg without what stands before and after the book.

    >>> mark = "OF THE PROJECT GUTENBERG EBOOK X ***"
    >>> book_itself(f"About.\\n*** START {mark}\\nOnce upon a time\\n*** END {mark}\\nMore.")
    'Once upon a time\\n'
    """
    start = _START.search(text)
    end = _END.search(text, start.end() if start else 0)
    if start is None or end is None:
        raise UnreadableError("no book: the marks of Project Gutenberg around it are missing")
    book = _LAST_WORDS.sub("", text[start.end() : end.start()])
    return _MAKERS.sub("", book).strip("\n") + "\n"


def _numbers(ids: str) -> list[int]:
    return [int(number) for number in ids.split(",")] if ids else list(BOOKS)


def _place(number: int) -> Path:
    return home() / "cache" / "gutenberg" / f"pg{number}.txt"


def _kept(number: int) -> str | None:
    """The file from an earlier time; None where there is none, or a damaged one."""
    try:
        text = _place(number).read_text(encoding="utf-8")
        book_itself(text)
    except (OSError, UnicodeDecodeError, UnreadableError):
        return None
    return text


def _fetch(fetcher: Fetcher, url: str, number: int) -> str:
    page = fetcher.get(url)
    encoding = detect_encoding(page.body, told=page.charset)
    text = page.body.decode(encoding or "utf-8", "replace").replace("\r\n", "\n")
    book_itself(text)
    atomic_write(_place(number), text)
    return text


def _documents(text: str, empty: Document, ledger: Ledger) -> Iterator[Document]:
    title = _TITLE.search(text)
    book = empty.knowing({"title": title[1] if title else ""})
    lines = iter(book_itself(text).splitlines(keepends=True))
    yield from map(ledger.keep, cut_document(lines, book))
