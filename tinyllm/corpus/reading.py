"""Reading a source, whatever its kind: documents come one at a time, and reasons for what does not.

The village writes its own text and knows its bits: `reading_village`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tinyllm.corpus.document import Document, Ledger
from tinyllm.corpus.listing import list_files
from tinyllm.corpus.reading_books import BOOKS_RULE, books_size, read_books
from tinyllm.corpus.reading_computer import COMPUTER_RULE, computer_size, read_this_computer
from tinyllm.corpus.reading_folder import READ_RULE, folder_size, read_folder
from tinyllm.corpus.reading_hub import HUB_CHARACTERS, HUB_RULE, read_hub
from tinyllm.corpus.reading_web import WEB_RULE, read_web, web_size
from tinyllm.corpus.sources import Source

RULES = {
    "folder": READ_RULE,
    "this_computer": COMPUTER_RULE,
    "web": WEB_RULE,
    "gutenberg": BOOKS_RULE,
    "huggingface": HUB_RULE,
}
"""By kind: the sentence of the dataset card."""


def read_source(source: Source, ledger: Ledger) -> Iterator[Document]:
    """The documents of `source`; what cannot be read is dropped in `ledger` with the reason.

    Metadata of every document: "source", "licence", "format". `ledger.done` grows towards
    `expected_size(source)` while the source is read.
    """
    if source.path is not None:
        yield from read_folder(source.path, ledger, name=source.name)
    elif source.kind == "this_computer":
        yield from read_this_computer(ledger, name=source.name)
    elif source.kind == "web":
        yield from read_web(source.at, ledger, name=source.name)
    elif source.kind == "gutenberg":
        yield from read_books(source.at, ledger, name=source.name)
    elif source.kind == "huggingface":
        yield from read_hub(source.at, ledger, name=source.name)
    else:
        raise ValueError(f"expected a source that is read, got {source.kind!r}")


def expected_size(source: Source) -> int | None:
    """To what `ledger.done` grows while the source is read (about bytes); None if nobody knows."""
    if source.path is not None:
        return folder_size(source.path)
    sizes: dict[str, Callable[[], int]] = {
        "this_computer": computer_size,
        "web": web_size,
        "gutenberg": lambda: books_size(source.at),
        "huggingface": lambda: HUB_CHARACTERS,
    }
    return sizes[source.kind]() if source.kind in sizes else None


def read_rule(sources: Sequence[Source]) -> str:
    """What the dataset card says of how these sources are read."""
    return " ".join(dict.fromkeys(RULES[source.kind] for source in sources))


def nothing_found(source: Source, dropped: Counter[str]) -> str:
    """One sentence about a source that gave no document: what was found there instead."""
    reasons = "; ".join(f"{reason} ({times})" for reason, times in dropped.most_common(4))
    if source.path is None:
        return f"No text was found in {source.name}: {reasons or 'it is empty'}."
    count = sum(1 for _ in list_files(source.path))
    if not count:
        found = f"the folder is empty (hidden files are passed over). {reasons}".rstrip(" .")
    else:
        found = f"{count} {'file' if count == 1 else 'files'}, none of them usable: {reasons}"
    return (
        f"No text was found in {source.path}: {found}. "
        "tinyllm reads .txt, .md, .html, .pdf, .epub and .docx files."
    )
