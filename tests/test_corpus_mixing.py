"""Copies, weights and workers: what is dropped twice over, and what must not change the text."""

import json
import random
from pathlib import Path

import pytest

from tinyllm.corpus import Document, Ledger, build_corpus, read_card, read_text
from tinyllm.corpus.mixing import check_weights, times
from tinyllm.corpus.parallel import clean_chunk, clean_documents
from tinyllm.corpus.pipeline import STATELESS, scopes
from tinyllm.events import Notice, Progress
from tinyllm.files import UsageError
from tinyllm.village.dirt import dirty_pages

WORDS = [f"goose{n}" for n in range(4_000)]


def words(seed: int, count: int = 200) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def write_letters(folder: Path, count: int, first: int = 0) -> Path:
    folder.mkdir()
    for number in range(first, first + count):
        text = "\n".join(
            f"Letter {number}: {' '.join(words(number * 99 + n, 20))}." for n in range(10)
        )
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    return folder


def test_weights_give_each_source_its_share_and_keep_the_size(tmp_path: Path) -> None:
    mine = write_letters(tmp_path / "mine", 30)
    other = write_letters(tmp_path / "other", 90, first=500)
    weights = {str(mine): 3.0, str(other): 1.0}
    list(build_corpus(tmp_path / "corpus", list(weights), weights=weights))
    size = {"mine": 0, "other": 0}
    for document in read_text(tmp_path / "corpus"):
        size[document.metadata["source"]] += len(document.text)
    assert size["mine"] / sum(size.values()) == pytest.approx(0.75, abs=0.05)
    card = read_card(tmp_path / "corpus")
    assert [(s["share"], s["times"]) for s in card["sources"]] == [
        (0.75, pytest.approx(3.0, abs=0.1)),
        (0.25, pytest.approx(1 / 3, abs=0.05)),
    ]
    total = sum(source["characters"] for source in card["sources"])
    assert sum(size.values()) == pytest.approx(total, rel=0.1)
    markdown = (tmp_path / "corpus" / "card.md").read_text(encoding="utf-8")
    assert "| mine | 75.0% |" in markdown


def test_no_document_of_validation_is_repeated_or_trained_on(tmp_path: Path) -> None:
    mine = write_letters(tmp_path / "mine", 40)
    other = write_letters(tmp_path / "other", 400, first=500)
    weights = {str(mine): 9.0, str(other): 1.0}
    events = list(build_corpus(tmp_path / "corpus", list(weights), weights=weights))
    train = [document.text for document in read_text(tmp_path / "corpus")]
    validation = [document.text for document in read_text(tmp_path / "corpus", "validation")]
    assert len(set(validation)) == len(validation)
    assert not set(train) & set(validation)
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("mine is repeated more than 4 times" in text for text in notices)


def test_the_village_writes_more_instead_of_repeating_itself(tmp_path: Path) -> None:
    mine = write_letters(tmp_path / "mine", 20)
    sources = ["village", str(mine)]
    size = sum(path.stat().st_size for path in mine.iterdir())
    build = build_corpus(
        tmp_path / "corpus", sources, characters=size, weights={"village": 3, str(mine): 1}
    )
    list(build)
    card = read_card(tmp_path / "corpus")
    assert card["sources"][0]["times"] == pytest.approx(1.5, abs=0.1)
    by_source = {"village": 0, "mine": 0}
    for document in read_text(tmp_path / "corpus"):
        by_source[document.metadata["source"]] += len(document.text)
    assert by_source["village"] == pytest.approx(1.5 * size, rel=0.1)


def test_weights_that_do_not_fit_are_refused_before_reading(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a weight for each source, village; got weights for x"):
        next(build_corpus(tmp_path / "corpus", weights={"x": 1.0}))
    with pytest.raises(UsageError, match="above 0, got -1"):
        check_weights({"village": -1}, ["village"])
    assert list(tmp_path.iterdir()) == []


def test_the_rate_of_a_source_is_met_on_average() -> None:
    documents = [Document(text=f"Letter {n}.", id=str(n)) for n in range(2_000)]
    for rate in (0.25, 1.0, 2.5):
        written = sum(times(document, rate, seed=1) for document in documents)
        assert written / len(documents) == pytest.approx(rate, abs=0.05)


def pages(count: int) -> list[Document]:
    return [
        Document(text=line["text"], id=str(n), metadata={"format": "html", "source": "x"})
        for n, line in zip(range(count), dirty_pages(seed=3))
    ]


def cleaned(workers: int, count: int = 150) -> tuple[list[Document], list[str]]:
    judged = scopes()
    reported: list[str] = []
    ledgers = [
        Ledger(name, rule, lambda rejection: reported.append(repr(rejection)), judges=judged[name])
        for name, rule, _ in STATELESS
    ]
    documents = list(clean_documents(iter(pages(count)), ledgers, workers=workers))
    return documents, [*reported, *(json.dumps(ledger.to_dict()) for ledger in ledgers)]


def test_two_processes_clean_pages_exactly_as_one_does() -> None:
    assert cleaned(2) == cleaned(1)


def test_the_books_of_a_chunk_can_travel_and_add_up() -> None:
    chunk = pages(40)
    done = clean_chunk(chunk, scopes())
    dropped = sum(sum(ledger.dropped.values()) for ledger in done.ledgers)
    assert len(done.rejections) == dropped == 40 - len(done.documents)


def test_each_pass_says_which_one_it_is(tmp_path: Path) -> None:
    mine = write_letters(tmp_path / "mine", 30)
    notes = [
        event.note
        for event in build_corpus(tmp_path / "corpus", [str(mine)])
        if isinstance(event, Progress)
    ]
    assert notes[0] == "pass 1 of 2: reading and cleaning"
    assert notes[-1] == "pass 2 of 2: writing, round 1"
