"""Dirty pages: the labels are the truth about the page."""

from itertools import islice
from typing import Any

import pytest

from tinyllm.corpus import Document, Ledger
from tinyllm.corpus.pipeline import STEPS, scopes
from tinyllm.village import lines
from tinyllm.village.dirt import dirty_pages
from tinyllm.village.dirt_held_out import HELD_OUT

PAGES = list(islice(dirty_pages(seed=5), 700))


def labels(group: str) -> list[dict[str, Any]]:
    return [page["labels"] for page in PAGES if page["labels"]["group"] == group]


def test_the_same_seed_writes_the_same_pages_and_another_seed_others() -> None:
    assert list(islice(dirty_pages(seed=5), 20)) == PAGES[:20]
    assert next(dirty_pages(seed=6))["text"] != PAGES[0]["text"]
    first = next(lines(seed=5, kind="dirty-page"))
    assert first == PAGES[0]
    assert (first["kind"], first["bits"]) == ("dirty-page", None)


def test_personal_data_stands_where_the_label_says() -> None:
    found = [(page, one) for page in labels("personal data") for one in page["personal"]]
    assert len(found) > 30
    for page, one in found:
        assert page["text"][one["start"] : one["end"]] == one["value"]


def test_a_copy_names_an_earlier_page_that_stays() -> None:
    by_number = {page["labels"]["page"]: page for page in PAGES}
    for group in ("exact copy", "near copy"):
        assert len(labels(group)) > 10
        for copy in labels(group):
            original = by_number[copy["copy_of"]]["labels"]
            assert copy["copy_of"] < copy["page"]
            assert original["keep"]
            assert (copy["text"] == original["text"]) == (group == "exact copy")
    same = [copy for copy in labels("exact copy") if copy["kind"] == "exact copy"]
    assert all(
        by_number[copy["page"]]["text"] == by_number[copy["copy_of"]]["text"] for copy in same
    )


def test_every_phrase_of_furniture_stands_on_the_page_and_not_in_its_text() -> None:
    for page in PAGES:
        if page["labels"]["group"] == "mojibake":
            continue
        for _, phrases in page["labels"]["furniture"]:
            assert all(phrase in page["text"] for phrase in phrases)
            assert not any(phrase in page["labels"]["text"] for phrase in phrases)


def test_about_a_third_of_the_kinds_is_held_out() -> None:
    kinds = {kind for page in PAGES for kind in (page["labels"]["kind"], *page["labels"]["dirt"])}
    assert kinds >= HELD_OUT
    assert 0.3 <= len(HELD_OUT) / len(kinds) <= 0.5


@pytest.fixture(scope="module", name="kept")
def kept_() -> dict[int, str]:
    judged = scopes()
    documents = iter(
        [
            Document(text=page["text"], id=str(page["labels"]["page"]), metadata={"format": "html"})
            for page in PAGES
        ]
    )
    for name, rule, step in STEPS:
        documents = step(documents, Ledger(name, rule, judges=judged[name]))
    return {int(document.id): document.text for document in documents}


@pytest.mark.parametrize(
    ("group", "least"),
    [
        ("spam", 0.98),
        ("link farm", 0.98),
        ("foreign text", 0.98),
        ("exact copy", 0.98),
        ("near copy", 0.90),
        ("empty", 0.90),
        ("noise", 0.90),
        ("machine output", 0.90),
    ],
)
def test_bad_pages_go(kept: dict[int, str], group: str, least: float) -> None:
    pages = labels(group)
    assert sum(page["page"] not in kept for page in pages) >= least * len(pages) > 0


@pytest.mark.parametrize("group", ["good", "mojibake", "personal data"])
def test_good_pages_stay_with_all_their_lines(kept: dict[int, str], group: str) -> None:
    pages = labels(group)
    staying = [page for page in pages if page["page"] in kept]
    assert len(staying) >= 0.95 * len(pages)
    for page in staying:
        if not page["personal"]:
            missing = [ln for ln in page["text"].split("\n") if ln not in kept[page["page"]]]
            assert missing == []


def test_boilerplate_and_personal_data_do_not_come_through(kept: dict[int, str]) -> None:
    gone = [
        phrase not in kept[page["labels"]["page"]]
        for page in PAGES
        if page["labels"]["page"] in kept
        for _, phrases in page["labels"]["furniture"]
        for phrase in phrases
    ]
    assert sum(gone) >= 0.98 * len(gone)
    for page in labels("personal data"):
        text = kept.get(page["page"], "")
        assert not any(one["value"] in text for one in page["personal"])
