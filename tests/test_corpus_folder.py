"""Folders with everything in them that a reader must not fall for."""

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest
from crafted import paragraph, pdf_bytes, text_page, write_docx

from tinyllm.corpus import Ledger, build_corpus, expected_size, parse_source, read_card, read_source
from tinyllm.corpus import reading_folder as module
from tinyllm.corpus.document import Document
from tinyllm.corpus.pipeline import STEPS, scopes
from tinyllm.events import Progress

STORY = "Mina lost her red kite and Tom found it in the old pear tree.\n"


def read(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The texts by id, and what was dropped by reason."""
    ledger = Ledger("read", "")
    texts = {d.id: d.text for d in read_source(parse_source(str(path)), ledger)}
    return texts, ledger.examples


def link(place: Path, target: Path) -> None:
    try:
        place.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("this account may not make links (Windows without developer mode)")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    (folder / "inner").mkdir(parents=True)
    (folder / "story.txt").write_text(STORY)
    return folder


def test_links_that_go_round_or_out_are_passed_over_and_told(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "outside").mkdir()
    link(mine / "out.txt", tmp_path / "secret.txt")
    link(mine / "inner" / "round", mine)
    link(mine / "away", tmp_path / "outside")
    link(mine / "itself.txt", mine / "itself.txt")
    link(mine / "nowhere.txt", mine / "missing.txt")
    texts, dropped = read(mine)
    assert texts == {"mine/story.txt": STORY}
    assert dropped == {
        "a link that leads out of the folder": ["mine/out.txt"],
        "a link to a folder, which is not followed": ["mine/away", "mine/inner/round"],
        "a link that leads nowhere": ["mine/itself.txt", "mine/nowhere.txt"],
    }


def test_a_link_to_a_file_of_the_same_folder_is_read(mine: Path) -> None:
    link(mine / "inner" / "again.txt", mine / "story.txt")
    assert read(mine)[0] == {"mine/story.txt": STORY, "mine/inner/again.txt": STORY}


def test_the_folder_itself_may_be_named_by_a_link(mine: Path, tmp_path: Path) -> None:
    link(tmp_path / "short", mine)
    assert list(read(tmp_path / "short")[0].values()) == [STORY]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_never_waited_for(mine: Path) -> None:
    os.mkfifo(mine / "pipe.txt")
    assert read(mine)[1] == {"no file but a pipe, a device or the like": ["mine/pipe.txt"]}
    assert read(mine / "pipe.txt")[0] == {}


@pytest.mark.skipif(sys.platform != "linux", reason="device files of Linux")
def test_a_device_is_never_read(tmp_path: Path) -> None:
    link(tmp_path / "zero.txt", Path("/dev/zero"))
    assert read(tmp_path / "zero.txt") == (
        {},
        {"no file but a pipe, a device or the like": ["zero"]},
    )


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything is open to root")
def test_what_may_not_be_opened_is_told(mine: Path) -> None:
    (mine / "locked.txt").write_text("locked")
    (mine / "locked.txt").chmod(0)
    (mine / "inner").chmod(0)
    texts, dropped = read(mine)
    (mine / "inner").chmod(0o700)
    assert texts == {"mine/story.txt": STORY}
    assert dropped == {
        "a folder that cannot be opened": ["mine/inner"],
        "cannot be opened: Permission denied": ["mine/locked.txt"],
    }


def test_a_file_that_cannot_be_opened_is_told(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "detect_encoding", refuse)
    assert read(mine) == ({}, {"cannot be opened: Permission denied": ["mine/story.txt"]})


def test_a_file_that_vanishes_before_its_turn_is_told_and_the_rest_goes_on(mine: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (mine / name).write_text(f"{name} {STORY}")
    ledger = Ledger("read", "")
    documents = read_source(parse_source(str(mine)), ledger)
    assert next(documents).id == "mine/a.txt"
    (mine / "b.txt").unlink()
    assert [document.id for document in documents] == ["mine/c.txt", "mine/story.txt"]
    assert ledger.examples == {"no longer there when its turn came": ["mine/b.txt"]}


def test_a_folder_that_vanishes_is_told(mine: Path) -> None:
    ledger = Ledger("read", "")
    documents = read_source(parse_source(str(mine)), ledger)
    assert next(documents).id == "mine/story.txt"
    shutil.rmtree(mine / "inner")
    assert list(documents) == []


def test_a_page_of_50_mb_is_dropped_unread(mine: Path) -> None:
    with (mine / "large.html").open("wb") as file:
        file.write(b"<p>")
        file.truncate(50_000_000)
    assert read(mine) == (
        {"mine/story.txt": STORY},
        {"a web page of more than 4 MB": ["mine/large.html"]},
    )


def test_a_page_of_more_than_50_000_tags_is_dropped(mine: Path) -> None:
    (mine / "tags.html").write_text("<p>" + "<b>" * 50_000)
    assert read(mine)[1] == {"a web page of more than 50,000 tags": ["mine/tags.html"]}


@pytest.mark.parametrize("tag", ["div", "b", "table", "blockquote", "x"])
def test_a_page_nested_a_hundred_thousand_deep_does_no_harm(mine: Path, tag: str) -> None:
    (mine / "deep.html").write_text(f"<html><body>{f'<{tag}>' * 100_000}{STORY * 20}")
    (mine / "less.html").write_text(f"<html><body>{f'<{tag}>' * 49_000}{STORY * 20}")
    documents = read_source(parse_source(str(mine)), Ledger("read", ""))
    for name, rule, step in STEPS:
        documents = step(documents, Ledger(name, rule, judges=scopes()[name]))
    assert "mine/story.txt" in {document.id for document in documents}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
def test_a_name_that_is_not_utf8_can_be_written_down(mine: Path, tmp_path: Path) -> None:
    (mine / os.fsdecode(b"caf\xe9.jpg")).write_text("x")
    story = "".join(f"{number} {STORY}" for number in range(500))
    (mine / os.fsdecode(b"caf\xe9.txt")).write_text(story)
    (mine / "more.txt").write_text("More. " + STORY)
    list(build_corpus(tmp_path / "corpus", [str(mine)]))
    card = read_card(tmp_path / "corpus")
    assert card["rejected"] == 1
    assert "mine/caf\ufffd.jpg" in str(card["steps"][0]["examples"])


@pytest.mark.parametrize("charset", ["idna", "punycode", "base64", "unicode_escape", "no-such"])
def test_a_page_that_declares_an_absurd_encoding_is_read_all_the_same(
    mine: Path, charset: str
) -> None:
    page = f'<meta charset="{charset}"><p>Caf\xe9</p>'.encode("cp1252")
    (mine / "page.html").write_bytes(page)
    assert "Café" in read(mine)[0]["mine/page.html"]


def test_every_document_says_its_source_licence_and_format(mine: Path) -> None:
    (mine / "a.pdf").write_bytes(pdf_bytes(text_page("Hello.")))
    write_docx(mine / "b.docx", paragraph("Hello."))
    (mine / "c.html").write_text("<p>Hello.</p>")
    documents: list[Document] = list(read_source(parse_source(str(mine)), Ledger("read", "")))
    assert [d.metadata["format"] for d in documents] == ["pdf", "docx", "html", "text"]
    for document in documents:
        assert document.metadata["source"] == "mine"
        assert document.metadata["licence"]


def test_what_was_expected_is_done_when_all_is_read(mine: Path) -> None:
    (mine / "a.pdf").write_bytes(pdf_bytes(text_page("Hello.")))
    (mine / "photo.jpg").write_bytes(bytes(1_000_000))
    (mine / "fake.txt").write_bytes(b"\x89PNG\0\0\0\xff" * 99)
    source, ledger = parse_source(str(mine)), Ledger("read", "")
    list(read_source(source, ledger))
    assert ledger.done == expected_size(source)


def test_a_single_large_file_shows_its_progress(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("".join(f"{n} {STORY}" for n in range(9_000)))
    events = list(build_corpus(tmp_path / "corpus", [str(tmp_path / "book.txt")]))
    done = [event.done for event in events if isinstance(event, Progress)]
    assert len(done) > 20
    assert done == sorted(done)


def test_closing_the_stream_in_the_middle_of_a_pdf_leaves_no_thread_behind(mine: Path) -> None:
    pages = [
        text_page(*[f"Line {n} of page {p}, about bees." for n in range(60)]) for p in range(30)
    ]
    (mine / "a.pdf").write_bytes(pdf_bytes(*pages))
    before = threading.active_count()
    documents = read_source(parse_source(str(mine)), Ledger("read", ""))
    next(documents)
    documents.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
