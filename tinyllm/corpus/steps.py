"""What every text goes through: repair and clean, each `(documents, ledger) -> documents`.

Encoding is repaired before the text is taken out of a page, because the extractor judges by
letters (`extracting.py`). What is no text at all is dropped here; whether it is a good one, the
filters say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import ftfy

from tinyllm.corpus.document import Document, Ledger

REPAIR_RULE = (
    'Text that was once decoded wrongly ("cafÃ©") is decoded again, and letters are put into '
    "their composed form (Unicode NFC), so that one word has one spelling."
)
CLEAN_RULE = (
    "Control characters and blank space at line ends go. A document in which every twentieth "
    "character could not be decoded is dropped, and so is one in which nothing is left."
)
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
