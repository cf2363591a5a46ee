"""Reading a data set of Hugging Face as a stream: rows come as they are needed, nothing is stored.

Also reads a folder of .json, .jsonl, .csv or .parquet files, as the `datasets` library does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from tinyllm.corpus.cutting import cut_document
from tinyllm.corpus.document import Document, Ledger
from tinyllm.corpus.sources import LICENCES
from tinyllm.files import TinyLLMError

HUB_CHARACTERS = 60_000_000
"""So much of a data set is read: as much as the village writes for half an hour of training."""
MISSING = (
    "Text from Hugging Face needs the `datasets` library, which is not installed. In a clone: "
    '`make setup EXTRAS=hub`; elsewhere: `pip install "tinyllm[hub]"`. Then the same command again.'
)
USUAL_COLUMNS = ("text", "content", "story", "document", "article", "body")

HUB_RULE = (
    "Rows of a data set of Hugging Face in their order, its training part, up to "
    f"{HUB_CHARACTERS // 1_000_000} million characters."
)


def read_hub(at: str, ledger: Ledger, *, name: str) -> Iterator[Document]:
    """The texts of a data set; `at` is NAME, NAME:CONFIG or either with #COLUMN behind.

    A data set that cannot be opened, or whose text column is not clear, is a `TinyLLMError`.
    """
    dataset, config, asked = parse_dataset(at)
    rows, licence = _open(dataset, config)
    metadata = {"source": name, "licence": licence or LICENCES["huggingface"], "format": "text"}
    left, number, column = HUB_CHARACTERS, 0, ""
    while True:
        empty = Document(text="", id=f"{name}/{number}", metadata=metadata)
        try:
            row = next(rows, None)
        except Exception:  # of the network, of the disk, of every file format that there is
            ledger.drop(empty, "the rest of a data set that could not be read on")
            break
        if row is None:
            break
        if left <= 0:
            ledger.drop(empty, "the rest of a data set beyond the characters that are read")
            break
        column = column or _text_column(row, asked, at)
        text = row.get(column)
        number += 1
        if not isinstance(text, str):
            ledger.drop(empty, "a row without text")
            continue
        left -= len(text)
        ledger.advance(len(text))
        yield from map(ledger.keep, cut_document(iter(text.splitlines(keepends=True)), empty))
    ledger.advance(max(left, 0))


def parse_dataset(at: str) -> tuple[str, str | None, str | None]:
    """Name, configuration and text column.

    >>> parse_dataset("wikimedia/wikipedia:20231101.simple#text")
    ('wikimedia/wikipedia', '20231101.simple', 'text')
    >>> parse_dataset("roneneldan/TinyStories")
    ('roneneldan/TinyStories', None, None)
    """
    rest, _, column = at.partition("#")
    if os.path.exists(rest):  # a path of Windows has a colon too
        return rest, None, column or None
    name, _, config = rest.partition(":")
    return name, config or None, column or None


def _open(name: str, config: str | None) -> tuple[Iterator[Mapping[str, Any]], str]:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from datasets import load_dataset
    except ImportError:
        raise TinyLLMError(MISSING) from None
    try:
        parts = load_dataset(name, config, streaming=True)
        part = parts["train"] if "train" in parts else next(iter(parts.values()))
        return iter(part), str(part.info.license or "")
    except Exception as error:  # the library has no one error for what cannot be opened
        reason = str(error).strip().partition("\n")[0]
        raise TinyLLMError(
            f"The data set {name} cannot be opened: {reason or type(error).__name__}. "
            "Check its name on huggingface.co/datasets, and the network; hf:NAME:CONFIG names a "
            "configuration."
        ) from error


def _text_column(row: Mapping[str, Any], asked: str | None, at: str) -> str:
    """The column with the text: one with a usual name, else the only one that holds text."""
    texts = [column for column, value in row.items() if isinstance(value, str)]
    usual = [column for column in USUAL_COLUMNS if column in row]
    if asked in row or (asked is None and (usual or len(texts) == 1)):
        return asked or (usual or texts)[0]
    name = at.partition("#")[0]
    wrong = f"has no column {asked!r}" if asked else "does not say which column is its text"
    raise TinyLLMError(
        f"The data set {name} {wrong}; its columns: {', '.join(row)}. "
        f"Name one: --from hf:{name}#{next(iter(texts or row), 'COLUMN')}"
    )
