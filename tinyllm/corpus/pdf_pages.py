"""A program of its own: the text of a PDF, page by page, as JSON lines on standard output.

`reading_pdf` runs it in a process that it can end, because a PDF can be made so that any parser
works on it for ever or takes all memory. It imports nothing of tinyllm, so that it starts at once.
Each line is an object: {"text": ...} a page, {"note": ...} why a page is missing, and at the end
{"end": reason}, the reason null where all went well.
"""

from __future__ import annotations

import json
import logging
import sys

from pypdf import PdfReader
from pypdf.errors import DependencyError

LONGEST_PAGE = 1_000_000
"""Characters; the longest pages of print have ten thousand."""


def main(path: str) -> None:
    """Print the pages of the PDF at `path`."""
    logging.disable()  # pypdf warns of each thing that it mends
    say(end=read(path))


def read(path: str) -> str | None:
    """Print every page; the reason why nothing could be read, or None."""
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            return "a PDF with a password"
        count = len(reader.pages)
    except DependencyError:
        return "an encrypted PDF: print it to a new PDF without encryption"
    except Exception:  # pypdf meets broken files with errors of every kind
        return "a broken PDF"
    read = broken = 0
    for number in range(count):
        try:
            text = reader.pages[number].extract_text()
        except Exception:
            broken += 1
            continue
        if len(text) > LONGEST_PAGE:
            say(note="a PDF page of more than a million characters")
        elif text.strip():
            read += 1
            say(text=text)
    if broken and not read:
        return "a broken PDF"
    if broken:
        say(note="PDF pages that are broken")
    return None if read else "a PDF of pictures: it holds no text"


def say(**line: str | None) -> None:
    """Print a line for the process that waits for it."""
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
