"""Reading the learner's own files, whatever their format; each file that cannot be read says why.

Files come from anywhere, so none is trusted: not its name, not its size, not its insides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from tinyllm.corpus.cutting import CUT_ABOVE, cut_document
from tinyllm.corpus.decoding import detect_encoding, read_pieces
from tinyllm.corpus.document import Document, Ledger, UnreadableError, dropping
from tinyllm.corpus.listing import is_file, list_files, printable
from tinyllm.corpus.pages import LARGEST_PAGE, TOO_LARGE, check_page
from tinyllm.corpus.reading_docx import read_docx
from tinyllm.corpus.reading_epub import read_epub
from tinyllm.corpus.reading_pdf import read_pdf
from tinyllm.corpus.sources import LICENCES

TEXT = (".txt", ".text", ".md", ".markdown")
PAGES = (".html", ".htm", ".xhtml")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg", ".tif", ".tiff", ".heic")
OTHERS = {
    ".doc": "an old Word file: save it as .docx",
    ".odt": "an OpenDocument file: save it as .docx",
    ".rtf": "a rich text file: save it as .docx",
    ".mobi": "a Kindle book: .epub is read",
    ".azw3": "a Kindle book: .epub is read",
}

FEW_FILES = 20
CUT_ABOVE_IF_FEW = 16_000
"""Where a folder holds few files, shorter ones are cut too: a single one could not give train and
validation."""

READ_RULE = (
    "Every .txt, .md, .html, .pdf, .epub and .docx file, whatever its encoding (changed: it was "
    "not UTF-8). Hidden files are passed over, links that lead out of the folder are not "
    "followed. A long text is cut at line ends into documents of about 4 kB."
)

Note = Callable[[str], None]
"""Told why a part of a file was not read, while the rest goes on."""
READERS: dict[str, tuple[str, Callable[[Path, Note], Iterator[str]]]] = {
    ".pdf": ("pdf", read_pdf),
    ".epub": ("epub", read_epub),
    ".docx": ("docx", read_docx),
}
"""By file extension: the format, and the function that gives the text in pieces."""


def read_folder(
    path: Path, ledger: Ledger | None = None, *, name: str | None = None
) -> Iterator[Document]:
    """The documents of a file or of all files below a folder, in the order of their names.

    Ids begin with `name`, by default the name of the file or folder itself.

    An HTML page comes whole, as it stands, with {"format": "html"}: encoding is repaired before
    the text is taken out. What cannot be read is dropped with a reason in `ledger`. Memory holds
    one document, or one page, at a time.

    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp())
    >>> _ = (home / "letter.txt").write_bytes("déjà vu".encode("latin-1"))
    >>> [(d.text, d.metadata["encoding"]) for d in read_folder(home)]
    [('déjà vu', 'cp1252')]
    """
    ledger = Ledger("read", READ_RULE) if ledger is None else ledger
    above = CUT_ABOVE if _at_least(list_files(path), FEW_FILES) else CUT_ABOVE_IF_FEW
    source = name or path.resolve().name

    def named(place: Path) -> Document:
        relative = printable(place, path) if place != path else ""
        return Document(
            text="",
            id="/".join(filter(None, (source, relative))),
            metadata={"source": source, "licence": LICENCES["folder"]},
        )

    for file in list_files(path, lambda place, reason: ledger.drop(named(place), reason)):
        behind = ledger.done + size_of(file)
        yield from read_file(file, named(file), ledger, above=above)
        ledger.advance(max(behind - ledger.done, 0))


def read_file(
    file: Path, empty: Document, ledger: Ledger, *, above: int = CUT_ABOVE
) -> Iterator[Document]:
    """The text of one file, in one document or several; all else they share with `empty`.

    A file that cannot be read is dropped with the reason; so is what is left of one that goes bad
    in the middle.
    """
    with dropping(empty, ledger):
        reason = refuse(file)
        if reason is not None:
            raise UnreadableError(reason)
        suffix = file.suffix.lower()
        if suffix in READERS:
            kind, reader = READERS[suffix]
            pieces = reader(file, lambda reason: ledger.drop(empty, reason))
            yield from _documents(pieces, empty, ledger, above, {"format": kind})
        else:
            yield from _read_text(file, empty, ledger, above)


def refuse(file: Path) -> str | None:
    """Why a file cannot be read, judged by its kind, name, size and first bytes; None if it can.

    >>> refuse(Path("holiday.JPG"))
    'a picture: text in pictures is not read'
    """
    suffix = file.suffix.lower()
    if suffix in PICTURES:
        return "a picture: text in pictures is not read"
    if suffix in OTHERS:
        return OTHERS[suffix]
    if suffix not in (*TEXT, *PAGES, *READERS):
        return f"unknown format {suffix[:12] or '(no file extension)'}"
    if not is_file(file):
        return "no file but a pipe, a device or the like"
    if file.stat().st_size == 0:
        return "an empty file (0 bytes)"
    if suffix in PAGES and file.stat().st_size > LARGEST_PAGE:
        return TOO_LARGE
    return None


def size_of(file: Path) -> int:
    """The bytes of a file that a reader would read; 0 for all others.

    >>> size_of(Path("holiday.jpg"))
    0
    """
    try:
        return 0 if refuse(file) else file.stat().st_size
    except OSError:
        return 0


def folder_size(path: Path) -> int:
    """The bytes of all files that would be read."""
    return sum(map(size_of, list_files(path)))


def page_bytes(folders: Sequence[Path], *, enough: int) -> int:
    """The bytes of all web pages below the folders, counted no further than to `enough`."""
    counted = 0
    for file in chain.from_iterable(map(list_files, folders)):
        counted += size_of(file) if file.suffix.lower() in PAGES else 0
        if counted >= enough:
            break
    return counted


def _read_text(file: Path, empty: Document, ledger: Ledger, above: int) -> Iterator[Document]:
    html = file.suffix.lower() in PAGES
    encoding = detect_encoding(file, html=html)
    if encoding is None:
        raise UnreadableError("binary data and not text, whatever its name says")
    pieces = read_pieces(file, encoding)
    known = {"encoding": encoding, "format": "html" if html else "text"}
    if html:
        pieces, above = iter([check_page("".join(pieces))]), LARGEST_PAGE
    yield from _documents(pieces, empty, ledger, above, known)


def _documents(
    pieces: Iterator[str], empty: Document, ledger: Ledger, above: int, known: dict[str, str]
) -> Iterator[Document]:
    changed = not known.get("encoding", "utf-8").startswith("utf-8")
    for document in cut_document(pieces, empty.knowing(known), above):
        if "encoding" in known:  # text as it stands: its characters are about its bytes
            ledger.advance(len(document.text))
        yield ledger.keep(document, changed=changed)


def _at_least(files: Iterator[Path], count: int) -> bool:
    return sum(1 for _ in zip(range(count), files)) >= count
