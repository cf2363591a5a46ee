"""How much of each source the training text gets, by weights.

Xie et al. 2023, "DoReMi", show how much the shares of sources matter; Muennighoff et al. 2023,
"Scaling Data-Constrained Language Models", that text may be repeated about four times before a
repetition is worth much less than new text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from tinyllm.corpus.document import Document
from tinyllm.files import UsageError

MANY_TIMES = 4
"""A source that is repeated more often is worth a notice."""


def check_weights(weights: Mapping[str, float], sources: Sequence[str]) -> None:
    """Refuse weights that are not above 0, or not one for each source, with a `UsageError`.

    >>> check_weights({"village": 3, "letters": 1}, ["village", "letters"])
    """
    if set(weights) != set(sources):
        raise UsageError(
            f"Expected a weight for each source, {', '.join(sources)}; got weights for "
            f"{', '.join(weights) or 'none'}."
        )
    for source, weight in weights.items():
        if not 0 < weight < float("inf"):
            raise UsageError(f"The weight of {source} must be a number above 0, got {weight}.")


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights as shares that add up to 1.

    >>> shares({"village": 3, "letters": 1})
    {'village': 0.75, 'letters': 0.25}
    """
    total = sum(weights.values())
    return {source: weight / total for source, weight in weights.items()}


def times(document: Document, rate: float, *, seed: int) -> int:
    """How often a document is written when its source is to be written `rate` times.

    The whole part of the rate for every document, and once more for a share of them that is as
    large as the rest of it: which, the hash of the text decides.

    >>> [times(Document(text=str(n), id=""), 2.5, seed=0) for n in range(6)]
    [2, 3, 3, 2, 3, 2]
    """
    digest = hashlib.blake2b(f"mix\0{seed}\0{document.text}".encode(), digest_size=8).digest()
    draw = int.from_bytes(digest, "big") / 2**64
    return int(rate) + (draw < rate - int(rate))
