"""Cutting a long text into documents at line ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from tinyllm.corpus.document import Document

LENGTH = 4_000
"""About so many characters make a document (a page and a half)."""
CUT_ABOVE = 64_000
"""A text of more characters becomes several documents."""


def cut(pieces: Iterable[str], *, about: int = LENGTH) -> Iterator[str]:
    """Join lines to documents of about so many characters.

    A document ends at the first empty line after `about` characters, at a line end when a quarter
    more has come without one, and between two words when half as much again is a single line.

    >>> list(cut(["One.\\n", "Two.\\n", "\\n", "Three.\\n"], about=10))
    ['One.\\nTwo.\\n\\n', 'Three.\\n']
    """
    document: list[str] = []
    size = 0
    for line in _short_lines(pieces, max(about // 4, 1)):
        document.append(line)
        size += len(line)
        enough = about if not line.strip() else 1.25 * about if line.endswith("\n") else 1.5 * about
        if size >= enough:
            yield "".join(document)
            document, size = [], 0
    if document:
        yield "".join(document)


def cut_if_long(pieces: Iterator[str], above: int = CUT_ABOVE) -> tuple[bool, Iterator[str]]:
    """Whether a text is longer than `above` characters, and its documents: one, or several.

    No more than `above` characters and a piece are held in memory.

    >>> long, documents = cut_if_long(iter(["One.\\n", "Two.\\n"]), above=100)
    >>> long, list(documents)
    (False, ['One.\\nTwo.\\n'])
    """
    head: list[str] = []
    size = 0
    for piece in pieces:
        head.append(piece)
        size += len(piece)
        if size > above:
            return True, cut(chain(head, pieces))
    return False, iter(["".join(head)])


def cut_document(
    pieces: Iterator[str], empty: Document, above: int = CUT_ABOVE
) -> Iterator[Document]:
    """`empty` with the text of `pieces`; several documents, numbered, if it is a long one.

    >>> letter = Document(text="", id="letter")
    >>> [d.id for d in cut_document(iter(["One.\\n", "\\n", "Two.\\n"]), letter, above=10)]
    ['letter#1']
    """
    long, texts = cut_if_long(pieces, above)
    for number, text in enumerate(texts, start=1):
        yield replace(empty, text=text, id=f"{empty.id}#{number}" if long else empty.id)


def _short_lines(pieces: Iterable[str], longest: int) -> Iterator[str]:
    """Lines of at most `longest` characters and their end, from lines that may come in pieces."""
    rest = ""
    for piece in pieces:
        *ended, rest = (rest + piece).split("\n")
        for line in ended:
            *parts, last = _parts(line, longest)
            yield from parts
            yield last + "\n"
        *parts, rest = _parts(rest, longest)
        yield from parts
    if rest:
        yield rest


def _parts(line: str, longest: int) -> Iterator[str]:
    """A line, cut between two words, or inside one that is longer; the last part may be empty."""
    while len(line) > longest:
        at = line.rfind(" ", longest // 2, longest) + 1 or longest
        yield line[:at]
        line = line[at:]
    yield line
