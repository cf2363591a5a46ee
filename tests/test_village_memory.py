"""Memories: texts that stop, the right way to go on, and wrong ones that must not count."""

from __future__ import annotations

from itertools import islice

import pytest

from tinyllm.village.memory import MEMORIES, Memory, memories
from tinyllm.village.world import WORLD
from tinyllm.village.writing import write

NAMES = [child.name for child in WORLD.children]


def whole_texts(kind: str, number: int) -> list[tuple[Memory, str]]:
    """Memories cut from stories, with the text that they were cut from."""
    theme = {"lost_found": "lost", "favour": "favour"}[kind]
    stories = (
        document.text
        for document in write(seed=3, kind="story", split="validation")
        if document.labels["theme"] == theme and document.labels["solution"] != "two links"
    )
    return list(islice(zip(memories(kind, seed=3), stories), number))


@pytest.mark.parametrize("kind", ["lost_found", "favour"])
def test_the_village_itself_goes_on_rightly(kind: str) -> None:
    for memory, text in whole_texts(kind, 200):
        assert text.startswith(memory.prompt)
        rest = text[len(memory.prompt) :]
        assert memory.answer not in memory.prompt.splitlines()[-1][-len(memory.answer) :]
        assert memory.holds(rest), (memory, rest)


def test_who_got_it_has_it_and_nobody_else() -> None:
    for memory in islice(memories("who_has", seed=1), 200):
        assert memory.prompt.count(memory.answer) >= 1
        assert memory.holds(f" {memory.answer} had the red kite.")
        assert memory.holds(f" {memory.answer}.")
        for name in NAMES:
            assert memory.holds(f" {name}.") == (name == memory.answer)
        assert not memory.holds("")
        assert not memory.holds(f" Not {memory.answer}.")


def test_another_thing_or_an_interrupted_favour_does_not_count() -> None:
    for memory, text in whole_texts("favour", 100):
        rest = text[len(memory.prompt) :]
        ((thing, to),) = memory.then
        assert not memory.holds(rest.replace(thing, "pink elephant"))
        assert not memory.holds(f" {thing} to {to}.")
        assert not memory.holds(f" {memory.answer}.")
    for memory, _ in whole_texts("lost_found", 100):
        assert not memory.holds(" pink elephant.")
        assert not memory.holds(f" {memory.answer}s.")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'smell'"):
        memories("smell")


@pytest.mark.parametrize("kind", MEMORIES)
def test_a_seed_decides_what_is_asked(kind: str) -> None:
    first, again, other = (list(islice(memories(kind, seed=seed), 5)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
