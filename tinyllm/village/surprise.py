"""How surprising each character truly is, to a reader who knows everything but what is drawn next.

A document is a row of draws. Take one of them, and suppose it had come out otherwise: the two texts
agree up to some character, and that character is where a reader learns which it was. So the bits of
a draw are spread over the characters at which its other outcomes fall away, each in proportion to
the share of the outcomes still possible that fall away there. The bits of all characters add up to
the bits of the document.

What would have followed after another outcome is drawn as it was wherever the later draws still
fit, so a wording that begins like the true one falls away where the words differ, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log2

from tinyllm.village.grammar import Dial, Draw, Value, Weighted


@dataclass(frozen=True)
class Choice:
    """One draw: which outcome came, and the probability of every outcome that could have."""

    taken: int
    probabilities: tuple[float, ...]


class Recorder(Draw):
    """Draws as usual and writes down every choice among two or more."""

    def __init__(self, seed: int, dial: Dial) -> None:
        super().__init__(seed, dial)
        self.choices: list[Choice] = []

    def _note(self, taken: int, probabilities: tuple[float, ...]) -> None:
        if len(probabilities) > 1:
            self.choices.append(Choice(taken, probabilities))

    def index(self, n: int) -> int:
        """As always, and written down."""
        taken = super().index(n)
        self._note(taken, (1.0 / n,) * n)
        return taken

    def weighted(self, options: Weighted[Value]) -> Value:
        """As always, and written down."""
        value = super().weighted(options)
        self._note(options.options.index(value), options.probabilities)
        return value

    def weighted_index(self, weights: Sequence[float]) -> int:
        """As always, and written down."""
        taken = super().weighted_index(weights)
        total = sum(weights)
        self._note(taken, tuple(weight / total for weight in weights))
        return taken

    def happens(self, probability: float) -> bool:
        """As always, and written down: yes is the first outcome."""
        yes = super().happens(probability)
        self._note(0 if yes else 1, (probability, 1.0 - probability))
        return yes


class Otherwise(Draw):
    """Repeats recorded choices with one of them changed; what no longer fits takes its first."""

    def __init__(self, choices: list[Choice], changed: int, outcome: int, dial: Dial) -> None:
        super().__init__(0, dial)
        self._choices, self._changed, self._outcome = choices, changed, outcome
        self._at = 0
        self._fits = True

    def _follow(self, outcomes: int) -> int:
        if outcomes == 1:
            return 0
        at, self._at = self._at, self._at + 1
        if at == self._changed:
            return self._outcome
        if at >= len(self._choices) or len(self._choices[at].probabilities) != outcomes:
            self._fits = False
        return self._choices[at].taken if self._fits else 0

    def index(self, n: int) -> int:
        """The recorded number, if it fits."""
        return self._follow(n)

    def weighted(self, options: Weighted[Value]) -> Value:
        """The recorded option, if it fits."""
        return options.options[self._follow(len(options.options))]

    def weighted_index(self, weights: Sequence[float]) -> int:
        """The recorded place, if it fits."""
        return self._follow(len(weights))

    def happens(self, probability: float) -> bool:
        """What was recorded, if it fits."""
        return self._follow(2) == 0


def spread(
    write: Callable[[Draw], str], seed: int, dial: Dial = "default"
) -> tuple[str, list[float]]:
    """A text and the true surprise of each of its characters in bits, the text's end as the last.

    >>> text, bits = spread(lambda draw: draw.one(("a kite", "a king", "a song", "a bell")), 0)
    >>> text, bits
    ('a bell', [0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0])
    """
    recorder = Recorder(seed, dial)
    text = write(recorder)
    bits = [0.0] * (len(text) + 1)
    for number, choice in enumerate(recorder.choices):
        leaving: dict[int, float] = {}
        for outcome, probability in enumerate(choice.probabilities):
            if outcome != choice.taken:
                other = write(Otherwise(recorder.choices, number, outcome, dial))
                at = _agree(text, other)
                leaving[at] = leaving.get(at, 0.0) + probability
        possible = 1.0
        for at, share in sorted(leaving.items()):
            left = max(possible - share, choice.probabilities[choice.taken])
            bits[at] += log2(possible / left)
            possible = left
    return text, bits


def _agree(one: str, other: str) -> int:
    """How many characters two texts have in common from their beginning."""
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)
