"""PDF, Word and EPUB: what stands in them comes out, and what is crafted does no harm."""

import struct
import zlib
from pathlib import Path

import psutil
import pytest
from crafted import (
    docx_xml,
    paragraph,
    pdf_bytes,
    text_page,
    write_docx,
    write_epub,
    write_zip,
)
from pypdf import PdfReader, PdfWriter

from tinyllm.corpus import Ledger, read_folder, reading_pdf
from tinyllm.corpus.document import Document, UnreadableError
from tinyllm.corpus.reading_pdf import PdfLimits, read_pdf


def read(path: Path) -> tuple[list[Document], dict[str, int]]:
    ledger = Ledger("read", "")
    return list(read_folder(path, ledger)), dict(ledger.dropped)


def reason_for(path: Path) -> str:
    documents, dropped = read(path)
    assert documents == []
    (reason,) = dropped
    return reason


def test_the_pages_of_a_pdf_come_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "two.pdf"
    path.write_bytes(pdf_bytes(text_page("Mina lost", "her kite."), text_page("Tom found it.")))
    documents, dropped = read(path)
    assert [d.text for d in documents] == ["Mina lost\nher kite.\n\nTom found it.\n\n"]
    assert documents[0].metadata["format"] == "pdf"
    assert dropped == {}


def test_a_long_pdf_is_cut_into_documents(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    lines = [f"Line {n} of a rather long book about bees." for n in range(40)]
    path.write_bytes(pdf_bytes(*[text_page(*lines)] * 20))
    documents, _ = read(path)
    assert documents[0].id == "long.pdf#1"
    assert all(len(d.text) < 6_000 for d in documents)
    assert "".join(d.text for d in documents).count("Line 39") == 20


def test_a_pdf_with_a_password_is_dropped_as_such(tmp_path: Path) -> None:
    writer = PdfWriter()
    writer.add_blank_page(72, 72)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    assert reason_for(tmp_path / "locked.pdf") == "a PDF with a password"


def test_a_pdf_that_anybody_may_open_is_read_though_it_is_encrypted(tmp_path: Path) -> None:
    (tmp_path / "open.pdf").write_bytes(pdf_bytes(text_page("Printing is forbidden.")))
    writer = PdfWriter(PdfReader(tmp_path / "open.pdf"))
    writer.encrypt("", owner_password="owner", algorithm="RC4-128")
    writer.write(tmp_path / "open.pdf")
    assert "Printing is forbidden." in read(tmp_path / "open.pdf")[0][0].text


def test_a_pdf_of_pictures_is_dropped_as_such(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf_bytes(b"0 0 100 100 re f", b"0 0 9 9 re f"))
    assert reason_for(path) == "a PDF of pictures: it holds no text"


@pytest.mark.parametrize(
    "data",
    [b"garbage", b"%PDF-1.7 and no more", pdf_bytes(text_page("x"))[:200], b"%PDF-1.4\n" * 99],
)
def test_a_broken_pdf_is_dropped_as_such(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "broken.pdf").write_bytes(data)
    assert reason_for(tmp_path / "broken.pdf") == "a broken PDF"


def test_a_pdf_bomb_is_dropped_within_its_bounds(tmp_path: Path) -> None:
    bomb = zlib.compress(b"(a) Tj " * 30_000_000, 9)
    path = tmp_path / "bomb.pdf"
    path.write_bytes(pdf_bytes(bomb, extra=b"/Filter /FlateDecode"))
    limits = PdfLimits(page_seconds=3.0, memory=300_000_000)
    with pytest.raises(UnreadableError, match=r"a PDF that takes more than|a broken PDF"):
        list(read_pdf(path, lambda note: None, limits=limits))


HANGS = "import json, time\nprint(json.dumps({'text': 'One.'}), flush=True)\ntime.sleep(600)\n"
EATS = "blocks = []\nwhile True: blocks.append(bytearray(b'x' * 10_000_000))\n"
CRASHES = "import os\nos._exit(9)\n"


@pytest.mark.parametrize(
    ("program", "limits", "read", "reason"),
    [
        (HANGS, PdfLimits(page_seconds=1.0), ["One.\n\n"], "more than 1 s for a page"),
        (HANGS, PdfLimits(seconds=1.0), ["One.\n\n"], "more than 1 s"),
        (EATS, PdfLimits(memory=200_000_000), [], "more than 200 MB of memory"),
        (CRASHES, PdfLimits(), [], "a broken PDF: its reader crashed"),
    ],
    ids=["hangs", "hangs in all", "eats memory", "crashes"],
)
def test_a_parser_that_runs_wild_is_ended_and_what_it_read_stays(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    limits: PdfLimits,
    read: list[str],
    reason: str,
) -> None:
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(reading_pdf, "PROGRAM", tmp_path / "program.py")
    notes: list[str] = []
    pieces = []
    try:
        for piece in read_pdf(tmp_path / "any.pdf", notes.append, limits=limits):
            pieces.append(piece)
    except UnreadableError as error:
        notes.append(str(error))
    assert pieces == read
    assert len(notes) == 1
    assert reason in notes[0]


def test_whoever_stops_asking_for_pages_ends_the_process(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    path = tmp_path / "two.pdf"
    path.write_bytes(pdf_bytes(text_page("One."), text_page("Two.")))
    pages = read_pdf(path, lambda note: None)
    assert next(pages) == "One.\n\n"
    pages.close()  # type: ignore[attr-defined]
    assert set(psutil.Process().children()) <= before


def test_the_paragraphs_of_a_word_file_come_in_their_order(tmp_path: Path) -> None:
    body = (
        paragraph("Dear Tom,")
        + "<w:p><w:r><w:t>the kite</w:t><w:tab/><w:t> is red.</w:t>"
        + "<w:br/><w:t>Yours</w:t></w:r></w:p>"
        + "<w:tbl><w:tr><w:tc>" + paragraph("Bread &amp; jam") + "</w:tc></w:tr></w:tbl>"
        + "<w:p><w:del><w:r><w:delText>never said</w:delText></w:r></w:del></w:p>"
    )  # fmt: skip
    documents, dropped = read(write_docx(tmp_path / "letter.docx", body))
    assert documents[0].text.strip() == "Dear Tom,\n\nthe kite\t is red.\nYours\n\nBread & jam"
    assert dropped == {}


def test_the_chapters_of_a_book_come_in_the_order_of_the_spine(tmp_path: Path) -> None:
    first = "<head><title>no</title></head><h1>One</h1><p>Mina\n lost a <b>kite</b>.</p>"
    second = b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><p>Caf\xc3\xa9&nbsp;here.</p>'
    documents, dropped = read(write_epub(tmp_path / "book.epub", first, second))
    assert [d.text for d in documents] == ["One\n\nMina lost a kite.\n\nCafé here.\n\n"]
    assert documents[0].metadata["format"] == "epub"
    assert dropped == {}


def test_a_chapter_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    book = write_epub(tmp_path / "book.epub", b"\x89PNG\r\n\0\0\0\xff" * 99, "<p>Two.</p>")
    documents, dropped = read(book)
    assert [d.text for d in documents] == ["Two.\n\n"]
    assert dropped == {"an EPUB chapter: binary data and not text": 1}


def test_a_book_with_copy_protection_is_dropped_as_such(tmp_path: Path) -> None:
    lock = '<encryption><CipherReference URI="OPS/chapter%200.xhtml"/></encryption>'
    book = write_epub(tmp_path / "b.epub", "<p>One.</p>", **{"META-INF__encryption_xml": lock})
    assert reason_for(book) == "an EPUB: with copy protection (DRM)"


RANDOM = " ".join(f'a{n}=""' for n in range(200_000))
LAUGHS = "<!DOCTYPE d [" + "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10)
)


@pytest.mark.parametrize(
    ("body", "head", "reason"),
    [
        ("x" * 40_000_000, "", "unpacks to more than 32 MB"),
        (f"<a {RANDOM}/>", "", "a tag of more than a megabyte"),
        (f"<!--{RANDOM}-->", "", "a tag of more than a megabyte"),
        ("x" * 2_000_000, "", "a ZIP bomb"),
        ("&l9;", LAUGHS + "]>", "entities"),
        ("&x;", '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "entities"),
        ("<a>" * 100_000, "", "nested more than 1,000 deep"),
        ("<a>", "", "broken"),
        (paragraph(" "), "", "it holds no text"),
        ("<w:sectPr/>", "", "it holds no text"),
    ],
    ids=[
        "large",
        "tag",
        "comment",
        "bomb",
        "laughs",
        "external",
        "deep",
        "unfinished",
        "blank",
        "empty",
    ],
)
def test_a_crafted_word_file_is_dropped_with_the_reason(
    tmp_path: Path, body: str, head: str, reason: str
) -> None:
    assert reason in reason_for(write_docx(tmp_path / "letter.docx", body, head=head))


@pytest.mark.parametrize(
    ("chapter", "reason"),
    [("x" * 20_000_000, "unpacks to more than 16 MB"), ("x" * 2_000_000, "a ZIP bomb")],
)
def test_a_bomb_in_a_book_is_dropped_with_the_reason(
    tmp_path: Path, chapter: str, reason: str
) -> None:
    documents, dropped = read(write_epub(tmp_path / "book.epub", chapter))
    assert documents == []
    assert f"an EPUB chapter: {reason}" in " ".join(dropped)


def test_a_chapter_nested_a_hundred_thousand_deep_does_no_harm(tmp_path: Path) -> None:
    deep = "<div>" * 100_000 + "deep"
    documents, _ = read(write_epub(tmp_path / "book.epub", deep, "<p>Two.</p>"))
    assert documents[0].text.endswith("Two.\n\n")


def test_an_archive_that_lies_about_its_sizes_unpacks_no_further(tmp_path: Path) -> None:
    path = write_docx(tmp_path / "liar.docx", "x" * 40_000_000)
    data = path.read_bytes()
    true = struct.pack("<I", len(docx_xml("x" * 40_000_000)))
    path.write_bytes(data.replace(true, struct.pack("<I", 100_000)))
    assert "broken" in reason_for(path)


def test_an_archive_with_a_huge_list_of_parts_is_not_opened(tmp_path: Path) -> None:
    path = write_docx(tmp_path / "list.docx", paragraph("x"))
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<I", 2_000_000_000)
    path.write_bytes(data)
    assert "far too many parts" in reason_for(path)


def test_a_word_file_with_a_password_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "locked.docx"  # Word wraps an encrypted file in another container
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "broken, or no such file" in reason_for(path)


def test_a_zip_without_its_main_part_is_broken(tmp_path: Path) -> None:
    for name in ("a.docx", "a.epub"):
        reason = reason_for(write_zip(tmp_path / name, other="x"))
        assert reason.endswith("broken: a part that it needs is missing")
