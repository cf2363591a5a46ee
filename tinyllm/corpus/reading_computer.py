"""Reading this computer: the English that came with its programs, with nothing to download.

Of each Python package installed beside tinyllm, and of Python itself: the description, the
licences, and the docstrings of its modules. Where the system has documentation folders, their texts
as well. It is real English by many hands, and real dirt: licences repeated a hundred times, tables,
code.
"""

from __future__ import annotations

import ast
import gzip
import platform
import re
import sysconfig
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import Distribution, distributions
from itertools import groupby
from pathlib import Path

from tinyllm.corpus.cutting import CUT_ABOVE, cut_document
from tinyllm.corpus.decoding import detect_encoding
from tinyllm.corpus.document import Document, Ledger, UnreadableError, dropping
from tinyllm.corpus.listing import is_file, list_files, printable
from tinyllm.corpus.pages import LARGEST_PAGE, check_page

COMPUTER_RULE = (
    "Of each installed Python package and of Python itself: description, licences and docstrings "
    "(a document a module). Likewise what lies in the system's documentation folders: README, "
    "copyright, .txt, .md and .html, also packed with gzip, without lists of changes. At most one "
    "million characters a package."
)
PACKAGE_CHARACTERS = 1_000_000
"""No package fills the corpus with its own affairs: some have ten times as much."""
SHORTEST = 200
"""Characters of docstrings; a module with fewer says nothing."""

_LICENCE = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)
_SYSTEM_TEXT = re.compile(
    r"(readme|faq|copyright|intro|overview|tutorial|manual)\b.*|.*\.(txt|md|html?)(\.gz)?",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(
    r"(news|change|history|.*\.(py|c|h|json|pdf|ps|png|svg|xz|bz2|zst))\b", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where to look: as for `sys.path` (None: there), the standard library, and folders."""

    path: list[str] | None = None
    library: Path | None = Path(sysconfig.get_path("stdlib"))
    folders: tuple[Path, ...] = (
        Path("/usr/share/doc"),
        Path("/usr/local/share/doc"),
        Path("/opt/homebrew/share/doc"),
    )


@dataclass(frozen=True, kw_only=True)
class Package:
    """What is read of one package; `base` is the folder that its files lie below."""

    name: str
    licence: str
    base: Path
    files: tuple[Path, ...]
    description: str = ""


def read_this_computer(
    ledger: Ledger, *, name: str = "this_computer", places: Places | None = None
) -> Iterator[Document]:
    """The documents of this computer, package by package in the order of their names.

    A file that cannot be read is dropped in `ledger` with the reason.
    """
    for package in _packages(places or Places()):
        metadata = {"source": name, "licence": package.licence, "package": package.name}
        empty = Document(text="", id=f"{name}/{package.name}", metadata=metadata)
        left = PACKAGE_CHARACTERS
        if package.description.strip():
            yield from _documents(package.description, empty, "description", "text", ledger)
        for file in package.files:
            if left > 0:
                for document in _read_file(file, empty, printable(file, package.base), ledger):
                    left -= len(document.text)
                    yield document
                if left <= 0:
                    ledger.drop(empty, "the rest of a package of more than a million characters")
            ledger.advance(_size(file))


def computer_size(places: Places | None = None) -> int:
    """The bytes of all files that are looked into."""
    return sum(_size(file) for package in _packages(places or Places()) for file in package.files)


def docstrings(code: bytes) -> str:
    """The docstrings of a module, its classes and functions, an empty line between them.

    >>> docstrings(b'def greet():\\n    "Say hello."\\n\\nclass Bee:\\n    "It hums."\\n')
    'Say hello.\\n\\nIt hums.\\n'
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its authors should mend is no news for a learner
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise UnreadableError("Python that this version of Python cannot parse") from None
    return "\n\n".join(_docstrings(tree)) + "\n"


def _docstrings(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> list[str]:
    text = ast.get_docstring(node)
    found = [text] if text else []
    if not isinstance(node, ast.Module | ast.ClassDef):
        return found
    for inner in node.body:
        if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found += _docstrings(inner)
    return found


def _packages(places: Places) -> Iterator[Package]:
    if places.library is not None:
        yield Package(
            name="python",
            licence=f"Python Software Foundation License ({platform.python_version()})",
            base=places.library,
            files=tuple(_library_modules(places.library)),
        )
    found = distributions(path=places.path) if places.path is not None else distributions()
    named = {str(one.metadata["Name"]).lower(): one for one in found if one.metadata["Name"]}
    for name in sorted(named):
        one = named[name]
        payload = one.metadata.get_payload()  # type: ignore[attr-defined]
        yield Package(
            name=name,
            licence=_licence(one),
            base=Path(str(one.locate_file(""))),
            files=tuple(_package_files(one)),
            description=payload if isinstance(payload, str) else "",
        )
    for folder in places.folders:
        for name, files in groupby(_documentation(folder), partial(_first_part, folder)):
            yield Package(
                name=name, licence=f"that of {name}: see {folder}", base=folder, files=tuple(files)
            )


def _library_modules(library: Path) -> Iterator[Path]:
    for file in list_files(library):
        inside = file.relative_to(library).parts
        if file.suffix == ".py" and not {"site-packages", "test", "tests"} & set(inside):
            yield file


def _package_files(one: Distribution) -> Iterator[Path]:
    """The licences first, then the modules, without the tests."""
    files = sorted(one.files or [], key=str)
    for file in files:
        if _LICENCE.match(file.name) and file.suffix.lower() in ("", ".txt", ".md", ".rst"):
            yield Path(str(one.locate_file(file)))
    for file in files:
        if file.suffix == ".py" and not {"test", "tests", ".."} & set(file.parts):
            yield Path(str(one.locate_file(file)))


def _licence(one: Distribution) -> str:
    for key in ("License-Expression", "License"):
        words = str((one.metadata.get_all(key) or [""])[0]).strip().partition("\n")[0]
        if 0 < len(words) < 80 and words != "UNKNOWN":
            return words
    for classifier in one.metadata.get_all("Classifier") or []:
        if classifier.startswith("License :: "):
            return str(classifier).rpartition(" :: ")[2]
    return "not stated by the package"


def _documentation(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for file in list_files(folder):
            if _SYSTEM_TEXT.fullmatch(file.name) and not _NO_TEXT.match(file.name):
                yield file


def _first_part(folder: Path, file: Path) -> str:
    return printable(file, folder).partition("/")[0]


def _read_file(file: Path, empty: Document, place: str, ledger: Ledger) -> Iterator[Document]:
    with dropping(_at(empty, place), ledger):
        if not is_file(file):
            raise UnreadableError("no file but a pipe, a device or the like")
        data = _bytes(file)
        if file.suffix == ".py":
            text, form = docstrings(data), "docstrings"
            if len(text) < SHORTEST:
                return
        else:
            form = "html" if ".htm" in file.name.lower() else "text"
            encoding = detect_encoding(data, html=form == "html")
            if encoding is None:
                raise UnreadableError("binary data and not text, whatever its name says")
            text = data.decode(encoding, "replace")
            if form == "html":
                check_page(text)
        yield from _documents(text, empty, place, form, ledger)


def _bytes(file: Path) -> bytes:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            data = opened.read(LARGEST_PAGE + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise UnreadableError("a broken gzip file") from None
    if len(data) > LARGEST_PAGE:
        raise UnreadableError(f"a file of more than {LARGEST_PAGE // 1_000_000} MB")
    return data


def _documents(
    text: str, empty: Document, place: str, form: str, ledger: Ledger
) -> Iterator[Document]:
    above = LARGEST_PAGE if form == "html" else CUT_ABOVE
    known = _at(empty, place).knowing({"format": form})
    yield from map(ledger.keep, cut_document(iter(text.splitlines(keepends=True)), known, above))


def _at(empty: Document, place: str) -> Document:
    return Document(text="", id=f"{empty.id}/{place}", metadata=empty.metadata)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
