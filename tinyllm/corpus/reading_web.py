"""Reading a web site: from one address along its links, breadth first, on the same host only.

Left out: pages behind a login or made by JavaScript, and everything that is no page or plain text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from lxml import etree

from tinyllm.corpus.decoding import detect_encoding
from tinyllm.corpus.document import Document, Ledger, UnreadableError
from tinyllm.corpus.fetching import (
    BusyError,
    Fetcher,
    Page,
    WebLimits,
    fetching,
    same_site,
    tidy,
)
from tinyllm.corpus.pages import check_page
from tinyllm.corpus.sources import LICENCES

WEB_RULE = (
    "Pages and plain texts of one host, from one address along its links: at most 200 pages and "
    "three links away, a second between two of them or what robots.txt asks for, which is obeyed."
)
PAGE_SIZE = 10_000
"""For the progress bar, where every page of the bound counts the same."""
NO_PAGES = (
    ".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg", ".ico", ".mp3", ".mp4", ".webm", ".ogg",
    ".wav", ".pdf", ".epub", ".docx", ".xlsx", ".zip", ".gz", ".bz2", ".xz", ".7z", ".tar", ".exe",
    ".dmg", ".iso", ".css", ".json", ".xml", ".rss", ".woff", ".woff2",
)  # fmt: skip
SILENT_PAGES = 3
"""After so many pages in a row that did not answer, we stop asking."""


def read_web(
    start: str, ledger: Ledger, *, name: str, limits: WebLimits | None = None
) -> Iterator[Document]:
    """The pages of a site, as they stand, with "url" and the format "html" or "text".

    A page that cannot be had is dropped in `ledger` with the reason.
    """
    limits = limits or WebLimits()
    metadata = {"source": name, "licence": LICENCES["web"]}
    address = tidy(start) or start
    waiting, seen = deque([(address, 0)]), {address}
    silent = fetched = 0
    with fetching(address, limits) as fetcher:
        while waiting:
            url, depth = waiting.popleft()
            empty = Document(text="", id=url, metadata={**metadata, "url": url})
            try:
                if depth == 0:
                    fetcher.ask_permission()
                if fetched == limits.pages:
                    raise BusyError(f"the rest of a site of more than {limits.pages} pages")
                document, links = _read_page(fetcher, url, empty, seen)
                fetched, silent = fetched + 1, 0
                ledger.advance(PAGE_SIZE)
                yield ledger.keep(document)
                for link in links if depth < limits.depth else []:
                    if link not in seen and same_site(link, address) and _may_be_text(link):
                        seen.add(link)
                        waiting.append((link, depth + 1))
            except UnreadableError as error:
                ledger.drop(empty, str(error))
                silent = (
                    silent + 1 if str(error) in ("no answer in time", "cannot be reached") else 0
                )
                if isinstance(error, BusyError) or silent == SILENT_PAGES:
                    break
    ledger.advance((limits.pages - fetched) * PAGE_SIZE)


def web_size(limits: WebLimits | None = None) -> int:
    """The size of all pages of the bound, as the progress bar counts them."""
    return (limits or WebLimits()).pages * PAGE_SIZE


def _read_page(
    fetcher: Fetcher, url: str, empty: Document, seen: set[str]
) -> tuple[Document, list[str]]:
    page = fetcher.get(url)
    if page.url != url and page.url in seen:
        raise UnreadableError("redirects to a page of the site that has its own turn")
    seen.add(page.url)
    encoding = detect_encoding(page.body, html=page.html, told=page.charset)
    if encoding is None:
        raise UnreadableError("binary data, though the site calls it text")
    text = page.body.decode(encoding, "replace")
    if page.html:
        check_page(text)
    known = {"encoding": encoding, "format": "html" if page.html else "text", "url": page.url}
    document = Document(text=text, id=page.url, metadata={**empty.metadata, **known})
    return document, _links(text, page)


class _Links:
    """Collects what the links of a page point to."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._found: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        target = attributes.get("href", "")
        if name == "base" and target:
            self._base = tidy(target, self._base) or self._base
        elif name == "a" and target and "nofollow" not in attributes.get("rel", ""):
            address = tidy(target, self._base)
            if address is not None:
                self._found.append(address)

    def end(self, name: str) -> None:
        pass

    def close(self) -> list[str]:
        return list(dict.fromkeys(self._found))


def _links(text: str, page: Page) -> list[str]:
    if not page.html:
        return []
    parser = etree.HTMLParser(target=_Links(page.url))
    parser.feed(text)
    found: list[str] = parser.close()
    return found


def _may_be_text(url: str) -> bool:
    """Whether an address may lead to a page: one that ends in .jpg is not even asked for."""
    return not url.partition("?")[0].lower().endswith(NO_PAGES)
