"""How large a web page may be, wherever it comes from.

The main text is found by trafilatura, whose time grows with the square of the number of tags.
Measured on pages of one repeated element, one core of a laptop: 50,000 tags take 2 to 5 s, 125,000
take 10 s, a million take minutes; a page of 16 MB takes 590 MB of memory. Depth does no harm: the
parser stops at 256 elements inside each other.
"""

from __future__ import annotations

from tinyllm.corpus.document import UnreadableError

LARGEST_PAGE = 4_000_000
"""Bytes."""
MOST_TAGS = 50_000
TOO_LARGE = f"a web page of more than {LARGEST_PAGE // 1_000_000} MB"


def check_page(page: str) -> str:
    """The page as it came, or an `UnreadableError` if finding its main text might take for ever.

    >>> check_page("<p>Hello.</p>")
    '<p>Hello.</p>'
    """
    if len(page) > LARGEST_PAGE:
        raise UnreadableError(TOO_LARGE)
    if page.count("<") > MOST_TAGS:
        raise UnreadableError(f"a web page of more than {MOST_TAGS:,} tags")
    return page
