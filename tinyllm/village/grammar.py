"""A grammar that draws only what it prints, and counts the bits of every draw.

A text that is written by drawing has a floor: nobody, whatever they learn, can predict the draws
themselves. Its height is the sum of -log2 p over the draws of a document, and it is honest only if
every draw is printed: a season that is drawn and never mentioned would raise the floor above what
a good reader pays. So a `Scene` draws a value when a sentence first asks for it, not before.

Two derivations may print the same text; then the bits of either are an upper bound on the text's
own surprise. The grammar keeps such twins rare, and `derivations` finds them on small grammars.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import accumulate
from math import log2
from typing import Any, Generic, Literal, TypeVar

Value = TypeVar("Value")

_BITS = [0.0, *(log2(n) for n in range(1, 1_000))]


class Weighted(Generic[Value]):
    """Options with probabilities proportional to their weights.

    >>> weather = Weighted({"clear": 3.0, "grey": 1.0})
    >>> weather.options, weather.probabilities
    (('clear', 'grey'), (0.75, 0.25))
    """

    def __init__(self, weights: Mapping[Value, float]) -> None:
        if not weights or min(weights.values()) <= 0:
            raise ValueError(f"Expected options with weights above 0, got {dict(weights)!r}.")
        total = sum(weights.values())
        self.options = tuple(weights)
        self.probabilities = tuple(weight / total for weight in weights.values())
        self.bits = tuple(-log2(p) for p in self.probabilities)
        # The last bound is made 1 so that rounding can leave no draw without an option.
        self.bounds = (*tuple(accumulate(self.probabilities))[:-1], 1.0)


def by_rank(number: int, shift: float) -> list[float]:
    """Weights of so many options, the first the largest: 1 / (rank + shift), as in Zipf's law.

    >>> by_rank(3, 1.0)
    [0.5, 0.3333333333333333, 0.25]
    """
    return [1.0 / (rank + shift) for rank in range(1, number + 1)]


Dial = Literal["low", "default", "high"]
"""How much is drawn: at "low" a moment has two wordings and a list eight items, at "high" there is
idle talk between the moments. One model can be held against three floors."""
DIALS: tuple[Dial, ...] = ("low", "default", "high")
LOW_WORDINGS, LOW_ITEMS = 2, 8


class Draw:
    """Where all randomness comes from; `bits` is -log2 of the probability of all draws so far.

    The seed decides everything: two `Draw` of one seed make the same choices.

    >>> draw = Draw(7)
    >>> _ = draw.one(("red", "blue", "green", "yellow"))
    >>> draw.bits
    2.0
    """

    __slots__ = ("_uniform", "bits", "dial")

    def __init__(self, seed: int, dial: Dial = "default") -> None:
        self._uniform = random.Random(seed).random
        self.bits = 0.0
        self.dial = dial

    def index(self, n: int) -> int:
        """A number from 0 to n - 1, each equally likely; a choice among one is free."""
        if n == 1:
            return 0
        self.bits += _BITS[n]
        return int(self._uniform() * n)

    def weighted(self, options: Weighted[Value]) -> Value:
        """One of the options, each with its own probability."""
        index = bisect_right(options.bounds, self._uniform())
        self.bits += options.bits[index]
        return options.options[index]

    def weighted_index(self, weights: Sequence[float]) -> int:
        """The place of one of the weights, each as likely as it is large; one alone is free."""
        if len(weights) == 1:
            return 0
        total = sum(weights)
        number, index = self._uniform() * total, 0
        while number >= weights[index] and index < len(weights) - 1:
            number -= weights[index]
            index += 1
        self.bits -= log2(weights[index] / total)
        return index

    def take(self, options: list[Value], weights: list[float]) -> Value:
        """One of the options by its weight; it leaves both lists, so it does not come again."""
        index = self.weighted_index(weights)
        del weights[index]
        return options.pop(index)

    def one(self, options: Sequence[Value]) -> Value:
        """One of the options, each equally likely."""
        return options[self.index(len(options))]

    def other(self, options: Sequence[Value], taken: Container[Value]) -> Value:
        """One of the options that are not taken."""
        return self.one([option for option in options if option not in taken])

    def several(self, options: Sequence[Value], number: int) -> list[Value]:
        """Different options in the order they were drawn: the order is printed, so it counts.

        >>> draw = Draw(1)
        >>> len(set(draw.several("abcd", 4))), round(2**draw.bits)
        (4, 24)
        """
        left = list(options)
        return [left.pop(self.index(len(left))) for _ in range(number)]

    def happens(self, probability: float) -> bool:
        """True with this probability, which must lie strictly between 0 and 1."""
        yes = self._uniform() < probability
        self.bits -= log2(probability if yes else 1.0 - probability)
        return yes


Rule = Callable[["Scene"], str | None]
"""A rule sets one or several keys of a scene, drawing what it needs, and they keep their values; or
it returns a word for this one mention, and the next mention draws again."""

Wording = str | tuple[str, ...]
"""A sentence with slots, or the variants of one: a wording is drawn first, then its variant."""


class Scene(dict[str, Any]):
    """What is known so far in one document; a missing word is drawn when a sentence asks for it.

    A key that starts with a capital is the same word at the start of a sentence.

    >>> def weather(scene):
    ...     scene["weather"] = scene.draw.one(("sunny", "windy"))
    >>> scene = Scene(Draw(0), {"weather": weather})
    >>> scene.say(("A day.",)), scene.draw.bits                  # nothing drawn, nothing paid
    ('A day.', 0.0)
    >>> text = scene.say(("{Weather} or not {weather}.",))
    >>> text in ("Sunny or not sunny.", "Windy or not windy."), scene.draw.bits
    (True, 1.0)
    """

    __slots__ = ("draw", "left", "rules")

    def __init__(self, draw: Draw, rules: Mapping[str, Rule]) -> None:
        self.draw = draw
        self.rules = rules
        self.left: dict[str, Any] = {}
        """What is left of the lists that this document has used."""

    def __missing__(self, key: str) -> Any:
        rule = self.rules.get(key)
        if rule is None:
            if not key[:1].isupper():
                raise KeyError(f"No rule draws {{{key}}}; the scene knows {sorted(self)}.")
            small = key[0].lower() + key[1:]
            value = self[small]
            value = value[:1].upper() + value[1:]
            if small in self:
                self[key] = value
            return value
        word = rule(self)
        return self[key] if word is None else word

    def say(self, wordings: Sequence[Wording]) -> str:
        """One of the wordings with its slots filled, the missing ones drawn."""
        low = self.draw.dial == "low"
        wording = self.draw.one(wordings[:LOW_WORDINGS] if low else wordings)
        if not isinstance(wording, str):
            wording = wording[0] if low else self.draw.one(wording)
        return wording.format_map(self)


class Replay(Draw):
    """Follows a given path of choices, then takes the first option and notes what else there was.

    `path` holds (choice, number of options) for every real choice so far.
    """

    def __init__(self, path: list[tuple[int, int]]) -> None:
        super().__init__(0)
        self.path = path
        self.at = 0

    def _follow(self, options: int) -> int:
        if self.at == len(self.path):
            self.path.append((0, options))
        self.at += 1
        return self.path[self.at - 1][0]

    def index(self, n: int) -> int:
        """The next choice of the path; a choice among one is no choice."""
        self.bits += _BITS[n]
        return self._follow(n) if n > 1 else 0

    def weighted(self, options: Weighted[Value]) -> Value:
        """The option that the path names, at its own price."""
        index = self._follow(len(options.options))
        self.bits += options.bits[index]
        return options.options[index]

    def weighted_index(self, weights: Sequence[float]) -> int:
        """The place that the path names, at its own price."""
        if len(weights) == 1:
            return 0
        index = self._follow(len(weights))
        self.bits -= log2(weights[index] / sum(weights))
        return index

    def happens(self, probability: float) -> bool:
        """Yes is the path's first option, no its second."""
        yes = self._follow(2) == 0
        self.bits -= log2(probability if yes else 1.0 - probability)
        return yes


def derivations(write: Callable[[Draw], Value]) -> Iterator[tuple[Value, float]]:
    """Every way in which `write` can draw, with its bits; only for small grammars.

    The probabilities 2**-bits of all derivations add up to 1.

    >>> def coin_and_die(draw):
    ...     return "heads" if draw.happens(0.25) else draw.one(("1", "2", "3"))
    >>> [(text, round(2**-bits, 2)) for text, bits in derivations(coin_and_die)]
    [('heads', 0.25), ('1', 0.25), ('2', 0.25), ('3', 0.25)]
    """
    path: list[tuple[int, int]] = []
    while True:
        draw = Replay(path)
        yield write(draw), draw.bits
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return
        choice, options = path.pop()
        path.append((choice + 1, options))
