"""The steps between reading and writing, each `(documents, ledger) -> documents`.

Their order matters. Encoding is repaired before the text is taken out of a page, because the
extractor judges by letters; copies are found last, because two copies may differ in just what the
earlier steps put right.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import ftfy
import trafilatura

from tinyllm.corpus.cutting import CUT_ABOVE, cut
from tinyllm.corpus.document import Document, Ledger, Step

REPAIR_RULE = (
    'Text that was once decoded wrongly ("cafÃ©") is decoded again, and letters are put into '
    "their composed form (Unicode NFC), so that one word has one spelling."
)
EXTRACT_RULE = (
    "Of a web page, the main text remains; navigation, banners and footers go (trafilatura)."
)
CLEAN_RULE = (
    "Control characters and blank space at line ends go. A document in which every twentieth "
    "character could not be decoded is dropped, and so is one in which nothing is left."
)
DEDUPLICATE_RULE = (
    "Of documents that are equal but for case and blank space, the first stays: what is repeated "
    "is learned by heart (Lee et al. 2022)."
)

NO_MAIN_TEXT = ["//nav", "//footer", "//*[@role='navigation']"]
"""Parts of a page that say themselves that they are not its text."""

_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufff9-\ufffb]")
_LINE_ENDS = re.compile("\r\n?|[\x0c\x85\u2028\u2029]")
_SPACE_AT_LINE_END = re.compile(r"[ \t]+$", re.MULTILINE)
_MANY_EMPTY_LINES = re.compile(r"\n{4,}")


def repair(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Undo wrong decodings (mojibake) line by line with `ftfy`, and compose letters.

    >>> documents = iter([Document(text="Le cafÃ© est fermÃ©.", id="a")])
    >>> [d.text for d in repair(documents, Ledger("repair", REPAIR_RULE))]
    ['Le café est fermé.']
    """
    for document in documents:
        text = document.text
        if not text.isascii():
            lines = text.splitlines(keepends=True)
            text = "".join(ln if ln.isascii() else ftfy.fix_encoding(ln) for ln in lines)
            text = unicodedata.normalize("NFC", text)
        yield ledger.keep(replace(document, text=text), changed=text != document.text)


def extract(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Take the main text out of HTML pages; other documents pass. A long page is cut.

    >>> page = Document(text="<p>", id="a.html", metadata={"format": "html"})
    >>> ledger = Ledger("extract", EXTRACT_RULE)
    >>> list(extract(iter([page]), ledger)), dict(ledger.dropped)
    ([], {'no main text found on the page': 1})
    """
    for document in documents:
        if document.metadata.get("format") != "html":
            yield ledger.keep(document)
            continue
        text = _main_text(document.text)
        if not text:
            ledger.drop(document, "no main text found on the page")
        elif len(text) <= CUT_ABOVE:
            yield ledger.keep(replace(document, text=text), changed=True)
        else:
            for number, part in enumerate(cut(text.splitlines(keepends=True)), start=1):
                piece = replace(document, text=part, id=f"{document.id}#{number}")
                yield ledger.keep(piece, changed=True)


def _main_text(page: str) -> str | None:
    """The main text, or None where the strict mode finds none: the page is all navigation.

    The strict mode only judges, because it also takes the headings away.
    """
    take = partial(trafilatura.extract, page, include_comments=False, prune_xpath=NO_MAIN_TEXT)
    text: str | None = take() if take(favor_precision=True) else None
    return text


def clean(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Remove what no reader sees: control characters, blank space at line ends and at both ends.

    >>> documents = iter([Document(text="one\\x00 two  \\r\\nthree\\n", id="a")])
    >>> [d.text for d in clean(documents, Ledger("clean", CLEAN_RULE))]
    ['one two\\nthree']
    """
    for document in documents:
        text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", document.text))
        text = _SPACE_AT_LINE_END.sub("", text)
        text = _MANY_EMPTY_LINES.sub("\n\n\n", text).strip("\n")
        if not text.strip():
            ledger.drop(document, "nothing but blank space")
        elif text.count("\ufffd") > len(text) / 20:
            ledger.drop(document, "too much that could not be decoded")
        else:
            changed = text != document.text.strip("\n")
            yield ledger.keep(replace(document, text=text), changed=changed)


def deduplicate(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Keep the first of equal documents. Memory holds 16 bytes of hash for each document.

    >>> documents = iter([Document(text=t, id=t) for t in ("Good day", "good  day", "Good night")])
    >>> [d.id for d in deduplicate(documents, Ledger("deduplicate", DEDUPLICATE_RULE))]
    ['Good day', 'Good night']
    """
    seen: set[bytes] = set()
    for document in documents:
        normal = " ".join(unicodedata.normalize("NFKC", document.text).casefold().split())
        digest = hashlib.blake2b(normal.encode("utf-8"), digest_size=16).digest()
        if digest in seen:
            ledger.drop(document, "a copy of an earlier document")
        else:
            seen.add(digest)
            yield ledger.keep(document)


STEPS: tuple[tuple[str, str, Step], ...] = (
    ("repair", REPAIR_RULE, repair),
    ("extract", EXTRACT_RULE, extract),
    ("clean", CLEAN_RULE, clean),
    ("deduplicate", DEDUPLICATE_RULE, deduplicate),
)
"""Name, rule and function of each step, in the order in which files go through them."""
