"""Reading an electronic book (.epub): its chapters in the order of reading.

META-INF/container.xml names the package document, whose manifest gives each file an id and whose
spine puts these ids in order (EPUB 3.3, W3C). A chapter is a page of XHTML.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from tinyllm.corpus.archives import Archive, open_archive, parse_xml
from tinyllm.corpus.decoding import detect_encoding
from tinyllm.corpus.document import UnreadableError

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
LARGEST_CHAPTER = 16_000_000
BLOCKS = {
    "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "table", "tr", "blockquote",
    "section", "article", "header", "footer", "pre", "dt", "dd", "figcaption", "hr",
}  # fmt: skip
UNSEEN = {"head", "script", "style", "svg", "math", "rt", "rp"}


class _Attributes:
    """Collects the attributes of a part's elements by their names; text is not looked at."""

    def __init__(self) -> None:
        self.found: dict[str, list[dict[str, str]]] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.found.setdefault(name, []).append(attributes)

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        pass


class _Chapter:
    """Collects the text of a page as its HTML is parsed; every block ends with an empty line."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._unseen = 0

    def start(self, name: str, attributes: object) -> None:
        self._unseen += name in UNSEEN
        if name in BLOCKS:
            self._end_block()
        elif name == "br":
            self._pieces.append("\n")

    def end(self, name: str) -> None:
        self._unseen = max(self._unseen - (name in UNSEEN), 0)
        if name in BLOCKS:
            self._end_block()

    def data(self, text: str) -> None:
        if self._unseen:
            return
        words = " ".join(f"|{text}|".split())[1:-1]  # one blank at most, at the ends too
        if not self._pieces or self._pieces[-1].endswith("\n"):
            words = words.lstrip()
        if words:
            self._pieces.append(words)

    def close(self) -> str:
        return "".join(self._pieces).strip()

    def _end_block(self) -> None:
        if self._pieces and self._pieces[-1] != "\n\n":
            self._pieces.append("\n\n")


def read_epub(file: Path, note: Callable[[str], None]) -> Iterator[str]:
    """The chapters of a book, an empty line behind each; without any, an `UnreadableError`.

    `note` is told why a chapter is missing.
    """
    found = False
    with open_archive(file, "an EPUB") as archive:
        protected = _protected(archive)
        for name in _chapters(archive):
            if name in protected:
                raise UnreadableError("with copy protection (DRM)")
            try:
                text = _text(archive, name)
            except UnreadableError as error:
                note(f"an EPUB chapter: {error}")
                continue
            if text:
                found = True
                yield text + "\n\n"
        if not found:
            raise UnreadableError("it holds no text")


def _chapters(archive: Archive) -> Iterator[str]:
    package = _attributes(archive, CONTAINER).get("rootfile", [{}])[0].get("full-path", "")
    elements = _attributes(archive, package)
    hrefs = {item.get("id"): item.get("href", "") for item in elements.get("item", [])}
    for reference in elements.get("itemref", []):
        href = unquote(hrefs.get(reference.get("idref"), ""))
        if href:
            yield posixpath.normpath(posixpath.join(posixpath.dirname(package), href))


def _protected(archive: Archive) -> set[str]:
    if ENCRYPTION not in archive:
        return set()
    references = _attributes(archive, ENCRYPTION).get("CipherReference", [])
    return {unquote(reference.get("URI", "")) for reference in references}


def _attributes(archive: Archive, name: str) -> dict[str, list[dict[str, str]]]:
    collected = _Attributes()
    for _ in parse_xml(archive.blocks(name), collected):
        pass
    return collected.found


def _text(archive: Archive, name: str) -> str:
    data = archive.read(name, most=LARGEST_CHAPTER)
    encoding = detect_encoding(data, html=True)
    if encoding is None:
        raise UnreadableError("binary data and not text")
    parser = etree.HTMLParser(target=_Chapter())
    parser.feed(data.decode(encoding, "replace"))
    text: str = parser.close()
    return text
