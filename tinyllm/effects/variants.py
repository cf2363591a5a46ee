"""One way to prepare the data of a model, and ready pairs that differ in a single thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from tinyllm.corpus.pipeline import scopes
from tinyllm.corpus.sources import VILLAGE
from tinyllm.files import UsageError
from tinyllm.tokens.alphabet import FIRST_MERGE
from tinyllm.village import KINDS
from tinyllm.village.grammar import DIALS, Dial

PAGES = "dirty-page"
"""The kind of village text that has dirt and copies: web pages."""

FILTERS = (
    "shouting", "language", "quality", "repetition", "c4", "fineweb", "spam", "placeholder",
)  # fmt: skip
"""The steps of the corpus stage that judge whether a page is worth reading."""

COPIES = ("deduplicate", "near copies")
"""The steps that drop exact and near copies."""

LONGEST_NAME = 40
MOST_TOKENS = 65_536
"""The largest vocabulary: for a nano model, even this is far too many."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to prepare the data: what is read, what is left out on the way, in which tokens.

    `sources` are those of `tinyllm train --from`. Of the village, `kind` takes one kind of text
    instead of all ("dirty-page": web pages), and `dial` says how much its stories draw. `without`
    names steps of the corpus stage that are turned off. `share` of the documents are read, and
    `vocabulary` tokens are asked for. A `UsageError` says what cannot be.

    >>> Variant(name="filters off", kind="dirty-page", without=FILTERS).vocabulary
    2048
    >>> Variant(name="half", share=50)
    Traceback (most recent call last):
    ...
    tinyllm.files.UsageError: The share of the text must be above 0 and at most 1, got 50 in \
variant 'half'. A tenth is 0.1.
    """

    name: str
    sources: tuple[str, ...] = (VILLAGE,)
    kind: str | None = None
    dial: Dial = "default"
    without: tuple[str, ...] = ()
    share: float = 1.0
    vocabulary: int = 2048

    def __post_init__(self) -> None:
        if not 0 < len(self.name.strip()) <= LONGEST_NAME:
            raise UsageError(
                f"A variant's name is what stands beside its curve: expected 1 to {LONGEST_NAME} "
                f"characters, got {self.name!r}."
            )
        if not self.sources:
            raise UsageError(
                f"Variant {self.name!r} reads nothing: expected sources such as ('village',), got "
                "none."
            )
        self._check_village()
        scopes(dict.fromkeys(self.without, False))  # an unknown step is refused by name
        if self.without and self.sources == (VILLAGE,) and self.kind != PAGES:
            raise UsageError(
                f"Variant {self.name!r} turns off {', '.join(self.without)}, but the village's own "
                f"text goes through no step. Use kind={PAGES!r}, its web pages, or other sources."
            )
        if not 0 < self.share <= 1:
            raise UsageError(
                f"The share of the text must be above 0 and at most 1, got {self.share} in variant "
                f"{self.name!r}. A tenth is 0.1."
            )
        if not FIRST_MERGE < self.vocabulary <= MOST_TOKENS:
            raise UsageError(
                f"A vocabulary holds {FIRST_MERGE} tokens before its first merge: expected more "
                f"than those and at most {MOST_TOKENS:,}, got {self.vocabulary} in variant "
                f"{self.name!r}."
            )

    def _check_village(self) -> None:
        kinds = (*KINDS, PAGES)
        if self.kind is not None and self.kind not in kinds:
            raise UsageError(
                f"Expected a kind of village text, one of {', '.join(kinds)}; got {self.kind!r} in "
                f"variant {self.name!r}."
            )
        if self.dial not in DIALS:
            raise UsageError(
                f"The dial is one of {', '.join(DIALS)}; got {self.dial!r} in variant "
                f"{self.name!r}."
            )
        turned = self.kind is not None or self.dial != "default"
        if turned and self.sources != (VILLAGE,):
            raise UsageError(
                f"Variant {self.name!r} turns the village's kind or dial, and reads "
                f"{', '.join(self.sources)}. Leave kind and dial out, or read ('village',) alone."
            )
        if self.kind == PAGES and self.dial != "default":
            raise UsageError(
                f"The village's web pages know no dial; variant {self.name!r} asks for "
                f"{self.dial!r}. Leave the dial or the kind out."
            )

    @property
    def text(self) -> tuple[object, ...]:
        """What decides which text is read: variants that agree in it share one corpus."""
        return self.sources, self.kind, self.dial, self.without, self.share

    def to_dict(self) -> dict[str, Any]:
        """The variant as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Variant:
        """The inverse of `to_dict`.

        >>> tenth = Variant(name="a tenth", share=0.1)
        >>> Variant.from_dict(tenth.to_dict()) == tenth
        True
        """
        lists = {name: tuple(values[name]) for name in ("sources", "without")}
        return cls(**{**values, **lists})


class Pair(NamedTuple):
    """Two variants that differ in one thing, and the question that comparing them answers."""

    question: str
    first: Variant
    second: Variant


PAIRS: Mapping[str, Pair] = {
    "filters": Pair(
        "Web pages with spam, foreign text and noise among them: does it pay to filter?",
        Variant(name="filters on", kind=PAGES),
        Variant(name="filters off", kind=PAGES, without=FILTERS),
    ),
    "duplicates": Pair(
        "Web pages of which some are copies of others: does it pay to drop the copies?",
        Variant(name="copies dropped", kind=PAGES),
        Variant(name="copies kept", kind=PAGES, without=COPIES),
    ),
    "tenth": Pair(
        "As many steps on a tenth of the text, read ten times as often: what is lost?",
        Variant(name="all the text"),
        Variant(name="a tenth of it", share=0.1),
    ),
    "one-voice": Pair(
        "As much text, but stories only: what does the model know of everything else?",
        Variant(name="all voices"),
        Variant(name="stories only", kind="story"),
    ),
    "vocabulary": Pair(
        "The same text in smaller tokens, as many of them: what does the vocabulary do?",
        Variant(name="2,048 tokens", vocabulary=2048),
        Variant(name="512 tokens", vocabulary=512),
    ),
    "dial": Pair(
        "Stories that draw less, and so vary less: does the model still know the others?",
        Variant(name="dial at default"),
        Variant(name="dial at low", dial="low"),
    ),
}
"""Ready comparisons by the name that `tinyllm compare` takes."""
