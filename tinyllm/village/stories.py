"""Stories: somebody, somewhere, has a problem, and it ends well enough.

A plot is a pair (problem, solution). A story draws a voice, a plot and then wordings, and whatever
the wordings ask for; it says at the beginning who its hero is, and the hero has the last word.
"""

from __future__ import annotations

from tinyllm.village import stories_favours as favours
from tinyllm.village import stories_gifts as gifts
from tinyllm.village import stories_lost as lost
from tinyllm.village.grammar import Draw, Scene, Weighted
from tinyllm.village.scenes import new_scene
from tinyllm.village.stories_more import END as TROUBLE_END
from tinyllm.village.stories_more import MORE_TROUBLES
from tinyllm.village.stories_troubles import TROUBLES
from tinyllm.village.voices import VOICES, Beat, signed, tell
from tinyllm.village.weather import WEATHER_LINES

Plot = tuple[str, str, str]
"""Theme ("lost", "gift", "favour", "trouble"), problem, solution."""

ALL_TROUBLES = {**TROUBLES, **MORE_TROUBLES}

PLOTS: tuple[Plot, ...] = (
    *(("lost", how, find) for how, finds in lost.LOSS_AND_FIND.items() for find in finds),
    *(("gift", why, way) for why, ways in gifts.GIFT_AND_HANDS.items() for way in ways),
    *(("favour", "favour", links) for links in ("one link", "two links")),
    *(("trouble", what, way) for what, (_, ways) in ALL_TROUBLES.items() for way in ways),
)
"""Every plot that makes sense."""

HELD_OUT: frozenset[Plot] = frozenset(
    {
        ("lost", "wind", "animal"),
        ("lost", "hidden", "steps"),
        ("gift", "loan", "went on"),
        ("gift", "envied", "swap"),
        ("trouble", "roof", "waiting"),
        ("trouble", "cake", "useful"),
        ("trouble", "noise", "friend"),
        ("trouble", "ill", "visit"),
    }
)
"""Plots that training and validation never tell; `write(split="held_out")` tells only these."""

WEATHER_SHARE = 0.35
"""How many stories spend a sentence on the weather."""
WEATHER_FIRST = 0.02
"""How many of those begin with it: few, for "The sky is" is above all how a fact begins."""

_SHARE = {"lost": 0.36, "gift": 0.26, "favour": 0.08, "trouble": 0.3}


def _weights(plots: list[Plot]) -> Weighted[Plot]:
    themes = [theme for theme, _, _ in plots]
    return Weighted({plot: _SHARE[plot[0]] / themes.count(plot[0]) for plot in plots})


TOLD = _weights([plot for plot in PLOTS if plot not in HELD_OUT])
HIDDEN = _weights([plot for plot in PLOTS if plot in HELD_OUT])

OPENINGS: tuple[Beat, ...] = (
    *(beats[0] for beats in lost.LOSSES.values()),
    *(beats[0] for beats in gifts.GIFTS.values()),
    favours.OPENING,
    *(beats[0] for beats, _ in ALL_TROUBLES.values()),
)
"""The first moment of every plot: here a story names its hero."""


def write_story(draw: Draw, *, plots: Weighted[Plot] = TOLD) -> tuple[str, dict[str, str]]:
    """One story and its labels: hero, voice, theme, problem, solution.

    >>> text, labels = write_story(Draw(5))
    >>> labels["hero"] in text, labels["theme"] in ("lost", "gift", "favour", "trouble")
    (True, True)
    """
    voice = draw.weighted(VOICES)
    theme, problem, solution = draw.weighted(plots)
    scene = new_scene(draw, voice)
    scene["taken"] += _NAMED.get(problem, ())
    if problem in _WEATHER:
        scene["weather"] = _WEATHER[problem]
    text = signed(scene, _TELL[theme](scene, problem, solution))
    labels = {"hero": scene["name"], "voice": voice, "theme": theme}
    return text, labels | {"problem": problem, "solution": solution}


_NAMED = {
    # grown-ups whom the sentences of a problem name, so that nobody is two people at once
    "cake": ("Mrs Crumb",),
    "race": ("Mayor Brass",),
    "clock": ("Mrs Crumb", "Mayor Brass", "Mr Flint"),
    "noise": ("Mrs Crumb", "Captain Brook", "Old Jonas"),
    "ill": ("Doctor Wren",),
}
_WEATHER = {"wind": "windy", "picnic": "rainy"}


def _open(scene: Scene, beats: tuple[Beat, ...]) -> str:
    """The first sentences, now and then with a line about the weather before or after the first."""
    if not scene.draw.happens(WEATHER_SHARE):
        return tell(scene, beats)
    before = scene.draw.happens(WEATHER_FIRST)
    weather = [WEATHER_LINES[scene["weather"]]]
    order = [weather, beats[:1]] if before else [beats[:1], weather]
    return " ".join(tell(scene, part) for part in (*order, beats[1:]))


def _lost(scene: Scene, problem: str, solution: str) -> str:
    opening = _open(scene, lost.LOSSES[problem])
    beats = [lost.SEARCH, lost.ASK, *lost.FINDS[solution]]
    end = lost.END_LENT if problem == "lent" else lost.END
    return f"{opening} {tell(scene, [*beats, end])}"


def _gift(scene: Scene, problem: str, solution: str) -> str:
    text = f"{_open(scene, gifts.GIFTS[problem])} {tell(scene, gifts.HANDS[solution])}"
    scene["holder"] = scene[gifts.WHO_HAS[solution]]
    scene["of_holder"] = scene["whom"] if scene["holder"] == scene["hero"] else scene["holder"]
    claim = gifts.CLAIM_SWAP if solution == "swap" else gifts.CLAIM
    return f"{text} {tell(scene, [claim, gifts.END])}"


def _favour(scene: Scene, problem: str, solution: str) -> str:
    way = [favours.GIVEN]
    if solution == "two links":
        way = [favours.SECOND_PRICE, favours.SECOND_GIVEN, favours.SECOND_BACK]
    opening = _open(scene, (favours.OPENING, favours.PRICE))
    return f"{opening} {tell(scene, [favours.GOING, *way, *_FAVOUR_END])}"


def _trouble(scene: Scene, problem: str, solution: str) -> str:
    beats, solutions = ALL_TROUBLES[problem]
    return f"{_open(scene, beats)} {tell(scene, [*solutions[solution], TROUBLE_END])}"


_FAVOUR_END = (favours.BACK, favours.CLAIM, favours.END)
_TELL = {"lost": _lost, "gift": _gift, "favour": _favour, "trouble": _trouble}
