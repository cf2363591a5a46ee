"""Pages that were there before: the same again, cut short, or with other words here and there."""

from __future__ import annotations

import random
from collections.abc import Callable

from tinyllm.village.dirt_layout import Block, paragraphs

Copier = Callable[[random.Random, list[Block]], list[Block]]
"""From the blocks of an earlier page to those of its near copy."""

_OTHER = {
    "red": "blue",
    "blue": "red",
    "green": "yellow",
    "old": "ancient",
    "big": "large",
    "small": "little",
    "morning": "evening",
    "evening": "morning",
    "very": "rather",
    "looked": "searched",
    "happy": "glad",
    "house": "home",
}


def edit(rng: random.Random, blocks: list[Block]) -> list[Block]:
    """Every eightieth word or so is another one, or gone."""

    def changed(word: str) -> str:
        if rng.random() > 1 / 80:
            return word
        return _OTHER.get(word, rng.choice(("", f"{word} indeed", "perhaps")))

    return [
        Block(block.tag, tuple(" ".join(map(changed, ln.split())) for ln in block.lines))
        for block in blocks
    ]


def truncate(rng: random.Random, blocks: list[Block]) -> list[Block]:
    """The last tenth of the words is missing, and the page says so."""
    words = sum(len(line.split()) for block in blocks for line in block.lines)
    left = int(words * rng.uniform(0.86, 0.95))
    kept: list[Block] = []
    for block in blocks:
        lines = []
        for line in block.lines:
            some = line.split()[: max(left, 0)]
            left -= len(some)
            if some:
                lines.append(" ".join(some))
        if lines:
            kept.append(Block(block.tag, tuple(lines)))
    return [*kept, *paragraphs("Read more on the next page.")]


COPIERS: dict[str, Copier] = {"edited copy": edit, "truncated copy": truncate}
"""The kinds of near copies on which the filters were tuned."""
