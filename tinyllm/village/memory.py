"""Does a model remember what it has just read? Texts that stop where something must be recalled.

- who_has: a thing changes hands, two other things happen; who has it?
- lost_found: something was lost, and somebody finds ... what?
- favour: to get one thing the hero has fetched another; who gives what to whom now?

Each is cut from a text of the validation seeds, so the wordings are known and the people and things
are drawn anew. A model that guesses has one child in thirty right, and one thing in six hundred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from tinyllm.village.consistency import GIVEN
from tinyllm.village.grammar import Draw, Weighted
from tinyllm.village.ladder import HAVE, give, idle
from tinyllm.village.scenes import new_scene
from tinyllm.village.voices import tell
from tinyllm.village.writing import document_seed, write

MEMORIES = ("who_has", "lost_found", "favour")
_TENSES = Weighted({"past": 0.5, "present": 0.5})


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A text that stops, and what must come: `answer` at once, then the gifts `then`, in order.

    `then` holds (thing, to whom).

    >>> back = (("red kite", "Nell"),)
    >>> memory = Memory(kind="favour", prompt="Nell gave the", answer="old key", then=back)
    >>> memory.holds(" old key to Tom, who gave the red kite to Nell with plums.")
    True
    >>> memory.holds(" old key to Tom. Tom gave the old key to Nell.")
    False
    """

    kind: str
    prompt: str
    answer: str
    then: tuple[tuple[str, str], ...] = ()

    def holds(self, completion: str) -> bool:
        """Whether the completion says what must come."""
        said = completion.strip()
        if not re.match(re.escape(self.answer) + r"\b", said):
            return False
        gifts = [(found["what"], found["to"]) for found in GIVEN.finditer(said)]
        return tuple(gifts[: len(self.then)]) == self.then


def memories(kind: str, *, seed: int = 0) -> Iterator[Memory]:
    """Texts of one of `MEMORIES` without end.

    >>> first = next(memories("who_has"))
    >>> first.prompt.endswith("?"), len(first.answer.split())
    (True, 1)
    """
    if kind not in MEMORIES:
        raise ValueError(f"Expected a kind of memory, one of {MEMORIES}; got {kind!r}.")
    if kind == "who_has":
        return (_who_has(document_seed(seed, "validation", number)) for number in count())
    return _of_stories(kind, seed)


def _who_has(seed: int) -> Memory:
    draw = Draw(seed)
    scene = new_scene(draw, draw.weighted(_TENSES))
    text = f"{tell(scene, (HAVE, give('hero', 'thing', 'friend')))} {idle(scene, 2)}"
    has = "has" if scene["voice"] == "present" else "had"
    return Memory(
        kind="who_has", prompt=f"{text} Who {has} the {scene['thing']}?", answer=scene["friend"]
    )


def _of_stories(kind: str, seed: int) -> Iterator[Memory]:
    for document in write(seed=seed, kind="story", split="validation"):
        labels = document.labels
        cut = _lost_found if kind == "lost_found" else _favour
        if (memory := cut(document.text, labels)) is not None:
            yield memory


def _lost_found(text: str, labels: dict[str, str]) -> Memory | None:
    found = re.search(rf"\b(?:found|finds) the (?={labels.get('thing')}\b)", text)
    if labels["theme"] != "lost" or found is None:
        return None
    prompt = text[: found.end()].rstrip()
    return Memory(kind="lost_found", prompt=prompt, answer=labels["thing"])


def _favour(text: str, labels: dict[str, str]) -> Memory | None:
    if labels["solution"] != "one link":
        return None
    thing, thing2, adult = labels["thing"], labels["thing2"], labels["adult"]
    hero = "I" if labels["voice"] in ("diary", "letter") else labels["hero"]
    back = re.search(rf"\b{hero} (?:gave|gives) the (?={thing2} to {adult}\b)", text)
    if back is None:
        return None
    return Memory(
        kind="favour",
        prompt=text[: back.end()].rstrip(),
        answer=f"{thing2} to {adult}",
        then=((thing, "me" if hero == "I" else hero),),
    )
