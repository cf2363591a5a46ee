"""Project Gutenberg as a source: what surrounds the book goes, and a book is fetched once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import Site, serving

from tinyllm.corpus import Document, Ledger, reading
from tinyllm.corpus.document import UnreadableError
from tinyllm.corpus.fetching import WebLimits
from tinyllm.corpus.reading_books import BOOKS, book_itself, books_size, read_books
from tinyllm.corpus.sources import parse_source
from tinyllm.files import home

QUICK = WebLimits(delay=0.0, page_seconds=1.0)


def book(text: str, title: str = "Mina's Kite") -> str:
    mark = f"OF THE PROJECT GUTENBERG EBOOK {title.upper()}"
    return (
        f"The Project Gutenberg eBook of {title}\r\n\r\nTitle: {title}\r\n\r\n*** START {mark} ***"
        f"\r\n\r\nProduced by a friend of bees\r\nand another\r\n\r\n{text}\r\n\r\n"
        f"End of the Project Gutenberg EBook of {title}\r\n\r\n*** END {mark} ***"
        f"\r\n\r\nLicence.\r\n"
    )


@pytest.fixture
def mirror() -> Iterator[Site]:
    with serving() as site:
        site.put("/cache/epub/11/pg11.txt", "\ufeff" + book("Mina lost it."), kind="text/plain")
        site.put("/cache/epub/12/pg12.txt", book("Tom found it.", "Tom"), kind="text/plain")
        yield site


def read(mirror: Site, ids: str = "11,12") -> tuple[list[Document], Ledger]:
    ledger = Ledger("read", "")
    place = mirror.url + "/"
    documents = read_books(ids, ledger, name="gutenberg", mirror=place, limits=QUICK)
    return list(documents), ledger


def test_what_stands_around_a_book_is_removed(mirror: Site) -> None:
    documents, ledger = read(mirror)
    assert [d.text for d in documents] == ["Mina lost it.\n", "Tom found it.\n"]
    assert [d.metadata["title"] for d in documents] == ["Mina's Kite", "Tom"]
    assert documents[0].id == "gutenberg/11"
    assert documents[0].metadata["url"].endswith("/cache/epub/11/pg11.txt")
    assert "public domain" in documents[0].metadata["licence"]
    assert ledger.done == books_size("11,12")


def test_a_book_is_fetched_once_and_then_kept(mirror: Site) -> None:
    first, _ = read(mirror)
    assert mirror.asked == ["/robots.txt", "/cache/epub/11/pg11.txt", "/cache/epub/12/pg12.txt"]
    again, _ = read(mirror)
    assert again == first
    assert len(mirror.asked) == 3


def test_a_damaged_book_in_the_home_is_fetched_again(mirror: Site) -> None:
    read(mirror, "11")
    (home() / "cache" / "gutenberg" / "pg11.txt").write_bytes(b"half a b\xff")
    assert [d.text for d in read(mirror, "11")[0]] == ["Mina lost it.\n"]


def test_a_long_book_is_cut(mirror: Site) -> None:
    text = "\r\n".join(f"Line {n} of a long book about kites." for n in range(4_000))
    mirror.put("/cache/epub/13/pg13.txt", book(text), kind="text/plain")
    documents, _ = read(mirror, "13")
    assert documents[0].id == "gutenberg/13#1"
    assert all(len(d.text) < 6_000 for d in documents)


def test_a_book_that_is_not_there_leaves_the_others(mirror: Site, tmp_path: Path) -> None:
    mirror.put("/cache/epub/14/pg14.txt", "<p>Please log in.</p>")
    documents, ledger = read(mirror, "99,14,12")
    assert [d.text for d in documents] == ["Tom found it.\n"]
    assert ledger.examples == {
        "an error page (4xx)": ["gutenberg/99"],
        "no book: the marks of Project Gutenberg around it are missing": ["gutenberg/14"],
    }
    kept = home() / "cache" / "gutenberg"
    assert [path.name for path in kept.iterdir()] == ["pg12.txt"]


def test_a_mirror_that_forbids_or_is_busy_is_left_alone(mirror: Site) -> None:
    mirror.put("/cache/epub/11/pg11.txt", status=503)
    documents, ledger = read(mirror)
    assert documents == []
    assert sum(ledger.dropped.values()) == 1
    mirror.put("/robots.txt", "User-agent: *\nDisallow: /cache\n", kind="text/plain")
    assert dict(read(mirror)[1].dropped) == {"forbidden by robots.txt": 2}


def test_gutenberg_alone_stands_for_a_short_list(
    mirror: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in BOOKS:
        mirror.put(f"/cache/epub/{number}/pg{number}.txt", book(f"{number}."), kind="text/plain")

    def nearby(ids: str, ledger: Ledger, *, name: str) -> Iterator[Document]:
        return read_books(ids, ledger, name=name, mirror=mirror.url + "/", limits=QUICK)

    monkeypatch.setattr(reading, "read_books", nearby)
    source, ledger = parse_source("gutenberg"), Ledger("read", "")
    documents = list(reading.read_source(source, ledger))
    assert [d.text for d in documents] == [f"{number}.\n" for number in BOOKS]
    assert ledger.done == reading.expected_size(source)


@pytest.mark.parametrize(
    "text",
    ["", "A book.", "*** START OF THE PROJECT GUTENBERG EBOOK X ***\nNo end.", "*" * 100_000],
)
def test_a_text_without_the_marks_is_no_book(text: str) -> None:
    with pytest.raises(UnreadableError, match="the marks of Project Gutenberg"):
        book_itself(text)
