"""The tokens stage: learn the vocabulary from the corpus, then write the corpus in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path

from tinyllm.corpus import corpus_size, read_text
from tinyllm.corpus.reading_village import PRIMER
from tinyllm.events import Event, Finished, Notice, Progress
from tinyllm.files import TinyLLMError, atomic_folder, sha256, write_manifest
from tinyllm.tokens.alphabet import FIRST_MERGE
from tinyllm.tokens.bpe import check_vocab_size, train_bpe
from tinyllm.tokens.shards import SPLITS, TokenShards, encode_corpus
from tinyllm.tokens.tokenizer import Tokenizer, train_tokenizer

MIN_FREQUENCY = 2
"""A pair seen once says nothing about the text: a token made of it would never be learned."""

MIN_MERGES = 50
"""With fewer merges than this there is hardly a word to learn."""

TRAINING_CHARACTERS = 4_000_000
"""Of a larger corpus, every second document is counted, or every third, to have about so much text:
the commonest pairs of half a text are those of the whole."""


def build_tokenizer(
    corpus: Path, folder: Path, *, vocab_size: int = 2048, by_hand: bool = False
) -> Iterator[Event]:
    """Train a tokenizer on a corpus and encode the corpus with it; `folder` appears at the end.

    `by_hand` uses our own trainer, which yields every merge; the vocabulary is the same. A text
    too small for `vocab_size` gives a smaller vocabulary and a notice; one with fewer than 50
    merges is a `TinyLLMError`.

    >>> import tempfile
    >>> from tinyllm.corpus import build_corpus
    >>> home = Path(tempfile.mkdtemp())
    >>> _ = list(build_corpus(home / "corpus", characters=30_000))
    >>> events = list(build_tokenizer(home / "corpus", home / "tokenizer", vocab_size=512))
    >>> events[-1].metrics["vocab_size"], Tokenizer.load(home / "tokenizer").vocab_size
    (512, 512)
    """
    started = time.monotonic()
    check_vocab_size(vocab_size)
    total = corpus_size(corpus, "train")
    yield Progress(
        stage="tokenizer", done=0, total=total, unit="characters", note="learning merges"
    )
    stride = -(-total // TRAINING_CHARACTERS) or 1
    texts = (document.text for document in islice(read_text(corpus, "train"), 0, None, stride))
    if by_hand:
        pairs: list[tuple[int, int]] = []
        for merge in train_bpe(texts, vocab_size, min_frequency=MIN_FREQUENCY):
            pairs.append((merge.left, merge.right))
            yield merge
        tokenizer = Tokenizer.from_merges(pairs)
    else:
        tokenizer = train_tokenizer(texts, vocab_size=vocab_size, min_frequency=MIN_FREQUENCY)
    found = tokenizer.vocab_size - FIRST_MERGE
    if found < min(MIN_MERGES, vocab_size - FIRST_MERGE):
        raise TinyLLMError(
            f"The text repeats too little for a vocabulary: {found} pairs occur more than once, "
            f"and at least {MIN_MERGES} are needed. Add more text."
        )
    if tokenizer.vocab_size < vocab_size:
        yield Notice(
            stage="tokenizer",
            text=f"The text is too small for {vocab_size} tokens: after {found} merges no pair "
            f"occurs twice, so the vocabulary has {tokenizer.vocab_size} tokens.",
        )
    with atomic_folder(folder) as new:
        tokenizer.save(new)
        yield from encode_corpus(tokenizer, corpus, new)
        counts = {f"{split}_tokens": _count(new, split) for split in SPLITS}
        write_manifest(
            new,
            kind="tokenizer",
            made_from={"corpus": sha256(corpus)},
            vocab_size=tokenizer.vocab_size,
            vocab_size_asked=vocab_size,
            by_hand=by_hand,
            primer_documents=_primer(corpus),
            **counts,
        )
    yield Finished(
        stage="tokenizer",
        folder=str(folder),
        seconds=time.monotonic() - started,
        metrics={
            "vocab_size": tokenizer.vocab_size,
            "merges": found,
            **counts,
            "characters_per_token": total / counts["train_tokens"],
        },
    )


def _primer(corpus: Path) -> int:
    """With how many documents of the kind "primer" the training text begins."""
    kinds = (document.metadata.get("kind") for document in read_text(corpus, "train"))
    return sum(1 for _ in takewhile(lambda kind: kind == PRIMER, kinds))


def _count(folder: Path, split: str) -> int:
    # The map is let go at once: Windows will not rename a folder with an open file.
    return int(TokenShards.open(folder, split).offsets[-1])
