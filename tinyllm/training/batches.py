"""Batches: whole texts packed into rows, so that little is computed for nothing.

A row holds `context` tokens and, for each, the token to be guessed next. Documents stand in it one
after the other, each behind an <|endoftext|>:

    ids      <|endoftext|> The  kite  hung  <|endoftext|> Bees  hum            <|endoftext|>
    targets  The           kite hung  <|endoftext|> Bees  hum   <|endoftext|>  -100

A row begins where a document begins, so that a model reads a text as it will write one: from its
start. Which documents share a row is drawn anew every epoch (`packing`); what stays empty is
padded, and -100 gives no loss. Documents longer than a row are chained and cut where rows end; such
a row begins where the one before it was cut. Measured, 0.7% of the places stay empty with the
village's documents (60 tokens in the mean), and less with documents of 1,100 tokens.

A stream of batches is a function of the seed and of the number of its first batch; so a resumed
training reads on exactly where it stopped.

Shapes: B rows, T time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tinyllm.files import TinyLLMError
from tinyllm.tokens import TokenShards
from tinyllm.training.packing import (
    best_fit,
    count_best_fit,
    count_rows,
    pack_window,
    shuffled_rows,
)

IGNORED = -100
"""The target of a place that gives no loss, as in PyTorch's cross-entropy."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows to learn from: `ids` (B,T) int64, and the `targets` (B,T) int64 to be guessed at each
    place; a target of -100 gives no loss. `documents` (B,T) numbers the texts of a row, which do
    not see each other; None: each row is one text.

    >>> Batch(ids=torch.zeros(2, 8, dtype=torch.int64), targets=torch.zeros(2, 8)).tokens
    16
    """

    ids: Tensor
    targets: Tensor
    documents: Tensor | None = None

    @property
    def tokens(self) -> int:
        """How many tokens are read."""
        return self.ids.numel()

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        return Batch(
            ids=self.ids.to(device),
            targets=self.targets.to(device),
            documents=None if self.documents is None else self.documents.to(device),
        )


def packed(ids: NDArray[np.int64], targets: NDArray[np.int64], separator: int) -> Batch:
    """A batch whose rows hold several texts, each of which begins with `separator`.

    >>> packed(np.array([[0, 7, 0, 8]]), np.array([[7, 0, 8, 0]]), 0).documents
    tensor([[1, 1, 2, 2]])
    """
    tokens = torch.from_numpy(ids)
    return Batch(
        ids=tokens, targets=torch.from_numpy(targets), documents=(tokens == separator).cumsum(1)
    )


def join(first: Batch, second: Batch) -> Batch:
    """The rows of both, one batch."""
    documents = [
        torch.zeros_like(one.ids) if one.documents is None else one.documents
        for one in (first, second)
    ]
    return Batch(
        ids=torch.cat((first.ids, second.ids)),
        targets=torch.cat((first.targets, second.targets)),
        documents=torch.cat(documents),
    )


class Documents(Protocol):
    """What is packed: `TokenShards`, or anything of the sort."""

    def __len__(self) -> int:
        """How many documents."""
        ...

    def document(self, number: int, /) -> Sequence[int] | NDArray[np.integer]:
        """The tokens of one, without <|endoftext|>."""
        ...


def lengths_of(documents: Documents) -> NDArray[np.int64]:
    """The tokens of each document, <|endoftext|> not counted.

    >>> lengths_of(TokenShards(np.array([7, 8, 9], np.uint16), np.array([0, 2, 3]))).tolist()
    [2, 1]
    """
    if isinstance(documents, TokenShards):
        return np.diff(documents.offsets)
    if isinstance(documents, Part):
        return lengths_of(documents.documents)[documents.first : documents.last]
    return np.array([len(documents.document(i)) for i in range(len(documents))], dtype=np.int64)


def packed_batches(
    documents: Documents, *, rows: int, context: int, separator: int, seed: int, start: int = 0
) -> Iterator[Batch]:
    """Endless batches of `rows` rows, from batch number `start` on; each epoch is shuffled anew.

    `separator` is the number of <|endoftext|>.

    >>> class Two:
    ...     def __len__(self): return 2
    ...     def document(self, number): return [[7, 8, 9], [5]][number]
    >>> batch = next(packed_batches(Two(), rows=1, context=8, separator=0, seed=0))
    >>> batch.ids.tolist(), batch.targets.tolist()
    ([[0, 7, 8, 9, 0, 5, 0, 0]], [[7, 8, 9, 0, 5, 0, -100, -100]])
    """
    if not len(documents):
        raise TinyLLMError("There is no document to learn from. Give more text.")
    lengths = lengths_of(documents)
    pieces = shuffled_rows(
        len(documents),
        lambda numbers: pack_window(numbers, lengths[numbers] + 1, context),
        lambda numbers: count_rows(lengths[numbers] + 1, context),
        seed=seed,
        skip=start * rows,
    )
    while True:
        ids = np.full((rows, context), separator, dtype=np.int64)
        targets = np.full((rows, context), IGNORED, dtype=np.int64)
        for b, row in enumerate(islice(pieces, rows)):
            t = 0
            for number, first, length in row:
                text = np.asarray(documents.document(number), dtype=np.int64)
                written = np.concatenate(([separator], text, [separator]))
                ids[b, t : t + length] = written[first : first + length]
                targets[b, t : t + length] = written[first + 1 : first + length + 1]
                t += length
        yield packed(ids, targets, separator)


@dataclass(frozen=True)
class Part:
    """The documents from number `first` up to but not including `last`.

    >>> class Three:
    ...     def __len__(self): return 3
    ...     def document(self, number): return [[7], [8], [9]][number]
    >>> len(Part(Three(), 1, 3)), Part(Three(), 1, 3).document(0)
    (2, [8])
    """

    documents: Documents
    first: int
    last: int

    def __len__(self) -> int:
        """How many."""
        return self.last - self.first

    def document(self, number: int, /) -> Sequence[int] | NDArray[np.integer]:
        """The tokens of one of them."""
        return self.documents.document(self.first + number)


def in_turn(
    first: Callable[[int], Iterator[Batch]],
    steps: int,
    then: Callable[[int], Iterator[Batch]],
    start: int = 0,
) -> Iterator[Batch]:
    """`steps` batches of the one stream, then the other, from batch number `start` on.

    A stream is a function of the number of the batch it begins with.

    >>> from itertools import count, islice
    >>> list(islice(in_turn(count, 3, lambda start: count(start + 100), start=1), 4))
    [1, 2, 100, 101]
    """
    if start < steps:
        yield from islice(first(start), steps - start)
    yield from then(max(0, start - steps))


@dataclass(frozen=True, kw_only=True)
class Example:
    """A dialogue in tokens; the answer, <|end|> included, is what follows the first `prompt`."""

    ids: tuple[int, ...]
    prompt: int


def example_batches(
    examples: Sequence[Example],
    *,
    rows: int,
    context: int,
    separator: int,
    seed: int,
    start: int = 0,
) -> Iterator[Batch]:
    """Endless batches of dialogues; only the tokens of answers are targets.

    A row begins with a dialogue as a chat begins, with <|user|>; those behind it follow an
    <|endoftext|>, which the model knows as the end of what it has to remember.

    >>> hello = Example(ids=(2, 70, 4, 3, 80, 4), prompt=4)
    >>> batch = next(example_batches([hello], rows=1, context=8, separator=0, seed=0))
    >>> batch.ids.tolist(), batch.targets.tolist()
    ([[2, 70, 4, 3, 80, 0, 0, 0]], [[-100, -100, -100, 80, 4, -100, -100, -100]])
    """
    if not examples:
        raise TinyLLMError("There is no example to learn from. Give questions with their answers.")
    sizes = [len(example.ids) + 1 for example in examples]  # with the separator before it
    room = context + 2  # the first of a row has no separator, the last token is only a target
    items = shuffled_rows(
        len(examples),
        lambda numbers: best_fit(sizes, room, numbers.tolist()),
        lambda numbers: count_best_fit(np.array(sizes)[numbers], room),
        seed=seed,
        skip=start * rows,
    )
    while True:
        ids = np.full((rows, context), separator, dtype=np.int64)
        targets = np.full((rows, context), IGNORED, dtype=np.int64)
        for b, row in enumerate(islice(items, rows)):
            written: list[int] = []
            wanted: list[int] = []
            for item in row:
                example = examples[item]
                lead = [separator] if written else []
                written += [*lead, *example.ids]
                masked = len(lead) + example.prompt
                wanted += [IGNORED] * masked + list(example.ids[example.prompt :])
            ids[b, : len(written) - 1] = written[:-1]
            targets[b, : len(wanted) - 1] = wanted[1:]
        yield packed(ids, targets, separator)
