"""Data sets of Hugging Face as a source, tried on files of this machine alone."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tinyllm.corpus import Ledger, build_corpus, parse_source, read_card, read_source, reading_hub
from tinyllm.corpus.reading import expected_size
from tinyllm.files import TinyLLMError

STORY = "Mina lost her red kite and Tom found it."


def write(folder: Path, rows: list[dict[str, Any]]) -> str:
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "train.jsonl").write_text(text, encoding="utf-8")
    return f"hf:{folder}"


def texts(name: str, ledger: Ledger | None = None) -> list[str]:
    return [d.text for d in read_source(parse_source(name), ledger or Ledger("read", ""))]


def test_the_rows_of_a_data_set_come_in_their_order(tmp_path: Path) -> None:
    name = write(tmp_path / "set", [{"id": f"n{n}", "text": f"{n} {STORY}"} for n in range(3)])
    source, ledger = parse_source(name), Ledger("read", "")
    documents = list(read_source(source, ledger))
    assert [d.text for d in documents] == [f"{n} {STORY}" for n in range(3)]
    assert documents[0].metadata["source"] == name
    assert documents[0].metadata["format"] == "text"
    assert documents[0].metadata["licence"]
    assert ledger.done == expected_size(source)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"title": "Kites", "story": STORY}, ""),
        ({"number": 1, "words": STORY}, ""),
        ({"title": "Kites", "words": STORY}, "#words"),
        ({"text": "Kites", "words": STORY}, "#words"),
    ],
)
def test_the_text_column_is_found_or_asked_for(
    tmp_path: Path, row: dict[str, Any], column: str
) -> None:
    assert texts(write(tmp_path / "set", [row]) + column) == [STORY]


@pytest.mark.parametrize("column", ["", "#missing"])
def test_an_unclear_text_column_names_the_columns(tmp_path: Path, column: str) -> None:
    name = write(tmp_path / "set", [{"title": "Kites", "words": STORY}])
    with pytest.raises(
        TinyLLMError, match=r"its columns: title, words\. Name one: --from hf:.*#title"
    ):
        texts(name + column)


def test_a_row_without_text_is_dropped(tmp_path: Path) -> None:
    ledger = Ledger("read", "")
    assert texts(write(tmp_path / "set", [{"text": STORY}, {"text": None}]), ledger) == [STORY]
    assert dict(ledger.dropped) == {"a row without text": 1}


def test_a_data_set_that_goes_bad_in_the_middle_keeps_what_came(tmp_path: Path) -> None:
    name = write(tmp_path / "set", [{"text": STORY}])
    (tmp_path / "set" / "train-2.jsonl").write_bytes(b'{"text": \xff')
    ledger = Ledger("read", "")
    assert STORY in texts(name, ledger) or ledger.dropped
    assert "the rest of a data set that could not be read on" in ledger.dropped


def test_so_many_characters_are_read_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_hub, "HUB_CHARACTERS", 100)
    ledger = Ledger("read", "")
    name = write(tmp_path / "set", [{"text": f"{n} {STORY}"} for n in range(99)])
    assert len(texts(name, ledger)) == 3
    assert dict(ledger.dropped) == {"the rest of a data set beyond the characters that are read": 1}


def test_a_data_set_that_does_not_exist_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TinyLLMError, match=r"The data set no/such-set cannot be opened: .*network"):
        texts("hf:no/such-set")


def test_without_the_library_a_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(TinyLLMError, match=r"make setup EXTRAS=hub.*tinyllm\[hub\]"):
        texts(write(tmp_path / "set", [{"text": STORY}]))


def test_several_sources_stand_beside_each_other(tmp_path: Path) -> None:
    rows = [{"text": f"Row {n}: " + f"{n} {STORY} " * 20} for n in range(30)]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text(STORY)
    sources = ["village", str(tmp_path / "mine"), write(tmp_path / "set", rows)]
    list(build_corpus(tmp_path / "corpus", sources, characters=5_000, validation_documents=5))
    card = read_card(tmp_path / "corpus")
    assert [source["documents"] for source in card["sources"]][1:] == [1, 30]
    assert "Hugging Face" in card["sources"][2]["licence"]
    assert "Rows of a data set" in card["steps"][1]["rule"]
