"""Fetching from one web site: politely, and so that no site can keep us or fill our memory.

Polite means: robots.txt is asked first and obeyed (RFC 9309), no more than one request at a time, a
pause between two of them, a name by which we can be recognised, and an end when the site is busy.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

import anyio
import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from protego import Protego

import tinyllm
from tinyllm.corpus.document import UnreadableError
from tinyllm.corpus.pages import LARGEST_PAGE

ROBOT = "tinyllm"
USER_AGENT = f"{ROBOT}/{tinyllm.__version__} (a learner collects text for a small language model)"
PAGES = ("text/html", "application/xhtml+xml")
TEXTS = ("text/plain", "text/markdown")
MOST_REDIRECTS = 5
ROBOTS_PATH = "/robots.txt"
ROBOTS_BYTES = 500_000
"""RFC 9309, 2.5: a robots.txt is read up to a limit of at least 500 KiB."""


@dataclass(frozen=True, kw_only=True)
class WebLimits:
    """How much of a site is read, and how patiently; times are in seconds, sizes in bytes.

    `delay` lies between two requests, or what robots.txt asks for if that is more; above
    `longest_delay` the site is not read. `page_seconds` bounds a request from its beginning to its
    last byte, `seconds` the whole site.
    """

    pages: int = 200
    depth: int = 3
    delay: float = 1.0
    longest_delay: float = 30.0
    page_seconds: float = 30.0
    seconds: float = 900.0
    page_bytes: int = LARGEST_PAGE


@dataclass(frozen=True, kw_only=True)
class Page:
    """What came for an address: `url` is where it stood after all redirects."""

    url: str
    html: bool
    charset: str | None
    body: bytes


class BusyError(UnreadableError):
    """The site wants to be left alone, or does not answer: nothing more is asked of it."""


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    location: str = ""
    html: bool = False
    charset: str | None = None
    body: bytes = b""


def same_site(one: str, other: str) -> bool:
    """Whether two addresses have one host and port; http and https on their usual ports are one.

    >>> same_site("http://example.org/a", "https://EXAMPLE.org/b")
    True
    >>> same_site("https://example.org/", "https://example.org.evil.test/")
    False
    """
    return _host(one) == _host(other)


def tidy(url: str, base: str = "") -> str | None:
    """An absolute http address without its fragment; None for what is none.

    >>> tidy("../b#part", "http://example.org/a/c")
    'http://example.org/b'
    >>> tidy("mailto:tom@example.org") is None
    True
    """
    try:
        parts = urlsplit(urldefrag(urljoin(base, url.strip())).url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            return None
        return str(httpx.URL(parts._replace(path=parts.path or "/").geturl()))
    except (ValueError, httpx.InvalidURL):
        return None


class Fetcher:
    """Fetches pages of the site of `start`, one at a time; made by `fetching`."""

    def __init__(
        self, start: str, limits: WebLimits, portal: BlockingPortal, client: httpx.AsyncClient
    ) -> None:
        self.limits = limits
        self._start = start
        self._portal = portal
        self._client = client
        self._rules: Protego | None = None
        self._delay = limits.delay
        self._next = 0.0
        self._ends = time.monotonic() + limits.seconds

    def ask_permission(self) -> None:
        """Fetch robots.txt; where it gives no answer, or wants long pauses, an UnreadableError.

        RFC 9309, 2.3.1: without a robots.txt (4xx) everything is allowed, and while it cannot be
        had (5xx, no answer) nothing is.
        """
        try:
            page = self._follow(urljoin(self._start, ROBOTS_PATH), ROBOTS_BYTES)
        except UnreadableError as error:
            raise BusyError(f"robots.txt cannot be had ({error}), so nothing is fetched") from None
        text = page.body.decode("utf-8", "replace") if isinstance(page, Page) else ""
        if isinstance(page, _Answer) and (page.status >= 500 or page.status == 429):
            raise BusyError(
                "robots.txt cannot be had (an error of the site), so nothing is fetched"
            )
        self._rules = Protego.parse(text)
        self._delay = max(self._delay, self._rules.crawl_delay(ROBOT) or 0.0)
        if self._delay > self.limits.longest_delay:
            raise BusyError(
                f"robots.txt asks for more than {self.limits.longest_delay:g} s between two pages"
            )

    def allowed(self, url: str) -> bool:
        """What robots.txt says of this address."""
        assert self._rules is not None, "ask_permission comes first"
        return self._rules.can_fetch(url, ROBOT)

    def get(self, url: str) -> Page:
        """The page or text at an address; why there is none is an `UnreadableError`."""
        page = self._follow(url, self.limits.page_bytes, self.allowed)
        if isinstance(page, Page):
            return page
        if page.status in (429, 503):
            raise BusyError("the site is busy (429 or 503): nothing more is asked of it")
        raise UnreadableError("an error page (4xx)" if page.status < 500 else "an error page (5xx)")

    def _follow(
        self, url: str, most: int, allowed: Callable[[str], bool] = lambda url: True
    ) -> Page | _Answer:
        """The page at the end of at most five redirects, or the answer that was none."""
        seen: list[str] = []
        while True:
            if url in seen:
                raise UnreadableError("a redirect loop")
            if len(seen) > MOST_REDIRECTS:
                raise UnreadableError(f"more than {MOST_REDIRECTS} redirects")
            if not same_site(url, self._start):
                raise UnreadableError("redirects to another host")
            if not allowed(url):
                raise UnreadableError("forbidden by robots.txt")
            seen.append(url)
            answer = self._request(url, most)
            if answer.location:
                url = tidy(answer.location, url) or ""
                continue
            if answer.status != 200:
                return answer
            return Page(url=url, html=answer.html, charset=answer.charset, body=answer.body)

    def _request(self, url: str, most: int) -> _Answer:
        wait = self._next - time.monotonic()
        if time.monotonic() + max(wait, 0.0) > self._ends:
            raise BusyError(f"the rest of a site that took more than {self.limits.seconds:g} s")
        if wait > 0:
            time.sleep(wait)
        try:
            return self._portal.call(self._answer, url, most)
        except (TimeoutError, httpx.TimeoutException):
            raise UnreadableError("no answer in time") from None
        except (httpx.NetworkError, httpx.ProxyError):
            raise UnreadableError("cannot be reached") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, ValueError):
            raise UnreadableError("an answer that is no HTTP") from None
        finally:
            self._next = time.monotonic() + self._delay

    async def _answer(self, url: str, most: int) -> _Answer:
        # One bound for all, as httpx only has one for each read: a byte a second never exceeds it.
        with anyio.fail_after(self.limits.page_seconds):
            async with self._client.stream("GET", url) as response:
                location = response.headers.get("location", "")
                if response.is_redirect or response.status_code != 200:
                    kept = location if response.is_redirect else ""
                    return _Answer(status=response.status_code, location=kept)
                kind = response.headers.get("content-type", PAGES[0]).partition(";")[0]
                kind = kind.strip().lower()
                # robots.txt comes under many names, and is judged by what stands in it
                if kind not in (*PAGES, *TEXTS) and urlsplit(url).path != ROBOTS_PATH:
                    raise UnreadableError("neither a page nor plain text, by its Content-Type")
                return _Answer(
                    status=200,
                    html=kind in PAGES,
                    charset=response.charset_encoding,
                    body=await _read_body(response, most),
                )


async def _read_body(response: httpx.Response, most: int) -> bytes:
    """The body, unpacked here: httpx would unpack a whole block before its size could be judged."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", "x-gzip"):
        raise UnreadableError("packed in a way that was not asked for")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in packing else None
    body = bytearray()
    async for block in response.aiter_raw():
        try:
            body += unpacker.decompress(block, most + 1 - len(body)) if unpacker else block
        except zlib.error:
            raise UnreadableError("a body that cannot be unpacked") from None
        if len(body) > most:
            raise UnreadableError(f"a page of more than {most / 1_000_000:g} MB")
    return bytes(body)


@contextmanager
def fetching(start: str, limits: WebLimits) -> Iterator[Fetcher]:
    """A `Fetcher` for the site of `start`.

    The requests run in a thread with an event loop of its own, because only there can a bound on
    time cut off every kind of waiting; a notebook's own loop is left in peace.
    """
    headers = {
        "User-Agent": USER_AGENT,
        "Accept": ", ".join((*PAGES, *TEXTS)),
        "Accept-Encoding": "gzip",
    }
    client = httpx.AsyncClient(headers=headers, timeout=limits.page_seconds)
    close: Callable[[], Awaitable[None]] = client.aclose
    with start_blocking_portal() as portal:
        try:
            yield Fetcher(start, limits, portal, client)
        finally:
            portal.call(close)


def _host(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname, None if parts.port in (80, 443) else parts.port
    except ValueError:
        return None, None
