"""Web sites as a source: politeness, bounds, and sites that mean harm."""

import gzip
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from sites import Site, serving

from tinyllm import __version__
from tinyllm.corpus import Document, Ledger, build_corpus, parse_source, read_source, reading
from tinyllm.corpus.fetching import WebLimits
from tinyllm.corpus.reading_web import PAGE_SIZE, read_web, web_size
from tinyllm.events import Notice, Progress

QUICK = WebLimits(delay=0.0, page_seconds=3.0)
HASTY = WebLimits(delay=0.0, page_seconds=1.0)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        site.put("/", "<p>Hello.</p><a href='/a'>a</a> <a href='/b#part'>b</a> <a href='a'>a</a>")
        site.put("/a", "<p>Page a.</p><a href='/'>home</a><a href='/c?q=1'>c</a>")
        site.put("/b", "Page b.", kind="text/plain")
        site.put("/c?q=1", "<p>Page c.</p><a href='/d'>d</a>")
        site.put("/d", "<p>Page d.</p>")
        yield site


def read(site: Site, path: str = "/", limits: WebLimits = QUICK) -> tuple[list[Document], Ledger]:
    ledger = Ledger("read", "")
    return list(read_web(site.url + path, ledger, name="site", limits=limits)), ledger


def paths(site: Site, documents: list[Document]) -> list[str]:
    return [document.metadata["url"].removeprefix(site.url) for document in documents]


def reason_for(site: Site, path: str, limits: WebLimits = QUICK) -> str:
    """Why a page was dropped, while the rest of the site was read."""
    site.put("/", f"<a href='{path}'>it</a><a href='/b'>b</a>")
    documents, ledger = read(site, limits=limits)
    assert paths(site, documents) == ["/", "/b"]
    (reason,) = ledger.dropped
    assert ledger.examples[reason] == [site.url + path]
    return reason


def test_a_site_is_read_along_its_links_each_page_once(site: Site) -> None:
    documents, ledger = read(site)
    assert paths(site, documents) == ["/", "/a", "/b", "/c?q=1", "/d"]
    assert site.asked == ["/robots.txt", "/", "/a", "/b", "/c?q=1", "/d"]
    assert [d.metadata["format"] for d in documents] == ["html", "html", "text", "html", "html"]
    assert documents[2].text == "Page b."
    assert {d.metadata["source"] for d in documents} == {"site"}
    assert all("imprint" in d.metadata["licence"] for d in documents)
    assert not ledger.dropped


def test_a_site_is_a_source_like_any_other(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "read_web", lambda *a, **k: read_web(*a, **k, limits=QUICK))
    source = parse_source(site.url)
    ledger = Ledger("read", "")
    assert len(list(read_source(source, ledger))) == 5
    assert ledger.done == reading.expected_size(source) == web_size()


def test_the_progress_bar_counts_the_pages_of_the_bound(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "read_web", lambda *a, **k: read_web(*a, **k, limits=QUICK))
    for path in ("/a", "/b", "/c?q=1", "/d"):
        tale = "".join(f"<p>On day {n}, Mina told {path} of her red kite.</p>" for n in range(200))
        site.put(path, f"<article>{tale}</article>")
    links = "".join(f"<a href='{path}'>x</a>" for path in ("/a", "/b", "/c?q=1", "/d"))
    site.put("/", f"<article>{'<p>Mina lost her kite.</p>' * 20}</article>{links}")
    off = dict.fromkeys(
        ("language", "quality", "repetition", "c4", "fineweb", "near copies"), False
    )
    events = list(build_corpus(tmp_path / "corpus", [site.url], filters=off))
    progress = [event for event in events if isinstance(event, Progress)]
    assert {event.total for event in progress} == {200 * PAGE_SIZE}
    assert [event.done / PAGE_SIZE for event in progress] == [2, 4, 200]  # the last: written
    assert all(event.eta_seconds is not None for event in progress)
    (notice,) = (event.text for event in events if isinstance(event, Notice))
    assert "its licence is that of the site" in notice


def test_pages_and_depth_are_bounded(site: Site) -> None:
    documents, ledger = read(site, limits=WebLimits(delay=0.0, pages=2))
    assert paths(site, documents) == ["/", "/a"]
    assert dict(ledger.dropped) == {"the rest of a site of more than 2 pages": 1}
    assert ledger.done == 2 * PAGE_SIZE
    assert paths(site, read(site, limits=WebLimits(delay=0.0, depth=1))[0]) == ["/", "/a", "/b"]


def test_other_hosts_pictures_and_forbidden_links_are_not_asked_for(site: Site) -> None:
    site.put(
        "/",
        "<a href='http://other.invalid/x'>x</a><a href='/photo.jpg'>y</a><a href='mailto:a@b'>z</a>"
        "<a href='/secret' rel='nofollow'>s</a><a href='http://[/'>?</a>"
        "<a href='javascript:x'>j</a>",
    )
    assert paths(site, read(site)[0]) == ["/"]
    assert site.asked == ["/robots.txt", "/"]


def test_we_say_who_we_are(site: Site) -> None:
    read(site)
    for headers in site.headers:
        assert headers["User-Agent"].startswith(f"tinyllm/{__version__} ")


def test_what_robots_txt_forbids_is_not_fetched(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /a\nDisallow: /*?q=\n", kind="text/plain")
    documents, ledger = read(site)
    assert paths(site, documents) == ["/", "/b"]
    assert dict(ledger.dropped) == {"forbidden by robots.txt": 1}
    site.put("/robots.txt", "User-agent: tinyllm\nDisallow: /\n", kind="text/plain")
    assert read(site)[0] == []


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/html", "text/plain"])
def test_robots_txt_is_obeyed_whatever_the_site_calls_it(site: Site, kind: str) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /a\n", kind=kind)
    assert paths(site, read(site)[0]) == ["/", "/b"]


def test_a_redirect_does_not_lead_around_robots_txt(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /a\n", kind="text/plain")
    site.put("/door", status=302, Location="/a")
    assert reason_for(site, "/door") == "forbidden by robots.txt"
    assert "/a" not in site.asked


def test_the_pause_that_robots_txt_asks_for_is_kept(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 0.3\n", kind="text/plain")
    times = []
    for name, answer in list(site.answers.items()):
        site.answers[name] = lambda h, answer=answer: (times.append(time.monotonic()), answer(h))
    read(site, limits=WebLimits(delay=0.0, pages=3))
    assert len(times) == 4
    assert all(after - before >= 0.29 for before, after in list(pairwise(times))[1:])


def test_a_site_that_asks_for_long_pauses_is_not_read(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 86400\n", kind="text/plain")
    documents, ledger = read(site)
    assert documents == []
    assert "more than 30 s between two pages" in next(iter(ledger.dropped))


@pytest.mark.parametrize("status", [500, 503, 429])
def test_while_robots_txt_fails_nothing_is_fetched(site: Site, status: int) -> None:
    site.put("/robots.txt", status=status)
    documents, ledger = read(site)
    assert documents == []
    assert site.asked == ["/robots.txt"]
    assert "robots.txt cannot be had" in next(iter(ledger.dropped))


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_without_robots_txt_everything_is_allowed(site: Site, status: int) -> None:
    site.put("/robots.txt", status=status)
    assert len(read(site)[0]) == 5


def test_a_robots_txt_that_never_answers_forbids(site: Site) -> None:
    site.put_silence("/robots.txt")
    documents, ledger = read(site, limits=HASTY)
    assert documents == []
    assert "robots.txt cannot be had (no answer in time)" in next(iter(ledger.dropped))


def test_a_page_that_never_answers_is_dropped(site: Site) -> None:
    site.put_silence("/it")
    assert reason_for(site, "/it", HASTY) == "no answer in time"


@pytest.mark.parametrize(
    "first", [OK + b"\r\n<p>", OK + b"X-Slow: ", b"HTTP/1."], ids=["body", "headers", "status"]
)
def test_a_page_that_comes_a_byte_at_a_time_is_given_up(site: Site, first: bytes) -> None:
    site.put_slow("/it", first)
    began = time.monotonic()
    assert reason_for(site, "/it", HASTY) == "no answer in time"
    assert time.monotonic() - began < 10


def test_a_site_that_stops_answering_is_left_alone(site: Site) -> None:
    site.put("/", "".join(f"<a href='/silent{n}'>x</a>" for n in range(9)))
    for number in range(9):
        site.put_silence(f"/silent{number}")
    documents, ledger = read(site, limits=WebLimits(delay=0.0, page_seconds=0.2))
    assert paths(site, documents) == ["/"]
    assert dict(ledger.dropped) == {"no answer in time": 3}


def test_a_site_has_so_much_time_in_all(site: Site) -> None:
    documents, ledger = read(site, limits=WebLimits(delay=0.4, seconds=1.0))
    assert 1 <= len(documents) < 5
    assert dict(ledger.dropped) == {"the rest of a site that took more than 1 s": 1}


def test_a_port_where_nobody_listens_is_told() -> None:
    with serving() as site:
        url = site.url
    ledger = Ledger("read", "")
    assert list(read_web(url, ledger, name="site", limits=QUICK)) == []
    assert "robots.txt cannot be had (cannot be reached)" in next(iter(ledger.dropped))


def test_a_redirect_on_the_site_is_followed_and_the_page_read_once(site: Site) -> None:
    site.put("/old", status=301, Location="/d")
    site.put("/", "<a href='/old'>old</a><a href='/d'>d</a>")
    documents, ledger = read(site)
    assert paths(site, documents) == ["/", "/d"]
    assert sum(ledger.dropped.values()) == 1


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"/it": "http://other.invalid/"}, "redirects to another host"),
        ({"/it": "//other.invalid/it"}, "redirects to another host"),
        ({"/it": "file:///etc/passwd"}, "redirects to another host"),
        ({"/it": "/it"}, "a redirect loop"),
        ({"/it": "/1", "/1": "/2", "/2": "/1"}, "a redirect loop"),
        ({"/it": "/1", **{f"/{n}": f"/{n + 1}" for n in range(9)}}, "more than 5 redirects"),
    ],
)
def test_redirects_end(site: Site, answers: dict[str, str], reason: str) -> None:
    for path, target in answers.items():
        site.put(path, status=302, Location=target)
    assert reason_for(site, "/it") == reason


def test_a_start_that_redirects_to_another_host_gives_nothing(site: Site) -> None:
    site.put("/", status=301, Location="https://www.other.invalid/")
    documents, ledger = read(site)
    assert documents == []
    assert dict(ledger.dropped) == {"redirects to another host": 1}


def test_pages_that_harm_are_dropped_with_the_reason(site: Site) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    site.put("/bomb", bomb, Content_Encoding="gzip")
    site.put("/large", b"x" * 4_000_001)
    site.put("/broken", b"no gzip", Content_Encoding="gzip")
    site.put("/packed", b"x", Content_Encoding="br")
    site.put("/binary", b"\x89PNG\r\n\0\0\0\xff" * 99)
    site.put("/picture", b"x", kind="image/png")
    site.put("/lost", status=404)
    site.put("/error", status=500)
    site.answers["/noise"] = lambda handler: (handler.wfile.write(b"\0\1\2 no HTTP\r\n\r\n"), None)[
        1
    ]
    names = (
        "bomb",
        "large",
        "broken",
        "packed",
        "binary",
        "picture",
        "lost",
        "error",
        "noise",
        "b",
    )
    site.put("/", "".join(f"<a href='/{name}'>x</a>" for name in names))
    documents, ledger = read(site)
    assert paths(site, documents) == ["/", "/b"]
    assert {r: [n.removeprefix(site.url) for n in e] for r, e in ledger.examples.items()} == {
        "a page of more than 4 MB": ["/bomb", "/large"],
        "a body that cannot be unpacked": ["/broken"],
        "packed in a way that was not asked for": ["/packed"],
        "binary data, though the site calls it text": ["/binary"],
        "neither a page nor plain text, by its Content-Type": ["/picture"],
        "an error page (4xx)": ["/lost"],
        "an error page (5xx)": ["/error"],
        "an answer that is no HTTP": ["/noise"],
    }


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_site_is_left_alone(site: Site, status: int) -> None:
    site.put("/a", status=status)
    documents, ledger = read(site)
    assert paths(site, documents) == ["/"]
    assert "/b" not in site.asked
    assert next(iter(ledger.dropped)).startswith("the site is busy")


def test_a_packed_page_is_unpacked(site: Site) -> None:
    site.put("/", gzip.compress(b"<p>Packed.</p>"), Content_Encoding="gzip")
    assert read(site)[0][0].text == "<p>Packed.</p>"


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("Привет, как дела? Всё хорошо.".encode("koi8-r"), "koi8-r"),
        ("Привет, как дела? Всё хорошо.".encode(), "iso-8859-1"),
        ("Привет, как дела? Всё хорошо.".encode("cp1251"), "utf-8"),
        ("Café déjà vu, naïve Größe.".encode("cp1252"), "nonsense"),
        ("Café déjà vu, naïve Größe.".encode("cp1252"), "utf-16"),
        ("Café déjà vu, naïve Größe.".encode("cp1252"), "idna"),
    ],
)
def test_a_wrong_charset_header_does_not_spoil_the_text(
    site: Site, body: bytes, charset: str
) -> None:
    site.put("/", body * 20, kind=f"text/plain; charset={charset}")
    text = read(site)[0][0].text
    assert "Привет, как дела? Всё хорошо." in text or "Café déjà vu, naïve Größe." in text


def test_a_page_nested_a_hundred_thousand_deep_does_not_stop_the_crawl(site: Site) -> None:
    site.put("/", "<a href='/deep'>x</a><a href='/b'>b</a>")
    site.put("/deep", "<div>" * 100_000 + "<a href='/never'>x</a>")
    assert paths(site, read(site)[0]) == ["/", "/b"]
    site.put("/deep", "<div>" * 49_000 + "<a href='/never'>x</a>")
    assert paths(site, read(site)[0])[:3] == ["/", "/deep", "/b"]


def test_closing_the_stream_ends_the_crawl_and_its_thread(site: Site) -> None:
    documents = read_web(site.url, Ledger("read", ""), name="site", limits=QUICK)
    next(documents)
    assert [thread for thread in threading.enumerate() if "portal" in thread.name.lower()]
    documents.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if "portal" in thread.name.lower()]
    assert site.asked == ["/robots.txt", "/"]
