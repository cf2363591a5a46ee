"""The corpus stage: sources, steps with reasons, splits, and input that is no text."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tinyllm.corpus import (
    STEPS,
    Document,
    Ledger,
    build_corpus,
    corpus_size,
    read_card,
    read_folder,
    read_text,
    read_village,
)
from tinyllm.corpus.sources import HARDNESS, LICENCES
from tinyllm.corpus.splitting import ValidationChoice
from tinyllm.events import Event, Finished, Notice, Progress
from tinyllm.files import TinyLLMError, read_manifest

NAVIGATION = "<nav>" + "".join(f"<a href='/{n}'>Menu item {n}</a>" for n in range(20)) + "</nav>"
ARTICLE = (
    "<p>Paragraph 0 tells of the village baker, who bakes bread before the cafÃ© opens.</p>"
    "<p>The goat has been there already. It knows the way to the oven better than the mayor does, "
    "and it never pays.</p>"
    "<p>At noon the children come with a basket. They buy round loaves and one long loaf, which is "
    "shorter when they are at home.</p>"
)
PAGE = (
    f"<html><body>{NAVIGATION}<div class='cookie-bar'>We use cookies. Accept all</div><article>"
    f"<h1>The baker</h1>{ARTICLE}</article><footer>Privacy policy. Imprint.</footer></body></html>"
)


def story(number: int, sentences: int = 20) -> str:
    return "".join(
        f"Story {number}, sentence {s}: Mina lost her red kite and Tom found it.\n"
        for s in range(sentences)
    )


def write_stories(folder: Path, count: int = 20) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:02}.txt").write_text(story(number), encoding="utf-8")
    return folder


def build(folder: Path, *sources: Path | str, **options: Any) -> list[Event]:
    return list(build_corpus(folder, [str(source) for source in sources], **options))


def texts(folder: Path, split: str = "train") -> dict[str, str]:
    return {document.id: document.text for document in read_text(folder, split)}


def run_step(name: str, *documents: Document) -> tuple[list[Document], Ledger]:
    rule, step = next((rule, step) for n, rule, step in STEPS if n == name)
    ledger = Ledger(name, rule)
    return list(step(iter(documents), ledger)), ledger


def test_every_document_of_a_folder_lands_in_one_split(tmp_path: Path) -> None:
    events = build(tmp_path / "corpus", write_stories(tmp_path / "mine", 40))
    train, validation = texts(tmp_path / "corpus"), texts(tmp_path / "corpus", "validation")
    assert (len(train), len(validation)) == (38, 2)
    assert train.keys().isdisjoint(validation)
    assert set((train | validation).values()) == {story(n).strip() for n in range(40)}
    assert isinstance(events[-1], Finished)
    assert events[-1].metrics["train_documents"] == 38
    assert events[-1].metrics["train_characters"] == corpus_size(tmp_path / "corpus", "train")
    assert corpus_size(tmp_path / "corpus", "train") == sum(map(len, train.values()))


def test_the_same_sources_and_seed_give_the_same_files(tmp_path: Path) -> None:
    mine = write_stories(tmp_path / "mine")
    build(tmp_path / "a", mine)
    build(tmp_path / "b", mine)
    build(tmp_path / "c", mine, seed=1)
    for file in ("card.json", "card.md", "rejected.jsonl", "text/validation.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert texts(tmp_path / "a", "validation") != texts(tmp_path / "c", "validation")
    made_from = [read_manifest(tmp_path / name)["made_from"] for name in "abc"]
    assert made_from[0] == made_from[1] == made_from[2]


def test_the_choice_for_validation_does_not_depend_on_order_or_names() -> None:
    documents = [Document(text=story(n), id=str(n)) for n in range(300)]
    renamed = [Document(text=d.text, id=f"other-{d.id}") for d in reversed(documents)]
    first, second = (ValidationChoice(some, seed=3).chosen() for some in (documents, renamed))
    assert {d.text for d in documents if first(d)} == {d.text for d in renamed if second(d)}
    assert sum(map(first, documents)) == 15


@pytest.mark.parametrize(("count", "chosen"), [(2, 1), (19, 1), (100, 5), (5_000, 200)])
def test_a_twentieth_but_at_least_one_and_at_most_200(count: int, chosen: int) -> None:
    documents = [Document(text=f"Text {n}.", id=str(n)) for n in range(count)]
    assert sum(map(ValidationChoice(documents, seed=0).chosen(), documents)) == chosen


@pytest.mark.parametrize("line", ["Mina went to the pond and saw a duck there.\n", "no line end "])
def test_a_large_file_is_cut_before_validation_is_split_off(tmp_path: Path, line: str) -> None:
    path = tmp_path / "book.txt"
    path.write_text("".join(f"{n} {line}" for n in range(2_500)), encoding="utf-8")
    build(tmp_path / "corpus", path)
    train, validation = texts(tmp_path / "corpus"), texts(tmp_path / "corpus", "validation")
    assert len(validation) == 1
    assert len(train) >= 5
    assert all(len(text) <= 7_000 for text in train.values())
    assert "book.txt#1" in train | validation


def test_files_of_64_kb_stay_whole_in_a_large_folder(tmp_path: Path) -> None:
    mine = write_stories(tmp_path / "mine", 25)
    (mine / "long.txt").write_text("A line of text.\n" * 3_900, encoding="utf-8")
    (mine / "longer.txt").write_text("Another line.\n" * 5_000, encoding="utf-8")
    names = {document.id for document in read_folder(mine)}
    assert "mine/long.txt" in names
    assert "mine/longer.txt#1" in names


def test_encoding_is_repaired_before_the_text_is_taken_from_a_page(tmp_path: Path) -> None:
    mine = write_stories(tmp_path / "mine")
    (mine / "page.html").write_text(PAGE, encoding="utf-8")
    build(tmp_path / "corpus", mine)
    found = texts(tmp_path / "corpus") | texts(tmp_path / "corpus", "validation")
    text = found["mine/page.html"]
    assert text.startswith("The baker\nParagraph 0 tells")
    assert "before the café opens" in text
    for boilerplate in ("Menu", "cookies", "Privacy", "Ã", "<"):
        assert boilerplate not in text


@pytest.mark.parametrize("page", ["<html><body></body></html>", f"<html>{NAVIGATION}</html>", ""])
def test_a_page_without_main_text_is_dropped_with_the_reason(page: str) -> None:
    document = Document(text=page, id="a.html", metadata={"format": "html"})
    kept, ledger = run_step("extract", document)
    assert kept == []
    assert ledger.dropped == {"no main text found on the page": 1}


def test_a_long_page_is_cut() -> None:
    body = "".join(f"<p>{story(n, 5)}</p>" for n in range(300))
    page = f"<html><body><article>{body}</article></body></html>"
    kept, _ = run_step("extract", Document(text=page, id="a.html", metadata={"format": "html"}))
    assert kept[1].id == "a.html#2"
    assert all(len(document.text) < 6_000 for document in kept)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The cafÃ© is closed, and itâ€™s late.", "The café is closed, and it’s late."),
        ("cafe\u0301", "café"),
        ("sÃ© \nañb", "sé \nañb"),
        ("Größe 100 €", "Größe 100 €"),
    ],
)
def test_mojibake_is_repaired_and_good_text_left_alone(before: str, after: str) -> None:
    kept, ledger = run_step("repair", Document(text=before, id="a"))
    assert kept[0].text == after
    assert ledger.changed == (before != after)


def test_control_characters_go_and_typed_special_tokens_stay() -> None:
    dirty = "\ufeffcon\x00tr\x1bol \x07<|end|> \x9b  \nnext\x0cpage\r\n\n\n\n\n\n\nlast\x7f\n"
    kept, _ = run_step("clean", Document(text=dirty, id="a"))
    assert kept[0].text == "control <|end|>\nnext\npage\n\n\nlast"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" \n\t\n", "nothing but blank space"),
        ("\x00\x01", "nothing but blank space"),
        ("\ufffd" * 9 + "abc", "too much that could not be decoded"),
    ],
)
def test_what_is_no_text_is_dropped_with_the_reason(text: str, reason: str) -> None:
    kept, ledger = run_step("clean", Document(text=text, id="a"))
    assert (kept, ledger.dropped) == ([], {reason: 1})
    assert ledger.examples == {reason: ["a"]}


def test_copies_are_dropped_and_the_first_stays() -> None:
    copies = ["Good day, Tom.", "good  DAY,\nTom.", "Good night, Tom."]
    kept, ledger = run_step("deduplicate", *(Document(text=t, id=t) for t in copies))
    assert [document.text for document in kept] == ["Good day, Tom.", "Good night, Tom."]
    assert ledger.dropped.total() == 1


def test_the_card_has_a_row_a_step_and_its_counts_add_up(tmp_path: Path) -> None:
    mine = write_stories(tmp_path / "mine", 30)
    (mine / "copy.md").write_text(story(3), encoding="utf-8")
    (mine / "photo.jpg").write_bytes(b"\xff\xd8")
    build(tmp_path / "corpus", mine)
    card = read_card(tmp_path / "corpus")
    steps = card["steps"]
    assert [step["step"] for step in steps] == ["read", *(name for name, _, _ in STEPS)]
    for before, after in pairwise(steps):
        assert after["kept"] + sum(after["dropped"].values()) == before["kept"]
    documents = [card["splits"][split]["documents"] for split in ("train", "validation")]
    assert sum(documents) == steps[-1]["kept"] == 30
    assert card["rejected"] == 2
    markdown = (tmp_path / "corpus" / "card.md").read_text(encoding="utf-8")
    assert "a copy of an earlier document" in markdown
    assert all(f"| {step['step']} |" in markdown for step in steps)


def test_each_rejection_names_id_step_reason_and_excerpt(tmp_path: Path) -> None:
    mine = write_stories(tmp_path / "mine")
    (mine / "copy.txt").write_text(story(3), encoding="utf-8")
    (mine / "photo.jpg").write_bytes(b"\xff\xd8")
    (mine / ".hidden.txt").write_text("secret", encoding="utf-8")
    events = build(tmp_path / "corpus", mine)
    text = (tmp_path / "corpus" / "rejected.jsonl").read_text(encoding="utf-8")
    by_id = {line["id"]: line for line in map(json.loads, text.splitlines())}
    assert by_id["mine/photo.jpg"]["step"] == "read"
    assert "picture" in by_id["mine/photo.jpg"]["reason"]
    assert by_id["mine/copy.txt"]["excerpt"].startswith("Story 3, sentence 0")
    assert len(by_id) == 2
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert notices == [
        f"mine: its licence is {LICENCES['folder']}. For a small model: {HARDNESS['folder']}.",
        "Not read: mine/photo.jpg: a picture: text in pictures is not read.",
    ]


UNREADABLE = {
    "photo.png": (b"\x89PNG\r\n\x1a\n\0\0", "a picture"),
    "empty.pdf": (b"", "an empty file"),
    "broken.pdf": (b"garbage", "a broken PDF"),
    "cut.pdf": (b"%PDF-1.7 ...", "a broken PDF"),
    "book.epub": (b"PK\x03\x04", "an EPUB: broken"),
    "letter.docx": (b"PK\x03\x04", "a Word file: broken"),
    "letter.odt": (b"PK\x03\x04", "an OpenDocument file: save it as .docx"),
    "table.csv": (b"a,b", "unknown format .csv"),
    "fake.txt": (b"\x89PNG\r\n\x1a\n\0\0\0\0\xff" * 9, "binary data"),
    "blank.txt": (b"  \n", "nothing but blank space"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_source_without_text_is_an_error_that_says_what_was_found(
    tmp_path: Path, name: str
) -> None:
    data, reason = UNREADABLE[name]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_bytes(data)
    for source in (tmp_path / "mine", tmp_path / "mine" / name):
        with pytest.raises(TinyLLMError, match=f"1 file, .*{reason}.*reads .txt, .md, .html, .pdf"):
            build(tmp_path / "corpus", source)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_empty_folder_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(TinyLLMError, match="the folder is empty"):
        build(tmp_path / "corpus", tmp_path / "mine")


def test_one_good_source_does_not_hide_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TinyLLMError, match="the folder is empty"):
        build(tmp_path / "corpus", write_stories(tmp_path / "mine"), tmp_path / "empty")


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    first, second = write_stories(tmp_path / "a" / "mine"), tmp_path / "b" / "mine"
    second.mkdir(parents=True)
    (second / "00.txt").write_text(story(99), encoding="utf-8")
    build(tmp_path / "corpus", first, second)
    found = texts(tmp_path / "corpus") | texts(tmp_path / "corpus", "validation")
    assert found["mine (2)/00.txt"] == story(99).strip()
    assert [source["documents"] for source in read_card(tmp_path / "corpus")["sources"]] == [20, 1]


def test_too_little_text_is_told_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("A short letter.", encoding="utf-8")
    with pytest.raises(TinyLLMError, match=r"15 characters in 1 document .* 20,000 characters"):
        build(tmp_path / "corpus", path)


def test_an_interrupted_build_leaves_the_old_corpus(tmp_path: Path) -> None:
    mine = write_stories(tmp_path / "mine")
    build(tmp_path / "corpus", mine)
    before = texts(tmp_path / "corpus")
    events: Iterator[Event] = build_corpus(tmp_path / "corpus", [str(mine)], seed=5)
    assert [type(next(events)) for _ in range(2)] == [Notice, Progress]
    events.close()  # type: ignore[attr-defined]
    assert texts(tmp_path / "corpus") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "mine"]


def test_a_missing_or_damaged_corpus_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TinyLLMError, match="holds no train text"):
        next(read_text(tmp_path))
    with pytest.raises(TinyLLMError, match="cannot be read"):
        corpus_size(tmp_path)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "train-00000.jsonl").write_text('{"text": ', encoding="utf-8")
    with pytest.raises(TinyLLMError, match="line 1, is damaged"):
        next(read_text(tmp_path))


def test_the_village_keeps_its_bits_and_kinds(tmp_path: Path) -> None:
    build(tmp_path / "corpus", "village", characters=40_000, validation_documents=30)
    train = list(read_text(tmp_path / "corpus"))
    validation = list(read_text(tmp_path / "corpus", "validation"))
    primer = [document for document in train if document.metadata["kind"] == "primer"]
    others = [document for document in train if document.metadata["kind"] != "primer"]
    assert train == primer + others
    for documents, wanted in ((primer, 8_000), (others, 32_000)):
        assert sum(len(document.text) for document in documents[:-1]) < wanted
        assert sum(len(document.text) for document in documents) >= wanted
    assert corpus_size(tmp_path / "corpus") >= 40_000
    assert len(validation) == 30
    assert all(d.metadata["bits"] > 0 and d.metadata["kind"] for d in [*train, *validation])
    assert [d.text for d in train] == [d.text for d in read_village(seed=0, characters=40_000)]
    card = read_card(tmp_path / "corpus")
    bits = sum(document.metadata["bits"] for document in validation)
    size = sum(len(document.text.encode()) for document in validation)
    assert card["splits"]["validation"]["floor_bits_per_byte"] == pytest.approx(bits / size)


def test_village_and_files_share_a_corpus_whose_floor_is_unknown(tmp_path: Path) -> None:
    mine = write_stories(tmp_path / "mine")
    build(tmp_path / "corpus", "village", mine, characters=5_000, validation_documents=5)
    validation = list(read_text(tmp_path / "corpus", "validation"))
    assert [d.metadata["source"] for d in validation] == ["village"] * 5 + ["mine"]
    card = read_card(tmp_path / "corpus")
    assert [source["name"] for source in card["sources"]] == ["village", "mine"]
    assert "floor_bits_per_byte" not in card["splits"]["validation"]
