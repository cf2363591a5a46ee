"""Reading the village: it writes what it is asked for, and knows how many bits went into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tinyllm.corpus.document import Document
from tinyllm.corpus.sources import LICENCES

if TYPE_CHECKING:
    from tinyllm import village


VILLAGE_RULE = (
    "The village writes from the seed. Nothing is filtered, and what it repeats stays: "
    "the floor under the loss is that of just this text."
)
PRIMER = "primer"
"""The kind of document that the village's training text begins with."""
PRIMER_CHARACTERS = 1_400_000
"""So much of it there is, where that is no more than a fifth of the text."""


def read_village(
    *, seed: int, characters: int, split: str = "train", villagers: Sequence[str] = ()
) -> Iterator[Document]:
    """Documents of the village until they hold so many characters together.

    Each of `villagers` is a sentence about somebody who has moved in: "Mina keeps bees."

    The training text begins with the primer: names and things that come twice in the same order.
    Metadata: "kind", "seed", and "bits", the derivation bits under which no model can go.

    >>> documents = list(read_village(seed=0, characters=1_000))
    >>> sum(len(document.text) for document in documents) >= 1_000
    True
    >>> sorted(documents[0].metadata)
    ['bits', 'kind', 'licence', 'seed', 'source']
    """
    primer = min(PRIMER_CHARACTERS, characters // 5) if split == "train" else 0
    for kind, wanted in ((PRIMER, primer), (None, characters - primer)):
        for number, written in enumerate(_village_documents(seed, split, kind, villagers)):
            if wanted <= 0:
                break
            wanted -= len(written.text)
            yield _from_village(written, f"village/{kind or split}/{number}")


def village_validation(*, seed: int, documents: int) -> Iterator[Document]:
    """Documents of the village that training does not see, drawn from the same distribution."""
    for number, written in zip(range(documents), _village_documents(seed, "validation")):
        yield _from_village(written, f"village/validation/{number}")


def _village_documents(
    seed: int, split: str, kind: str | None = None, villagers: Sequence[str] = ()
) -> Iterator[village.Document]:
    from tinyllm import village

    moved_in = village.read_villagers(villagers)
    return village.write(seed=seed, split=split, kind=kind, villagers=moved_in)


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
