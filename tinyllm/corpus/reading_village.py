"""Reading the village: it writes what it is asked for, and knows how many bits went into it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tinyllm.corpus.document import Document
from tinyllm.corpus.sources import LICENCES

if TYPE_CHECKING:
    from tinyllm import village


def read_village(*, seed: int, characters: int, split: str = "train") -> Iterator[Document]:
    """Documents of the village until they hold so many characters together.

    Metadata: "kind", "seed", and "bits", the derivation bits under which no model can go.

    >>> documents = list(read_village(seed=0, characters=1_000))
    >>> sum(len(document.text) for document in documents) >= 1_000
    True
    >>> sorted(documents[0].metadata)
    ['bits', 'kind', 'licence', 'seed', 'source']
    """
    for number, written in enumerate(_village_documents(seed, split)):
        if characters <= 0:
            return
        characters -= len(written.text)
        yield _from_village(written, f"village/{split}/{number}")


def village_validation(*, seed: int, documents: int) -> Iterator[Document]:
    """Documents of the village that training does not see, drawn from the same distribution."""
    for number, written in zip(range(documents), _village_documents(seed, "validation")):
        yield _from_village(written, f"village/validation/{number}")


def _village_documents(seed: int, split: str) -> Iterator[village.Document]:
    from tinyllm import village

    return village.write(seed=seed, split=split)


def _from_village(written: village.Document, name: str) -> Document:
    return Document(
        text=written.text,
        id=name,
        metadata={
            "source": "village",
            "licence": LICENCES["village"],
            "kind": written.kind,
            "seed": written.seed,
            "bits": written.bits,
        },
    )
