"""Where documents come from: the village, and the learner's own files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tinyllm.corpus.cutting import cut
from tinyllm.corpus.decoding import detect_encoding, read_pieces
from tinyllm.corpus.document import Document, Ledger

if TYPE_CHECKING:
    from tinyllm import village

TEXT = (".txt", ".text", ".md", ".markdown")
PAGES = (".html", ".htm", ".xhtml")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg", ".tif", ".tiff", ".heic")
LATER = {".pdf": "PDF", ".epub": "EPUB", ".docx": "Word", ".doc": "Word", ".odt": "OpenDocument"}

CUT_ABOVE = 64_000
"""A larger file (in bytes) becomes several documents."""
FEW_FILES = 20
CUT_ABOVE_IF_FEW = 16_000
"""The same where a folder holds few files: a single one could not give train and validation."""
LARGEST_PAGE = 16_000_000

READ_RULE = (
    "Every .txt, .md and .html file, whatever its encoding (changed: it was not UTF-8). "
    "Hidden files are passed over. A large file is cut at line ends into documents of about 4 kB."
)
VILLAGE_LICENCE = "MIT: written by tinyllm's own simulator"
FOLDER_LICENCE = "that of your own files: tinyllm does not know it"


def read_village(*, seed: int, characters: int, split: str = "train") -> Iterator[Document]:
    """Documents of the village until they hold so many characters together.

    Metadata: "kind", "seed", and "bits", the derivation bits under which no model can go.

    >>> documents = list(read_village(seed=0, characters=1_000))
    >>> sum(len(document.text) for document in documents) >= 1_000
    True
    >>> sorted(documents[0].metadata)
    ['bits', 'kind', 'licence', 'seed', 'source']
    """
    for number, written in enumerate(_village_documents(seed, split)):
        if characters <= 0:
            return
        characters -= len(written.text)
        yield _from_village(written, f"village/{split}/{number}")


def village_validation(*, seed: int, documents: int) -> Iterator[Document]:
    """Documents of the village that training does not see, drawn from the same distribution."""
    for number, written in zip(range(documents), _village_documents(seed, "validation")):
        yield _from_village(written, f"village/validation/{number}")


def _village_documents(seed: int, split: str) -> Iterator[village.Document]:
    from tinyllm import village

    return village.write(seed=seed, split=split)


def _from_village(written: village.Document, name: str) -> Document:
    return Document(
        text=written.text,
        id=name,
        metadata={
            "source": "village",
            "licence": VILLAGE_LICENCE,
            "kind": written.kind,
            "seed": written.seed,
            "bits": written.bits,
        },
    )


def list_files(path: Path) -> Iterator[Path]:
    """The files below a folder in the order of their names, hidden ones left out; a file itself.

    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp())
    >>> for name in ("b.txt", "a.txt", ".secret"):
    ...     _ = (home / name).write_text("hello")
    >>> [file.name for file in list_files(home)]
    ['a.txt', 'b.txt']
    """
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder) / name


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
    for file in list_files(path):
        relative = file.relative_to(path).as_posix() if path.is_dir() else ""
        document = Document(
            text="",
            id="/".join(filter(None, (source, relative))),
            metadata={"source": source, "licence": FOLDER_LICENCE},
        )
        try:
            reason = refuse(file)
            if reason is not None:
                ledger.drop(document, reason)
            else:
                yield from _read_file(file, document, above, ledger)
        except OSError as error:
            ledger.drop(document, f"cannot be opened: {error.strerror or error}")


def refuse(file: Path) -> str | None:
    """Why a file cannot be read, judged by its name, size and first bytes; None if it can.

    >>> refuse(Path("holiday.JPG"))
    'a picture: text in pictures is not read'
    """
    suffix = file.suffix.lower()
    if suffix in PICTURES:
        return "a picture: text in pictures is not read"
    if suffix not in (*TEXT, *PAGES, *LATER):
        return f"unknown format {suffix or '(no file extension)'}"
    if file.stat().st_size == 0:
        return "an empty file (0 bytes)"
    if suffix == ".pdf":
        with file.open("rb") as opened:
            if b"%PDF" not in opened.read(1024):
                return "a broken PDF: it does not begin like one"
    if suffix in LATER:
        return f"{LATER[suffix]} is not supported yet in this edition: save it as text or HTML"
    if suffix in PAGES and file.stat().st_size > LARGEST_PAGE:
        return "a web page of more than 16 MB"
    return None


def _read_file(file: Path, empty: Document, above: int, ledger: Ledger) -> Iterator[Document]:
    """The file's text, in one document or several; all else they share with `empty`."""
    html = file.suffix.lower() in PAGES
    encoding = detect_encoding(file, html=html)
    if encoding is None:
        ledger.drop(empty, "binary data and not text, whatever its name says")
        return
    pieces = read_pieces(file, encoding)
    known = {"encoding": encoding, "format": "html" if html else "text"}
    whole = html or file.stat().st_size <= above
    for number, text in enumerate(["".join(pieces)] if whole else cut(pieces), start=1):
        document = Document(
            text=text,
            id=empty.id if whole else f"{empty.id}#{number}",
            metadata={**empty.metadata, **known},
        )
        yield ledger.keep(document, changed=not encoding.startswith("utf-8"))


def _at_least(files: Iterator[Path], count: int) -> bool:
    return sum(1 for _ in zip(range(count), files)) >= count
