"""Word and EPUB files are ZIP archives of XML: opened so that no crafted one can do harm.

A ZIP bomb is a small file that unpacks to gigabytes; an XML bomb a small part whose entities do.
So: sizes are judged before anything is unpacked, nothing is unpacked to disk, XML is read as a
stream of events without entities, and its nesting is bounded.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

import defusedxml
import defusedxml.sax

from tinyllm.corpus.document import UnreadableError

LARGEST_PART = 32_000_000
"""Bytes of one part, unpacked: twice the XML of a very long novel. The worst that was found to fit
in, millions of empty elements, takes 20 s."""
LARGEST_RATIO = 300
"""Unpacked to packed. A table of 20,000 cells packs 46:1 with a number in each, 230:1 if they are
all alike, and a bomb 1,000:1."""
RATIO_COUNTS_ABOVE = 1_000_000
LARGEST_DIRECTORY = 8_000_000
"""Bytes of the list of parts at the end of an archive; a book of 1,000 files has 100,000."""
DEEPEST = 1_000
BLOCK = 64_000
SILENT_BLOCKS = 16
"""A tag of more than a megabyte is no tag: with five million attributes it took 1.6 GB."""


class Archive:
    """A ZIP archive whose parts are read with bounds."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def __contains__(self, name: str) -> bool:
        return name in self._archive.NameToInfo

    def blocks(self, name: str, *, most: int = LARGEST_PART) -> Generator[bytes]:
        """A part of the archive of at most `most` bytes, unpacked block by block.

        `zipfile` unpacks no more than the size that the archive states, and that is judged here.
        """
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            raise UnreadableError("broken: a part that it needs is missing") from None
        packed = max(info.compress_size, 1)
        if info.file_size > most:
            raise UnreadableError(f"unpacks to more than {most // 1_000_000} MB")
        if info.file_size > RATIO_COUNTS_ABOVE and info.file_size > LARGEST_RATIO * packed:
            raise UnreadableError(
                f"a ZIP bomb: unpacks to more than {LARGEST_RATIO} times its size"
            )
        if info.flag_bits & 1:
            raise UnreadableError("protected with a password")
        with self._archive.open(info) as part:
            while block := part.read(BLOCK):
                yield block

    def read(self, name: str, *, most: int = LARGEST_PART) -> bytes:
        """A whole part of the archive, if it has no more than `most` bytes."""
        return b"".join(self.blocks(name, most=most))


@contextmanager
def open_archive(file: Path, kind: str) -> Iterator[Archive]:
    """Open a ZIP archive; what is wrong with it is an `UnreadableError` that begins with `kind`.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "letter.docx"
    >>> _ = path.write_bytes(b"no archive")
    >>> with open_archive(path, "a Word file"):
    ...     pass
    Traceback (most recent call last):
    tinyllm.corpus.document.UnreadableError: a Word file: broken, or no such file at all
    """
    try:
        _judge_directory(file)
        with zipfile.ZipFile(file) as archive:
            yield Archive(archive)
    except UnreadableError as error:
        raise UnreadableError(f"{kind}: {error}") from None
    except (
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
        SAXException,
    ) as error:  # fmt: skip
        # ValueError: what defusedxml raises for entities, and zipfile for impossible offsets.
        if isinstance(error, defusedxml.DefusedXmlException):
            raise UnreadableError(f"{kind}: its XML defines entities, as bombs do") from None
        raise UnreadableError(f"{kind}: broken, or no such file at all") from None


def _judge_directory(file: Path) -> None:
    """Refuse a list of parts that alone would fill the memory: `zipfile` reads it as a whole."""
    with file.open("rb") as opened:
        opened.seek(max(file.stat().st_size - 65_557, 0))
        tail = opened.read()
    at = tail.rfind(b"PK\x05\x06")
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    # 0xFFFFFFFF refers to the form for archives above 4 GB, which no letter or book needs
    if at >= 0 and size > LARGEST_DIRECTORY:
        raise UnreadableError("broken, or with far too many parts")


class Events(Protocol):
    """What becomes of XML while it is read; names come without their namespace."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Characters between two tags, perhaps only a part of them."""


class _Handler(ContentHandler):
    def __init__(self, events: Events) -> None:
        super().__init__()
        self.heard = 0
        self._events = events
        self._depth = 0

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802
        self.heard += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableError(f"its XML is nested more than {DEEPEST:,} deep")
        attributes = {_local(key): value for key, value in attrs.items()}  # type: ignore[attr-defined]
        self._events.start(_local(name), attributes)

    def endElement(self, name: str) -> None:  # noqa: N802
        self.heard += 1
        self._depth -= 1
        self._events.end(_local(name))

    def characters(self, content: str) -> None:
        self.heard += 1
        self._events.text(content)


def parse_xml(blocks: Generator[bytes], events: Events) -> Iterator[None]:
    """Tell `events` what stands in a part; yields after each block, so that memory stays small."""
    parser = defusedxml.sax.make_parser()
    handler = _Handler(events)
    parser.setContentHandler(handler)
    heard = silent = 0
    with closing(blocks):
        for block in blocks:
            parser.feed(block)
            silent = silent + 1 if handler.heard == heard else 0
            if silent == SILENT_BLOCKS:
                raise UnreadableError("its XML has a tag of more than a megabyte")
            heard = handler.heard
            yield
    parser.close()


def _local(name: str) -> str:
    return name.rpartition(":")[2]
