"""The plots: what goes wrong in the village and how it ends, read from what people wrote.

A problem is a loss, a gift, a favour or a trouble. Each names the solutions that make sense for it;
a solution serves many problems. What a problem's sentences need to be true (the weather) stands
beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyllm.village.authored import beats, read
from tinyllm.village.voices import Beat


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that has to come to an end.

    `goal` (a verb phrase: "move the pumpkin") and `matter` (a noun phrase: "the big pumpkin") are
    how the sentences of a trouble's solutions speak of it; `solved` tells that a trouble is over.
    """

    theme: str
    opening: Beat
    worse: tuple[Beat, ...]
    solutions: tuple[str, ...]
    weather: str = ""
    goal: str = ""
    matter: str = ""
    solved: tuple[Beat, ...] = ()


def _troubles() -> dict[str, Problem]:
    return {
        name: Problem(
            theme="trouble",
            opening=Beat(*trouble["opening"]),
            worse=beats([trouble["worse"]]),
            solutions=tuple(trouble["ways"]),
            weather=trouble.get("weather", ""),
            goal=trouble["goal"],
            matter=trouble["matter"],
            solved=beats([trouble["solved"]]),
        )
        for name, trouble in (read("troubles_at_home") | read("troubles_outside")).items()
    }


def _problems(theme: str, file: str, table: str, solutions: str) -> dict[str, Problem]:
    return {
        name: Problem(
            theme=theme,
            opening=Beat(*one["beats"][0]),
            worse=beats(one["beats"][1:]),
            solutions=tuple(one[solutions]),
            weather=one.get("weather", ""),
        )
        for name, one in read(file)[table].items()
    }


_LOST, _GIFTS, _WAYS = read("lost"), read("gifts"), dict(read("ways"))
TROUBLE_END = Beat(*_WAYS.pop("ending")["end"])
WAYS = {name: beats((way["idea"], way["work"])) for name, way in _WAYS.items()}
"""How a trouble ends, by name: an idea, and what comes of it."""

FINDS = {name: beats(find["beats"]) for name, find in _LOST["finds"].items()}
SEARCH, ASK = Beat(*_LOST["search"]), Beat(*_LOST["ask"])
LOST_END, LENT_END = Beat(*_LOST["end"]), Beat(*_LOST["end_lent"])

HANDS = {name: beats(hand["beats"]) for name, hand in _GIFTS["hands"].items()}
WHO_HAS = {name: str(hand["who"]) for name, hand in _GIFTS["hands"].items()}
"""In whose hands the thing stays: the name of a slot."""
CLAIM, SWAP_CLAIM = Beat(*_GIFTS["claim"]), Beat(*_GIFTS["claim_swap"])
GIFT_END = Beat(*_GIFTS["end"])

FAVOUR = {name: Beat(*sentences) for name, sentences in read("favours")["favour"].items()}
"""One good turn after another: a favour chain goes down link by link and comes back up."""

PROBLEMS: dict[str, Problem] = {
    **_problems("lost", "lost", "losses", "finds"),
    **_problems("gift", "gifts", "gifts", "hands"),
    "favour": Problem(
        theme="favour",
        opening=FAVOUR["opening"],
        worse=(FAVOUR["price"],),
        solutions=("one link", "two links"),
    ),
    **_troubles(),
}
"""Every problem by its name."""

Plot = tuple[str, str, str]
"""Theme ("lost", "gift", "favour", "trouble"), problem, solution."""

PLOTS: tuple[Plot, ...] = tuple(
    (problem.theme, name, solution)
    for name, problem in PROBLEMS.items()
    for solution in problem.solutions
)
"""Every plot that makes sense."""
