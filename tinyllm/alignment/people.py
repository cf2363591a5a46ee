"""Simulated people: a hidden taste, a threshold, slips of the thumb. For proof, not for training.

Whether fifty thumbs taught a model anything can be said with certainty only where the taste behind
them is known. So these people have one: a few properties of a text that a program can check, with
weights. They vote on answers as people do, some of their votes by mistake; and what a model gained
is what *they* think of its answers, on questions on which they never voted.

A reward model never sees these properties. It sees words, lengths and a few habits, and has to find
out; some of what it sees is a trap, as it goes with the taste in the chat model's own answers and
nowhere else (an answer that names an animal is usually a long one).

>>> person = Person(taste={"animal": 1.0}, usual={"animal": (0.4, 0.5)})
>>> person.score("I saw a hen."), person.score("I saw a hat.")
(1.2, -0.8)
"""

from __future__ import annotations

import math
import random
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_KNOWN = tomllib.loads((Path(__file__).parent / "people.toml").read_text(encoding="utf-8"))
WORDS = {name: frozenset(words.split()) for name, words in _KNOWN["words"].items()}


def words_in(text: str) -> list[str]:
    """The words of a text, in lower case and (roughly) in the singular.

    >>> words_in("Two foxes, three hens!")
    ['two', 'fox', 'three', 'hen']
    """
    return [_singular(word) for word in re.findall(r"[a-z]+", text.lower())]


def _singular(word: str) -> str:
    for ending in ("xes", "ches", "shes", "sses", "toes"):
        if word.endswith(ending):
            return word[:-2]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _names(what: str) -> Callable[[str], float]:
    """1 if the text has a word of this kind, else 0."""
    return lambda text: float(not WORDS[what].isdisjoint(words_in(text)))


def _last_sentence(text: str) -> str:
    parts = [part for part in re.split(r"(?<=[.!?])[\"'”’]?\s+", text.strip()) if part]
    return parts[-1] if parts else ""


def _about(words: int) -> Callable[[str], float]:
    """0 for a text of so many words, less the further it is from it, in factors of e."""
    return lambda text: -abs(math.log((1 + len(words_in(text))) / (1 + words)))


def _variety(text: str) -> float:
    said = words_in(text)
    return len(set(said)) / len(said) if said else 0.0


def _spoken(text: str) -> float:
    """How many stretches stand in quotation marks, three at most."""
    return float(min(3, len(re.findall(r'"[^"]+"', text))))


PROPERTIES: dict[str, Callable[[str], float]] = {
    "animal": _names("animal"),
    "weather": _names("weather"),
    "food": _names("food"),
    "colour": _names("colour"),
    "night": _names("night"),
    "sad": _names("sad"),
    "happy ending": lambda text: float(
        not WORDS["happy"].isdisjoint(words_in(_last_sentence(text)))
    ),
    "asks back": lambda text: float(
        "?" in _last_sentence(text) and "you" in words_in(_last_sentence(text))
    ),
    "variety": _variety,
    "speech": _spoken,
    "ten words": _about(10),
    "sixty words": _about(60),
}
"""What a taste is made of: each property as a number for any text."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a taste.

    `taste` weighs properties; `usual` gives each one's mean and standard deviation over the chat
    model's answers, in whose units it counts. `threshold`: from which score on the thumb goes up.
    `slips`: the share of votes that go the wrong way. `leans_first`: how much better, in score, the
    answer seems that is shown first.
    """

    taste: Mapping[str, float]
    usual: Mapping[str, tuple[float, float]]
    threshold: float = 0.0
    slips: float = 0.07
    leans_first: float = 0.1
    name: str = ""
    rng: random.Random = field(default_factory=lambda: random.Random(0), compare=False)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.taste) - set(PROPERTIES))
        if unknown or not self.taste:
            raise ValueError(
                f"expected a taste made of {', '.join(PROPERTIES)}, got {unknown or 'none at all'}"
            )

    def score(self, text: str) -> float:
        """What the person thinks of a text, 0 for an average answer of the chat model."""
        total = 0.0
        for name, weight in self.taste.items():
            mean, sd = self.usual[name]
            total += weight * (PROPERTIES[name](text) - mean) / max(sd, 0.1)
        return total

    def thumb(self, text: str) -> int:
        """The vote on an answer, +1 or -1; now and then by mistake."""
        up = self.score(text) >= self.threshold
        return 1 if up != (self.rng.random() < self.slips) else -1

    def choose(self, a: str, b: str, shown: str = "ab") -> str:
        """The better of two answers, "a" or "b", as they are shown; now and then by mistake."""
        ahead = self.score(a) - self.score(b)
        ahead += self.leans_first if shown == "ab" else -self.leans_first
        better, worse = ("a", "b") if ahead >= 0 else ("b", "a")
        return worse if self.rng.random() < self.slips else better


def usual_of(texts: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of every property over these texts.

    >>> usual_of(["A hen.", "A hat."])["animal"]
    (0.5, 0.5)
    """
    found = {}
    for name, property in PROPERTIES.items():
        values = [property(text) for text in texts]
        mean = sum(values) / len(values)
        found[name] = mean, math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
    return found


TASTES: tuple[Mapping[str, float], ...] = (*_KNOWN["tastes"], *_KNOWN["beyond"])
"""Twenty people, and two more who like what a chat model of the village hardly ever says."""
PEOPLE = len(_KNOWN["tastes"])
CONTENT = ("animal", "weather", "food", "colour", "night")


def meet(number: int, texts: Sequence[str], *, seed: int = 0) -> Person:
    """Person `number` of `TASTES`, who knows what answers are usual from `texts`.

    The threshold is the person's median of those, so that about half of the thumbs go up.
    """
    taste, usual = TASTES[number % len(TASTES)], usual_of(texts)
    rng = random.Random(f"{seed} {number}")
    slips = rng.uniform(0.05, 0.10)
    plain = Person(taste=taste, usual=usual)
    scores = sorted(plain.score(text) for text in texts)
    threshold = (scores[len(scores) // 2] + scores[(len(scores) - 1) // 2]) / 2
    if scores[0] < threshold == scores[-1]:  # most answers have it: only those without go down
        threshold = scores[-1]
    elif threshold == scores[0] < scores[-1]:  # few answers have it: only those go up
        threshold = next(score for score in scores if score > threshold)
    return Person(
        taste=taste,
        usual=usual,
        threshold=threshold,
        slips=slips,
        leans_first=rng.uniform(0.0, 0.2),
        name=" + ".join(name if weight > 0 else f"no {name}" for name, weight in taste.items()),
        rng=rng,
    )
