"""Thumbs that speak against each other: shown to whoever voted, and never decided for them.

Two people may differ, and a finger may slip. A reward model makes a weaker opinion of both, which
is right, and silent; so somebody should say it: "You liked #12 and disliked its near-twin #31."

Only answers to the same question are compared: to another question the same answer may well be
wrong. Questions are the same, and answers near twins, by their words; capitals, spaces and the
marks between sentences do not count. Answers are near twins when nine tenths of their words are the
same, in the same order (Ratcliff and Obershelp's likeness, that of `difflib`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from tinyllm.alignment.records import IMPORTED, Record, valid_records

TWINS = 0.9
READ = 4_000
"""Characters of a text that are compared: more than a small model reads of it."""
LOOKED_AT = 50
"""A vote is compared with so many opposite ones on the same question, the latest."""
SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """An answer that was liked, and one much like it that was disliked.

    `both_count` is False where the later vote has taken the place of the earlier one.
    """

    liked: Record
    disliked: Record
    both_count: bool = True

    @property
    def ids(self) -> tuple[str, str]:
        """The records' ids: of the vote that is liked, and of the other."""
        return self.liked.id, self.disliked.id

    @property
    def sentence(self) -> str:
        """What the voter reads."""
        up, down = self.liked, self.disliked
        pairs = enumerate(zip(up.answer.text, down.answer.text, strict=False))
        here = next((place for place, (a, b) in pairs if a != b), 0)
        said, other = (_short(vote.answer.text, around=here) for vote in (up, down))
        same = _said(up.answer.text) == _said(down.answer.text)
        twin = f"its {'twin' if same else 'near-twin'} #{down.id}"
        if up.session == down.session:
            who = f"You liked #{up.id} and disliked {twin}"
        else:
            who = f"In two sittings #{up.id} was liked and {twin} disliked"
        answers = _short(up.answer.text) if same else f"{said} and {other}"
        count = "" if self.both_count else " (the later vote counts)"
        return f"{who}{count}, both answers to {_short(up.prompt)}: {answers}"


def contradictions(
    records: Iterable[Record], policy_hash: str | Iterable[str] | None = None
) -> list[Contradiction]:
    """The contradictions in all `records` of a store, in the order of the votes that made them.

    Each vote stands against the latest earlier one that it contradicts. A vote that was taken back,
    or changed in the same sitting, contradicts nothing; one that another sitting, or another line
    of a file, has overruled does. With `policy_hash`, only votes on answers of these models and
    imported ones are looked at, as in `valid_records`.

    >>> from tinyllm.alignment.records import Answer
    >>> votes = [Record(id=str(n), time="", session="s", turn=str(n), kind="thumb", prompt="Who?",
    ...                 answer=Answer(text=text), value=value)
    ...          for n, (text, value) in enumerate([("Nell has it.", 1), ("Nell has it!", -1)])]
    >>> print(contradictions(votes)[0].sentence)
    You liked #0 and disliked its twin #1, both answers to “Who?”: “Nell has it.”
    """
    records = list(records)
    turns = {record.id: record.turn for record in records}
    counting = {record.id for record in valid_records(records)}
    found = []
    earlier: dict[tuple[tuple[str, ...], int], list[tuple[Record, Sequence[str]]]]
    earlier = defaultdict(list)
    for vote in valid_records(map(_by_sitting, records), policy_hash):
        if vote.kind != "thumb" or vote.value is None:
            continue
        question, words = _said(vote.prompt), _said(vote.answer.text)
        matcher = SequenceMatcher(None, b=words, autojunk=False)
        for other, theirs in reversed(earlier[question, -vote.value][-LOOKED_AT:]):
            matcher.set_seq1(theirs)
            both = {vote.id, other.id} <= counting
            if _near(matcher) and (both or turns[vote.id] == turns[other.id]):
                liked, disliked = (vote, other) if vote.value == 1 else (other, vote)
                found.append(Contradiction(liked=liked, disliked=disliked, both_count=both))
                break
        earlier[question, vote.value].append((vote, words))
    return found


def told(found: Sequence[Contradiction], most: int = 3) -> list[str]:
    """Sentences about the latest contradictions, `most` of them, and what can be done.

    >>> told([])
    []
    """
    if not found:
        return []
    more = f"Of {len(found)} contradictions these are the latest. " if len(found) > most else ""
    advice = (
        f"{more}One may be of two minds; `tinyllm feedback delete ID` removes a vote that "
        "was a slip."
    )
    return [*(each.sentence for each in found[-most:]), advice]


def told_of(records: Iterable[Record], new: Container[str]) -> list[str]:
    """`told` of those contradictions that votes with the ids `new` are part of."""
    every = contradictions(records)
    return told([each for each in every if each.liked.id in new or each.disliked.id in new])


def _by_sitting(record: Record) -> Record:
    """The record on a turn of its sitting's own, so that no other sitting overrules it. Lines of a
    file may be of many people."""
    whose = f"{record.session} {record.value}" if record.session == IMPORTED else record.session
    return replace(record, turn=f"{record.turn} {whose}")


def _near(matcher: SequenceMatcher[str]) -> bool:
    """Whether two texts are near twins; the cheap bounds are asked first."""
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)
    return all(bound() >= TWINS for bound in bounds)


def _said(text: str) -> tuple[str, ...]:
    """The words of a text, signs of arithmetic among them: "2+2" is not "2-2"."""
    text = text[:READ]
    return tuple(re.findall(r"[^\s.,;:!?\"“”]+", text.casefold())) or (text,)


def _short(text: str, around: int = 0) -> str:
    """A line of a text: its beginning, or what stands around a place in it."""
    start = max(0, min(around, len(text) - SHOWN // 2) - SHOWN // 2)
    line = " ".join(text[start : start + SHOWN].split())
    before, after = "…" * (start > 0), "…" * (start + SHOWN < len(text))
    return f"“{before}{line}{after}”"
