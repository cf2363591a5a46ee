"""Good pages: articles from the village, and pages that look odd and must stay."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tinyllm.village.dirt_foreign import FRENCH, GERMAN
from tinyllm.village.dirt_layout import Block, paragraphs
from tinyllm.village.writing import write


class Texts:
    """The village's own documents, none of them twice.

    >>> texts = Texts(0)
    >>> texts.story() == texts.story()
    False
    """

    def __init__(self, seed: int) -> None:
        self._streams: dict[str, Iterator[str]] = {
            kind: (document.text for document in write(seed=seed, kind=kind))
            for kind in ("story", "encyclopedia", "talk")
        }

    def story(self) -> str:
        """A story."""
        return next(self._streams["story"])

    def entry(self) -> str:
        """An entry of the encyclopedia."""
        return next(self._streams["encyclopedia"])

    def talk(self) -> str:
        """A talk between two people."""
        return next(self._streams["talk"])


Good = Callable[[random.Random, Texts], tuple[str, list[Block]]]
"""Who writes a good page: a title and blocks."""

_TITLES = (
    "What happened in the village",
    "Two stories for the evening",
    "From the notebook of the mill",
    "Heard at the well",
    "A week by the pond",
    "News that is not new",
)


def title(rng: random.Random) -> str:
    """A title for a page of stories."""
    return f"{rng.choice(_TITLES)}, part {rng.randint(1, 400)}"


def article(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """Stories and entries, a paragraph or two each."""
    parts = [part for _ in range(rng.randint(2, 4)) for part in split(texts.story())]
    parts += [texts.entry() for _ in range(rng.randint(0, 2))]
    return title(rng), paragraphs(*parts)


def split(text: str) -> list[str]:
    """A text in two paragraphs, cut at the end of a sentence.

    >>> split("One came. Two came. Three came. Four came.")
    ['One came. Two came.', 'Three came. Four came.']
    """
    text = " ".join(text.split())
    at = text.find(". ", len(text) // 2 - 5)
    return [text[: at + 1], text[at + 2 :]] if 0 < at < len(text) - 2 else [text]


_ERRANDS = (
    "bring back the ladder of Mr Flint",
    "ask the baker about the round loaves",
    "find out who has the lantern now",
    "paint the gate before the rain comes",
    "write to Captain Brook, and be polite",
    "count the ducks, and then count them again",
    "return the book to the school",
    "take the goat away from the washing",
    "say sorry to Mrs Crumb for the window",
    "look behind the mill for the other shoe",
    "buy a bell for the cat",
    "be home before the lamps are lit",
)
_WHOSE = ("Tom", "Ruby", "Lily", "Max", "Clara", "Finn", "Nina", "Ben")


def list_page(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """A list of things to do, each a short line."""
    who = rng.choice(_WHOSE)
    items = [f"{line[0].upper()}{line[1:]}." for line in rng.sample(_ERRANDS, 8)]
    intro = f"{who} has written down what is to be done this week, in the order of importance."
    after = texts.entry()
    return f"The list of {who}", [
        Block("p", (intro,)),
        Block("li", tuple(items)),
        Block("p", (after,)),
    ]


def dialogue(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """Two people talk, a short line each."""
    one, two = rng.sample(_WHOSE, 2)
    asked = (
        ("Have you seen the kite?", "Which kite?"),
        ("The red one.", "It was blue on Monday."),
        ("That was another kite.", "Then I have seen the other one."),
        ("Where was it?", "In the air, where kites are."),
        ("And who held the string?", "Nobody. That was the trouble."),
        ("Did you run after it?", "I had a cake in my hands."),
        ("What kind of cake?", "The kind that you do not put down."),
        ("So it is gone.", "It is not gone. It is only somewhere else."),
        ("Will you help me look?", "After the cake."),
        ("Is there cake for two?", "There was, when I set out."),
    )
    chosen = sorted(rng.sample(range(len(asked)), 6))
    lines = [
        f"{who}: {said}" for n in chosen for who, said in zip((one, two), asked[n], strict=True)
    ]
    return f"{one} and {two} talk", [
        *(Block("p", (line,)) for line in lines),
        *paragraphs(*(texts.talk().replace("\n", " ") for _ in range(2))),
    ]


_COUPLETS = (
    ("The goat stood on the baker's cart,", "and ate a hat and half a tart."),
    ("The captain sailed across the pond,", "and what he sought was far beyond."),
    ("A duck came late to school again,", "and said it was because of rain."),
    ("The clock struck four, the clock struck five,", "and still the post did not arrive."),
    ("The mill went round, the wind went by,", "a sock was hanging up to dry."),
    ("Old Mr Flint forgot his name,", "and everybody waved the same."),
    ("The lantern burned the whole night through,", "and no one asked it what it knew."),
    ("The cat sat down upon the chess,", "and who had won we had to guess."),
    ("The snow came down on roof and wall,", "and made no sound about it all."),
    ("The bread was hot, the butter ran,", "and that is how the day began."),
)


def rhyme(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """Verses, their lines short and without a full stop at every end."""
    chosen = rng.sample(_COUPLETS, 6)
    verses = [Block("verse", (*chosen[n], *chosen[n + 1])) for n in range(0, len(chosen), 2)]
    below = paragraphs(f"Written down by the pond. {texts.entry()}", texts.entry())
    return f"A rhyme for {rng.choice(_WHOSE)}, number {rng.randint(1, 99)}", [*verses, *below]


def short_page(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """A page of two or three entries and no more."""
    return title(rng), paragraphs(*(texts.entry() for _ in range(rng.randint(2, 3))))


_ON_COOKIES = (
    "A cookie is a small flat cake, and a website's cookie is a small file; only one can be eaten.",
    "A website puts a cookie on your computer so that it knows you when you come back.",
    "Some cookies remember what is in your basket, others remember everything.",
    "When a page asks whether it may use cookies, you may say no, and most pages still work.",
    "The baker of the village sells cookies of the older kind, and they remember nothing.",
    "{who} asked why they have the same name. Nobody at the school could say.",
    "You can delete the cookies of your browser in its settings, and the others with milk.",
    "In the year 1994 a programmer made the first cookie for a shop on the web.",
)


def about_cookies(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """A page whose subject is what banners talk about."""
    lines = [line.format(who=rng.choice(_WHOSE)) for line in rng.sample(_ON_COOKIES, 6)]
    return "What is a cookie?", paragraphs(
        " ".join(lines[:3]), " ".join(lines[3:]), *split(texts.story())
    )


def foreign_words(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """English with a sentence of another language in it."""
    language, said = rng.choice((("German", GERMAN), ("French", FRENCH)))
    sentence = rng.choice(said)
    middle = f'The stranger spoke {language}. "{sentence}" he said, and smiled. Nobody understood.'
    first, *rest = split(texts.story())
    return title(rng), paragraphs(first, middle, *rest, *split(texts.story()))


GOOD: dict[str, Good] = {
    "article": article,
    "list": list_page,
    "dialogue": dialogue,
    "rhyme": rhyme,
    "short page": short_page,
    "about cookies": about_cookies,
    "a few foreign words": foreign_words,
}
"""The kinds of good pages on which the filters were tuned."""
