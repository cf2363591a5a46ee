"""Dirty web pages with labels: what a crawl brings home, and the truth about each page.

A filter is only known by its errors, and errors are only known where somebody wrote down the truth.
Here the writer of a page knows all of it: whether the page should stay, what its own text is, what
stands around that, where personal data stands and of which page it is a copy.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from tinyllm.village import dirt_held_out as held_out
from tinyllm.village.dirt_copies import COPIERS
from tinyllm.village.dirt_foreign import LANGUAGES, foreign_text
from tinyllm.village.dirt_furniture import WRITERS, Furniture, furnish
from tinyllm.village.dirt_good import GOOD, Texts, article
from tinyllm.village.dirt_layout import Block, lay_out, paragraphs, plain_text, to_html
from tinyllm.village.dirt_noise import NOISE
from tinyllm.village.dirt_personal import LOOK_ALIKES, SENTENCES
from tinyllm.village.dirt_spam import SPAM, link_list

REMEMBERED = 200
"""So many earlier pages can be copied: copies stand near what they were copied from, or far."""

SHARES = {
    "good": 0.50,
    "mojibake": 0.04,
    "personal data": 0.08,
    "spam": 0.08,
    "link farm": 0.03,
    "foreign text": 0.08,
    "exact copy": 0.04,
    "near copy": 0.05,
    "noise": 0.10,
}
"""The share of each family among the pages."""


@dataclass(frozen=True)
class DirtyPage:
    """A page before it is laid out, with the truth about it."""

    kind: str
    group: str
    keep: bool
    title: str
    blocks: list[Block]
    html: str | None = None
    personal: list[dict[str, Any]] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    copy_of: int | None = None
    breaks: Callable[[str], str] | None = None
    again: dict[str, Any] | None = None
    """The line of an earlier page that this one repeats sign for sign."""


def dirty_pages(*, seed: int) -> Iterator[dict[str, Any]]:
    """Pages without end: what `tinyllm village --kind dirty-page` prints.

    `text` is the page as HTML. `labels`: `page`, its number; `group` and `kind`, what it is;
    `keep`; `text`, the clean main text ("" where there is none); `furniture`, what stands around it
    and phrases that only that has; `personal`, where personal data stands in the clean text
    (kind, start, end, value); `stays`, what only looks like it; `copy_of`, the number of an earlier
    page; `dirt`, all kinds of dirt on the page.

    >>> page = next(dirty_pages(seed=0))
    >>> page["kind"], page["text"][:15], page["labels"]["page"]
    ('dirty-page', '<!DOCTYPE html>', 0)
    """
    texts = Texts(seed)
    earlier: Earlier = []
    for number in count():
        rng = random.Random(f"dirty page {seed} {number}")
        family = rng.choices(list(SHARES), list(SHARES.values()))[0]
        if family.endswith("copy") and not earlier:
            family = "good"
        page = _FAMILIES[family](rng, texts, number, earlier)
        line = page.again or _line(page, rng, seed, number)
        if page.kind == "article":
            earlier.append((page, line))
            del earlier[:-REMEMBERED]
        yield _relabel(line, page, number)


def _line(page: DirtyPage, rng: random.Random, seed: int, number: int) -> dict[str, Any]:
    around = [] if page.group == "empty" else furnish(rng, _FURNITURE)
    body = page.html if page.html is not None else to_html(page.blocks)
    html = lay_out(rng, page.title, body, around)
    return {
        "text": html if page.breaks is None else page.breaks(html),
        "kind": "dirty-page",
        "seed": seed,
        "bits": None,
        "labels": {
            "page": number,
            "text": plain_text(page.blocks),
            "furniture": [[piece.kind, list(piece.phrases)] for piece in around],
            "personal": page.personal,
            "stays": page.stays,
        },
    }


def _relabel(line: dict[str, Any], page: DirtyPage, number: int) -> dict[str, Any]:
    """The line with the labels that a copy of a page does not share with it."""
    own = [] if page.group == "good" else [page.kind]
    labels = {
        **line["labels"],
        "page": number,
        "group": page.group,
        "kind": page.kind,
        "keep": page.keep,
        "dirt": [*own, *(kind for kind, _ in line["labels"]["furniture"])],
        "copy_of": page.copy_of,
    }
    return {**line, "labels": labels}


Earlier = list[tuple[DirtyPage, dict[str, Any]]]
"""Pages that can be copied, with their lines."""


def _good(rng: random.Random, texts: Texts, number: int, earlier: Earlier) -> DirtyPage:
    kinds = {**GOOD, **held_out.GOOD}
    kind = "article" if rng.random() < 0.6 else rng.choice([k for k in kinds if k != "article"])
    title, blocks = kinds[kind](rng, texts)
    return DirtyPage(kind, "good", True, title, blocks)


_MARKS = ("café", "naïve", "Zoë", "fiancée", "jalapeño", "Düne", "garçon", "piñata")


def _mojibake(rng: random.Random, texts: Texts, number: int, earlier: Earlier) -> DirtyPage:
    title, blocks = article(rng, texts)
    words = rng.sample(_MARKS, 3)
    extra = f"At the {words[0]} they said “{words[1]}”, and {words[2]} – it’s hard to say why."
    blocks = [*blocks, *paragraphs(extra)]
    kinds = {**BREAKS, **held_out.BREAKS}
    kind = rng.choice(list(kinds))
    return DirtyPage(kind, "mojibake", True, title, blocks, breaks=kinds[kind])


def _as_cp1252(html: str) -> str:
    """As browsers do: the five bytes that Windows-1252 leaves open are control characters."""
    raw = html.encode("utf-8")
    return "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in raw)


BREAKS: dict[str, Callable[[str], str]] = {"UTF-8 read as Windows-1252": _as_cp1252}
"""Ways to decode a page wrongly."""


def _personal(rng: random.Random, texts: Texts, number: int, earlier: Earlier) -> DirtyPage:
    title, blocks = article(rng, texts)
    kinds = {**SENTENCES, **held_out.PERSONAL}
    kind = rng.choice(list(kinds))
    make, sentences = kinds[kind]
    found = [make(rng) for _ in range(rng.randint(1, 3))]
    lines = [rng.choice(sentences).format(one.value) for one in found]
    stays = rng.sample(LOOK_ALIKES, rng.randint(0, 2))
    blocks = [*blocks, *paragraphs(*lines, *stays)]
    text = plain_text(blocks)
    places = []
    for one in found:
        start = text.index(one.value)
        places.append(
            {"kind": one.kind, "start": start, "end": start + len(one.value), "value": one.value}
        )
    return DirtyPage(kind, "personal data", True, title, blocks, personal=places, stays=stays)


def _spam(rng: random.Random, texts: Texts, number: int, earlier: Earlier) -> DirtyPage:
    kinds = {**SPAM, **held_out.SPAM}
    kind = rng.choice(list(kinds))
    title, blocks = kinds[kind](rng)
    return DirtyPage(kind, "spam", False, title, blocks)


def _link_farm(rng: random.Random, texts: Texts, number: int, earlier: Earlier) -> DirtyPage:
    kinds = {**FARMS, **held_out.FARMS}
    kind = rng.choice(list(kinds))
    title, html = kinds[kind](rng)
    return DirtyPage(kind, "link farm", False, title, [], html=html)


FARMS: dict[str, Callable[[random.Random], tuple[str, str]]] = {"link list": link_list}
"""Kinds of link farms."""


def _foreign(rng: random.Random, texts: Texts, number: int, earlier: Earlier) -> DirtyPage:
    kinds = {**LANGUAGES, **held_out.LANGUAGES}
    language = rng.choice(list(kinds))
    title, rows = foreign_text(rng, kinds[language], number)
    return DirtyPage(language, "foreign text", False, title, paragraphs(*rows))


def _exact(rng: random.Random, texts: Texts, number: int, earlier: Earlier) -> DirtyPage:
    page, line = rng.choice(earlier)
    if rng.random() < 0.5:
        return _copy(page, line, "copy in another layout", "exact copy")
    return _copy(page, line, "exact copy", "exact copy", again=line)


def _near(rng: random.Random, texts: Texts, number: int, earlier: Earlier) -> DirtyPage:
    page, line = rng.choice(earlier)
    kinds = {**COPIERS, **held_out.COPIERS}
    kind = rng.choice(list(kinds))
    return _copy(page, line, kind, "near copy", blocks=kinds[kind](rng, page.blocks))


def _copy(
    page: DirtyPage, line: dict[str, Any], kind: str, group: str, **changes: Any
) -> DirtyPage:
    of = line["labels"]["page"]
    return replace(page, kind=kind, group=group, keep=False, copy_of=of, **changes)


def _noise(rng: random.Random, texts: Texts, number: int, earlier: Earlier) -> DirtyPage:
    kinds = {**NOISE, **held_out.NOISE}
    kind = rng.choice(list(kinds))
    group, make = kinds[kind]
    title, blocks = make(rng, texts.story())
    return DirtyPage(kind, group, False, title, blocks)


_FURNITURE: tuple[Callable[[random.Random], Furniture], ...] = (*WRITERS, *held_out.FURNITURE)

_FAMILIES: dict[str, Callable[[random.Random, Texts, int, Earlier], DirtyPage]] = {
    "good": _good,
    "mojibake": _mojibake,
    "personal data": _personal,
    "spam": _spam,
    "link farm": _link_farm,
    "foreign text": _foreign,
    "exact copy": _exact,
    "near copy": _near,
    "noise": _noise,
}
