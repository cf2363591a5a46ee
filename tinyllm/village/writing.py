"""The village's pen: an endless stream of documents, each from a seed of its own.

`write` mixes all kinds of text for pretraining. The seed of a document follows from the stream's
seed, the split and the document's number, so any document can be written again alone, and no seed
of one split occurs in another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from tinyllm.files import UsageError
from tinyllm.village.encyclopedia import write_encyclopedia
from tinyllm.village.facts import write_facts
from tinyllm.village.grammar import DIALS, Dial, Draw, Weighted
from tinyllm.village.ladder import write_ladder
from tinyllm.village.papers import PAPERS
from tinyllm.village.primer import write_primer
from tinyllm.village.quiz import write_quiz
from tinyllm.village.stories import HIDDEN, write_story
from tinyllm.village.surprise import spread
from tinyllm.village.talk import write_talk
from tinyllm.village.villagers import Villager, share_of, write_villager

Writer = Callable[[Draw], tuple[str, dict[str, str]]]

WRITERS: dict[str, Writer] = {
    "story": write_story,
    "encyclopedia": write_encyclopedia,
    "talk": write_talk,
    "fact": write_facts,
    "quiz": write_quiz,
    "ladder": write_ladder,
    "primer": write_primer,
    **PAPERS,
}
KINDS: tuple[str, ...] = tuple(WRITERS)
"""The kinds of text that `write` writes."""

MIXTURE = Weighted(
    {
        "story": 0.29,
        "encyclopedia": 0.17,
        "talk": 0.18,
        "fact": 0.085,
        "quiz": 0.085,
        "ladder": 0.19,
    }
)
"""The share of each kind among the documents of the pretraining text, once the primer is read."""

SPLITS = ("train", "validation", "held_out")
"""`held_out` holds only stories, and only those whose plot the other splits never tell."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text, and what is known about it because it was drawn.

    `bits` is -log2 of the probability of its derivation: all draws, the choice of kind and the end
    of the document included. No model can do better on average; that is the floor.
    """

    text: str
    kind: str
    seed: int
    bits: float
    labels: dict[str, Any]


def write(
    *,
    seed: int,
    kind: str | None = None,
    split: str = "train",
    dial: Dial = "default",
    villagers: Sequence[Villager] = (),
) -> Iterator[Document]:
    """Write documents without end: of one kind, or mixed as for pretraining.

    `split` is "train", "validation" (the same distribution, other seeds) or "held_out" (stories
    with plots that the other two never tell; their bits are relative to those plots). `dial` says
    how much stories draw; a few documents of a mixture are about `villagers`. ValueError for an
    unknown kind, split or dial.

    >>> stream = write(seed=0)
    >>> first, second = next(stream), next(stream)
    >>> first == next(write(seed=0)), first == second
    (True, False)
    >>> next(write(seed=0, kind="story")).kind
    'story'
    """
    if kind is not None and kind not in WRITERS:
        raise ValueError(f"Expected a kind of text, one of {KINDS}; got {kind!r}.")
    if split not in SPLITS:
        raise ValueError(f"Expected a split, one of {SPLITS}; got {split!r}.")
    if dial not in DIALS:
        raise ValueError(f"Expected a dial, one of {DIALS}; got {dial!r}.")
    if split == "held_out" and kind not in (None, "story"):
        raise ValueError(f"Only stories have held-out plots; got kind={kind!r}.")
    return (
        write_one(
            document_seed(seed, split, n), kind=kind, split=split, dial=dial, villagers=villagers
        )
        for n in count()
    )


def write_one(
    seed: int,
    *,
    kind: str | None = None,
    split: str = "train",
    dial: Dial = "default",
    villagers: Sequence[Villager] = (),
) -> Document:
    """The document of this seed, which is `Document.seed` of the stream that had it.

    >>> document = next(write(seed=3))
    >>> write_one(document.seed) == document
    True
    """
    draw = Draw(seed, dial)
    kind, text, labels = _draw_one(draw, kind, split, villagers)
    return Document(text=text, kind=kind, seed=seed, bits=draw.bits, labels=labels)


def _draw_one(
    draw: Draw, kind: str | None, split: str, villagers: Sequence[Villager] = ()
) -> tuple[str, str, dict[str, str]]:
    if split == "held_out":
        text, labels = write_story(draw, plots=HIDDEN)
        return "story", text, labels
    if villagers and kind is None and draw.happens(share_of(villagers)):
        return "villager", *write_villager(draw, villagers)
    kind = kind or draw.weighted(MIXTURE)
    text, labels = WRITERS[kind](draw)
    return kind, text, labels


def true_surprise(
    seed: int, *, kind: str | None = None, split: str = "train", dial: Dial = "default"
) -> list[float]:
    """The bits of each character of the document of this seed, and of its end, as `spread` does.

    They add up to the document's bits. A story takes a few tenths of a second.

    >>> document = next(write(seed=3))
    >>> bits = true_surprise(document.seed)
    >>> len(bits) == len(document.text) + 1, abs(sum(bits) - document.bits) < 1e-6
    (True, True)
    """
    return spread(lambda draw: _draw_one(draw, kind, split)[1], seed, dial)[1]


def document_seed(seed: int, split: str, number: int) -> int:
    """The seed of a stream's document of this number; different splits never share one.

    The mixing is that of SplitMix64 (Steele, Lea and Flood 2014), so that neighbours in number are
    strangers in seed.

    >>> document_seed(0, "train", 1) == document_seed(0, "validation", 1)
    False
    """
    mixed = (seed * 0xD1342543DE82EF95 + number * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & _ALL
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _ALL
    return ((mixed ^ (mixed >> 31)) & (_ALL >> 4)) * len(SPLITS) + SPLITS.index(split)


_ALL = 2**64 - 1


def lines(
    *,
    seed: int,
    kind: str | None = None,
    dial: Dial = "default",
    villagers: Sequence[Villager] = (),
) -> Iterator[dict[str, Any]]:
    """What `tinyllm village` prints: documents, instructions or preferences as plain values.

    `kind` is one of `KINDS`, "instruction", "preference", "dirty-page" (web pages for the filters
    of the corpus stage), or None for the pretraining mixture.

    >>> sorted(next(lines(seed=0)))
    ['bits', 'kind', 'labels', 'seed', 'text']
    """
    if kind == "instruction":
        return _instruction_lines(seed)
    if kind == "preference":
        return _preference_lines(seed)
    if kind == "dirty-page":
        from tinyllm.village.dirt import dirty_pages

        return dirty_pages(seed=seed)
    if kind is not None and kind not in WRITERS:
        known = ", ".join((*KINDS, "instruction", "preference", "dirty-page"))
        raise UsageError(f"The village writes no {kind!r}; it writes {known}.")
    if dial not in DIALS:
        raise UsageError(f"The dial is one of {', '.join(DIALS)}; got {dial!r}.")
    documents = write(seed=seed, kind=kind, dial=dial, villagers=villagers)
    return (vars(document) for document in documents)


def _instruction_lines(seed: int) -> Iterator[dict[str, Any]]:
    from tinyllm.village.instructions import instructions

    for one in instructions(split="train", seed=seed):
        yield {
            "text": f"{one.prompt}\n{one.answer}",
            "kind": "instruction",
            "seed": seed,
            "bits": None,
            "labels": {
                "prompt": one.prompt,
                "answer": one.answer,
                "task": one.kind,
                **one.labels,
            },
        }


def _preference_lines(seed: int) -> Iterator[dict[str, Any]]:
    from tinyllm.village.preferences import preferences

    for one in preferences(split="train", seed=seed):
        yield {
            "text": f"{one.prompt}\n{one.chosen}",
            "kind": "preference",
            "seed": seed,
            "bits": None,
            "prompt": one.prompt,
            "chosen": one.chosen,
            "rejected": one.rejected,
            "labels": {"task": one.kind, "fault": one.fault},
        }
