"""Which documents share a row: the longest first, each into the fullest row that it still fits.

An epoch is packed a *window* at a time: its documents are shuffled, and so many of them as are in a
window are packed and read before the next are looked at. Memory is then that of a window, however
large the text is; what is kept of all of it are eight bytes a document, a few times over. A window
is large enough that packing leaves as little empty as with all documents at once.

How many rows a window fills can be told from its documents' lengths, without packing it; so a
training that is resumed goes past what it has read in a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Row = TypeVar("Row")

WINDOW = 65_536
"""Documents that are packed at a time: of the village about 19 MB of text, packed in a third of a
second."""


def best_fit(sizes: Sequence[int], capacity: int, order: Sequence[int]) -> list[list[int]]:
    """Put items into as few rows of `capacity` as a greedy rule can; gives item numbers by row.

    Items are taken from the largest to the smallest, equal ones as they come in `order`, which may
    be of some of the items; and each goes where it leaves the least room.

    >>> best_fit([5, 3, 7, 5], 10, order=range(4))
    [[2, 1], [0, 3]]
    """
    rows: list[list[int]] = []
    open_rows: list[list[int]] = [[] for _ in range(capacity + 1)]  # by the room that is left
    rooms = 0  # bit r is set when some row has room r
    for item in sorted(order, key=lambda item: -sizes[item]):
        size = sizes[item]
        _check(size, capacity)
        fitting = rooms >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1  # the least that suffices
            row = open_rows[room].pop()
            if not open_rows[room]:
                rooms &= ~(1 << room)
            rows[row].append(item)
        else:
            room, row = capacity, len(rows)
            rows.append([item])
        if room > size:
            open_rows[room - size].append(row)
            rooms |= 1 << (room - size)
    return rows


def count_best_fit(sizes: NDArray[np.int64], capacity: int) -> int:
    """How many rows `best_fit` makes of items of `sizes`, from 1 to `capacity`.

    Items of one size are as good as each other, so they are placed together: the row with the least
    room that suffices takes as many as fit, for after each of them it is still that row.

    >>> count_best_fit(np.array([5, 3, 7, 5]), 10)
    2
    """
    rows = 0
    by_room = [0] * (capacity + 1)  # how many rows have so much room left
    distinct, counts = np.unique(sizes, return_counts=True)
    for size, items in reversed(list(zip(distinct.tolist(), counts.tolist(), strict=True))):
        _check(size, capacity)
        while items:
            room = next((r for r in range(size, capacity + 1) if by_room[r]), capacity)
            if not by_room[room]:
                by_room[room] = -(-items // (room // size))
                rows += by_room[room]
            each = min(room // size, items)
            filled = min(items // each, by_room[room])
            by_room[room] -= filled
            by_room[room - each * size] += filled
            items -= filled * each
    return rows


class Piece(NamedTuple):
    """`length` tokens of a document that is written <|endoftext|> text <|endoftext|>."""

    document: int
    start: int
    length: int


def pack_documents(
    lengths: Sequence[int], context: int, generator: np.random.Generator
) -> list[list[Piece]]:
    """Rows of pieces: every document once, whole unless it is longer than a row.

    `lengths` are in tokens, <|endoftext|> not counted.

    >>> for row in pack_documents([12, 2, 2], 8, np.random.default_rng(0)):
    ...     print(*row)
    Piece(document=0, start=0, length=8)
    Piece(document=0, start=8, length=5)
    Piece(document=2, start=0, length=3) Piece(document=1, start=0, length=3)
    """
    order = generator.permutation(len(lengths))
    return pack_window(order, np.asarray(lengths, dtype=np.int64)[order] + 1, context)


def pack_window(
    documents: NDArray[np.int64], sizes: NDArray[np.int64], context: int
) -> list[list[Piece]]:
    """Rows of pieces of the documents with these numbers, which have `sizes` with their ends.

    Those that fit no row are chained and cut where rows end.

    >>> pack_window(np.array([7]), np.array([3]), 8)
    [[Piece(document=7, start=0, length=3)]]
    """
    numbers, lengths = documents.tolist(), sizes.tolist()
    rows: list[list[Piece]] = []
    room = 0
    for document, size in zip(numbers, lengths, strict=True):
        start = 0
        while size > context and start < size:
            if not room:
                rows.append([])
                room = context
            length = min(room, size - start)
            rows[-1].append(Piece(document, start, length))
            start += length
            room -= length
    short = [place for place, size in enumerate(lengths) if size <= context]
    packed = best_fit(lengths, context, short)
    return rows + [[Piece(numbers[i], 0, lengths[i]) for i in row] for row in packed]


def count_rows(sizes: NDArray[np.int64], context: int) -> int:
    """How many rows `pack_window` makes of documents of `sizes`.

    >>> count_rows(np.array([13, 3, 3]), 8)
    3
    """
    long = int(sizes[sizes > context].sum())
    return -(-long // context) + count_best_fit(sizes[sizes <= context], context)


def shuffled_rows(
    items: int,
    pack: Callable[[NDArray[np.int64]], list[Row]],
    rows_of: Callable[[NDArray[np.int64]], int],
    *,
    seed: int,
    skip: int = 0,
    window: int = WINDOW,
) -> Iterator[Row]:
    """Endless rows in a shuffled order, from row number `skip` on; each epoch is shuffled anew.

    `pack` makes the rows of the `items` with the numbers that it is given, `rows_of` says how many
    there would be.

    >>> rows = shuffled_rows(4, lambda numbers: numbers.tolist(), len, seed=0, window=2)
    >>> [next(rows) for _ in range(8)]
    [0, 2, 1, 3, 0, 3, 1, 2]
    """
    for epoch in count():
        generator = np.random.default_rng([seed, epoch])
        order = generator.permutation(items)
        for first in range(0, items, window):
            numbers = order[first : first + window]
            if skip and skip >= (rows := rows_of(numbers)):
                generator.permutation(rows)  # what comes after is drawn as if they had been read
                skip -= rows
                continue
            packed = pack(numbers)
            for row in generator.permutation(len(packed))[skip:].tolist():
                yield packed[row]
            skip = 0


def _check(size: int, capacity: int) -> None:
    if not 0 < size <= capacity:
        raise ValueError(f"expected items of size 1 to {capacity}, got {size}; split it")
