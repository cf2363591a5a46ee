"""The loss on text that training has not seen, in units that can be compared, beside its rulers.

Nats a token depend on the tokenizer: larger tokens are harder to guess and there are fewer of them.
Bits per byte do not, so two models with different tokenizers, or a model and the entropy of the
language itself, can stand side by side: total nats / ln 2 / bytes of UTF-8 text.

Each document is read alone, from <|endoftext|> to the <|endoftext|> that ends it; this last token
is predicted too, for where a text ends is part of what it says. It adds bits and no bytes, both in
the model's figure and in the floor's.

Shapes: B rows, T time, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from tinyllm.events import Progress
from tinyllm.model import Transformer

if TYPE_CHECKING:
    from tinyllm.corpus import Document
    from tinyllm.tokens import Tokenizer

BATCH_TOKENS = 8_192


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """What documents cost a model: `nats` in all, over `tokens` predicted tokens and `bytes`.

    `floor_bits` are the bits that the language itself spent on the same documents, or None; `each`
    are the nats and bytes of every document, in the order in which they were given.

    >>> held_out = HeldOut(nats=70.0, tokens=100, bytes=300, documents=2, floor_bits=80.0)
    >>> round(held_out.loss, 3), round(held_out.bits_per_byte, 3)
    (0.7, 0.337)
    >>> round(held_out.floor_bits_per_byte, 3), round(held_out.floor_loss, 3)
    (0.267, 0.555)
    """

    nats: float
    tokens: int
    bytes: int
    documents: int
    floor_bits: float | None = None
    each: tuple[tuple[float, int], ...] = ()

    @property
    def loss(self) -> float:
        """Nats a token."""
        return self.nats / self.tokens

    @property
    def bits_per_byte(self) -> float:
        """Bits a byte of text, the end of each document included in the bits."""
        return self.nats / math.log(2) / self.bytes

    @property
    def floor_bits_per_byte(self) -> float | None:
        """The language's own bits a byte of the same documents."""
        return None if self.floor_bits is None else self.floor_bits / self.bytes

    @property
    def floor_loss(self) -> float | None:
        """The floor in nats a token, to be drawn under a loss curve."""
        return None if self.floor_bits is None else self.floor_bits * math.log(2) / self.tokens


def held_out_loss(
    model: Transformer,
    tokenizer: Tokenizer,
    documents: Sequence[Document],
    *,
    stage: str = "base",
) -> Generator[Progress, None, HeldOut]:
    """The loss of `model` on each of `documents` alone; progress as it goes, the result at the end.

    A document longer than the context is cut into windows that overlap by half: every token is
    predicted once, from at least half a context of the tokens before it. The floor comes from the
    documents' metadata, where the village keeps their derivation "bits". ValueError if there is no
    text at all.

    >>> from tinyllm.corpus import Document
    >>> from tinyllm.events import result_of
    >>> from tinyllm.model import ModelConfig
    >>> from tinyllm.tokens import Tokenizer
    >>> bytewise = Tokenizer.from_merges([])
    >>> fresh = Transformer(ModelConfig(vocab_size=bytewise.vocab_size))
    >>> texts = [Document(text="Mina keeps bees.", id="0", metadata={"bits": 12.0})]
    >>> found = result_of(held_out_loss(fresh, bytewise, texts))
    >>> found.tokens, found.bytes, found.floor_bits_per_byte
    (17, 16, 0.75)
    """
    texts = [document.text for document in documents]
    sizes = [len(text.encode("utf-8")) for text in texts]
    size = sum(sizes)
    if size == 0:
        raise ValueError(
            f"expected documents with text, got {len(texts)} documents and 0 bytes; "
            "give the validation text of the corpus"
        )
    end, context = tokenizer.end_of_text, model.config.max_position_embeddings
    windows = [
        (number, window)
        for number, ids in enumerate(tokenizer.encode_batch(texts))
        for window in cut([end, *ids, end], context)
    ]
    windows.sort(key=lambda numbered: len(numbered[1][0]))
    tokens = sum(len(ids) - 1 - skip for _, (ids, skip) in windows)
    nats, done = [0.0] * len(texts), 0
    while done < len(windows):
        # Rows of like length share a batch; the longest decides how many fit.
        rows = 1
        while (
            done + rows < len(windows)
            and (rows + 1) * len(windows[done + rows][1][0]) <= BATCH_TOKENS
        ):
            rows += 1
        batch = windows[done : done + rows]
        costs = _nats(model, [window for _, window in batch])
        for (number, _), cost in zip(batch, costs, strict=True):
            nats[number] += cost
        done += rows
        yield Progress(
            stage=stage, done=done, total=len(windows), unit="texts", note="loss on validation text"
        )
    bits = [document.metadata.get("bits") for document in documents]
    known = [float(b) for b in bits if b is not None]
    return HeldOut(
        nats=math.fsum(nats),
        tokens=tokens,
        bytes=size,
        documents=len(texts),
        floor_bits=sum(known) if len(known) == len(bits) else None,
        each=tuple(zip(nats, sizes, strict=True)),
    )


def cut(ids: Sequence[int], context: int) -> list[tuple[list[int], int]]:
    """Windows of at most `context` + 1 ids, each with how many of its predictions to skip.

    All but the last id of a window are read and all but the first predicted. The windows of a long
    text overlap by half, and what the window before has predicted is skipped.

    >>> cut([0, 1, 2, 3, 4, 5, 6], context=4)
    [([0, 1, 2, 3, 4], 0), ([2, 3, 4, 5, 6], 2)]
    """
    half = max(context // 2, 1)
    windows = [(list(ids[: context + 1]), 0)]
    covered = context + 1  # ids that have been predicted, the first among them
    while covered < len(ids):
        stop = min(covered + half, len(ids))
        start = max(stop - context - 1, 0)
        windows.append((list(ids[start:stop]), covered - start - 1))
        covered = stop
    return windows


@torch.inference_mode()
def _nats(model: Transformer, windows: Sequence[tuple[Sequence[int], int]]) -> list[float]:
    """The nats of each window's predicted tokens; rows are padded on the right, unseen."""
    device = model.output_weight.device
    width = max(len(ids) for ids, _ in windows)
    ids = torch.zeros(len(windows), width, dtype=torch.int64)  # (B,T)
    asked = torch.zeros(len(windows), width - 1, dtype=torch.bool)
    for row, (window, skip) in enumerate(windows):
        ids[row, : len(window)] = torch.tensor(window)
        asked[row, skip : len(window) - 1] = True
    ids, asked = ids.to(device), asked.to(device)
    hidden: Tensor = model.hidden(ids[:, :-1])[asked]  # (predicted tokens, C)
    costs = F.cross_entropy(model.logits(hidden), ids[:, 1:][asked], reduction="none")
    rows = asked.nonzero()[:, 0]  # (predicted tokens)
    return torch.bincount(rows, weights=costs.double(), minlength=len(windows)).tolist()  # (B)
