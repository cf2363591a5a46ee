"""Pages that want something: search engine spam, miracle cures, gambling, and farms of links."""

from __future__ import annotations

import random
from collections.abc import Callable

from tinyllm.village.dirt_layout import Block, paragraphs

_GOODS = (
    "garden hoses",
    "running shoes",
    "kitchen knives",
    "rain boots",
    "office chairs",
    "phone cases",
    "winter coats",
    "coffee machines",
    "fishing rods",
    "reading lamps",
    "dog beds",
    "tents",
)
_PLACES = ("Upper Pond", "Millbridge", "Gooseford", "Thornhill", "Lower Wick", "Appleby Cross")

_SEO = (
    "Looking for cheap {goods} in {place}? You have found the best cheap {goods} in {place}.",
    "Our {goods} are the best {goods} that money can buy, our {goods} prices are the lowest.",
    "Buy {goods} online today and get free shipping on all {goods} orders over 20 dollars.",
    "Customers in {place} love our discount {goods}. Order your discount {goods} now!",
    "Compare {goods} prices, read {goods} reviews and find {goods} deals near {place}.",
    "Best price guarantee: if you find cheaper {goods}, we refund the difference.",
    "Click here for today's {goods} coupon code and save up to 70% on {goods}.",
    "Hurry, this limited time offer on {goods} ends tonight. Shop now!",
    "For wholesale {goods}, call our {place} sales team for a free quote.",
    "Why pay more for {goods}? Get the best deal on {goods} in {place} here.",
)
_PILLS = (
    "Doctors hate this one weird trick that melts belly fat overnight.",
    "Order {name} now without prescription and get a free trial bottle.",
    "{name} is 100% natural, clinically proven, and comes with a money back guarantee.",
    "Lose {n} pounds in {d} days, guaranteed results or your money back!",
    "Cheap generic {name} online pharmacy, discreet shipping worldwide.",
    "Thousands of satisfied customers have already ordered {name}. Buy now while stocks last.",
    "No side effects, no diet, no exercise: only {name}.",
    "Act now and receive a second bottle of {name} absolutely free.",
    "Click here to claim your discount on {name} before it is too late.",
    "Special price today only: {name}, {n} pills for {d} dollars.",
)
_CASINO = (
    "Play the best online casino games and win real money with {name}.",
    "Sign up now and get a {n}% welcome bonus plus {d} free spins.",
    "{name} has the highest payouts of all online slots, no deposit required.",
    "Claim your exclusive bonus code today and hit the jackpot tonight!",
    "Bet on sports, play poker and roulette, and cash out instantly.",
    "Join thousands of winners at {name}, the most trusted casino on the web.",
    "Get {d} dollars free when you register at {name}. Terms and conditions apply.",
    "Guaranteed winnings every day: click here and start playing now!",
    "Free spins, huge jackpots, instant cash: {name} has it all.",
    "The {name} mobile casino app gives you a bonus on every bet.",
)
_CURES = ("Slimulax", "Vigoril", "Hairagain", "Memoplus", "Joyzine", "Kneefix")
_CASINOS = ("Golden Goose Slots", "LuckyPond", "JackpotVillage", "Royal Duck Casino", "SpinMill")

_LINK_WORDS = (
    "cheap flights",
    "car insurance",
    "payday loans",
    "ringtones",
    "free wallpapers",
    "diet tips",
    "mortgage rates",
    "hotel deals",
    "replica watches",
    "essay writing service",
    "web hosting",
    "online dating",
    "credit repair",
    "home gym",
    "printer ink",
    "solar panels",
    "poker rooms",
    "used cars",
    "cosmetics outlet",
    "domain names",
)


def seo_spam(rng: random.Random) -> tuple[str, list[Block]]:
    """One product and one town, named again and again for a search engine."""
    goods, place = rng.choice(_GOODS), rng.choice(_PLACES)
    lines = [line.format(goods=goods, place=place) for line in rng.sample(_SEO, rng.randint(6, 10))]
    return f"Cheap {goods} in {place}", _in_paragraphs(rng, lines)


def pill_spam(rng: random.Random) -> tuple[str, list[Block]]:
    """A miracle cure."""
    name = rng.choice(_CURES)
    values = {"name": name, "n": rng.randint(11, 60), "d": rng.randint(12, 90)}
    lines = [line.format(**values) for line in rng.sample(_PILLS, rng.randint(6, 10))]
    return f"{name}: the secret they do not want you to know", _in_paragraphs(rng, lines)


def casino_spam(rng: random.Random) -> tuple[str, list[Block]]:
    """Gambling."""
    name = rng.choice(_CASINOS)
    values = {"name": name, "n": rng.randint(100, 500), "d": rng.randint(20, 250)}
    lines = [line.format(**values) for line in rng.sample(_CASINO, rng.randint(6, 10))]
    return f"{name}: {values['n']}% bonus", _in_paragraphs(rng, lines)


def link_list(rng: random.Random) -> tuple[str, str]:
    """A page of links to pages of links, with a sentence to look like text."""
    words = rng.sample(_LINK_WORDS, rng.randint(12, 20))
    number = rng.randint(100, 999)
    links = "\n".join(
        f'<li><a href="https://links{number}.example/{w.replace(" ", "-")}">{w}</a> - '
        f'<a href="https://best-{w.replace(" ", "-")}.example/">best {w} {number}</a></li>'
        for w in words
    )
    intro = f"<p>Useful resources and partner sites about {words[0]} and {words[1]}:</p>"
    return f"Resources {number}", f"{intro}\n<ul>\n{links}\n</ul>"


def _in_paragraphs(rng: random.Random, lines: list[str]) -> list[Block]:
    size = rng.randint(2, 4)
    return paragraphs(*(" ".join(lines[i : i + size]) for i in range(0, len(lines), size)))


SPAM: dict[str, Callable[[random.Random], tuple[str, list[Block]]]] = {
    "search engine spam": seo_spam,
    "miracle cure": pill_spam,
    "gambling": casino_spam,
}
"""The kinds of spam on which the filters were tuned."""
