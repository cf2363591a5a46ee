"""Held-out spam, farms of links, noise and personal data.

These kinds were written after the filters were frozen: see `dirt_held_out.py`.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

from tinyllm.village.dirt_good import split
from tinyllm.village.dirt_layout import Block, paragraphs
from tinyllm.village.dirt_noise import Noise
from tinyllm.village.dirt_personal import Personal, iban_check

_TOOLS = ("PhotoMagic Pro", "TuneRipper", "DriverDoctor", "PondCraft", "TypeMaster 9")
_THINGS = (
    "this blender",
    "the AirGlide vacuum",
    "this mattress",
    "the SunUp lamp",
    "these headphones",
)
_DOWNLOAD = (
    "Download {name} full version with crack for free, no survey and no virus.",
    "The latest {name} serial key generator works on all versions of Windows.",
    "Just press the green button and your download of {name} starts in five seconds.",
    "{name} torrent, direct link, 100% working and tested by our team.",
    "Disable your antivirus before you run the {name} keygen.",
    "Over {n} people have downloaded {name} this week, so get it while the link is up.",
    "Unlock all premium features of {name} without paying a single cent.",
    "If the link is dead, complete one quick offer and the password will be shown.",
)
_REVIEW = (
    "I was skeptical at first, but {name} changed my life and I recommend it to everyone.",
    "Five stars! If you only buy one thing this year, get {name} through my link below.",
    "As an affiliate I earn from qualifying purchases, but I would never lie about {name}.",
    "We tested {n} products and {name} is the clear winner in every category.",
    "Check the current price of {name} here, it is often on sale.",
    "Pros: great value, fast shipping, amazing quality. Cons: none that we could find.",
    "My whole family loves {name}, and the customer service is fantastic.",
    "Use the code SAVE{n} at the checkout for an extra discount on {name}.",
)


def download_spam(rng: random.Random) -> tuple[str, list[Block]]:
    """Programs for nothing, and what comes with them."""
    name = rng.choice(_TOOLS)
    return f"{name} free download", _lines(rng, _DOWNLOAD, name)


def review_spam(rng: random.Random) -> tuple[str, list[Block]]:
    """A review by somebody who is paid for it."""
    name = rng.choice(_THINGS)
    return f"Our honest review of {name}", _lines(rng, _REVIEW, name)


def _lines(rng: random.Random, sentences: tuple[str, ...], name: str) -> list[Block]:
    chosen = rng.sample(sentences, rng.randint(6, 8))
    lines = [line.format(name=name, n=rng.randint(10, 99)) for line in chosen]
    return paragraphs(*(" ".join(lines[i : i + 3]) for i in range(0, len(lines), 3)))


SPAM: dict[str, Callable[[random.Random], tuple[str, list[Block]]]] = {
    "pirated downloads": download_spam,
    "paid reviews": review_spam,
}


def tag_cloud(rng: random.Random) -> tuple[str, str]:
    """A hundred words in many sizes, each of them a link."""
    stems = (
        "hotel",
        "flight",
        "loan",
        "ring",
        "watch",
        "lawyer",
        "dentist",
        "roof",
        "tyre",
        "pool",
    )
    ends = ("s", " tips", " near you", " 2020", " online", " blog", " guide", " forum")
    links = " ".join(
        f'<a href="https://cloud.example/{n}" style="font-size:{rng.randint(8, 40)}px">'
        f"{rng.choice(stems)}{rng.choice(ends)}</a>"
        for n in range(rng.randint(60, 120))
    )
    return "All topics", f"<div><p>The most popular searches of the day:</p>{links}</div>"


FARMS: dict[str, Callable[[random.Random], tuple[str, str]]] = {"tag cloud": tag_cloud}


def not_found(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """A page about a page that is not there."""
    words = rng.choice(
        (
            "Oops! We could not find that page. It may have been moved, or it never existed. "
            "Check the address, go back to the start, or use the search field above to try again.",
            "Sorry, this article is not available in your region or has been taken down by its "
            "owner. Please try another one, or contact the support team if you think it is a bug.",
        )
    )
    return f"Error {rng.randint(400, 504)}", paragraphs(words)


def base64_noise(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """A file that was sent as letters."""
    lines = [base64.b64encode(rng.randbytes(57)).decode() for _ in range(rng.randint(15, 40))]
    return "attachment.dat", [Block("pre", tuple(lines))]


def phrase_loop(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """A writer who is stuck, within one paragraph."""
    words = text.split()
    start = rng.randrange(max(len(words) - 12, 1))
    phrase = " ".join(words[start : start + rng.randint(4, 9)])
    return phrase[:40], paragraphs(
        " ".join(words[:start]), " ".join([phrase] * rng.randint(12, 30)) + "."
    )


def exclamations(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """Good text, every sentence of it cried out."""
    loud = text.replace(". ", "!!! ").replace("? ", "?!! ").rstrip(".") + "!!!"
    return "Listen", paragraphs(*split(loud))


def old_filler(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """Filler that does not begin with its usual two words."""
    rows = (
        "Nemo enim ipsam voluptatem quia voluptas sit aspernatur aut odit aut fugit.",
        "Neque porro quisquam est qui dolorem ipsum quia dolor sit amet consectetur.",
        "At vero eos et accusamus et iusto odio dignissimos ducimus qui blanditiis.",
        "Temporibus autem quibusdam et aut officiis debitis aut rerum necessitatibus.",
        "Itaque earum rerum hic tenetur a sapiente delectus ut aut reiciendis.",
    )
    size = rng.randint(3, 5)
    return "Placeholder", paragraphs(*(" ".join(rng.sample(rows, size)) for _ in range(3)))


def stack_trace(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """What a program says when it falls."""
    lines = ["Traceback (most recent call last):"]
    for _ in range(rng.randint(10, 25)):
        name = rng.choice(("render", "load", "fetch_all", "dispatch", "_inner", "wrapper"))
        lines += [
            f'  File "/srv/{name}_{rng.randint(1, 99)}.py", line {rng.randint(3, 900)}, in {name}',
            f"    return self.{name}(request, *args, **kwargs)",
        ]
    return "Internal error", [Block("pre", (*lines, "KeyError: 'pond'"))]


def style_sheet(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """The rules of a page's looks, shown instead of the page."""
    rules = [
        f".{rng.choice(('box', 'row', 'btn', 'card'))}-{n} {{ margin: {rng.randint(0, 40)}px; "
        f"color: #{rng.getrandbits(24):06x}; display: block; }}"
        for n in range(rng.randint(20, 50))
    ]
    return "main.css", paragraphs(" ".join(rules))


NOISE: dict[str, tuple[str, Noise]] = {
    "page that is not there": ("empty", not_found),
    "base64": ("noise", base64_noise),
    "a phrase in a loop": ("repetition", phrase_loop),
    "exclamation marks": ("shouting", exclamations),
    "other filler": ("filler", old_filler),
    "stack trace": ("machine output", stack_trace),
    "style sheet": ("machine output", style_sheet),
}


def ip_address(rng: random.Random) -> Personal:
    """An address on the internet, of the old or the new kind, from the ranges for documents."""
    if rng.random() < 0.3:
        return Personal("ip", f"2001:db8:{rng.getrandbits(16):x}::{rng.getrandbits(16):x}")
    return Personal(
        "ip", f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randint(1, 254)}"
    )


def postal_address(rng: random.Random) -> Personal:
    """Where somebody lives: the American, the British or the German way."""
    number, street = rng.randint(2, 240), rng.choice(("Maple", "Station", "Church", "Old Mill"))
    return Personal(
        "postal address",
        rng.choice(
            (
                f"{number} {street} Avenue, Springfield, IL {rng.randint(60000, 62999)}",
                f"{number} {street} Road, Little Wick, SW{rng.randint(1, 9)} {rng.randint(1, 9)}QT",
                f"{number} {street} Lane",
                f"Gartenstraße {number}, {rng.randint(10000, 99999)} Neustadt",
                f"P.O. Box {number}",
            )
        ),
    )


def unspaced_account(rng: random.Random) -> Personal:
    """A British or Dutch IBAN, without spaces."""
    digits = "".join(rng.choices("0123456789", k=14))
    country, account = rng.choice((("GB", f"WICK{digits}"), ("NL", f"POND{digits[:10]}")))
    return Personal("iban", f"{country}{iban_check(country, account)}{account}")


def european_phone(rng: random.Random) -> Personal:
    """A number in Germany or France."""
    d = "".join(rng.choices("0123456789", k=8))
    forms = (
        f"+49 30 {d[:6]}",
        f"030 / {d[:7]}",
        f"0171 {d[:7]}",
        f"01 {d[:2]} {d[2:4]} {d[4:6]} {d[6:]}",
    )
    return Personal("phone", rng.choice(forms))


PERSONAL: dict[str, tuple[Callable[[random.Random], Personal], tuple[str, ...]]] = {
    "IP addresses": (
        ip_address,
        ("The last visitor came from {} at noon.", "Somebody at {} has opened the gate."),
    ),
    "postal addresses": (
        postal_address,
        ("Please send the parcel to {} and ring twice.", "She has moved to {}, with the cat."),
    ),
    "accounts without spaces": (
        unspaced_account,
        ("The account is {} as before.", "Send it to {} by Friday, please."),
    ),
    "European numbers": (
        european_phone,
        ("The mill can be reached under {} after six.", "Her new number is {}."),
    ),
}
