"""A third of the kinds of dirt: written after the filters were frozen, to see how far they carry.

What a filter does on the pages that it was tuned on says little. These kinds stand in the same
stream and under the same labels, and `HELD_OUT` names them, so that figures can be given apart.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tinyllm.village.dirt_copies import Copier
from tinyllm.village.dirt_furniture import Furniture
from tinyllm.village.dirt_good import Good, Texts, split
from tinyllm.village.dirt_held_out_junk import FARMS, NOISE, PERSONAL, SPAM
from tinyllm.village.dirt_layout import Block, paragraphs

POLISH = (
    "Rano piekarka idzie na targ ze swoim małym psem.",
    "Nikt nie wie, do kogo należy czerwony parasol.",
    "Dzieci bawiły się całe popołudnie za szkołą.",
    "Kiedy pada deszcz, zostajemy w domu i czytamy książkę.",
    "Stary młynarz mówi, że dziś wiatr wieje z północy.",
    "Ona napisała długi list do swojego brata.",
    "Zimą droga przez las jest bardzo cicha.",
    "Wczoraj sprzedaliśmy dwa kosze jabłek.",
)
SWEDISH = (
    "På morgonen går bagaren till torget med sin lilla hund.",
    "Ingen vet vem som äger det röda paraplyet.",
    "Barnen lekte hela eftermiddagen bakom skolan.",
    "När det regnar stannar vi hemma och läser en bok.",
    "Den gamle mjölnaren säger att vinden kommer från norr i dag.",
    "Hon har skrivit ett långt brev till sin bror.",
    "På vintern är vägen genom skogen mycket tyst.",
    "I går sålde vi två korgar fulla med äpplen.",
)
RUSSIAN = (
    "Утром пекарь идёт на рынок со своей маленькой собакой.",
    "Никто не знает, чей это красный зонтик.",
    "Дети весь день играли за школой.",
    "Когда идёт дождь, мы остаёмся дома и читаем книгу.",
    "Старый мельник говорит, что сегодня ветер дует с севера.",
    "Она написала длинное письмо своему брату.",
    "Зимой дорога через лес очень тихая.",
    "Вчера мы продали две корзины яблок.",
)
LANGUAGES = {"Polish": POLISH, "Swedish": SWEDISH, "Russian": RUSSIAN}


def newsletter(rng: random.Random) -> Furniture:
    """A box that wants an address."""
    text = rng.choice(
        (
            "Never miss a story: get our letter every Friday.",
            "Join 12,000 readers and have the news delivered to your inbox.",
        )
    )
    html = (
        f'<div class="newsletter-signup"><h4>{text}</h4><form><input type="email">'
        "<button>Yes, send it to me</button></form></div>"
    )
    return Furniture("newsletter", rng.choice(("before", "after")), html, (text,))


def breadcrumbs(rng: random.Random) -> Furniture:
    """Where the reader is."""
    path = ("Every topic", rng.choice(("Stories of the region", "Reading room")), "This page here")
    links = " &raquo; ".join(f'<a href="#">{name}</a>' for name in path)
    return Furniture("breadcrumbs", "before", f'<p class="crumbs">{links}</p>', path)


def related(rng: random.Random) -> Furniture:
    """What else one could read."""
    titles = rng.sample(
        (
            "Ten ways to fold a napkin",
            "You will not believe what this goose did",
            "Where are they now: the band of 1998",
            "Quiz: which kind of bread are you?",
            "Why your neighbour's lawn is greener",
        ),
        3,
    )
    items = "".join(f'<li><a href="/more/{n}">{title}</a></li>' for n, title in enumerate(titles))
    html = f'<div class="more-like-this"><h3>You may also like</h3><ul>{items}</ul></div>'
    return Furniture("related pages", rng.choice(("beside", "after")), html, tuple(titles))


def about_the_author(rng: random.Random) -> Furniture:
    """Who wrote it, and that they are available."""
    text = rng.choice(
        (
            "The author lives with two cats and writes for magazines. Follow them everywhere.",
            "About the writer: a former lighthouse keeper who now reviews umbrellas.",
        )
    )
    html = f'<div class="author-info"><img src="face.jpg" alt=""><p>{text}</p></div>'
    return Furniture("about the author", "after", html, (text,))


FURNITURE: tuple[Callable[[random.Random], Furniture], ...] = (
    newsletter,
    breadcrumbs,
    related,
    about_the_author,
)


def other_header(rng: random.Random, blocks: list[Block]) -> list[Block]:
    """The same text under a line that says where it was found."""
    source = rng.choice(("the Pond Gazette", "a letter to the editor", "our archive", "the radio"))
    return [*paragraphs(f"The following was first seen in {source}, and we repeat it."), *blocks]


def swap_paragraphs(rng: random.Random, blocks: list[Block]) -> list[Block]:
    """Two paragraphs have changed places."""
    turned = list(blocks)
    one = rng.randrange(len(turned) - 1)
    turned[one], turned[one + 1] = turned[one + 1], turned[one]
    return turned


COPIERS: dict[str, Copier] = {
    "copy with another header": other_header,
    "copy in another order": swap_paragraphs,
}


def _twice(html: str) -> str:
    """Decoded wrongly, saved, and decoded wrongly again."""
    return _sloppily(_sloppily(html))


def _sloppily(html: str) -> str:
    return "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in html.encode("utf-8"))


def _as_mac(html: str) -> str:
    return html.encode("utf-8").decode("mac_roman")


BREAKS: dict[str, Callable[[str], str]] = {
    "decoded wrongly twice": _twice,
    "UTF-8 read as Mac Roman": _as_mac,
}


def recipe(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """A recipe: amounts, short lines, orders."""
    amounts = (
        "200 g of flour",
        "3 eggs from Pepper the hen",
        "half a litre of milk",
        "2 spoons of honey",
        "a pinch of salt",
        "100 g of butter, or more",
        "5 apples, peeled",
    )
    steps = (
        "Mix the flour with the milk until nobody can tell them apart.",
        "Add the eggs, one after the other, and talk to the dough.",
        "Heat the butter in a pan, but do not let it turn brown.",
        "Bake for 25 minutes at 180 degrees.",
        "Wait. This is the hardest part.",
    )
    return f"Pancakes, the way of house {rng.randint(2, 99)}", [
        Block("li", tuple(rng.sample(amounts, 5))),
        *paragraphs(*rng.sample(steps, 4)),
        *paragraphs(texts.entry(), texts.entry()),
    ]


def questions(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """Questions with answers, under headings."""
    blocks: list[Block] = []
    for question in rng.sample(
        ("Who lives here?", "What happened then?", "Is it far?", "Anything else?"), 3
    ):
        blocks += [Block("h2", (question,)), *paragraphs(texts.entry())]
    return f"Frequently asked in spring {rng.randint(1990, 2024)}", blocks


def market_day(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """A story in which things are cheap, free, and for sale."""
    who = rng.choice(("Rosa", "Tom", "Nell", "Otto"))
    first = (
        f"On market day {who} wanted to buy a hat. The cheap one cost two coins, and the good one "
        f'cost nine. "Is there a third?" asked {who}. There was a free one, with a mouse in it.'
    )
    return f"{who} at the market", paragraphs(first, *split(texts.story()), texts.entry())


def open_letter(rng: random.Random, texts: Texts) -> tuple[str, list[Block]]:
    """A letter with a greeting, a date and a name beneath."""
    return "A letter to everybody", [
        *paragraphs(f"The village, {rng.randint(1, 28)} March", "Dear neighbours,"),
        *paragraphs(*split(texts.story()), texts.entry()),
        *paragraphs("Yours,", rng.choice(("Mrs Crumb", "Old Jonas", "The mayor"))),
    ]


GOOD: dict[str, Good] = {
    "recipe": recipe,
    "questions and answers": questions,
    "market day": market_day,
    "letter": open_letter,
}

__all__ = [
    "BREAKS",
    "COPIERS",
    "FARMS",
    "FURNITURE",
    "GOOD",
    "HELD_OUT",
    "LANGUAGES",
    "NOISE",
    "PERSONAL",
    "SPAM",
]

HELD_OUT = frozenset(
    {
        *LANGUAGES,
        *SPAM,
        *FARMS,
        *NOISE,
        *PERSONAL,
        *COPIERS,
        *BREAKS,
        *GOOD,
        "copy in another layout",
        "newsletter",
        "breadcrumbs",
        "related pages",
        "about the author",
    }
)
"""The kinds of pages and furniture that no filter was tuned on."""
