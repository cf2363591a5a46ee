"""Reading a Word file (.docx): its paragraphs in their order, tables cell by cell.

Left out: headers, footers, footnotes, comments, and text that was deleted while changes were
tracked. The format is ECMA-376 (Office Open XML), part 1, chapter 17.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tinyllm.corpus.archives import open_archive, parse_xml
from tinyllm.corpus.document import UnreadableError

PART = "word/document.xml"
BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


class _Paragraphs:
    """Collects the text runs (w:t) of a document; every paragraph (w:p) ends with an empty line.

    mc:Fallback repeats, for old programs, what stands before it.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._in_text = self._in_fallback = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._in_text += name == "t"
        self._in_fallback += name == "Fallback"
        if name in BREAKS and not self._in_fallback:
            self.pieces.append(BREAKS[name])

    def end(self, name: str) -> None:
        self._in_text -= name == "t"
        self._in_fallback -= name == "Fallback"
        if name == "p":
            self.pieces.append("\n\n")

    def text(self, text: str) -> None:
        if self._in_text and not self._in_fallback:
            self.pieces.append(text)


def read_docx(file: Path, note: Callable[[str], None]) -> Iterator[str]:
    """The text of a Word file in pieces; one without any text is an `UnreadableError`."""
    found = False
    with open_archive(file, "a Word file") as archive:
        paragraphs = _Paragraphs()
        for _ in parse_xml(archive.blocks(PART), paragraphs):
            piece = "".join(paragraphs.pieces)
            paragraphs.pieces.clear()
            found = found or bool(piece.strip())
            yield piece
        if not found:
            raise UnreadableError("it holds no text")
