"""Lists: words of one sort, of which a sentence takes another one every time.

A list is where a text gets its variety cheaply: a reader who has met thirty dishes expects a dish,
and pays the price of one in thirty. The items stand in the order of how often they are used. No
document takes the same item twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinyllm.village.authored import read
from tinyllm.village.grammar import LOW_ITEMS, Draw, Rule, Scene, by_rank
from tinyllm.village.voices import past, present
from tinyllm.village.world import SEASONS, article


def _doing(chore: str, spelled: dict[str, str]) -> str:
    """The chore as something that is going on: "feed the hens" -> "feeding the hens"."""
    verb, _, rest = chore.partition(" ")
    return f"{spelled.get(verb, verb + 'ing')} {rest}".rstrip()


def _lists() -> dict[str, tuple[str, ...]]:
    table = dict(read("lists"))
    spelled, signs = table.pop("ing"), table.pop("sign")
    lists = {name: tuple(items) for name, items in table.items()}
    lists["doing"] = tuple(_doing(chore, spelled) for chore in lists["chore"])
    lists["sign"] = tuple(sign for season in SEASONS for sign in signs[season])
    return lists


LISTS = _lists()
"""Every list by its name; verbs carry the mark of their tense."""
SIGNS: dict[str, tuple[str, ...]] = {key: tuple(read("lists")["sign"][key]) for key in SEASONS}
"""What one sees in each season."""
SEASON_OF = {sign: season for season, signs in SIGNS.items() for sign in signs}
"""In which season one sees it."""


COMMON = 1.0
"""The first item of a list is drawn (n + COMMON) / (1 + COMMON) times as often as the last of n: as
in any language, some words are common and most are rare (Zipf 1949, with Mandelbrot's shift)."""


class Left:
    """What is left of a list, and how likely each item is: drawn items do not come again."""

    __slots__ = ("items", "weights")

    def __init__(self, items: Sequence[str]) -> None:
        self.items = list(items)
        self.weights = by_rank(len(items), COMMON)

    def pop(self, draw: Draw) -> str:
        """One item, which is then gone."""
        return draw.take(self.items, self.weights)


def drawn_once(name: str, items: Sequence[str]) -> Rule:
    """A word of a list that this document has not used yet, drawn again at every mention."""
    tenses = {
        False: tuple(past(item) for item in items),
        True: tuple(present(item) for item in items),
    }

    def rule(scene: Scene) -> str:
        left = scene.left.get(name)
        if left is None or not left.items:
            words = tenses[scene.get("voice") == "present"]
            left = Left(words[:LOW_ITEMS] if scene.draw.dial == "low" else words)
            scene.left[name] = left
        return left.pop(scene.draw)

    return rule


def _with_article(rule: Rule) -> Rule:
    def rule_with_article(scene: Scene) -> str:
        return article(rule(scene) or "")

    return rule_with_article


def sign_of(scene: Scene, seasons: Sequence[str]) -> str:
    """Something one sees in one of these seasons; from then on it is that season."""
    free = [sign for season in seasons for sign in SIGNS[season] if sign not in scene["taken"]]
    sign = scene.draw.one(free)
    scene["taken"].append(sign)
    scene["season"] = SEASON_OF[sign]
    return sign


def list_rules() -> dict[str, Rule]:
    """A rule for each list, and one with an article before the word."""
    rules: dict[str, Rule] = {}
    for name, items in LISTS.items():
        if name != "sign":
            rules[name] = rule = drawn_once(name, items)
            rules[f"a_{name}"] = _with_article(rule)
    return rules
