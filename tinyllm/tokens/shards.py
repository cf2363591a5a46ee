"""The corpus as numbers on disk, read through a memory map: a corpus larger than memory is fine.

    tokens-train.bin       the ids of all documents, one after another, uint16 (uint32 above
                           65,536 tokens); no special tokens in between
    documents-train.npy    int64, one more than there are documents: where each one begins

Document `i` here is document `i` of `read_text`, so its metadata can be found again.
"""

from __future__ import annotations

import os
import weakref
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tinyllm.corpus import Document, corpus_size, read_text
from tinyllm.events import Progress
from tinyllm.files import TinyLLMError
from tinyllm.tokens.tokenizer import Tokenizer

SPLITS = ("train", "validation")
CHUNK_CHARACTERS = 500_000
"""So much text is encoded at a time: enough for all cores, little enough for any memory."""


class TokenShards:
    """The token ids of one split, document by document, without reading the file into memory.

    `tokens` is a read-only memory map, `offsets` int64 of shape (documents + 1,). What is read all
    through a training is read from the `file`, where there is one: a page of a map that was touched
    once counts as memory of this process, so after some thousand documents all of the map would.
    """

    def __init__(
        self,
        tokens: npt.NDArray[np.unsignedinteger],
        offsets: npt.NDArray[np.int64],
        file: Path | None = None,
    ) -> None:
        self.tokens = tokens
        self.offsets = offsets
        self._file = None if file is None else file.open("rb", buffering=0)
        if self._file is not None:
            weakref.finalize(self, self._file.close)

    @classmethod
    def open(cls, folder: Path, split: str = "train") -> TokenShards:
        """Open what `encode_corpus` wrote; a missing or cut-off file is a `TinyLLMError`."""
        path, places = _paths(folder, split)
        try:
            offsets = np.load(places, allow_pickle=False)
            size = path.stat().st_size
        except (OSError, ValueError, EOFError) as error:
            raise TinyLLMError(
                f"The encoded corpus in {folder} cannot be read ({error}). "
                f"Delete {folder} and run `tinyllm train` again, which makes it anew."
            ) from error
        count = int(offsets[-1])
        if count == 0 or size not in (2 * count, 4 * count):
            raise TinyLLMError(
                f"{path} is damaged: expected {count} tokens of 2 or 4 bytes, got {size} bytes. "
                f"Delete {folder} and run `tinyllm train` again, which makes it anew."
            )
        dtype = np.dtype("<u2" if size == 2 * count else "<u4")
        return cls(np.memmap(path, dtype=dtype, mode="r"), offsets, path)

    def __len__(self) -> int:
        """How many documents there are."""
        return len(self.offsets) - 1

    def document(self, index: int) -> npt.NDArray[np.unsignedinteger]:
        """The ids of one document, without `<|endoftext|>`.

        >>> shards = TokenShards(np.array([7, 8, 9], np.uint16), np.array([0, 2, 3]))
        >>> [shards.document(i).tolist() for i in range(len(shards))]
        [[7, 8], [9]]
        """
        if not 0 <= index < len(self):
            raise IndexError(f"expected a document from 0 to {len(self) - 1}, got {index}")
        first, last = self.offsets[index : index + 2].tolist()
        return self.read(first, last)

    def read(self, first: int, last: int) -> npt.NDArray[np.unsignedinteger]:
        """The ids from number `first` up to, but not including, `last`, across documents.

        >>> TokenShards(np.array([7, 8, 9], np.uint16), np.array([0, 2, 3])).read(1, 3).tolist()
        [8, 9]
        """
        if self._file is None:
            return self.tokens[first:last]
        size = self.tokens.itemsize
        self._file.seek(first * size)
        return np.frombuffer(self._file.read((last - first) * size), dtype=self.tokens.dtype)


def encode_corpus(tokenizer: Tokenizer, corpus: Path, folder: Path) -> Iterator[Progress]:
    """Encode both splits of a corpus into `folder`; yields how many characters are done.

    Each file appears under its name when it is complete.

    >>> import tempfile
    >>> from tinyllm.corpus import build_corpus
    >>> home = Path(tempfile.mkdtemp())
    >>> _ = list(build_corpus(home / "corpus", characters=30_000, validation_documents=9))
    >>> _ = list(encode_corpus(Tokenizer.from_merges([]), home / "corpus", home))
    >>> shards = TokenShards.open(home, "validation")
    >>> len(shards), int(shards.offsets[-1]) == len(shards.tokens)
    (9, True)
    """
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(corpus_size(corpus, split) for split in SPLITS)
    done = 0
    for split in SPLITS:
        path, places = _paths(folder, split)
        offsets = array("q", [0])
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            with temporary.open("wb") as file:
                for documents in _chunks(read_text(corpus, split)):
                    texts = [document.text for document in documents]
                    for ids in tokenizer.encode_batch(texts):
                        file.write(np.array(ids, dtype=_dtype(tokenizer.vocab_size)).tobytes())
                        offsets.append(offsets[-1] + len(ids))
                    done += sum(map(len, texts))
                    yield Progress(
                        stage="tokenizer",
                        done=done,
                        total=total,
                        unit="characters",
                        note="encoding",
                    )
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            raise TinyLLMError(
                f"Could not write {path}: {error.strerror or error}. Free some space or choose "
                "another home with TINYLLM_HOME, then run the same command again."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        np.save(places, np.frombuffer(offsets, dtype=np.int64))


def _dtype(vocab_size: int) -> np.dtype[np.unsignedinteger]:
    return np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")


def _paths(folder: Path, split: str) -> tuple[Path, Path]:
    if split not in SPLITS:
        raise ValueError(f"expected the split 'train' or 'validation', got {split!r}")
    return Path(folder) / f"tokens-{split}.bin", Path(folder) / f"documents-{split}.npy"


def _chunks(documents: Iterator[Document]) -> Iterator[list[Document]]:
    """Documents in groups of about `CHUNK_CHARACTERS`."""
    chunk: list[Document] = []
    size = 0
    for document in documents:
        chunk.append(document)
        size += len(document.text)
        if size >= CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
