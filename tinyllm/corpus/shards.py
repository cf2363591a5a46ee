"""The text on disk: one JSON line a document, in shards of bounded size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from tinyllm.corpus.document import Document
from tinyllm.files import TinyLLMError, sha256

SHARD_BYTES = 64_000_000
SPLITS = ("train", "validation")


class TextWriter:
    """Writes documents to text/train-00000.jsonl, text/train-00001.jsonl, ...; or, for the
    validation split, to the one file text/validation.jsonl; and counts them."""

    def __init__(self, folder: Path, split: str) -> None:
        self.documents = self.characters = self.bytes = 0
        self.bits: float | None = 0.0
        self.paths: list[Path] = []
        self._folder = folder / "text"
        self._split = split
        self._file: TextIO | None = None
        self._written = 0

    def write(self, document: Document) -> None:
        """Append a document."""
        if self._file is None or (self._split == "train" and self._written > SHARD_BYTES):
            self._file = self._next_file()
        line = document.to_json() + "\n"
        size = len(document.text.encode("utf-8"))
        self._file.write(line)
        self._written += size
        self.documents += 1
        self.characters += len(document.text)
        self.bytes += size
        bits = document.metadata.get("bits")
        self.bits = None if bits is None or self.bits is None else self.bits + bits

    def close(self) -> None:
        """Close the last file."""
        if self._file is not None:
            self._file.close()

    def tally(self) -> dict[str, Any]:
        """What the card says of this split; the floor is known only where all bits are."""
        values: dict[str, Any] = {
            "documents": self.documents,
            "characters": self.characters,
            "bytes": self.bytes,
            "files": {path.name: sha256(path) for path in self.paths},
        }
        if self.bits is not None and self.bytes:
            values["floor_bits_per_byte"] = self.bits / self.bytes
        return values

    def _next_file(self) -> TextIO:
        self.close()
        number = f"-{len(self.paths):05d}" if self._split == "train" else ""
        path = self._folder / f"{self._split}{number}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.paths.append(path)
        self._written = 0
        return path.open("w", encoding="utf-8", newline="\n")


def read_text(folder: Path, split: str = "train") -> Iterator[Document]:
    """The documents of a corpus in their order; `split` is "train" or "validation".

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> writer = TextWriter(folder, "validation")
    >>> writer.write(Document(text="Good day.", id="a"))
    >>> writer.close()
    >>> [document.text for document in read_text(folder, "validation")]
    ['Good day.']
    """
    if split not in SPLITS:
        raise ValueError(f"expected the split 'train' or 'validation', got {split!r}")
    paths = sorted((Path(folder) / "text").glob(f"{split}*.jsonl"))
    if not paths:
        raise TinyLLMError(
            f"{folder} holds no {split} text. Run `tinyllm train --until corpus` first."
        )
    for path in paths:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield Document.from_json(line)
                except (ValueError, TypeError) as error:
                    raise TinyLLMError(
                        f"{path}, line {number}, is damaged ({error}). "
                        f"Delete {folder} and run `tinyllm train` again, which makes it anew."
                    ) from error


def read_card(folder: Path) -> dict[str, Any]:
    """The dataset card of a corpus, as `card.json` holds it."""
    path = Path(folder) / "card.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TinyLLMError(
            f"{path} cannot be read ({error}). Run `tinyllm train --until corpus` first."
        ) from error
    return card


def corpus_size(folder: Path, split: str = "train") -> int:
    """How many characters of text a split has."""
    size: int = read_card(folder)["splits"][split]["characters"]
    return size
