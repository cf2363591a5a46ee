"""What stands around the text of a page: navigation, cookie banners, adverts, comments, footers.

Each writer gives a piece of HTML, the place where it stands, and the phrases in it that a reader of
the text alone must not find.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Furniture:
    """A piece of a page that is not its text; `phrases` are words that only it has."""

    kind: str
    place: str
    html: str
    phrases: tuple[str, ...]


_SECTIONS = (
    ("Home", "Village news", "Opening hours", "Photo gallery", "Contact us", "Site map"),
    ("Start page", "All articles", "Gift shop", "Members area", "Help desk", "Log out"),
    ("Front page", "Calendar of events", "Archive 2019", "Archive 2020", "Our team", "Imprint"),
)
_BANNERS = (
    "We use cookies to give you the best experience on our website.",
    "This site uses cookies for statistics and advertising. Choose what you allow.",
    "By continuing to browse you accept our use of cookies.",
    "Your privacy matters to us and to our 214 partners.",
)
_BUTTONS = ("Accept all cookies", "Reject everything", "Manage preferences", "Cookie settings")
_ADVERTS = (
    "Advertisement: new umbrellas, half price until Sunday!",
    "Sponsored: the only ladder you will ever need. Order today.",
    "Buy two lanterns, get one free. Offer ends soon!",
    "Advertisement. Our readers save up to 40 percent on garden hoses.",
)
_COMMENTS = (
    "First!!! Love this site",
    "Does anybody know if the bakery delivers on Sundays?",
    "I disagree with everything above, but nicely put.",
    "Great post, thanks for sharing, bookmarked it",
    "My cousin says the goat did it. My cousin is usually right.",
    "Can the moderator please delete my comment from Tuesday",
)
_NAMES = ("gardener77", "Old Pete", "kite_fan", "Anonymous", "MrsBun", "puddle-jumper")
_FOOTERS = (
    "Copyright 2021 Village Online. All rights reserved.",
    "Copyright 2018 The Pond Gazette. Reproduction needs permission.",
    "Powered by TinyPress. Theme by Duckling Design.",
)
_LEGAL = ("Privacy policy", "Terms of use", "Accessibility statement", "Imprint and legal notice")


def navigation(rng: random.Random) -> Furniture:
    """A menu of links."""
    names = list(rng.choice(_SECTIONS))
    links = "".join(f'<li><a href="/{n}">{name}</a></li>' for n, name in enumerate(names))
    wrap = rng.choice(("<nav><ul>{}</ul></nav>", '<div class="menu"><ul>{}</ul></div>'))
    return Furniture("navigation", "before", wrap.format(links), tuple(names[2:4]))


def cookie_banner(rng: random.Random) -> Furniture:
    """A sentence about cookies and the buttons beneath it."""
    sentence = rng.choice(_BANNERS)
    yes, no = rng.sample(_BUTTONS, 2)
    name = rng.choice(("cookie-banner", "cookie-consent", "gdpr-overlay"))
    html = f'<div class="{name}"><p>{sentence}</p><button>{yes}</button><button>{no}</button></div>'
    return Furniture("cookie banner", rng.choice(("before", "after")), html, (sentence, yes, no))


def advert(rng: random.Random) -> Furniture:
    """An advertisement in a box of its own."""
    text = rng.choice(_ADVERTS)
    name = rng.choice(("advert", "ad-container", "sponsored-box"))
    link = '<a href="https://shop.example/offer">Click here</a>'
    html = f'<div class="{name}"><p>{text} {link}</p></div>'
    return Furniture("advert", rng.choice(("beside", "after")), html, (text,))


def comments(rng: random.Random) -> Furniture:
    """What readers wrote beneath the text."""
    said = rng.sample(_COMMENTS, rng.randint(2, 4))
    rows = "".join(
        f'<div class="comment"><b>{rng.choice(_NAMES)}</b><p>{text}</p></div>' for text in said
    )
    name = rng.choice(('id="comments"', 'class="comment-list"'))
    html = f"<section {name}><h3>{len(said)} comments</h3>{rows}</section>"
    return Furniture("comments", "after", html, tuple(said))


def footer(rng: random.Random) -> Furniture:
    """Copyright and legal links."""
    text = rng.choice(_FOOTERS)
    legal = rng.sample(_LEGAL, 3)
    links = " | ".join(f'<a href="/legal/{n}">{name}</a>' for n, name in enumerate(legal))
    wrap = rng.choice(("<footer>{}</footer>", '<div class="footer">{}</div>'))
    return Furniture("footer", "after", wrap.format(f"<p>{text}</p>{links}"), (text, legal[0]))


def sharing(rng: random.Random) -> Furniture:
    """Buttons for sharing."""
    names = rng.sample(("Share this page", "Tweet it", "Send by e-mail", "Print this page"), 3)
    buttons = "".join(f'<a class="share" href="#">{name}</a>' for name in names)
    html = f'<div class="social-share">{buttons}</div>'
    return Furniture("sharing", rng.choice(("before", "after")), html, tuple(names))


WRITERS: tuple[Callable[[random.Random], Furniture], ...] = (
    navigation,
    cookie_banner,
    advert,
    comments,
    footer,
    sharing,
)
"""The furniture on which the filters were tuned."""


def furnish(
    rng: random.Random, writers: Sequence[Callable[[random.Random], Furniture]]
) -> list[Furniture]:
    """Between none and all of the furniture, in the order in which pages have it.

    >>> len(furnish(random.Random(0), WRITERS)) <= len(WRITERS)
    True
    """
    return [write(rng) for write in writers if rng.random() < 0.55]
