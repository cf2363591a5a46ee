"""Stories: somebody, somewhere, has a problem, and it ends well enough.

A plot is a pair (problem, solution). A story draws a voice, a plot and then wordings, and whatever
the wordings ask for; it says at the beginning who its hero is, and the hero has the last word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tinyllm.village.authored import read
from tinyllm.village.grammar import Draw, Scene, Weighted, by_rank
from tinyllm.village.letters import signed
from tinyllm.village.plots import (
    ASK,
    CLAIM,
    FAVOUR,
    FINDS,
    GIFT_END,
    HANDS,
    LENT_END,
    LOST_END,
    PLOTS,
    PROBLEMS,
    SEARCH,
    SWAP_CLAIM,
    TROUBLE_END,
    WAYS,
    WHO_HAS,
    Plot,
    Problem,
)
from tinyllm.village.scenes import new_scene
from tinyllm.village.voices import VOICES, Beat
from tinyllm.village.voices import tell as tell_plainly
from tinyllm.village.weather import WEATHER_LINES
from tinyllm.village.world import Person

HELD_OUT: frozenset[Plot] = frozenset(
    {
        ("lost", "wind", "animal"),
        ("lost", "hidden", "steps"),
        ("gift", "loan", "went on"),
        ("gift", "envied", "swap"),
    }
    | {
        # one trouble in three hides one of its ways
        ("trouble", name, problem.solutions[number % len(problem.solutions)])
        for number, (name, problem) in enumerate(PROBLEMS.items())
        if problem.theme == "trouble" and number % 3 == 0
    }
)
"""Plots that training and validation never tell; `write(split="held_out")` tells only these."""

WEATHER_SHARE = 0.35
"""How many stories spend a sentence on the weather."""
WEATHER_FIRST = 0.05
"""How many of those begin with it: few, for "The sky is" is above all how a fact begins."""

ASIDES = Beat(*read("asides")["aside"])
ASIDE_SHARE = 0.5
"""How often something else goes on after a moment, where the dial is at "high"."""

_SHARE = {"lost": 0.36, "gift": 0.27, "favour": 0.16, "trouble": 0.21}
OFTEN = 4.0
"""The first problem of a theme is told (n + OFTEN) / (1 + OFTEN) times as often as the last of n:
every village has its favourite stories, and the rare ones still come."""


def _weights(plots: list[Plot]) -> Weighted[Plot]:
    """A theme by its share, a problem by its place in the theme, any of its solutions."""
    ways = Counter((theme, name) for theme, name, _ in plots)
    odds: dict[tuple[str, str], float] = {}
    for theme, share in _SHARE.items():
        problems = [problem for problem in ways if problem[0] == theme]
        weights = by_rank(len(problems), OFTEN)
        for problem, weight in zip(problems, weights, strict=True):
            odds[problem] = share * weight / (sum(weights) * ways[problem])
    return Weighted({plot: odds[plot[:2]] for plot in plots})


TOLD = _weights([plot for plot in PLOTS if plot not in HELD_OUT])
HIDDEN = _weights([plot for plot in PLOTS if plot in HELD_OUT])


def write_story(
    draw: Draw, *, plots: Weighted[Plot] = TOLD, hero: Person | None = None
) -> tuple[str, dict[str, str]]:
    """One story and its labels: hero, voice, theme, problem, solution, and the things it is about.

    >>> text, labels = write_story(Draw(5))
    >>> labels["hero"] in text, labels["theme"] in ("lost", "gift", "favour", "trouble")
    (True, True)
    """
    voice = draw.weighted(VOICES)
    theme, name, solution = draw.weighted(plots)
    problem = PROBLEMS[name]
    scene = new_scene(draw, voice, person=hero)
    if problem.weather:
        scene["weather"] = problem.weather
    text = signed(scene, f"{_open(scene, problem)} {_TELL[theme](scene, name, solution)}")
    labels = {"hero": scene["name"], "voice": voice, "theme": theme}
    known = {key: scene[key] for key in ("thing", "thing2", "adult") if key in scene}
    return text, labels | {"problem": name, "solution": solution} | known


def tell(scene: Scene, beats: Iterable[Beat]) -> str:
    """The beats in the voice of the scene; at the highest dial with idle talk between them."""
    if scene.draw.dial != "high":
        return tell_plainly(scene, beats)
    told: list[str] = []
    for beat in beats:
        if told and scene.draw.happens(ASIDE_SHARE):
            told.append(tell_plainly(scene, [ASIDES]))
        told.append(tell_plainly(scene, [beat]))
    return " ".join(told)


def _open(scene: Scene, problem: Problem) -> str:
    """The first sentences, now and then with a line about the weather before or after the first."""
    beats: tuple[Beat, ...] = (problem.opening, *problem.worse)
    if not scene.draw.happens(WEATHER_SHARE):
        return tell(scene, beats)
    before = scene.draw.happens(WEATHER_FIRST)
    weather = [WEATHER_LINES[scene["weather"]]]
    order = [weather, beats[:1]] if before else [beats[:1], weather]
    return " ".join(tell(scene, part) for part in (*order, beats[1:]))


def _lost(scene: Scene, problem: str, solution: str) -> str:
    end = LENT_END if problem == "lent" else LOST_END
    return tell(scene, [SEARCH, ASK, *FINDS[solution], end])


def _gift(scene: Scene, _problem: str, solution: str) -> str:
    text = tell(scene, HANDS[solution])
    scene["holder"] = scene[WHO_HAS[solution]]
    scene["of_holder"] = scene["whom"] if scene["holder"] == scene["hero"] else scene["holder"]
    claim = SWAP_CLAIM if solution == "swap" else CLAIM
    return f"{text} {tell(scene, [claim, GIFT_END])}"


def _favour(scene: Scene, _problem: str, solution: str) -> str:
    way = ["given"] if solution == "one link" else ["second_price", "second_given", "second_back"]
    moments = ("going", "mention", *way, "back", "claim", "end")
    return tell(scene, [FAVOUR[moment] for moment in moments])


def _trouble(scene: Scene, name: str, solution: str) -> str:
    problem = PROBLEMS[name]
    scene["trouble"] = problem
    return tell(scene, [*WAYS[solution], *problem.solved, TROUBLE_END])


_TELL = {"lost": _lost, "gift": _gift, "favour": _favour, "trouble": _trouble}
