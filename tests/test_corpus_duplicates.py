"""Near copies: how much alike, which one stays, and an index that outgrows its cache."""

from __future__ import annotations

import random
from contextlib import closing

import pytest

from tinyllm.corpus import Document, Ledger
from tinyllm.corpus.duplicates import NearDuplicates, drop_near_copies, sign, temporary_database

WORDS = [f"word{number}" for number in range(500)]


def words(seed: int, count: int = 200) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def near_copies(*texts: str) -> tuple[list[str], Ledger]:
    ledger = Ledger("near copies", "")
    documents = (Document(text=text, id=str(n)) for n, text in enumerate(texts))
    return [document.id for document in drop_near_copies(documents, ledger)], ledger


def jaccard(one: list[str], other: list[str]) -> float:
    first, second = (
        {tuple(text[i : i + 5]) for i in range(len(text) - 4)} for text in (one, other)
    )
    return len(first & second) / len(first | second)


def test_the_signature_estimates_the_jaccard_similarity() -> None:
    for changed in (4, 12, 25):
        one = words(changed, 600)
        other = list(one)
        for place in range(0, changed * 20, 20):
            other[place] = "hat"
        pair = [sign(" ".join(text)) for text in (one, other)]
        assert pair[0] is not None
        assert float((pair[0] == pair[1]).mean()) == pytest.approx(jaccard(one, other), abs=0.15)


def test_near_copies_go_and_half_alike_documents_stay() -> None:
    story = words(1)
    cut, half = story[:-12], story[:100] + words(2, 100)
    kept, ledger = near_copies(*(" ".join(text) for text in (story, cut, half, words(3))))
    assert kept == ["0", "2", "3"]
    assert ledger.dropped == {"a near copy of an earlier document": 1}
    assert sum(ledger.notes["estimated Jaccard of near copies"].values()) == 1


def test_texts_without_a_run_of_five_words_are_copies_of_none() -> None:
    assert near_copies("Honk honk.", "Honk honk.")[0] == ["0", "1"]
    assert sign("One two three four") is None
    assert NearDuplicates().bands * NearDuplicates().rows == 112


def test_an_index_that_has_outgrown_its_cache_finds_what_one_in_memory_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [" ".join(words(seed, 60)) for seed in range(400)]
    texts += [text.rsplit(" ", seed % 20)[0] for seed, text in enumerate(texts)]
    in_memory, _ = near_copies(*texts)
    assert 400 < len(in_memory) < len(texts)
    monkeypatch.setattr("tinyllm.corpus.duplicates.CACHE_KILOBYTES", 16)
    assert near_copies(*texts)[0] == in_memory


def test_all_rows_of_a_temporary_database_are_one_transaction() -> None:
    # With a transaction for each row the search for copies is quadratic: SQLite goes through its
    # whole cache at the end of each.
    with closing(temporary_database()) as database:
        database.execute("CREATE TABLE row (number INTEGER)")
        database.execute("INSERT INTO row VALUES (1)")
        assert database.in_transaction
